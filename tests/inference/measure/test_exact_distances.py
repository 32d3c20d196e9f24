"""Distances of vesicles to membranes whose distance is known by a formula."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn import CLOSED, OPEN, draw
from hypothesis import given, settings
from hypothesis import strategies as st
from vesimod.io.tomogram import write_volume
from vesimod.measure.places import Places, read_places
from vesimod.measure.synapse import measure_synapse
from vesimod.measure.vesicle_table import Wishes, measure_vesicles
from vesimod.membranes.surface import distance_nm, surface_of
from vesimod.membranes.voxel_surface import surface_of_voxels
from vesimod_imod.contour_model.read import Drawing
from vesimod_imod.core.spheres import Grid, Spheres

SIZE_NM = (2.5, 2.0, 2.0)
GRID = Grid((40, 80, 80), SIZE_NM)


@settings(max_examples=30, deadline=None)
@given(
    slopes=st.tuples(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5)),
    points=st.lists(
        st.tuples(st.floats(16, 24), st.floats(34, 46), st.floats(34, 46)), min_size=1, max_size=5
    ),
)
def test_any_plane(slopes: tuple[float, float], points: list[tuple[float, float, float]]) -> None:
    """A flat membrane, tilted along z and along x: y = 40 + a (z - 20) + b (x - 40)."""
    a, b = slopes
    x = np.array([-60.0, 140.0])
    contours = [
        np.column_stack([np.full(2, z), 40 + a * (z - 20) + b * (x - 40), x])
        for z in (-40.0, 3.0, 17.0, 31.0, 90.0)
    ]
    surface = surface_of(Drawing("active zone", False, tuple(contours)), SIZE_NM)
    normal = np.array([-a, 1.0, -b]) / SIZE_NM
    away = np.array(points) - [20, 40, 40]
    expected = np.abs(away * SIZE_NM @ normal) / np.linalg.norm(normal)
    np.testing.assert_allclose(distance_nm(surface, points, SIZE_NM), expected, atol=1e-6)


def test_a_sphere(tmp_path: Path) -> None:
    """A round cell, a contour on each section: its surface is known between the caps."""
    centre, radius_nm = np.array([20.0, 40.0, 40.0]), 45.0
    turn = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    rings = []
    for z in range(40):
        height = (z - centre[0]) * SIZE_NM[0]
        if abs(height) < radius_nm - 1:
            across = np.sqrt(radius_nm**2 - height**2) / SIZE_NM[1]
            ring = (np.full(120, z), 40 + across * np.sin(turn), 40 + across * np.cos(turn))
            rings.append(np.column_stack(ring))
    draw(tmp_path / "outline.mod", GRID, {"outline": (CLOSED, rings)})
    places = read_places(GRID, outline=tmp_path / "outline.mod")
    rng = np.random.default_rng(0)
    way = rng.normal(size=(50, 3)) * (0.3, 1, 1)
    way *= rng.uniform(5, 40, (50, 1)) / np.linalg.norm(way, axis=1, keepdims=True)
    spheres = Spheres(centre + way / SIZE_NM, np.full(50, 5.0))
    measured, _ = measure_vesicles(spheres, places, Wishes())
    expected = radius_nm - np.linalg.norm(way, axis=1)
    # Chords lie below the arc: by 120 of them, and by the height of a section, at most 0.1 nm.
    np.testing.assert_allclose(measured["outline_nm"], expected, atol=0.1)
    np.testing.assert_allclose(measured["membrane_outline_nm"], measured["outline_nm"] - 5)
    assert measured["inside"].all()


def mask_of_a_slab(folder: Path) -> Path:
    """An active zone of 3 voxels along y, as a volume."""
    voxels = np.zeros(GRID.shape, np.int8)
    voxels[:, 60:63, 10:70] = 1
    write_volume(folder / "az.mrc", voxels, GRID)
    return folder / "az.mrc"


def test_a_mask_is_met_at_the_faces_of_its_voxels(tmp_path: Path) -> None:
    places = read_places(GRID, mask_of_a_slab(tmp_path))
    spheres = Spheres([[20, 40, 40], [20, 59, 40], [20, 70, 40], [20, 61, 74]], np.full(4, 2.0))
    measured, _ = measure_vesicles(spheres, places, Wishes())
    # Faces lie half a voxel of 2 nm from the voxels' centres.
    np.testing.assert_allclose(measured["az_nm"], [39, 1, 15, 9], atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_surface_of_a_mask_is_as_near_as_its_nearest_voxel(seed: int) -> None:
    rng = np.random.default_rng(seed)
    inside = np.zeros((7, 8, 9), bool)
    inside[1:-1, 1:-1, 1:-1] = rng.random((5, 6, 7)) < 0.2
    inside[3, 3, 3] = True
    points = rng.uniform(-3, 12, (6, 3))
    centres = np.argwhere(inside)
    points = points[~inside[tuple(np.clip(np.rint(points), 0, [6, 7, 8]).astype(int).T)]]
    beside = np.maximum(np.abs(points[:, None] - centres) - 0.5, 0) * SIZE_NM
    expected = np.linalg.norm(beside, axis=2).min(axis=1)
    found = distance_nm(surface_of_voxels(inside), points, SIZE_NM)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_mask_has_no_area_and_numbers_by_it_are_left_out(tmp_path: Path) -> None:
    whole = np.ones(GRID.shape, np.int8)
    write_volume(tmp_path / "cell.mrc", whole, GRID)
    spheres = Spheres([[20, 40, 40], [20, 20, 40], [20, 20, 60]], np.full(3, 15.0))
    places = read_places(GRID, mask_of_a_slab(tmp_path), tmp_path / "cell.mrc")
    found = measure_synapse(spheres, places, Wishes(simulations=9))
    assert "az_um2" not in found.summary
    assert found.summary["n_0_45_nm"] == 1
    assert any("no area" in doubt for doubt in found.doubts)
    # The active zone is no part of the cell's inside.
    volume = (whole.size - 40 * 3 * 60) * np.prod(SIZE_NM) / 1e9
    assert found.summary["region_um3"] == pytest.approx(volume)


def test_a_flat_active_zone_has_its_area(tmp_path: Path) -> None:
    contours = [np.array([[z, 30.0, 20.0], [z, 30.0, 60.0]]) for z in (5.0, 35.0)]
    draw(tmp_path / "az.mod", GRID, {"active zone": (OPEN, contours)})
    places: Places = read_places(GRID, tmp_path / "az.mod")
    spheres = Spheres([[20, 40, 40], [20, 20, 40], [20, 20, 60]], np.full(3, 15.0))
    numbers = measure_synapse(spheres, places, Wishes(simulations=9)).summary
    assert numbers["az_um2"] == pytest.approx(75 * 80 / 1e6, rel=1e-6)
    assert numbers["per_um2"] == pytest.approx(3 / numbers["az_um2"])
