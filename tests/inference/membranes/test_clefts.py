"""A cleft lies between two membranes, with another cell beyond one of them; little else does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vesimod.membranes.clefts import clefts
from vesimod.membranes.proposal import MembraneMaps, inside_of

SHAPE, SIZE_NM = (12, 30, 40), 6.6
OWN, OTHER = 18, 21  # planes in x: 20 nm from each other
EVERYWHERE = np.ones(SHAPE, bool)


def across(values: np.ndarray, axis: int = 2) -> np.ndarray:
    """A map of `SHAPE` that changes along an axis alone."""
    shape = [1, 1, 1]
    shape[axis] = len(values)
    return np.broadcast_to(values.reshape(shape), SHAPE).astype(np.float32)


def membranes(*planes: tuple[int, float], axis: int = 2) -> np.ndarray:
    x = np.arange(SHAPE[axis])
    height = [chance * np.exp(-0.5 * ((x - at) / 0.8) ** 2) for at, chance in planes]
    return across(np.max(height, axis=0), axis)


def of_cell(edge: float, beyond: float = 0.02) -> np.ndarray:
    """Inside up to an edge; what the network says of the cleft is open."""
    x = np.arange(SHAPE[2])
    return across(np.select([x < edge - 3, x > edge], [0.97, beyond], 0.75))


def test_between_two_membranes_with_another_cell_beyond() -> None:
    both = membranes((OWN, 0.3), (OTHER, 0.9))
    found = clefts(both, of_cell(OTHER), SIZE_NM, EVERYWHERE)
    columns = np.flatnonzero(found.any(axis=(0, 1)))
    assert len(columns)
    assert set(columns) <= {OWN + 1, OTHER - 1}
    assert found[:, :, columns[0]].mean() > 0.9


@pytest.mark.parametrize(
    "planes", [((OTHER, 0.9),), ((OWN, 0.1), (OTHER, 0.9)), ((OWN - 8, 0.9), (OTHER, 0.9))]
)
def test_one_membrane_or_two_far_apart_have_none(planes: tuple[tuple[int, float], ...]) -> None:
    assert not clefts(membranes(*planes), of_cell(OTHER), SIZE_NM, EVERYWHERE).any()


def test_a_fold_within_the_cell_is_none() -> None:
    """Beyond either membrane is the cell: a network that sees both there is not believed."""
    both = membranes((OWN, 0.5), (OTHER, 0.9))
    assert not clefts(both, of_cell(OTHER, beyond=0.9), SIZE_NM, EVERYWHERE).any()


def test_in_the_blind_cap_none_are_believed() -> None:
    both = membranes((4, 0.5), (7, 0.9), axis=0)
    above = across(np.where(np.arange(SHAPE[0]) < 7, 0.75, 0.02), axis=0)
    assert not clefts(both, above, SIZE_NM, EVERYWHERE).any()


def test_small_pieces_are_chance() -> None:
    both = membranes((OWN, 0.3), (OTHER, 0.9))
    both[:, :14], both[:, 16:] = 0, 0
    both[:4], both[7:] = 0, 0
    assert not clefts(both, of_cell(OTHER), SIZE_NM, EVERYWHERE).any()


def test_the_outline_stops_at_the_nearer_membrane() -> None:
    """That is seen less well, and the network takes the cleft for the cell's."""
    maps = MembraneMaps(membranes((OWN, 0.3), (OTHER, 0.9)), of_cell(OTHER), SIZE_NM)
    edges = inside_of(maps).sum(axis=2)
    assert np.abs(edges - OWN - 0.5).max() <= 1


@given(st.integers(0, 10_000), st.sampled_from([(1, 9, 8), (2, 9, 1), (6, 7, 8)]))
def test_any_maps_will_do(seed: int, shape: tuple[int, int, int]) -> None:
    """Also such as are one voxel thin; nothing is found where nothing was sought."""
    rng = np.random.default_rng(seed)
    membrane, cytoplasm = rng.random((2, *shape), np.float32)
    among = rng.random(shape) < 0.5
    assert not (clefts(membrane, cytoplasm, SIZE_NM, among) & ~among).any()
