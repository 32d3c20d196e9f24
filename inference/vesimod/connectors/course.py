"""How long a segment is, from one boundary to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree
from vesimod_imod.core.arrays import FloatArray, IntArray, Triple
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.connectors.middle import in_middle

_STEPS = np.concatenate([np.eye(3, dtype=np.int64), -np.eye(3, dtype=np.int64)])


@dataclass(frozen=True)
class Ends:
    """Between what a length is measured.

    Parameters
    ----------
    start_on_boundary, end_on_boundary : bool
        Between the voxels of the boundary that touch the segment, or else the segment's that touch
        the boundary.
    """

    start_on_boundary: bool = True
    end_on_boundary: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Course(ShortRepr):
    """The way along a segment.

    Parameters
    ----------
    length_nm : float
        From the start over the middle to the end.
    straight_nm : float
        Least distance of start and end.
    points : (3, 3) float64
        Start, middle and end; z, y, x in voxels.
    """

    length_nm: float
    straight_nm: float
    points: FloatArray


def course(
    voxels: IntArray,
    boundaries: npt.NDArray[Any],
    voxel_size_nm: Triple,
    pair: tuple[int, int],
    ends: Ends | None = None,
) -> Course:
    """Follow a segment from the first to the second of two boundaries.

    The length is the least sum of the distances of a voxel in its middle from start and end.

    Parameters
    ----------
    voxels : (N, 3) int64
        z, y, x of the segment.
    boundaries : (z, y, x) array of whole numbers
    voxel_size_nm : (float, float, float)
    pair : (int, int)
        Ids of the two.
    ends : Ends, optional
        Default: from the first boundary's voxels to the segment's voxels at the second.
    """
    size, ends = np.asarray(voxel_size_nm), ends or Ends()
    start = contact(voxels, boundaries, pair[0], ends.start_on_boundary)
    end = contact(voxels, boundaries, pair[1], ends.end_on_boundary)
    start_tree, end_tree = KDTree(start * size), KDTree(end * size)
    middle = voxels[in_middle(voxels, boundaries, voxel_size_nm, pair)]
    from_start, start_rows = start_tree.query(middle * size)
    from_end, end_rows = end_tree.query(middle * size)
    best = int(np.argmin(from_start + from_end))
    points = [start[start_rows[best]], middle[best], end[end_rows[best]]]
    straight = float(start_tree.query(end * size)[0].min())
    length = float(from_start[best] + from_end[best])
    return Course(length, straight, np.array(points, np.float64))


def contact(
    voxels: IntArray, boundaries: npt.NDArray[Any], number: int, on_boundary: bool
) -> IntArray:
    """Voxels (M, 3) with which a segment and a boundary touch, on one side or the other."""
    found = []
    for step in _STEPS:
        beside = voxels + step
        inside = np.all((beside >= 0) & (beside < boundaries.shape), axis=1)
        rows = np.flatnonzero(inside)
        rows = rows[boundaries[tuple(beside[rows].T)] == number]
        found.append(beside[rows] if on_boundary else voxels[rows])
    touching: IntArray = np.unique(np.concatenate(found), axis=0)
    return touching
