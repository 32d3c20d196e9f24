"""Surfaces through contours: joined right, distances exact, sides and voxels where they belong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import vesimod
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, optimize
from vesimod.io.tomogram import InputError, read_tomogram
from vesimod.membranes.joining import join, sections_of
from vesimod.membranes.surface import (
    NoSurfaceError,
    Surface,
    area_nm2,
    contains,
    distance_nm,
    mask,
    read_surface,
    surface_of,
)
from vesimod.membranes.triangles import squared_distances
from vesimod_imod.contour_model.read import Drawing
from vesimod_imod.core.object_names import ACTIVE_ZONE, OUTLINE
from vesimod_imod.core.spheres import Grid
from vesimod_imod.model.coordinates import image_reference, to_model
from vesimod_imod.model.files import write_mod
from vesimod_imod.model.header import FLIPPED_YZ, Header, build_mod
from vesimod_imod.model.objects import OPEN, SCATTERED, ModelObject

GRID = Grid((40, 60, 80), (2.0, 2.0, 2.0))
UNIT = (1.0, 1.0, 1.0)
TURN = np.linspace(0, 2 * np.pi, 240, endpoint=False)


def line(z, start, end, count=12):
    """Straight contour on a section, from (y, x) to (y, x)."""
    return np.column_stack([np.full(count, z), np.linspace(start, end, count)])


def ring(z, radius, centre=(30.0, 40.0)):
    return np.column_stack(
        [
            np.full(len(TURN), float(z)),
            centre[0] + radius * np.sin(TURN),
            centre[1] + radius * np.cos(TURN),
        ]
    )


def object_of(contours, name="active zone", flags=OPEN):
    counts = np.array([len(c) for c in contours], np.int64)
    n = int(counts.sum())
    return ModelObject(
        name, flags, (0.0, 1.0, 0.0), 0, 0,
        to_model(np.concatenate(contours)).astype(np.float32), counts,
        np.zeros(len(counts), np.int64), np.full(n, -1, np.float32),
        np.full(n, np.nan, np.float32), ("",) * len(counts),
    )  # fmt: skip


def write(path, objects, grid=GRID, flags=0xF000):
    header = Header("m", grid.shape[::-1], flags, pixel_size=grid.voxel_size_nm[0], units=-9)
    write_mod(path, build_mod(header, objects, image_reference(grid)), overwrite=True)
    return path


def test_a_slanted_plane_is_met_exactly(tmp_path):
    contours = [line(z, (10 + z, 5), (10 + z, 70)) for z in (5, 20, 35)]
    surface = read_surface(write(tmp_path / "az.mod", [object_of(contours)]), GRID)
    assert (surface.closed, surface.axis, surface.notes) == (False, 0, ())
    points = np.array([[15.0, 25.0, 30.0], [15.0, 35.0, 30.0], [20.0, 20.0, 40.0]])
    expected = np.array([0.0, 10 / np.sqrt(2), 10 / np.sqrt(2)]) * 2.0
    np.testing.assert_allclose(
        distance_nm(surface, points, GRID.voxel_size_nm), expected, atol=1e-5
    )
    area = 65 * np.hypot(30, 30) * 4
    assert area_nm2(surface, GRID.voxel_size_nm) == pytest.approx(area, rel=1e-6)


def test_contours_drawn_in_opposite_directions_are_joined_alike():
    contours = [line(0, (0, 0), (0, 9)), line(5, (0, 9), (0, 0)), line(10, (0, 0), (0, 9))]
    vertices, faces = join(contours, False, 0, UNIT)
    assert area_nm2(Surface(vertices, faces), UNIT) == pytest.approx(90)


def test_rings_join_whatever_their_direction_and_start():
    turned = np.roll(ring(10, 12)[::-1], 77, axis=0)
    vertices, faces = join([ring(0, 12), turned, ring(20, 12)], True, 0, UNIT)
    assert area_nm2(Surface(vertices, faces), UNIT) == pytest.approx(2 * np.pi * 12 * 20, rel=5e-3)


def test_one_contour_is_a_ribbon_of_its_section():
    surface = surface_of(Drawing("az", False, (line(7, (5, 0), (5, 20)),)), UNIT)
    assert area_nm2(surface, UNIT) == pytest.approx(20)
    assert distance_nm(surface, [[7, 8, 10]], UNIT) == pytest.approx([3])


def test_separate_zones_of_one_section_stay_apart():
    contours = [line(z, (y, 0), (y, 30)) for z in (0, 10, 20) for y in (0, 100)]
    surface = surface_of(Drawing("az", False, tuple(contours)), UNIT)
    assert area_nm2(surface, UNIT) == pytest.approx(2 * 30 * 20)
    assert distance_nm(surface, [[10, 50, 15]], UNIT) == pytest.approx([50])


def test_a_contour_that_parts_goes_on_in_both_pieces():
    contours = [
        line(0, (0, 0), (0, 100), 101),
        line(10, (0, 0), (0, 40), 41),
        line(10, (0, 60), (0, 100), 41),
    ]
    surface = surface_of(Drawing("az", False, tuple(contours)), UNIT)
    assert area_nm2(surface, UNIT) == pytest.approx(800, rel=0.05)


def test_a_second_membrane_that_begins_later_is_not_bridged():
    contours = [line(0, (0, 0), (0, 50)), line(10, (0, 0), (0, 50)), line(10, (15, 0), (15, 50))]
    surface = surface_of(Drawing("m", False, tuple(contours)), UNIT)
    assert area_nm2(surface, UNIT) == pytest.approx(500 + 50)  # and the new one's ribbon


def test_sections_may_be_stacked_along_y(tmp_path):
    contours = [line(z, (10, 5), (30, 70)) for z in (5, 20, 35)]
    flipped = object_of(contours)
    grid = Grid((60, 40, 80), GRID.voxel_size_nm)  # in which z and y are exchanged
    path = write(tmp_path / "az.mod", [flipped], grid, 0xF000 | FLIPPED_YZ)
    surface = read_surface(path, grid)
    assert surface.axis == 1
    straight = read_surface(write(tmp_path / "b.mod", [object_of(contours)]), GRID)
    assert area_nm2(surface, UNIT) == pytest.approx(area_nm2(straight, UNIT), rel=1e-3)


def test_a_model_of_a_binned_volume_lies_on_the_same_membrane(tmp_path):
    contours = [line(z, (10, 5), (30, 70)) for z in (5, 20, 35)]
    path = write(tmp_path / "az.mod", [object_of(contours)])
    half = Grid((20, 30, 40), (4.0, 4.0, 4.0))
    surface, binned = read_surface(path, GRID), read_surface(path, half)
    assert area_nm2(binned, half.voxel_size_nm) == pytest.approx(
        area_nm2(surface, GRID.voxel_size_nm), rel=1e-5
    )
    here = np.array([[10.0, 20.0, 20.0]])
    there = (here + 0.5) / 2 - 0.5
    np.testing.assert_allclose(
        distance_nm(surface, here, GRID.voxel_size_nm),
        distance_nm(binned, there, half.voxel_size_nm),
        atol=1e-4,
    )


def test_a_tube_knows_its_inside_up_to_its_ends():
    surface = surface_of(Drawing("cell", True, (ring(5, 10), ring(20, 10))), UNIT)
    points = [[5, 30, 40], [20, 30, 40], [4.6, 30, 40], [4.4, 30, 40], [12, 30, 51], [12, 39, 40]]
    assert contains(surface, points).tolist() == [True, True, True, False, False, True]
    signed = distance_nm(surface, points, UNIT, signed=True)
    np.testing.assert_allclose(signed[[0, 4, 5]], [-10, 1, -1], atol=0.02)


def test_an_open_surface_has_no_inside():
    surface = surface_of(Drawing("az", False, (line(0, (0, 0), (0, 9)),)), UNIT)
    with pytest.raises(InputError, match="open and has no inside"):
        distance_nm(surface, [[0, 0, 0]], UNIT, signed=True)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_distance_to_a_triangle_is_the_least_over_its_points(seed):
    rng = np.random.default_rng(seed)
    corners, point = rng.normal(size=(3, 3)), rng.normal(0, 2, size=3)

    def squared(weights):
        a, b = weights[0], (1 - weights[0]) * weights[1]
        return ((a * corners[0] + b * corners[1] + (1 - a - b) * corners[2] - point) ** 2).sum()

    starts = [(0.3, 0.3), (0.9, 0.5), (0.1, 0.9), (0.1, 0.1)]
    found = min(
        optimize.minimize(squared, start, bounds=[(0, 1), (0, 1)], tol=1e-12).fun
        for start in starts
    )
    assert squared_distances(corners[None], point[None])[0] == pytest.approx(found, abs=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_nearest_triangle_is_that_of_all(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 60))
    vertices = rng.uniform(0, 40, (count, 1, 3)) + rng.normal(
        0, rng.uniform(0.5, 15), (count, 3, 3)
    )
    surface = Surface(vertices.reshape(-1, 3), np.arange(3 * count).reshape(-1, 3))
    points = rng.uniform(-20, 60, (30, 3))
    size = (2.0, 1.0, 1.5)
    pairs = np.meshgrid(np.arange(30), np.arange(count), indexing="ij")
    every = squared_distances(
        surface.corners_nm(size)[pairs[1].ravel()], (points * size)[pairs[0].ravel()]
    )
    brute = np.sqrt(every.reshape(30, count).min(axis=1))
    np.testing.assert_allclose(distance_nm(surface, points, size), brute, rtol=1e-9)


def test_mask_is_as_thick_as_asked_for():
    surface = surface_of(Drawing("cell", True, (ring(0, 15), ring(30, 15))), UNIT)
    inside = mask(surface, (31, 60, 80), UNIT, 6.0)
    _, y, x = np.indices(inside.shape)
    true = np.abs(np.hypot(y - 30, x - 40) - 15) <= 3.0
    assert (inside ^ true).sum() <= 0.02 * true.sum()
    assert ndimage.label(inside)[1] == 1


def test_objects_are_told_apart_by_name(tmp_path):
    objects = [
        object_of([line(5, (5, 5), (5, 50)), line(15, (5, 5), (5, 50))], "Active  Zone"),
        object_of([ring(5, 9), ring(15, 9)], "outline", 0),
        object_of([line(5, (9, 5), (9, 50)), line(15, (9, 5), (9, 50))], "active zone"),
    ]
    path = write(tmp_path / "both.mod", objects)
    assert read_surface(path, GRID, "OUTLINE").closed
    both = read_surface(path, GRID, "active zone")
    assert area_nm2(both, UNIT) == pytest.approx(2 * 45 * 10)
    with pytest.raises(NoSurfaceError, match="'Active  Zone', 'active zone', 'outline'; say which"):
        read_surface(path, GRID)
    with pytest.raises(NoSurfaceError, match="no contours in an object 'cleft'"):
        read_surface(path, GRID, "cleft")


def test_what_is_no_surface_is_said(tmp_path):
    far = [line(5, (5, 500), (5, 600)), line(15, (5, 500), (5, 600))]
    with pytest.raises(NoSurfaceError, match="lie outside of the volume"):
        read_surface(write(tmp_path / "far.mod", [object_of(far)]), GRID)
    clicks = object_of([line(5, (5, 5), (5, 50))], flags=SCATTERED | OPEN)
    with pytest.raises(NoSurfaceError, match="draw the membrane"):
        read_surface(write(tmp_path / "clicks.mod", [clicks]), GRID)
    slanted = np.array([[0.0, 0.0, 0.0], [5.0, 6.0, 7.0], [9.0, 20.0, 9.0]])
    with pytest.raises(NoSurfaceError, match="lies in one section"):
        read_surface(write(tmp_path / "slanted.mod", [object_of([slanted])]), GRID)
    some = object_of([slanted, line(5, (5, 5), (5, 50)), line(5, (5, 5), (5, 5), 1)])
    surface = read_surface(write(tmp_path / "some.mod", [some]), GRID)
    assert any("1 contours do not lie in one section" in note for note in surface.notes)
    assert any("1 contours of a single point" in note for note in surface.notes)


def test_straight_lines_are_stacked_along_the_axis_that_tells_them_apart():
    assert sections_of([line(z, (4, 0), (4, 9)) for z in (0, 5)])[0] == 0
    along_y = [line(z, (4, 0), (4, 9))[:, [1, 0, 2]] for z in (0, 5)]
    assert sections_of(along_y)[0] == 1


def test_the_usual_name_is_taken_where_there_are_several() -> None:
    """A guide of both outline and active zone serves for either."""
    guide = Path(vesimod.__file__).parent / "demo" / "synapse_guide.mod"
    grid = read_tomogram(guide.with_name("synapse.mrc")).grid
    with pytest.raises(NoSurfaceError, match="say which are meant"):
        read_surface(guide, grid)
    zone = read_surface(guide, grid, usual=ACTIVE_ZONE)
    outline = read_surface(guide, grid, usual=OUTLINE)
    np.testing.assert_array_equal(zone.vertices, read_surface(guide, grid, "Active Zone").vertices)
    assert outline.closed
    assert not zone.closed
