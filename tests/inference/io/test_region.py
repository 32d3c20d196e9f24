"""Closed contours to masks; interpolation between sections; spheres from outlines."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mrc_files import write_header
from scipy import ndimage
from skimage.measure import grid_points_in_poly
from vesimod.io import region
from vesimod.io.region import (
    NoRegionError,
    _distance_to,
    polygon_mask,
    read_region,
    region_mask,
)
from vesimod.io.tomogram import write_volume
from vesimod_imod.core.spheres import Grid
from vesimod_imod.model.header import FLIPPED_YZ, Header, ImageReference, build_mod
from vesimod_imod.model.objects import OPEN, ModelObject
from vesimod_imod.sphere_model.outlines import fit_outlines

GRID = Grid((40, 60, 80), (1.0, 1.0, 1.0))
TURN = np.linspace(0, 2 * np.pi, 180, endpoint=False)


def ring(x, y, z, radius):
    """Contour around voxel (z, y, x), as model points."""
    circle = [
        x + 0.5 + radius * np.cos(TURN),
        y + 0.5 + radius * np.sin(TURN),
        np.full(len(TURN), z),
    ]
    return np.transpose(circle)


def model(*contours, surfaces=None, flags=0, scale=10.0, size=(80, 60, 40), header_flags=0xF000):
    counts = np.array([len(c) for c in contours], np.int64)
    n = int(counts.sum())
    item = ModelObject(
        "cell", flags, (0.0, 1.0, 0.0), 0, 0, np.concatenate(contours).astype(np.float32), counts,
        np.array(surfaces if surfaces is not None else [0] * len(counts), np.int64),
        np.full(n, -1, np.float32), np.full(n, np.nan, np.float32), ("",) * len(counts),
    )  # fmt: skip
    zero = (0.0, 0.0, 0.0)
    reference = ImageReference((scale,) * 3, zero, zero, zero)
    return build_mod(Header("m", size, header_flags, pixel_size=1.0, units=-9), [item], reference)


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 25), st.floats(-5, 35)), min_size=3, max_size=12))
def test_polygon_agrees_with_scikit_image_off_the_boundary(vertices):
    polygon = np.array(vertices)
    ours = polygon_mask([polygon], (20, 30))
    theirs = grid_points_in_poly((20, 30), polygon)
    start, end = polygon, np.roll(polygon, -1, axis=0)
    points = np.stack(np.indices((20, 30)), axis=-1)[..., None, :]
    along = ((points - start) * (end - start)).sum(axis=-1)
    squares = ((end - start) ** 2).sum(axis=-1)
    part = np.clip(along / np.where(squares > 0, squares, 1), 0, 1)
    nearest = np.linalg.norm(points - start - part[..., None] * (end - start), axis=-1)
    inner = nearest.min(axis=-1) > 1e-6
    np.testing.assert_array_equal(ours[inner], theirs[inner])


def test_pixel_centres_inside_count_and_holes_stay_open():
    square = np.array([[1.5, 1.5], [1.5, 6.5], [6.5, 6.5], [6.5, 1.5]])
    assert polygon_mask([square], (9, 9)).sum() == 25
    assert polygon_mask([square, square * 0.4 + 2.4], (9, 9)).sum() == 25 - 4
    assert polygon_mask([square + 100], (9, 9)).sum() == 0
    assert polygon_mask([square * 100 - 300], (9, 9)).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), fill=st.floats(0.001, 0.999))
def test_distance_is_euclidean(seed, fill):
    target = np.random.default_rng(seed).random((15, 23)) < fill
    if target.any():
        np.testing.assert_allclose(_distance_to(target), ndimage.distance_transform_edt(~target))


def test_ball_drawn_on_every_section_is_a_ball():
    heights = np.arange(-14, 15)
    mask, notes = region_mask(
        model(*[ring(40, 30, 20 + h, np.sqrt(15.2**2 - h**2)) for h in heights]), GRID
    )
    z, y, x = np.indices(GRID.shape)
    ball = (z - 20) ** 2 + (y - 30) ** 2 + (x - 40) ** 2 <= 15.2**2
    ball &= np.abs(z - 20) <= 14
    assert iou(mask, ball) > 0.99
    boundary = ndimage.binary_dilation(ball) & ~ndimage.binary_erosion(ball)
    assert not np.any((mask ^ ball) & ~boundary)
    assert notes == ["object 1 'cell': it ends open at section 7 and 35"]


def test_missing_sections_are_interpolated_by_shape():
    cone = [ring(40, 30, z, 5 + z / 2) for z in (5, 15, 35)]
    mask, notes = region_mask(model(*cone), GRID)
    for z in range(5, 36):
        y, x = np.indices(GRID.shape[1:])
        distance = np.hypot(y - 30, x - 40) - (5 + z / 2)
        assert mask[z][distance < -1].all()
        assert not mask[z][distance > 1].any()
    assert not mask[:5].any()
    assert not mask[36:].any()
    assert notes[0].endswith("28 sections between drawn ones are interpolated")


def test_separate_regions_do_not_flow_together():
    near = [ring(20, 30, z, 8) for z in (5, 15)]
    far = [ring(60, 30, z, 8) for z in (10, 20)]
    mask, _ = region_mask(model(*near, *far), GRID)
    assert mask[5:16, 30, 20].all()
    assert mask[10:21, 30, 60].all()
    assert not mask[:10, 30, 60].any()
    assert not mask[:, 30, 40].any()
    # Overlapping in projection, but of two surfaces.
    one, other = ring(40, 30, 5, 8), ring(44, 30, 12, 8)
    assert region_mask(model(one, other, surfaces=[1, 2]), GRID)[0].sum(axis=(1, 2)).nonzero()[
        0
    ].tolist() == [5, 12]


def test_model_of_another_binning():
    coarse = [ring(20, 15, z, 6) for z in (5, 6, 7)]
    mask, _ = region_mask(model(*coarse, scale=20.0, size=(40, 30, 20)), GRID)
    z, y, x = np.indices(GRID.shape)
    expected = ((y - 30.5) ** 2 + (x - 40.5) ** 2 <= 12**2) & (z >= 11) & (z <= 15)
    assert iou(mask, expected) > 0.98
    fine = [ring(80, 60, z, 24) for z in range(20, 40)]
    mask, _ = region_mask(model(*fine, scale=5.0, size=(160, 120, 80)), GRID)
    expected = ((y - 29.75) ** 2 + (x - 39.75) ** 2 <= 12**2) & (z >= 10) & (z <= 19)
    assert iou(mask, expected) > 0.95


def test_drawn_with_y_and_z_exchanged():
    sections = [ring(40, 20, k, 9) for k in range(10, 21)]  # planes of y, as file z
    flipped = model(*sections, size=(80, 40, 60), header_flags=0xF000 | FLIPPED_YZ)
    mask, _ = region_mask(flipped, GRID)
    filled = np.flatnonzero(mask.any(axis=(0, 2)))
    assert len(filled) == 11
    assert abs(filled[0] - 10) <= 1
    assert mask.sum() / len(filled) == pytest.approx(np.pi * 81, rel=0.05)


def test_what_encloses_nothing_is_said():
    with pytest.raises(ValueError, match=r"open ones, which enclose nothing; close them in 3dmod"):
        region_mask(model(ring(40, 30, 5, 8), flags=OPEN), GRID)
    tilted = ring(40, 30, 5, 8)
    tilted[:, 2] += np.linspace(0, 9, len(TURN))
    _, notes = region_mask(model(ring(40, 30, 5, 8), tilted), GRID)
    assert any("1 contours do not lie in one section" in note for note in notes)


def test_region_beyond_the_volume_is_cut():
    mask, _ = region_mask(model(ring(0, 0, 39, 8), ring(0, 0, 45, 8)), GRID)
    assert mask[39].sum() == pytest.approx(np.pi * 64 / 4, rel=0.2)
    assert mask.sum() == mask[39].sum()
    with pytest.raises(NoRegionError, match="object 1 'cell': a region lies outside the volume"):
        region_mask(model(ring(500, 30, 5, 8), ring(500, 30, 9, 8)), GRID)
    broken = ring(40, 30, 5, 8)
    broken[3, 2] = np.nan
    with pytest.raises(NoRegionError):
        region_mask(model(broken), GRID)


def test_contours_that_are_all_left_out_are_an_error():
    """Nothing could be found there, and that must not pass for "no vesicle"."""
    tilted = ring(40, 30, 5, 8)
    tilted[:, 2] += np.linspace(0, 9, len(tilted))
    with pytest.raises(NoRegionError, match="do not lie in one section"):
        region_mask(model(tilted), GRID)
    with pytest.raises(NoRegionError, match="enclose no voxel of the tomogram"):
        region_mask(model(ring(40, 30, -20, 8)), GRID)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros(GRID.shape, np.int8), "region is empty"),
        (np.full(GRID.shape, -1, np.int8), "region is empty"),
        (np.ones((40, 60, 79), np.int8), "79 x 60 x 40 voxels where the tomogram has 80 x 60 x 40"),
    ],
)
def test_masks_without_a_voxel_or_of_another_volume_are_errors(tmp_path, mask, message):
    write_volume(tmp_path / "a.mrc", mask, Grid(mask.shape, (1.0, 1.0, 1.0)))
    with pytest.raises(ValueError, match=message):
        read_region(tmp_path / "a.mrc", GRID)


@pytest.mark.parametrize("angstrom", [0.0, 0.01, 1000.0])
def test_a_mask_s_own_voxel_size_is_not_asked_for(tmp_path, angstrom):
    mask = np.zeros(GRID.shape, np.int8)
    mask[3:5] = 1
    write_header(tmp_path / "a.mrc", mask, 0, angstrom=(angstrom,) * 3, minmax=(0, 1))
    found, notes = read_region(tmp_path / "a.mrc", GRID)
    assert np.array_equal(found, mask > 0)
    assert notes == ()


def test_real_outlines(shared):
    from vesimod_imod.model.coordinates import grid_of
    from vesimod_imod.model.files import read_mod

    drawn = read_mod(shared / "mod" / "microtubules_vesicles_REPAIRED.mod")
    mask, notes = region_mask(drawn, grid_of(drawn)[0])
    assert 18_000 < mask.sum() < 26_000  # 25 sections of 40 to 1200 pixels
    assert ndimage.label(mask)[1] == 1
    assert sum("left out" in note for note in notes) == 3


def fit(contours):
    points = np.concatenate(contours)[:, ::-1]
    owner = np.repeat(np.arange(len(contours)), [len(c) for c in contours])
    return fit_outlines(points, owner, np.zeros(len(contours), np.int64))


def test_noisy_partial_outlines_give_the_sphere():
    rng = np.random.default_rng(0)
    contours = [ring(40, 30, 20 + h, np.sqrt(15**2 - h**2)) for h in (-6, -3, 0, 3, 6)]
    contours = [c + rng.normal(0, 0.4, c.shape) * [1, 1, 0] for c in contours]
    (found,) = fit(contours)
    assert found.shape == "sphere"
    np.testing.assert_allclose(found.centre, [20, 30.5, 40.5], atol=0.3)
    assert found.radius == pytest.approx(15, abs=0.2)


def test_ellipsoid_and_circle():
    stretched = [ring(40, 30, 20 + h, np.sqrt(1 - (h / 9) ** 2)) for h in range(-8, 9, 2)]
    for contour in stretched:
        contour[:, :2] = (contour[:, :2] - [40.5, 30.5]) * [18, 12] + [40.5, 30.5]
    (found,) = fit(stretched)
    assert found.shape == "ellipsoid"
    assert found.radius == pytest.approx((9 * 12 * 18) ** (1 / 3), rel=1e-3)
    np.testing.assert_allclose(found.centre, [20, 30.5, 40.5], atol=1e-3)
    (found,) = fit([ring(40, 30, 20, 15)])
    assert (found.shape, found.is_vesicle) == ("circle", True)
    np.testing.assert_allclose([*found.centre, found.radius], [20, 30.5, 40.5, 15], atol=1e-9)


def test_what_is_not_round_is_no_vesicle():
    line = np.array([[0, 0, 5], [100, 0, 5], [100, 4, 5], [0, 4, 5.0]])
    assert not any(found.is_vesicle for found in fit([line]))
    assert fit([np.array([[0, 0, 0], [1, 1, 1.0]])]) == []


def test_boxes_that_touch_over_others_are_one_part_whatever_their_number() -> None:
    chain = np.array([[k, 0.0, k + 1.0, 1.0] for k in range(5)])  # each touches the next
    away = np.array([[0.0, 1.5, 5.0, 2.0], [9.0, 0.0, 9.0, 0.0]])
    boxes = np.concatenate([chain[::2], away, chain[1::2]])
    assert region._touching(boxes).tolist() == [0, 0, 0, 3, 4, 0, 0]
    y, x = np.indices((60, 60)).reshape(2, -1) * 3.0
    tracemalloc.start()
    labels = region._touching(np.column_stack([y, x, y + 1, x + 1]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert labels.tolist() == list(range(3600))
    assert peak < 2e6  # bytes; a table of all pairs has 13 million places
