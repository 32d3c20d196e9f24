"""A flood that rises from some voxels until it has met everywhere."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count

import numpy as np
from scipy import ndimage
from vesimod_imod.core.arrays import IntArray, Volume


def flooded(height: Volume, markers: IntArray) -> IntArray:
    """Give each voxel the marker whose flood reaches it first, over faces, the lowest voxel first.

    Of voxels of one height, those go first that were reached first (Meyer, "Color image
    segmentation", IEE Conf. Image Processing, 1992).

    Parameters
    ----------
    height : (z, y, x)
    markers : (z, y, x) of whole numbers
        0 where the flood is to decide.

    Returns
    -------
    (z, y, x) of whole numbers
    """
    # A rim that is no marker's, and already reached, spares a look whether a neighbour is there.
    reached = np.pad(markers, 1, constant_values=-1)
    levels = np.pad(height, 1).ravel()
    _, rows, columns = reached.shape
    steps = (-rows * columns, -columns, -1, 1, columns, rows * columns)
    starts = (reached > 0) & ndimage.binary_dilation(reached == 0)
    labels = reached.ravel()
    front = [(float(levels[place]), 0, int(place)) for place in np.flatnonzero(starts)]
    heapify(front)
    ages = count(1)
    while front:
        _, _, place = heappop(front)
        for step in steps:
            if not labels[place + step]:
                labels[place + step] = labels[place]
                heappush(front, (float(levels[place + step]), next(ages), place + step))
    inner = (slice(1, -1),) * 3
    return labels.reshape(reached.shape)[inner]
