"""Segments between boundaries: which there are, and how they contain each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from synapses import rod, synapse
from vesimod.connectors.hierarchy import Rule, find_hierarchy, levels_of, slabs
from vesimod.connectors.touching import FACES, touching

THREE = {10: slice(1, 3), 11: slice(9, 12), 12: slice(15, 18)}


def hierarchy(made, thresholds, rule=None, **options):
    levels = levels_of(made.grey, thresholds, made.inside(), **options)
    return find_hierarchy(levels, made.boundaries, thresholds, rule)


def test_a_rod_is_a_segment_from_its_threshold_on() -> None:
    found = hierarchy(synapse(rod(3, 9, 5)), [0, 5, 10])
    assert [s.level for s in found.segments] == [1, 2]
    assert found.parents.tolist() == [2, 0]
    assert found.leaves() == [1]
    assert found.branch_tops() == [2]
    assert len(found.voxels(2)) == 6
    assert len(found[2].own) == 0
    assert found[1].contacts == (1, 2)


def test_touching_one_boundary_or_by_an_edge_only_is_not_enough() -> None:
    assert not hierarchy(synapse(rod(3, 8, 5)), [10]).segments
    halves = rod(3, 6, 5) | rod(6, 9, 5, y=10)
    assert not hierarchy(synapse(halves), [10]).segments


def test_a_third_boundary_ends_the_branch_for_good() -> None:
    # The rod goes on at x = 12, round the second plate, from threshold 8.
    detour = {(9, y, 6): 8 for y in range(10, 16)} | rod(6, 14, 8, y=15)
    detour |= {(9, y, 13): 8 for y in range(9, 15)} | rod(13, 15, 8)
    made = synapse(rod(3, 9, 2) | detour, THREE)
    found = hierarchy(made, [2, 6, 8, 10])
    assert [s.level for s in found.segments] == [0, 1]
    assert not found.ended
    assert len(hierarchy(made, [2, 6, 8], Rule(at_least=True)).segments) == 3
    (ended,) = hierarchy(made, [8]).ended
    assert len(ended.contacts) == 3
    assert ended.voxels == len(rod(3, 9, 2) | detour)


def test_two_rods_that_merge_are_both_leaves() -> None:
    bridge = {(9, y, 5): 6 for y in range(10, 13)}
    made = synapse(rod(3, 9, 1) | rod(3, 9, 3, y=13) | bridge)
    found = hierarchy(made, [1, 3, 6, 8])
    assert found.leaves() == [1, 3]
    assert found.branch_tops() == [2, 3]
    assert found.parents.tolist() == [2, 4, 4, 5, 0]
    labels = found.own_labels()
    assert np.bincount(labels.ravel())[1:].tolist() == [6, 0, 6, 3]


def test_dense_may_be_high() -> None:
    made = synapse(rod(3, 9, -5))
    object.__setattr__(made, "grey", -made.grey)
    assert [s.level for s in hierarchy(made, [7, 5, 3], dense_is_high=True).segments] == [1, 2]


def test_what_is_no_number_is_background() -> None:
    grey = np.array([[[np.nan, 1.0, np.inf, -np.inf]]])
    assert levels_of(grey, [0, 1], np.ones(grey.shape, bool)).ravel().tolist() == [255, 1, 255, 0]


def test_slabs_cover_a_volume_once() -> None:
    shape = (70, 300, 200)
    parts = [range(*part.indices(shape[0])) for part in slabs(shape)]
    assert len(parts) > 1
    assert [k for part in parts for k in part] == list(range(70))


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.int8, (5, 6, 7), elements=st.integers(0, 5)),
    arrays(np.uint16, (5, 6, 7), elements=st.sampled_from([0, 0, 0, 0, 1, 2, 3])),
)
def test_it_is_what_labelling_each_threshold_gives(grey, boundaries) -> None:
    thresholds = [0, 2, 3]
    inside = boundaries == 0
    found = find_hierarchy(levels_of(grey, thresholds, inside), boundaries, thresholds)
    for level, threshold in enumerate(thresholds):
        components, count = ndimage.label((grey <= threshold) & inside)
        expected = set()
        for number in range(1, count + 1):
            body = components == number
            touched = set(boundaries[ndimage.binary_dilation(body, FACES)].tolist()) - {0}
            if len(touched) == 2:
                expected.add((tuple(np.flatnonzero(body)), tuple(sorted(touched))))
        numbers = [n for n, s in enumerate(found.segments, 1) if s.level == level]
        got = {(tuple(found.voxels(n)), found[n].contacts) for n in numbers}
        assert got == expected
        for n in numbers:
            parent = int(found.parents[n - 1])
            if parent:
                assert set(found.voxels(n)) <= set(found.voxels(parent))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_touching_finds_both_sides(axis) -> None:
    boundaries = np.zeros((5, 5, 5), np.uint16)
    place = [2, 2, 2]
    boundaries[tuple(place)] = 7
    candidates = np.zeros(boundaries.shape, bool)
    around = [tuple(np.add(place, step * np.eye(3, dtype=int)[axis])) for step in (-1, 1)]
    for voxel in around:
        candidates[voxel] = True
    voxels, ids = touching(boundaries, candidates)
    assert set(voxels.tolist()) == {int(np.ravel_multi_index(v, (5, 5, 5))) for v in around}
    assert set(ids.tolist()) == {7}
