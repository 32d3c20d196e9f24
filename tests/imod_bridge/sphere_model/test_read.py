"""Models of other people: what counts as a sphere, which radius, which id."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from vesimod_imod.core.spheres import Grid
from vesimod_imod.model.header import Header, ImageReference, build_mod
from vesimod_imod.model.objects import OPEN, SCATTERED, ModelObject
from vesimod_imod.sphere_model.read import spheres_of

GRID = Grid((100, 100, 100), (2.0, 2.0, 2.0))
PLAIN = ImageReference((20.0, 20.0, 20.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


def make(contours, *, sizes=None, labels=None, values=None, flags=SCATTERED | OPEN, default=7):
    """An object of the contours, each a list of points x, y, z."""
    counts = np.array([len(c) for c in contours], np.int64)
    n = int(counts.sum())
    points = np.array([p for c in contours for p in c], np.float32).reshape(-1, 3)
    return ModelObject(
        "test", flags, (1.0, 0.0, 0.0), default, 0, points, counts, np.zeros(len(counts), np.int64),
        np.array(sizes if sizes is not None else [-1.0] * n, np.float32),
        np.array(values if values is not None else [np.nan] * n, np.float32),
        tuple(labels or [""] * len(counts)),
    )  # fmt: skip


def read(*objects, grid=GRID, header=None):
    header = header or Header("m", (100, 100, 100), 0xF000, pixel_size=2.0, units=-9)
    return spheres_of(build_mod(header, objects, PLAIN), grid)


def test_radii_explicit_default_zero_and_none():
    points = [[(k + 10, 20, 30)] for k in range(3)]
    reading = read(make(points, sizes=[5, -1, 0]))
    assert reading.radius_source.tolist() == ["explicit", "default", "none"]
    np.testing.assert_allclose(reading.spheres.radii_nm, [10, 14, np.nan])
    text = " ".join(reading.warnings)
    assert "1 points have no size: the object's 7 pixels taken" in text
    assert "1 points have a size of at most a pixel" in text
    reading = read(make(points, default=0))
    assert set(reading.radius_source) == {"none"}
    assert np.isnan(reading.spheres.radii_nm).all()
    assert "neither a size nor a default radius" in reading.warnings[0]


def test_size_as_a_mark_is_no_radius():
    reading = read(make([[(1, 2, 3)], [(4, 5, 6)]], sizes=[1, 12]))
    assert reading.radius_source.tolist() == ["default", "explicit"]
    assert "which is not a radius" in reading.warnings[0]
    # Spheres that vesimod wrote may be that small, where voxels are large.
    reading = read(make([[(1, 2, 3)]], sizes=[0.5], labels=["vesimod id=3 r=1.000nm"]))
    assert reading.radius_source.tolist() == ["explicit"]
    assert reading.warnings == []


def test_label_stays_with_the_point_that_has_a_size():
    contours = [[(1, 1, 1), (2, 2, 2)], [], [(3, 3, 3), (4, 4, 4)], [(5, 5, 5)]]
    labels = ["vesimod id=10", "vesimod id=11", "vesimod id=12", ""]
    reading = read(make(contours, sizes=[-1, 8, 9, -1, -1], labels=labels))
    assert reading.spheres.ids.tolist() == [13, 10, 12, 14, 15]
    assert reading.labelled.tolist() == [False, True, True, False, False]
    assert reading.emptied_ids.tolist() == [11]


def test_new_ids_never_reuse_a_deleted_one():
    contours = [[], [(1, 1, 1)], [(2, 2, 2)]]
    reading = read(make(contours, sizes=[8, 8], labels=["id=99", "id=3", ""]))
    assert reading.spheres.ids.tolist() == [3, 100]


def test_repeated_labels_become_new_spheres():
    contours = [[(1, 1, 1)], [(2, 2, 2)], [(3, 3, 3)]]
    reading = read(make(contours, sizes=[8, 8, 8], labels=["id=5", "id=5", "id=6"]))
    assert reading.spheres.ids.tolist() == [5, 7, 6]
    assert reading.labelled.tolist() == [True, False, True]
    assert "1 contours repeat the label of another" in reading.warnings[-1]


def test_labels_of_others_are_no_ids():
    labels = ["a vesicle", "grid=7", "valid=8", "id=" + "9" * 30, "id=12"]
    contours = [[(k, 1, 1)] for k in range(1, 6)]
    reading = read(make(contours, sizes=[8] * 5, labels=labels))
    assert reading.spheres.ids.tolist() == [13, 14, 15, 16, 12]


def test_values_beyond_a_score_are_ignored():
    reading = read(make([[(1, 1, 1)], [(2, 2, 2)]], sizes=[8, 8], values=[0.2, np.nan]))
    np.testing.assert_allclose(reading.spheres.scores, [0.2, 1])
    reading = read(make([[(1, 1, 1)]], sizes=[8], values=[17.5]))
    assert reading.spheres.scores.tolist() == [1]
    assert "not scores" in reading.warnings[0]


def test_objects_are_told_apart():
    reading = read(
        make([[(1, 1, 1)]], sizes=[8]), make([], sizes=[]), make([[(2, 2, 2)]], sizes=[8])
    )
    assert reading.object_number.tolist() == [1, 3]
    assert reading.object_names == ("test", "test", "test")


def test_open_contours_are_no_spheres_unless_sized():
    filament = [(1, 1, 1), (2, 2, 2), (3, 3, 3)]
    reading = read(make([filament], flags=OPEN, default=0))
    assert len(reading.spheres) == 0
    assert "3 points in 1 open contours are not spheres and are left out" in reading.warnings[0]
    assert "make the object scattered" in reading.warnings[0]
    reading = read(make([filament], flags=OPEN, default=7))  # 3dmod draws spheres there
    assert reading.spheres.radii_nm.tolist() == [14.0] * 3
    assert "3 points in 1 open contours with a sphere radius" in reading.warnings[0]
    reading = read(make([filament, filament], flags=OPEN, default=0, sizes=[8, *[-1] * 5]))
    assert reading.radius_source.tolist() == ["explicit", "none", "none"]
    reading = read(make([[(1, 1, 1)], [(2, 2, 2)]], flags=0))  # somebody forgot "scattered"
    assert len(reading.spheres) == 2
    assert "lone or sized points taken as spheres" in reading.warnings[0]


def ring(centre, radius, z, n=24):
    angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
    x, y = centre[0] + radius * np.cos(angles), centre[1] + radius * np.sin(angles)
    return [(a, b, z) for a, b in zip(x, y, strict=True)]


def test_outlines_become_spheres():
    z = np.arange(-8, 9, 2.0)
    first = [ring((30.5, 40.5), np.sqrt(10**2 - h**2), 50 + h) for h in z]
    second = [ring((60.5, 45.5), np.sqrt(10**2 - h**2), 52 + h) for h in z]
    reading = read(make([*first, *second, [(60.5, 45.5, 62)]], flags=0))
    assert reading.radius_source.tolist() == ["outline", "outline"]
    np.testing.assert_allclose(reading.spheres.centres, [[50, 40, 30], [52, 45, 60]], atol=1e-4)
    np.testing.assert_allclose(reading.spheres.radii_nm, 20, rtol=1e-5)  # 10 pixels of 2 nm
    assert "2 spheres fitted to closed contours" in reading.warnings[0]


def test_spheres_outside_the_volume_and_broken_points():
    reading = read(make([[(1, 1, 1)], [(500, 1, 1)], [(np.nan, 1, 1)]], sizes=[8, 8, 8]))
    assert len(reading.spheres) == 2
    text = " ".join(reading.warnings)
    assert "1 of 2 spheres lie outside the volume" in text
    assert "1 points without a valid position" in text


def test_a_sphere_that_the_border_cuts_is_nothing_to_warn_of():
    reading = read(make([[(50, 50, -4)], [(50, 50, -12)]], sizes=[8, 8]))
    assert "1 of 2 spheres lie outside the volume" in " ".join(reading.warnings)


def test_model_without_pixel_size_and_tomogram_has_no_radii_in_nm():
    header = Header("m", (100, 100, 100), 0xF000)
    unit = replace(PLAIN, scale=(1.0, 1.0, 1.0))
    model = build_mod(header, [make([[(1, 1, 1)]], sizes=[8])], unit)
    alone = spheres_of(model)
    assert np.isnan(alone.spheres.radii_nm).all()
    assert not alone.voxel_size_known
    assert "unknown without the tomogram" in alone.warnings[0]
    on_grid = spheres_of(model, GRID)
    np.testing.assert_allclose(on_grid.spheres.radii_nm, 16)
    np.testing.assert_allclose(on_grid.spheres.centres, [[1, 0.5, 0.5]])
    assert on_grid.voxel_size_known


@pytest.mark.parametrize("name", ["point_sizes_example", "correct111", "empty089"])
def test_models_made_by_people(shared, name):
    from vesimod_imod.sphere_model.read import read_sphere_model

    reading = read_sphere_model(shared / "mod" / f"{name}.mod")
    if name == "point_sizes_example":  # a vesicle user's sizes: 4 scattered, 5 open points
        assert reading.radius_source.tolist() == [
            *["explicit"] * 4, "explicit", "explicit", "default", "default", "explicit",
        ]  # fmt: skip
        pixels = [28.4, 34.0, 18.8, 22.8, 12.8, 7.2, 6, 6, 11.6]
        np.testing.assert_allclose(reading.spheres.radii_nm, 1.2399 * np.array(pixels), rtol=1e-5)
        np.testing.assert_allclose(reading.spheres.centres[0], [46, 898, 438], atol=1e-3)
    else:  # hand picks without sizes, on a volume without pixel size
        assert len(reading.spheres) == {"correct111": 161, "empty089": 74}[name]
        assert np.isnan(reading.spheres.radii_nm).all()
        assert reading.grid.tilt_angles_deg == (0, 0, -90)


def test_every_real_model_is_read_or_refused_with_its_byte(shared):
    from vesimod_imod.model.chunks import ModFormatError
    from vesimod_imod.sphere_model.read import read_sphere_model

    refused = []
    for path in sorted((shared / "mod").glob("*.mod")):
        try:
            read_sphere_model(path, GRID)
        except ModFormatError as error:
            refused.append((path.name, error.offset))
    assert refused == [("test_bad_data2.mod", 84720)]
