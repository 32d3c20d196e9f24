"""The middle of a segment, on cases whose answer is known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from vesimod.connectors.course import Ends, course
from vesimod.connectors.middle import in_middle

ONE_NM = (1.0, 1.0, 1.0)


def walls(gap: int) -> np.ndarray:
    """Two plates with a gap of so many voxels between them, along x."""
    boundaries = np.zeros((5, 5, gap + 4), np.uint16)
    boundaries[..., :2], boundaries[..., -2:] = 1, 2
    return boundaries


def rod(gap: int) -> np.ndarray:
    return np.array([(2, 2, x) for x in range(2, 2 + gap)])


@pytest.mark.parametrize(
    ("gap", "middle"), [(1, 0), (2, 0), (3, 1), (4, 1), (5, 1), (6, 2), (7, 3), (8, 3), (9, 3)]
)
def test_middle_between_plates(gap: int, middle: int) -> None:
    # As many layers as voxels; half of an odd number is rounded to the even neighbour.
    found = in_middle(rod(gap), walls(gap), ONE_NM, (1, 2))
    assert np.flatnonzero(found).tolist() == [middle]


def test_other_bodies_and_what_lies_far_away_change_nothing() -> None:
    boundaries = walls(6)
    before = in_middle(rod(6), boundaries, ONE_NM, (1, 2))
    boundaries[2, 3, 4] = 3  # beside the rod
    boundaries[0, :, 2:8] = 1  # two voxels from it
    assert np.array_equal(in_middle(rod(6), boundaries, ONE_NM, (1, 2)), before)


def test_bodies_that_touch_each_other() -> None:
    boundaries = np.zeros((4, 4, 4), np.uint16)
    boundaries[..., :2], boundaries[..., 2:] = 1, 2
    boundaries[1, 1, 1:3] = 0
    assert in_middle(np.array([(1, 1, 1), (1, 1, 2)]), boundaries, ONE_NM, (1, 2)).all()


def test_a_segment_beside_the_middle_counts_as_a_whole() -> None:
    boundaries = np.zeros((4, 4, 14), np.uint16)
    boundaries[..., :2], boundaries[..., -2:] = 1, 2
    voxels = np.array([(1, 1, 2), (1, 1, 11)])  # never touch half way
    assert in_middle(voxels, boundaries, ONE_NM, (1, 2)).all()


def test_lengths_of_a_bent_rod() -> None:
    boundaries = np.zeros((3, 8, 12), np.uint16)
    boundaries[..., :2], boundaries[..., -2:] = 1, 2
    voxels = [(1, 1, x) for x in range(2, 6)] + [(1, y, 5) for y in range(2, 6)]
    voxels += [(1, 5, x) for x in range(6, 10)]
    lengths = [
        course(np.array(voxels), boundaries, ONE_NM, (1, 2), Ends(*ends)).length_nm
        for ends in ((True, False), (True, True), (False, False))
    ]
    straight = course(np.array(voxels), boundaries, ONE_NM, (1, 2)).straight_nm
    assert straight == pytest.approx(np.hypot(8, 4))
    assert lengths[1] > lengths[0] > lengths[2]
    assert lengths[0] >= straight


def test_voxels_that_are_no_cubes() -> None:
    flat = (2.0, 1.0, 1.0)
    found = in_middle(rod(5), walls(5), flat, (1, 2))
    assert np.array_equal(found, in_middle(rod(5), walls(5), ONE_NM, (1, 2)))
    upright = walls(5).transpose(2, 0, 1)
    voxels = rod(5)[:, [2, 0, 1]]
    # Six voxels of 2 nm from wall to wall: eleven layers of 1 nm, the sixth of them half way.
    assert np.flatnonzero(in_middle(voxels, upright, flat, (1, 2))).tolist() == [2]
