"""Spheres to a model and back, and where the model says that they lie."""

from __future__ import annotations

import struct
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vesimod_imod.core.object_names import REJECTED
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.model.chunks import parse_chunks
from vesimod_imod.model.files import read_mod, write_mod
from vesimod_imod.model.header import header_of, image_reference_of
from vesimod_imod.model.objects import objects_of
from vesimod_imod.sphere_model.read import read_sphere_model
from vesimod_imod.sphere_model.write import (
    ORANGE,
    REJECTED_SHOWN_NM,
    SphereObject,
    by_score,
    write_sphere_model,
    write_sphere_objects,
)

HALF = np.array([0, 0.5, 0.5])  # x and y of a voxel's centre in a model, but not z
GRID = Grid((40, 60, 80), (1.3, 1.1, 1.1), (20.0, 0.0, -7.0), (0.0, 0.0, -90.0))


def random_spheres(n, grid, seed=0):
    rng = np.random.default_rng(seed)
    return Spheres(
        rng.random((n, 3)) * np.array(grid.shape) - 0.5,
        rng.uniform(10, 30, n),
        rng.random(n),
        rng.permutation(10 * n)[:n] + 1,
    )


sizes = st.floats(0.05, 20)
lengths = st.tuples(*[st.floats(-1e4, 1e4)] * 3)
angles = st.tuples(*[st.floats(-180, 180)] * 3)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 4000)] * 3),
    z_size=sizes,
    xy_size=sizes,
    origin=lengths,
    tilt=angles,
    n=st.integers(0, 20),
    seed=st.integers(0, 2**32 - 1),
)
def test_round_trip_is_exact_to_float32(
    tmp_path_factory, shape, z_size, xy_size, origin, tilt, n, seed
):
    grid = Grid(shape, (z_size, xy_size, xy_size), origin, tilt)
    spheres = random_spheres(n, grid, seed)
    path = tmp_path_factory.mktemp("round") / "trip.mod"
    write_sphere_model(path, spheres, grid)
    reading = read_sphere_model(path, grid)
    assert reading.warnings == []
    np.testing.assert_array_equal(reading.spheres.ids, spheres.ids)
    assert reading.labelled.all()
    assert set(reading.radius_source) <= {"explicit"}
    # Model coordinates are voxels plus half a voxel, as float32.
    stored = (spheres.centres + HALF).astype(np.float32)
    back = (reading.spheres.centres + HALF).astype(np.float32)
    np.testing.assert_array_almost_equal_nulp(back, stored, nulp=1)
    np.testing.assert_array_almost_equal_nulp(
        reading.spheres.radii_nm.astype(np.float32), spheres.radii_nm.astype(np.float32), nulp=1
    )
    np.testing.assert_allclose(reading.spheres.scores, spheres.scores, atol=1e-6)
    # The same without the tomogram.
    alone = read_sphere_model(path)
    np.testing.assert_allclose(alone.spheres.centres, reading.spheres.centres, atol=1e-6 * 4000)
    np.testing.assert_allclose(alone.spheres.radii_nm, reading.spheres.radii_nm, rtol=1e-12)


def test_file_says_what_3dmod_needs(tmp_path):
    path = tmp_path / "vesicles.mod"
    spheres = Spheres([[10, 20, 30], [1, 2, 3]], [22.0, 11.0], [0.25, 0.75], [12, 7])
    write_sphere_model(path, spheres, GRID)
    model = read_mod(path)
    header, reference = header_of(model), image_reference_of(model)
    assert header.size == (80, 60, 40)
    assert header.flags == 0b1111 << 12
    assert header.pixel_size == np.float32(1.1)
    assert header.units == -9
    assert header.scale == (1, 1, np.float32(1.3 / 1.1))
    assert reference.scale == (11, 11, 13)
    assert reference.translation == reference.full_translation == (70, 0, -200)
    assert reference.rotation == (-90, 0, 0)
    (item,) = objects_of(model)
    assert (item.name, item.flags, item.points_per_contour) == ("vesicles", 0xB08, 1)
    assert item.default_radius == 15  # median of 20 and 10 pixels
    np.testing.assert_array_equal(item.points, [[30.5, 20.5, 10], [3.5, 2.5, 1]])
    np.testing.assert_allclose(item.sizes, [20, 10], rtol=1e-6)
    assert item.labels == (
        "vesimod id=12 r=22.000nm p=0.250000",
        "vesimod id=7 r=11.000nm p=0.750000",
    )
    tags = [tag for tag, _ in model.chunks]
    contour = [b"CONT", b"LABL", b"SIZE", b"COST"]
    assert tags == [b"OBJT", *contour, *contour, b"IMAT", b"OBST", b"MINX"]
    data = dict(model.chunks)
    assert len(data[b"IMAT"]) == 16
    assert data[b"IMAT"][7] == 2  # quality: spheres look round
    # Types 11 and 10, flags 21 and 4; log-odds of 0.25 and 0.75 are -1.0986 and 1.0986.
    assert data[b"OBST"].hex() == "000b0015" + "bf8c9f54" + "3f8c9f54"
    assert data[b"COST"].hex() == "000a0004" + "00000000" + "3f8c9f54"
    assert data[b"LABL"][:8].hex() == "00000000" + "00000024"
    assert data[b"MINX"][:12].hex() == "3f800000" * 3


def test_unknown_radius_is_no_size(tmp_path):
    path = tmp_path / "clicks.mod"
    spheres = Spheres([[10, 20, 30], [1, 2, 3], [5, 5, 5]], [22.0, np.nan, 44.0])
    write_sphere_model(path, spheres, GRID)
    reading = read_sphere_model(path, GRID)
    assert reading.radius_source.tolist() == ["explicit", "default", "explicit"]
    np.testing.assert_allclose(reading.spheres.radii_nm, [22, 33, 44], rtol=1e-6)
    assert len(reading.warnings) == 1
    assert "1 points have no size: the object's 30 pixels taken" in reading.warnings[0]


def test_empty_set(tmp_path):
    path = tmp_path / "none.mod"
    write_sphere_model(path, Spheres.empty(), GRID)
    reading = read_sphere_model(path, GRID)
    assert len(reading.spheres) == 0
    assert reading.warnings == []
    assert reading.object_names == ("vesicles",)


@pytest.mark.parametrize("name", ["vésicules", "小胞" * 40, "a" * 200, "\udc80x", "zero\0byte", ""])
def test_names_survive_as_far_as_they_fit(tmp_path, name):
    path = tmp_path / "model.mod"
    write_sphere_model(path, random_spheres(1, GRID), GRID, name=name)
    (item,) = objects_of(read_mod(path))
    expected = name.replace("\0", " ").replace("\udc80", "?")
    assert expected.startswith(item.name)
    assert len(item.name.encode()) >= min(len(expected.encode()), 61)
    assert path.with_name("model.mod").read_bytes()[:8] == b"IMODV1.2"


def test_several_objects_and_score_classes(tmp_path):
    path = tmp_path / "model.mod"
    spheres = random_spheres(50, GRID)
    good, bad = spheres.select(spheres.scores >= 0.5), spheres.select(spheres.scores < 0.5)
    objects = [SphereObject("accepted", good), SphereObject("suspicious", bad, ORANGE)]
    write_sphere_objects(path, objects, GRID)
    reading = read_sphere_model(path, GRID)
    assert reading.object_names == ("accepted", "suspicious")
    np.testing.assert_array_equal(reading.spheres.ids, [*good.ids, *bad.ids])
    np.testing.assert_array_equal(reading.object_number, [1] * len(good) + [2] * len(bad))
    classes = by_score(spheres)
    assert len(classes) == len({item.colour for item in classes}) == 5
    assert sum(len(item.spheres) for item in classes) == 50
    assert [len(item.spheres) for item in classes] == [10] * 5
    sorted_scores = np.concatenate([np.sort(item.spheres.scores) for item in classes])
    np.testing.assert_array_equal(sorted_scores, np.sort(spheres.scores))
    assert len(by_score(Spheres([[0, 0, 0]], [1.0], [1.0]))[4].spheres) == 1
    alike = Spheres(np.zeros((5, 3)), np.ones(5), [0.5, 0.5, 0.5, 0.5, 0.9])
    assert [len(item.spheres) for item in by_score(alike)] == [0, 0, 0, 4, 1]
    assert by_score(alike)[0].name == "vesicles 1 of 5, score none"


def test_scores_near_one_are_told_apart_by_their_values(tmp_path):
    """Those of good models crowd there; 3dmod colours and sorts by the values."""
    path = tmp_path / "model.mod"
    scores = np.linspace(0.9925, 0.9992, 30)
    spheres = replace(random_spheres(30, GRID), scores=scores)
    write_sphere_model(path, spheres, GRID)
    (item,) = objects_of(read_mod(path))
    low, high = struct.unpack(">ff", dict(read_mod(path).chunks)[b"OBST"][4:])
    colours = np.floor(255 * (item.values - low) / (high - low))
    assert len(np.unique(colours)) > 25
    assert np.all(np.diff(item.values) > 0)
    np.testing.assert_allclose(read_sphere_model(path).spheres.scores, scores, rtol=1e-5)


def test_scores_of_earlier_versions_are_read(tmp_path):
    """Their values are the probabilities themselves."""
    path = tmp_path / "model.mod"
    write_sphere_model(path, Spheres([[1, 2, 3]], [20.0], [0.75]), GRID)
    model = read_mod(path)
    old = {b"LABL": lambda data: data.replace(b" p=0.750000", bytes(11))}
    old[b"COST"] = lambda data: data[:8] + struct.pack(">f", 0.25)
    chunks = [(tag, old.get(tag, bytes)(data)) for tag, data in model.chunks]
    write_mod(path, replace(model, chunks=chunks), overwrite=True)
    reading = read_sphere_model(path)
    assert (reading.spheres.ids.tolist(), reading.spheres.scores.tolist()) == ([1], [0.25])
    assert reading.warnings == []


def test_points_where_nothing_was_found_show_in_sections_near(tmp_path):
    path = tmp_path / "model.mod"
    lost = Spheres([[1, 2, 3]], [np.nan], [0.0])
    write_sphere_objects(path, [SphereObject(REJECTED, lost, ORANGE, REJECTED_SHOWN_NM)], GRID)
    (item,) = objects_of(read_mod(path))
    assert item.default_radius * GRID.xy_voxel_size_nm == pytest.approx(10.0, abs=1.0)
    reading = read_sphere_model(path)
    assert reading.radius_source.tolist() == ["none"]  # nobody takes that for a radius
    assert reading.warnings == []
    assert len(reading.vesicles().spheres) == 0


def test_ids_must_differ_across_objects(tmp_path):
    one = Spheres([[0, 0, 0]], [1.0])
    with pytest.raises(ValueError, match="share an id"):
        write_sphere_objects(
            tmp_path / "m.mod", [SphereObject("a", one), SphereObject("b", one)], GRID
        )
    assert not list(tmp_path.iterdir())


def test_a_model_is_never_lost(tmp_path):
    path = tmp_path / "model.mod"
    path.write_bytes(b"somebody's work")
    with pytest.raises(FileExistsError, match="`overwrite=True`"):
        write_sphere_model(path, random_spheres(1, GRID), GRID)
    assert path.read_bytes() == b"somebody's work"
    write_sphere_model(path, random_spheres(1, GRID), GRID, overwrite=True)
    assert (tmp_path / "model.mod~").read_bytes() == b"somebody's work"
    assert len(read_sphere_model(path).spheres) == 1


def paint_model(points, radii, header, shape):
    """Paint as IMOD does, by its own coordinates: x, y at i + 0.5, z at k; z scale for z."""
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    mask = np.zeros(shape, bool)
    for (px, py, pz), radius in zip(points, radii, strict=True):
        squares = (x + 0.5 - px) ** 2 + (y + 0.5 - py) ** 2 + ((z - pz) * header.zscale) ** 2
        mask |= squares <= radius**2
    return mask


def test_independent_reader_finds_the_spheres_where_numpy_paints_them(tmp_path):
    imodmodel = pytest.importorskip("imodmodel")
    from imodmodel.models import ImodModel

    grid = Grid((50, 70, 60), (1.3, 1.1, 1.1), (20.0, 0.0, -7.0))
    rng = np.random.default_rng(1)
    spheres = Spheres(rng.uniform(15, 35, (5, 3)), rng.uniform(8, 16, 5))
    path = tmp_path / "vesicles.mod"
    write_sphere_model(path, spheres, grid)
    with warnings.catch_warnings():
        # pydantic deprecations of imodmodel 0.1.0, not ours
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="imodmodel|pydantic")
        table = imodmodel.read(path)
        model = ImodModel.from_file(path)
    np.testing.assert_array_equal(
        table[["z", "y", "x"]].to_numpy(np.float32),
        (spheres.centres + HALF).astype(np.float32),
    )
    contours = model.objects[0].contours
    points = np.concatenate([contour.points for contour in contours])
    radii = np.concatenate([contour.point_sizes for contour in contours])
    painted = paint_model(points, radii, model.header, grid.shape)
    voxels = np.stack(np.indices(grid.shape), axis=-1)
    truth = np.zeros(grid.shape, bool)
    for centre, radius in zip(spheres.centres, spheres.radii_nm, strict=True):
        distance = np.linalg.norm((voxels - centre) * grid.voxel_size_nm, axis=-1)
        truth |= distance <= radius
    assert (painted & truth).sum() / (painted | truth).sum() > 0.99


@pytest.mark.slow
def test_one_hundred_thousand_spheres(tmp_path):
    grid = Grid((1000, 1000, 1000), (1.0, 1.0, 1.0))
    spheres = random_spheres(100_000, grid)
    path = tmp_path / "many.mod"
    write_sphere_model(path, spheres, grid)
    assert len(parse_chunks(path.read_bytes()).chunks) == 4 * 100_000 + 4
    reading = read_sphere_model(path, grid)
    np.testing.assert_array_equal(reading.spheres.ids, spheres.ids)
