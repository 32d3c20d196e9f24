"""How long a segment is, from one boundary to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import KDTree
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.connectors.bodies import Bodies
from vesimod.connectors.touching import FACES

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
    bodies: Bodies,
    pair: tuple[int, int],
    ends: Ends | None = None,
) -> Course:
    """Follow a segment from the first to the second of two boundaries.

    Its middle are the voxels that are nearer to the first boundary, or as near, and have a face in
    common with one nearer to the second. The length is the least sum of the distances of one of
    them from start and end.

    Parameters
    ----------
    voxels : (N, 3) int64
        z, y, x of the segment.
    boundaries : (z, y, x) array of whole numbers
    bodies : Bodies
        Of the same boundaries.
    pair : (int, int)
        Ids of the two.
    ends : Ends, optional
        Default: from the first boundary's voxels to the segment's voxels at the second.
    """
    size = np.asarray(bodies.voxel_size_nm)
    ends = ends or Ends()
    start = contact(voxels, boundaries, pair[0], ends.start_on_boundary)
    end = contact(voxels, boundaries, pair[1], ends.end_on_boundary)
    start_tree, end_tree = KDTree(start * size), KDTree(end * size)
    to_one, to_other = (bodies.distance_nm(number, voxels) for number in pair)
    middle = np.flatnonzero(_middle(voxels, to_one <= to_other + 1e-9))
    from_start, start_rows = start_tree.query(voxels[middle] * size)
    from_end, end_rows = end_tree.query(voxels[middle] * size)
    best = int(np.argmin(from_start + from_end))
    points = [start[start_rows[best]], voxels[middle[best]], end[end_rows[best]]]
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


def _middle(voxels: IntArray, near: BoolArray) -> BoolArray:
    """Which voxels are near one boundary and have a face in common with others that are not."""
    corner = voxels.min(axis=0)
    places = tuple((voxels - corner).T)
    far = np.zeros(np.ptp(voxels, axis=0) + 1, bool)
    far[places] = ~near
    middle: BoolArray = near & ndimage.binary_dilation(far, FACES)[places]
    return middle if middle.any() else np.ones(len(voxels), bool)
