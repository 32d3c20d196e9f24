"""What a network leaves open goes on to the membrane, and does not leak through its gaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vesimod.membranes.proposal import MembraneMaps, inside_of, outline_guide
from vesimod.membranes.random_walks import walked
from vesimod_imod.core.spheres import Grid, Spheres

SHAPE = (6, 30, 40)


def across(values: np.ndarray) -> np.ndarray:
    """A map that changes along x alone."""
    return np.broadcast_to(values, SHAPE).astype(np.float32)


@pytest.mark.parametrize("wall", [18, 20, 22])
def test_what_is_unsure_goes_on_to_the_membrane(wall: int) -> None:
    x = np.arange(SHAPE[2])
    cytoplasm = across(np.clip(0.5 - (x - 20) / 14, 0.02, 0.98))  # its own edge lies at 20
    edges = inside_of(MembraneMaps(across(x == wall), cytoplasm, 6.6)).sum(axis=2)
    assert np.abs(edges - wall).max() <= 1


def test_a_gap_in_a_membrane_is_no_door() -> None:
    x = np.arange(SHAPE[2])
    cytoplasm = across(np.select([x < 4, x > 35], [0.95, 0.05], 0.5))
    membrane = across(x == 10).copy()
    membrane[2:4, 14:16] = 0.0
    inside = inside_of(MembraneMaps(membrane, cytoplasm, 6.6))
    assert inside[:, :, :10].all()
    assert inside[:, :, 14:].mean() < 0.02


def test_without_a_membrane_the_network_has_the_word() -> None:
    x = np.arange(SHAPE[2])
    cytoplasm = across(np.clip(0.5 - (x - 20) / 14, 0.02, 0.98))
    nothing = across(0.0 * x)
    edges = inside_of(MembraneMaps(nothing, cytoplasm, 6.6)).sum(axis=2)
    assert np.abs(edges - 20).max() <= 1
    assert not inside_of(MembraneMaps(nothing, nothing, 6.6)).any()
    assert inside_of(MembraneMaps(nothing, nothing + 1, 6.6)).all()
    assert not inside_of(MembraneMaps(nothing, nothing + 0.5, 6.6)).any()


def test_vesicles_lie_inside_whatever_the_network_says() -> None:
    x = np.arange(SHAPE[2])
    among = np.zeros(SHAPE, bool)
    among[3, 15, 5] = True
    cytoplasm = across(np.where(x > 35, 0.05, 0.5))
    inside = inside_of(MembraneMaps(across(x == 20), cytoplasm, 6.6), among)
    assert inside[3, 15, 5]
    assert not inside[:, :, 21:].any()


@pytest.mark.parametrize(
    ("other", "known", "found"), [(0.7, False, 1), (0.95, False, 2), (0.95, True, 1)]
)
def test_cells_without_vesicles_are_left_out(other: float, known: bool, found: int) -> None:
    """They look less like the cell; where vesicles are known, those say which it is."""
    cytoplasm = np.full((30, 60, 100), 0.02, np.float32)
    cytoplasm[:, 5:55, 5:45] = 0.97
    cytoplasm[:, 5:55, 55:95] = other
    maps = MembraneMaps(np.zeros_like(cytoplasm), cytoplasm, 6.6)
    grid = Grid((90, 180, 300), (2.2,) * 3)
    vesicles = Spheres(np.array([[45.0, 90.0, 75.0]]), np.array([20.0])) if known else None
    guide, notes = outline_guide(maps, grid, vesicles)
    right = [contour for contour in guide.contours if contour[:, 2].mean() > 150]
    assert len(guide.contours) - len(right) == len({c[0, 0] for c in guide.contours})
    assert bool(right) == (found == 2)
    assert any("2 separate bodies" in note for note in notes) == (found == 2)


@given(st.integers(0, 10_000))
def test_walks_stay_between_what_is_known_and_believed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    known, believed, wall = rng.random((3, 4, 5, 6)).astype(np.float32)
    is_open = rng.random(known.shape) < 0.7
    found = walked(known, is_open, believed, wall)
    np.testing.assert_array_equal(found[~is_open], known[~is_open])
    given_values = np.concatenate([known[~is_open], believed[is_open]])
    assert given_values.min() - 1e-3 <= found.min()
    assert found.max() <= given_values.max() + 1e-3
