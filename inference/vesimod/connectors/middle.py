"""The middle of a segment: its voxels half way between its two boundaries.

The rule gives the numbers of Pyto's lengths of the kind "mid". It looks at no more than the
segment's box and a voxel around it, cut to what the segment and its two boundaries take of that.
All the rest is the gap, other boundaries too. As many layers fill it as it is voxels wide, each the
same share of the way from one boundary to the other; the middle is one of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray, Triple

from vesimod.connectors.touching import FACES

_FACE = 0.5  # a boundary ends half a voxel from its voxels' centres


def in_middle(
    voxels: IntArray, boundaries: npt.NDArray[Any], voxel_size_nm: Triple, pair: tuple[int, int]
) -> BoolArray:
    """Which voxels (N,) of a segment lie in the middle between its two boundaries.

    Parameters
    ----------
    voxels : (N, 3) int64
        z, y, x of the segment.
    boundaries : (z, y, x) array of whole numbers
    voxel_size_nm : (float, float, float)
    pair : (int, int)
        Ids of the two.

    Returns
    -------
    (N,) bool
        All of them where none lies in that layer.
    """
    low = np.maximum(voxels.min(axis=0) - 1, 0)
    box = tuple(slice(a, b + 2) for a, b in zip(low, voxels.max(axis=0), strict=True))
    around = boundaries[box]
    held = np.isin(around, pair)
    held[tuple((voxels - low).T)] = True
    inner = ndimage.find_objects(held.astype(np.uint8))[0]
    low, around = low + [side.start for side in inner], around[inner]
    layer = _middle_layer(around == pair[0], around == pair[1], voxel_size_nm)
    middle: BoolArray = layer[tuple((voxels - low).T)]
    return middle if middle.any() else np.ones(len(voxels), bool)


def _middle_layer(one: BoolArray, other: BoolArray, voxel_size_nm: Triple) -> BoolArray:
    """Which voxels (z, y, x) lie in the middle layer between two bodies."""
    unit = np.asarray(voxel_size_nm) / min(voxel_size_nm)
    gap = ~(one | other)
    beside = ndimage.binary_dilation(gap, FACES)
    width = float(_away(one & beside, unit)[other & beside].min()) - 2 * _FACE
    layers = np.rint(width)
    half = 1.0 if width <= 1 else np.rint(width / 2)
    from_one, from_other = _away(one, unit), _away(other, unit)
    with np.errstate(divide="ignore", invalid="ignore"):  # within the bodies, where no gap is
        place = layers * (from_one - _FACE) / (from_one + from_other - 2 * _FACE)
        middle: BoolArray = gap & (np.floor(place) + 1 == half)
    return middle


def _away(body: BoolArray, unit: FloatArray) -> FloatArray:
    """Distance of each voxel from a body, in voxels."""
    away: FloatArray = ndimage.distance_transform_edt(~body, unit)
    return away
