"""Which points are refined, and that nothing else in a model changes: on files that 3dmod saved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vesimod_imod.core.object_names import REJECTED
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.live.point_edits import apply_changes, points_of, with_sphere_object
from vesimod_imod.live.refining import Found, placed_points, refine
from vesimod_imod.model.chunks import ModFile, join_chunks, parse_chunks
from vesimod_imod.model.files import read_mod
from vesimod_imod.model.objects import objects_of
from vesimod_imod.sphere_model.read import read_sphere_model, spheres_of
from vesimod_imod.sphere_model.write import write_sphere_model

GRID = Grid((60, 100, 120), (1.0, 1.0, 1.0))
SHIFT = np.array([0.5, -1.25, 2.0])


def found(clicks, _taken) -> Found:
    """Every click is a vesicle of 17 nm a little further on, except in the first ten sections."""
    radii = np.where(clicks[:, 0] < 10, np.nan, 17.0)
    return Found(clicks + SHIFT, radii, ["no membrane"] * len(clicks))


def never(clicks, _taken) -> Found:
    raise AssertionError(f"nothing was to be refined, but {clicks} were")


@pytest.fixture
def saved(shared: Path) -> Path:
    return shared / "saved-by-3dmod"


def test_what_a_person_did_in_3dmod_is_recognised(saved: Path) -> None:
    """edited-1: sphere 2 moved; a point added to its contour; a new contour added."""
    original, edited = read_mod(saved / "original.mod"), read_mod(saved / "edited-1.mod")
    known = placed_points(original, GRID)
    now = placed_points(edited, GRID)
    result = refine(edited, known, GRID, found)
    before = {p.point.place: p for p in now}
    after = {p.point.place: p for p in result.points}
    refined = [place for place in before if before[place].distance(after[place]) > 0.01]
    unsized = [p.point.place for p in now if not p.point.sized]
    assert len(unsized) == 2
    assert set(unsized) <= set(refined)
    for place in refined:
        np.testing.assert_allclose(np.subtract(after[place].at, before[place].at), SHIFT, atol=1e-3)
        assert after[place].point.size == pytest.approx(17.0)
    # All that is not about these points is as 3dmod saved it.
    touched = {place[:2] for place in refined}
    old, new = edited.chunks, result.model.chunks
    assert [c for c in old if c[0] not in (b"CONT", b"SIZE", b"LABL")] == [
        c for c in new if c[0] not in (b"CONT", b"SIZE", b"LABL")
    ]
    assert sum(a != b for a, b in zip(_contours(edited), _contours(result.model), strict=True)) == (
        len(touched)
    )
    assert refine(result.model, result.points, GRID, never).changed is False


def _contours(model: ModFile) -> list[bytes]:
    return [data for tag, data in model.chunks if tag == b"CONT"]


@pytest.mark.parametrize("name", ["original", "edited-1", "edited-2", "edited-3"])
def test_a_save_without_news_changes_nothing(saved: Path, name: str) -> None:
    model = read_mod(saved / f"{name}.mod")
    known = placed_points(model, GRID)
    result = refine(model, known, GRID, never)
    # At most, spheres of the person without an id get one.
    news = [p for p in points_of(model) if p.sized and p.alone and not p.label]
    assert result.changed == bool(news)
    assert not result.remarks
    again = refine(result.model, result.points, GRID, never)
    assert not again.changed
    if not news:
        assert join_chunks(result.model) == (saved / f"{name}.mod").read_bytes()


def test_models_of_all_kinds_survive_being_made_ready(shared: Path) -> None:
    files = sorted((shared / "mod").glob("*.mod")) + sorted(
        (shared / "saved-by-3dmod").glob("*.mod")
    )
    seen = 0
    for file in files:
        try:
            model = read_mod(file)
        except ValueError:
            continue  # the damaged one
        ready = parse_chunks(join_chunks(with_sphere_object(model)))
        old, new = objects_of(model), objects_of(ready)
        for a, b in zip(old, new[: len(old)], strict=True):
            np.testing.assert_array_equal(a.points, b.points)
            np.testing.assert_array_equal(a.sizes, b.sizes)
            assert a.labels == b.labels
            np.testing.assert_array_equal(a.values, b.values)
        # Only an object was added, or a limit set: every other chunk is there, in order.
        rest = iter(ready.chunks)
        assert all(chunk in rest for chunk in model.chunks if chunk[0] != b"OBJT")
        assert any(o.kind == "scattered" and o.points_per_contour == 1 for o in new)
        assert with_sphere_object(ready).chunks == ready.chunks
        seen += 1
    assert seen >= 10


def test_a_model_seen_on_a_part_of_the_volume(saved: Path) -> None:
    """Points and radii come back on the part's own coordinates."""
    names = [p.name for p in saved.glob("*.mod") if "sub" in p.name.lower()]
    assert names, "no model of a subarea"
    for name in names:
        model = read_mod(saved / name)
        at = spheres_of(model, GRID).spheres.centres
        known = placed_points(read_mod(saved / "original.mod"), GRID)
        # Nothing was moved: what 3dmod shifted are only the coordinates.
        assert not refine(model, known, GRID, never).changed
        result = refine(_without_sizes(model), None, GRID, found)
        np.testing.assert_allclose(
            spheres_of(result.model, GRID).spheres.centres, at + SHIFT, atol=1e-3
        )


def _without_sizes(model: ModFile) -> ModFile:
    chunks = [chunk for chunk in model.chunks if chunk[0] != b"SIZE"]
    return ModFile(model.header, chunks)


def test_several_points_in_a_contour(shared: Path) -> None:
    """edited-1 has two points in one contour: only the one without radius gets one."""
    model = read_mod(shared / "saved-by-3dmod" / "edited-1.mod")
    crowded = [p for p in points_of(model) if not p.alone]
    assert [p.sized for p in crowded] == [True, False]
    known = placed_points(model, GRID)
    result = refine(model, [p for p in known if p.point.sized], GRID, found)
    after = [p for p in points_of(result.model) if not p.alone]
    assert [p.size for p in after] == [crowded[0].size, pytest.approx(17.0)]
    assert after[0].xyz == crowded[0].xyz


places = st.tuples(*[st.floats(0, n - 1, width=32) for n in GRID.shape])


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(
    st.lists(places, min_size=1, max_size=6),
    st.lists(st.booleans(), min_size=6, max_size=6),
    st.floats(0.3, 4.0),
    st.floats(-300, 300),
)
def test_clicks_and_spheres_on_any_grid(
    tmp_path_factory: pytest.TempPathFactory,
    centres: list[tuple[float, float, float]],
    clicked: list[bool],
    voxel_nm: float,
    origin_nm: float,
) -> None:
    grid = Grid(GRID.shape, (1.5 * voxel_nm, voxel_nm, voxel_nm), (origin_nm, -origin_nm, 7.0))
    path = tmp_path_factory.mktemp("models") / "a.mod"
    click = np.array(clicked[: len(centres)])
    radii = np.where(click, np.nan, 20.0)
    write_sphere_model(path, Spheres(np.array(centres), radii), grid)
    result = refine(read_mod(path), None, grid, found)
    model = parse_chunks(join_chunks(result.model))
    reading = spheres_of(model, grid)
    rejected = np.array([reading.object_names[n - 1] == REJECTED for n in reading.object_number])
    hopeless = click & (np.array(centres)[:, 0] < 10)
    assert rejected.sum() == hopeless.sum()
    expected = {
        number: (
            np.add(centre, SHIFT) if is_click else np.array(centre),
            17.0 if is_click else 20.0,
        )
        for number, (centre, is_click, lost) in enumerate(
            zip(centres, click, hopeless, strict=True), 1
        )
        if not lost
    }
    spheres = reading.spheres.select(~rejected)
    assert sorted(spheres.ids.tolist()) == sorted(expected)
    for number, centre, radius in zip(spheres.ids, spheres.centres, spheres.radii_nm, strict=True):
        np.testing.assert_allclose(centre, expected[int(number)][0], atol=2e-3)
        assert radius == pytest.approx(expected[int(number)][1], rel=1e-5)
    assert not refine(model, result.points, grid, never).changed


def test_a_point_added_to_an_emptied_contour_takes_its_place(tmp_path: Path) -> None:
    """A deleted point leaves its label: the next click into that contour inherits the id."""
    path = tmp_path / "a.mod"
    write_sphere_model(path, Spheres(np.array([[30.0, 40, 50]]), np.array([9.0])), GRID)
    known = placed_points(read_mod(path), GRID)
    (point,) = points_of(read_mod(path))
    raw = replace(point, xyz=(20.5, 30.5, 40.0), size=-1.0)
    result = refine(apply_changes(read_mod(path), [raw]), known, GRID, found)
    assert result.remarks == [
        "point at x 21, y 31, z 41 is sphere 2: radius 17.0 nm, 2.4 nm from where you put it",
        "sphere 1: deleted by you",
    ]
    assert [p.number for p in result.points] == [2]


def test_a_click_where_a_sphere_was_deleted_is_another_sphere(tmp_path: Path) -> None:
    path = tmp_path / "a.mod"
    there = np.array([30.0, 40, 50])
    write_sphere_model(path, Spheres([there, [40, 80, 90]], [17.0, 17.0]), GRID)
    model = read_mod(path)
    known = placed_points(model, GRID)
    first, second = points_of(model)
    z, y, x = there - SHIFT  # leads to the very place of the deleted one
    click = replace(first, xyz=(x + 0.5, y + 0.5, z), size=-1.0, label="")
    result = refine(apply_changes(model, [click]), known, GRID, found)
    assert sorted(p.number for p in result.points) == [2, 3]
    assert (
        "is sphere 3: radius 17.0 nm, 2.4 nm from where you put it, where sphere 1 was"
        in (result.remarks[0])
    )
    assert result.remarks[1] == "sphere 1: deleted by you"
    # The same raw click once more, since the result was not loaded, is the same sphere.
    again = refine(apply_changes(model, [click]), result.points, GRID, found)
    assert sorted(p.number for p in again.points) == [2, 3]
    third = refine(apply_changes(model, [click]), again.points, GRID, found)
    assert sorted(p.number for p in third.points) == [2, 3]
    assert third.remarks == []
    assert second.label  # untouched


@pytest.mark.parametrize(("pixels", "question"), [(1.8, True), (140.0, True), (17.0, False)])
def test_radii_that_no_vesicle_has_are_questioned(tmp_path: Path, pixels, question: bool) -> None:
    path = tmp_path / "a.mod"
    write_sphere_model(path, Spheres(np.array([[30.0, 40, 50]]), np.array([20.0])), GRID)
    model = read_mod(path)
    (point,) = points_of(model)
    for label in (point.label, ""):
        resized = apply_changes(model, [replace(point, size=pixels, label=label)])
        said = " ".join(refine(resized, placed_points(model, GRID), GRID, never).remarks)
        assert ("is hardly a vesicle's" in said) == question, said


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("original", "x 31, y 41, z 21"),
        ("flipped-Y", "x 31, y 21, z 41"),  # as 3dmod shows the image then
        ("loaded-on-subarea", "x 11, y 31, z 11"),
    ],
)
def test_positions_are_said_as_on_the_screen(saved: Path, name: str, shown: str) -> None:
    model = read_mod(saved / f"{name}.mod")
    place = placed_points(model, GRID)[0]
    assert replace(place, point=replace(place.point, label="")).name == f"point at {shown}"


def test_spheres_of_a_person_get_an_id_and_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.mod"
    write_sphere_model(path, Spheres(np.array([[30.0, 40, 50]]), np.array([9.0])), GRID)
    (point,) = points_of(read_mod(path))
    unlabelled = apply_changes(read_mod(path), [replace(point, label="")])
    first = refine(unlabelled, None, GRID, never)
    assert [p.number for p in first.points] == [1]
    (point,) = points_of(first.model)
    moved = apply_changes(first.model, [replace(point, xyz=(60.5, 30.5, 20.0))])
    second = refine(moved, first.points, GRID, found)
    assert [p.number for p in second.points] == [1]
    np.testing.assert_allclose(second.points[0].at, np.add((20, 30, 60), SHIFT), atol=1e-4)


def test_a_rejected_point_with_a_radius_of_the_person_is_a_sphere(tmp_path: Path) -> None:
    path = tmp_path / "a.mod"
    write_sphere_model(path, Spheres(np.array([[5.0, 50, 50]]), np.array([np.nan])), GRID)
    first = refine(read_mod(path), None, GRID, found)
    (point,) = points_of(first.model)
    assert point.rejected
    sized = apply_changes(first.model, [replace(point, size=12.0)])
    second = refine(sized, first.points, GRID, never)
    (point,) = points_of(second.model)
    assert not point.rejected
    assert point.size == 12.0
    assert "kept with the radius that you set" in second.remarks[0]
    path.write_bytes(join_chunks(second.model))
    assert read_sphere_model(path, GRID).spheres.radii_nm == pytest.approx([12.0])
