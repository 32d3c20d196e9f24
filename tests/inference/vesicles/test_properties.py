"""Properties that hold for any vesicle: found where it is, whatever surrounds the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from painted import image, paint, scatter, truth_map
from vesimod.radial.rays import RaySampler
from vesimod.settings import SearchSettings
from vesimod.vesicles.detect import find_spheres
from vesimod.vesicles.outliers import p_values
from vesimod.vesicles.overlaps import clashes_with, resolve_overlaps
from vesimod.vesicles.threshold import DEFAULT_THRESHOLD, choose_threshold, threshold_curve
from vesimod_imod.core.spheres import Spheres

pytestmark = pytest.mark.slow

SIZE = (2.2, 2.2, 2.2)
SHAPE = (52, 72, 72)
CENTRES, RADII = scatter(SHAPE, SIZE, 8, seed=11)
VOLUME = image(paint(SHAPE, SIZE, CENTRES, RADII), SIZE, snr=0.2, tilt_range_deg=(-60, 60))
PROBABILITY = truth_map(SHAPE, SIZE, CENTRES, RADII)
FOUND = find_spheres(VOLUME, SIZE, PROBABILITY, SIZE)


def by_place(spheres):
    return spheres.select(np.lexsort(spheres.centres.T))


def assert_same(one, other, atol=1e-3):
    assert len(one) == len(other)
    one, other = by_place(one), by_place(other)
    np.testing.assert_allclose(one.centres, other.centres, atol=atol)
    np.testing.assert_allclose(one.radii_nm, other.radii_nm, atol=atol)
    np.testing.assert_allclose(one.scores, other.scores, atol=atol)


@settings(max_examples=25, deadline=None)
@given(
    radius=st.floats(5, 40),
    offset=st.tuples(*[st.floats(-0.5, 0.5)] * 3),
    voxel_nm=st.floats(0.8, 3.0),
)
def test_paint_a_sphere_and_get_it_back(radius, offset, voxel_nm):
    """Any radius of 5 to 40 voxels that a vesicle can have, any sub-voxel centre."""
    radius_nm = radius * voxel_nm
    if not 13 <= radius_nm <= 70:
        return
    size = (voxel_nm,) * 3
    edge = 2 * int(radius + 12 / voxel_nm + 4)
    centre = np.array([[edge / 2] * 3]) + offset
    shape = (edge,) * 3
    volume = paint(shape, size, centre, radius_nm)
    found = find_spheres(volume, size, truth_map(shape, size, centre, radius_nm), size)
    np.testing.assert_allclose(found.spheres.centres, centre, atol=0.1)
    np.testing.assert_allclose(found.spheres.radii_nm, radius_nm, atol=0.6)


@settings(max_examples=5, deadline=None)
@given(shift=st.tuples(*[st.integers(0, 6)] * 3))
def test_translation_moves_the_spheres_along(shift):
    pad = [(14 + s, 20 - s) for s in shift]  # all that a fit reads stays the same
    base = [(14, 20)] * 3
    first = find_spheres(np.pad(VOLUME, base), SIZE, np.pad(PROBABILITY, base), SIZE)
    moved = find_spheres(np.pad(VOLUME, pad), SIZE, np.pad(PROBABILITY, pad), SIZE)
    back = moved.spheres
    back = Spheres(back.centres - np.array(shift), back.radii_nm, back.scores)
    assert_same(first.spheres, back, atol=1e-3)


@settings(max_examples=8, deadline=None)
@given(scale=st.floats(1e-3, 1e4), level=st.floats(-100, 100))
def test_contrast_and_grey_level_change_nothing(scale, level):
    changed = (scale * (VOLUME.astype(np.float64) + level)).astype(np.float32)
    assert_same(FOUND.spheres, find_spheres(changed, SIZE, PROBABILITY, SIZE).spheres, atol=0.02)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_order_of_components_changes_nothing(axis):
    """Mirrored, the components are met in another order; only the rays differ a little."""
    flipped = find_spheres(np.flip(VOLUME, axis), SIZE, np.flip(PROBABILITY, axis), SIZE).spheres
    centres = flipped.centres.copy()
    centres[:, axis] = SHAPE[axis] - 1 - centres[:, axis]
    back = by_place(Spheres(centres, flipped.radii_nm))
    there = by_place(FOUND.spheres)
    np.testing.assert_allclose(back.centres, there.centres, atol=0.15)
    np.testing.assert_allclose(back.radii_nm, there.radii_nm, atol=0.25)


def test_twice_the_same_is_the_same():
    again = find_spheres(VOLUME, SIZE, PROBABILITY, SIZE)
    assert_same(FOUND.spheres, again.spheres, atol=0)


def test_anisotropic_voxels():
    size = (3.3, 2.2, 2.0)
    centres, radii = scatter((36, 72, 80), size, 8, seed=12)
    volume = image(paint((36, 72, 80), size, centres, radii), size, snr=0.2)
    found = by_place(
        find_spheres(volume, size, truth_map((36, 72, 80), size, centres, radii), size).spheres
    )
    order = np.lexsort(centres.T)
    np.testing.assert_allclose(found.centres * size, centres[order] * size, atol=1.0)
    np.testing.assert_allclose(found.radii_nm, radii[order], atol=1.0)


def test_fine_voxels_are_averaged_in_place():
    size, coarse = (0.7, 0.7, 0.7), (4.2, 4.2, 4.2)
    centre, radius = np.array([[47.3, 50.1, 52.6]]), np.array([18.0])
    volume = image(paint((102, 102, 102), size, centre, radius), size, snr=0.02)
    probability = truth_map((17, 17, 17), coarse, (centre + 0.5) / 6 - 0.5, radius)
    found = find_spheres(volume, size, probability, coarse).spheres
    np.testing.assert_allclose(found.centres * 0.7, centre * 0.7, atol=0.7)
    np.testing.assert_allclose(found.radii_nm, radius, atol=1.0)


def test_region_and_reasons():
    region = np.zeros(SHAPE, bool)
    region[:, :, : SHAPE[2] // 2] = True
    found = find_spheres(VOLUME, SIZE, PROBABILITY, SIZE, SearchSettings(region=region))
    assert (found.spheres.centres[:, 2] < SHAPE[2] / 2).all()
    assert set(found.dropped.measures["reason"]) == {"outside the region"}
    assert len(found.spheres) + len(found.dropped) == len(RADII)
    assert not set(found.spheres.ids) & set(found.dropped.ids)


def test_labels_carry_the_ids():
    for sphere_id, centre in zip(FOUND.spheres.ids, FOUND.spheres.centres, strict=True):
        assert FOUND.labels[tuple(np.rint(centre).astype(int))] == sphere_id


def test_outliers_stand_out_and_cannot_hide_each_other():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 3)) * [1, 0.1, 10] + [5, -1, 20]
    features[:8] += [12, 1, 90]
    p = p_values(features)
    assert (p[:8] < 1e-4).all()
    assert (p[8:] > 1e-3).mean() > 0.95
    order = rng.permutation(60)
    np.testing.assert_allclose(p_values(features[order]), p[order], rtol=1e-6)


def test_p_values_are_uniform_without_outliers():
    p = p_values(np.random.default_rng(1).normal(size=(4000, 3)))
    assert abs((p < 0.05).mean() - 0.05) < 0.02


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_too_few_to_tell(rows):
    assert np.isnan(p_values(np.ones((rows, 3)))).all()


def test_constant_features_and_missing_values():
    assert np.isnan(p_values(np.ones((20, 3)))).all()
    features = np.random.default_rng(2).normal(size=(20, 3))
    features[:, 1] = 4.0
    features[3, 0] = np.nan
    p = p_values(features)
    assert np.flatnonzero(np.isnan(p)).tolist() == [3]


def test_overlaps_go_to_the_better_one():
    spheres = Spheres(np.array([[0, 0, 0], [0, 0, 10], [0, 0, 47.0]]), np.array([20.0, 20, 20]))
    kept, depth = resolve_overlaps(spheres, np.array([1.0, 2.0, 0.5]), (1.0, 1.0, 1.0))
    assert kept.tolist() == [False, True, True]
    assert depth.tolist() == [0, 3, 3]
    ends, middle = spheres.select(np.array([0, 2])), spheres.select(np.array([1]))
    assert clashes_with(ends, middle, (1.0, 1.0, 1.0)).tolist() == [True, False]


def test_threshold_follows_the_membrane():
    """A map that is too large at 0.5: its membrane lies where the map gives 0.9."""
    swollen = truth_map(SHAPE, SIZE, CENTRES, RADII + 2.5, blur_nm=5.0)
    density = RaySampler(VOLUME, SIZE)
    assert 0.65 < choose_threshold(threshold_curve(density, swollen, SIZE)) < 0.97
    assert (
        choose_threshold(threshold_curve(density, np.zeros(SHAPE, np.float32), SIZE))
        == DEFAULT_THRESHOLD
    )
    assert (
        choose_threshold(threshold_curve(density, np.ones(SHAPE, np.float32), SIZE))
        == DEFAULT_THRESHOLD
    )


@pytest.mark.parametrize(("stretch", "axis"), [((1.08, 1.08, 0.8), 2), ((1.08, 0.8, 1.08), 1)])
def test_flat_vesicles_are_recognised_as_flat(stretch, axis):
    """Within the plane that the tilt series saw; along the beam the missing wedge hides it."""
    shape, radius = (48, 60, 60), 22.0
    squares = [
        ((g - n / 2) * 2.2 / s) ** 2
        for g, n, s in zip(np.ogrid[tuple(map(slice, shape))], shape, stretch, strict=True)
    ]
    # A sphere's distances, squeezed: near enough to an ellipsoid's for a membrane.
    distance = np.sqrt(sum(squares)) - radius
    density = -np.exp(-0.5 * ((distance + 2.5) / 2.0) ** 2)
    volume = image(density, SIZE, snr=0.3, tilt_range_deg=(-60, 60))
    probability = (1 / (1 + np.exp(distance / 2))).astype(np.float32)
    measures = find_spheres(volume, SIZE, probability, SIZE).spheres.measures
    assert len(measures["sphericity"]) == 1
    assert measures["axis_short_nm"][0] / measures["axis_long_nm"][0] < 0.82
    short = [measures[f"short_axis_{name}"][0] for name in "zyx"]
    assert abs(short[axis]) > 0.9
    assert measures["sphericity"][0] < 0.995


def test_round_vesicles_are_round():
    ratio = FOUND.spheres.measures["axis_short_nm"] / FOUND.spheres.measures["axis_long_nm"]
    assert ratio.min() > 0.85
    assert FOUND.spheres.measures["sphericity"].min() > 0.99
