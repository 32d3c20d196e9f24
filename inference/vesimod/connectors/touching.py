"""Voxels and the boundaries that they touch by a face."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from vesimod_imod.core.arrays import BoolArray, IntArray

#: A voxel and its six neighbours.
FACES: BoolArray = ndimage.generate_binary_structure(3, 1)


def touching(
    boundaries: npt.NDArray[Any], candidates: BoolArray
) -> tuple[IntArray, npt.NDArray[Any]]:
    """Find the candidates that have a face in common with a boundary.

    Parameters
    ----------
    boundaries : (z, y, x) array of whole numbers
        Id of the boundary that each voxel belongs to; 0 for none.
    candidates : (z, y, x) bool
        The voxels in question.

    Returns
    -------
    voxels : (N,) int64
        Flat indices; a voxel that touches several boundaries, or one with several faces, is there
        several times.
    ids : (N,) array
        Of the boundaries.
    """
    strides = np.cumprod([1, *boundaries.shape[:0:-1]])[::-1]
    voxels, ids = [np.empty(0, np.int64)], [boundaries.ravel()[:0]]
    for axis, stride in enumerate(strides):
        low, high = [slice(None)] * 3, [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        for here, there, first in ((low, high, 0), (high, low, stride)):
            bounds = boundaries[tuple(there)]
            found = np.nonzero(candidates[tuple(here)] & (bounds != 0))
            voxels.append(np.stack(found, axis=1) @ strides + first)
            ids.append(bounds[found])
    return np.concatenate(voxels), np.concatenate(ids)
