"""Voxels and the boundaries that they touch by a face."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from vesimod_imod.core.arrays import BoolArray, IntArray

#: A voxel and its six neighbours.
FACES: BoolArray = ndimage.generate_binary_structure(3, 1)
_STEPS = np.concatenate([np.eye(3, dtype=np.int64), -np.eye(3, dtype=np.int64)])


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
    for section in range(len(boundaries)):  # one at a time: no copy of the volume is made
        asked = candidates[section]
        if not asked.any():
            continue
        for step in _STEPS:
            beside = section + int(step[0])
            if not 0 <= beside < len(boundaries):
                continue
            here, there = zip(*map(_overlap, step[1:], asked.shape), strict=True)
            bounds = boundaries[beside][there]
            rows, columns = np.nonzero(asked[here] & (bounds != 0))
            ids.append(bounds[rows, columns])
            first = section * strides[0] + here[0].start * strides[1] + here[1].start
            voxels.append(first + rows * strides[1] + columns)
    return np.concatenate(voxels), np.concatenate(ids)


def _overlap(step: int, length: int) -> tuple[slice, slice]:
    """Parts of a side whose voxels have a neighbour a step further, and those neighbours."""
    low, high = max(-int(step), 0), length - max(int(step), 0)
    return slice(low, high), slice(low + int(step), high + int(step))
