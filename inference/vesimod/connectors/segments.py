"""Segments of all thresholds, and how they contain each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import IntArray, Triple
from vesimod_imod.core.short_repr import ShortRepr


@dataclass(frozen=True, eq=False, repr=False)
class Segment(ShortRepr):
    """A component that touches the boundaries it should, at one threshold.

    Parameters
    ----------
    level : int
        Which threshold, from 0.
    contacts : tuple of int
        Ids of the boundaries, ascending.
    own : (N,) int64 or int32
        Flat indices of its voxels that are in none of its children.
    children : tuple of int
        Ids of the segments that it contains at the threshold before.
    """

    level: int
    contacts: tuple[int, ...]
    own: npt.NDArray[np.signedinteger]
    children: tuple[int, ...] = ()


@dataclass(frozen=True)
class Ended:
    """A component that already touched too many boundaries when it first touched enough.

    Parameters
    ----------
    level : int
    contacts : tuple of int
    voxels : int
        How many it has.
    place : (float, float, float)
        Mean position z, y, x of the voxels with which it touches.
    """

    level: int
    contacts: tuple[int, ...]
    voxels: int
    place: Triple


@dataclass(frozen=True, eq=False, repr=False)
class Hierarchy(ShortRepr):
    """All segments of a volume.

    Ids count from 1: by threshold, and at one threshold by the segment's first voxel in the order x
    before y before z.

    Parameters
    ----------
    shape : (int, int, int)
    thresholds : tuple of float
    segments : tuple of Segment
        Of ids 1..N.
    ended : tuple of Ended
    """

    shape: tuple[int, int, int]
    thresholds: tuple[float, ...]
    segments: tuple[Segment, ...]
    ended: tuple[Ended, ...] = ()

    def __getitem__(self, number: int) -> Segment:
        return self.segments[number - 1]

    @cached_property
    def parents(self) -> IntArray:
        """Id of the segment that contains each at the next threshold; 0 where its branch ends."""
        parents = np.zeros(len(self.segments), np.int64)
        for number, segment in enumerate(self.segments, 1):
            parents[[child - 1 for child in segment.children]] = number
        return parents

    def voxels(self, number: int) -> IntArray:
        """Flat indices of a segment's voxels (N,), those of its children too, ascending."""
        return np.sort(voxels_of(self.segments, number)).astype(np.int64)

    def leaves(self) -> list[int]:
        """Ids of the segments that contain no other: where each first appears."""
        return [n for n, segment in enumerate(self.segments, 1) if not segment.children]

    def branch_tops(self) -> list[int]:
        """Ids of the largest segments that contain just one leaf each."""
        tops = []
        for number in self.leaves():
            while (parent := int(self.parents[number - 1])) and len(self[parent].children) == 1:
                number = parent
            tops.append(number)
        return sorted(tops)

    def own_labels(self) -> npt.NDArray[np.int32]:
        """Volume (z, y, x) with the id of the lowest segment at each voxel; 0 where none is."""
        labels = np.zeros(int(np.prod(self.shape)), np.int32)
        for number, segment in enumerate(self.segments, 1):
            labels[segment.own] = number
        return labels.reshape(self.shape)


def voxels_of(segments: Sequence[Segment], number: int) -> npt.NDArray[np.signedinteger]:
    """Flat indices of a segment's voxels (N,), those of its children too, in no order."""
    parts, left = [], [number]
    while left:
        segment = segments[left.pop() - 1]
        parts.append(segment.own)
        left.extend(segment.children)
    return np.concatenate(parts)
