from __future__ import annotations

import numpy as np
import pytest
from painted import image, paint, scatter
from vesimod.vesicles.snap import snap
from vesimod_imod.core.spheres import Spheres

SIZE = (2.2, 2.2, 2.2)
SHAPE = (60, 96, 96)
CENTRES, RADII = scatter(SHAPE, SIZE, 14, seed=5)


@pytest.fixture(scope="module")
def density():
    return paint(SHAPE, SIZE, CENTRES, RADII)


@pytest.fixture(scope="module")
def volume(density):
    return image(density, SIZE, snr=0.1, tilt_range_deg=(-60, 60))


def offset(count, nm, seed=1):
    step = np.random.default_rng(seed).normal(size=(count, 3))
    return nm * step / np.linalg.norm(step, axis=1, keepdims=True) / 2.2


@pytest.mark.parametrize("off_nm", [0, 4, 8])
def test_clicks_become_spheres(volume, off_nm):
    snapped = snap(volume, SIZE, CENTRES + offset(len(RADII), off_nm))
    found = snapped.found
    assert found.mean() > 0.9
    error = np.linalg.norm((snapped.spheres.centres - CENTRES)[found] * 2.2, axis=1)
    assert np.median(error) < 0.5
    assert error.max() < 2.0
    assert abs(np.mean((snapped.spheres.radii_nm - RADII)[found])) < 0.3


def test_clicks_scattered_as_by_the_wrong_section(volume):
    scatter_nm = np.random.default_rng(6).normal(0, 8.0, CENTRES.shape)
    snapped = snap(volume, SIZE, CENTRES + scatter_nm / 2.2)
    assert np.linalg.norm(scatter_nm, axis=1).max() > 20
    found = snapped.found
    assert found.sum() >= len(RADII) - 1
    assert np.linalg.norm((snapped.spheres.centres - CENTRES)[found] * 2.2, axis=1).max() < 2.0
    assert np.abs((snapped.spheres.radii_nm - RADII)[found]).max() < 2.0


def test_one_click_alone(volume):
    snapped = snap(volume, SIZE, CENTRES[:1] + offset(1, 5))
    assert snapped.found.all()
    np.testing.assert_allclose(snapped.spheres.centres, CENTRES[:1], atol=0.5)
    np.testing.assert_allclose(snapped.spheres.radii_nm, RADII[:1], atol=1.0)


def test_clicks_on_nothing_are_refused(density):
    empty = image(density, SIZE, snr=0.1, seed=4) - image(density, SIZE)
    rng = np.random.default_rng(2)
    snapped = snap(empty, SIZE, rng.uniform(15, np.array(SHAPE) - 15, (60, 3)))
    assert snapped.found.sum() <= 1
    lost = ~snapped.found
    assert np.isnan(snapped.spheres.radii_nm[lost]).all()
    assert (snapped.spheres.scores[lost] == 0).all()
    assert (snapped.reasons[lost] != "").all()


def test_a_click_far_outside_finds_nothing(volume):
    snapped = snap(volume, SIZE, np.array([[-50.0, 20.0, 20.0]]))
    assert snapped.reasons.tolist() == ["no membrane"]
    np.testing.assert_array_equal(snapped.spheres.centres, [[-50.0, 20.0, 20.0]])


def test_two_clicks_on_a_vesicle_make_one_sphere(volume):
    snapped = snap(volume, SIZE, CENTRES[[0, 0]] + offset(2, 3))
    assert snapped.found.sum() == 1


def test_a_click_on_a_sphere_adds_nothing(volume):
    there = Spheres(CENTRES, RADII)
    snapped = snap(volume, SIZE, CENTRES[:2], taken=there)
    assert snapped.reasons.tolist() == ["overlaps a sphere that is there"] * 2


def test_no_clicks(volume):
    assert len(snap(volume, SIZE, np.empty((0, 3))).spheres) == 0


def test_bright_membranes(volume):
    dark = snap(volume, SIZE, CENTRES)
    bright = snap(-volume, SIZE, CENTRES, invert=True)
    np.testing.assert_array_equal(bright.spheres.centres, dark.spheres.centres)


def test_order_of_clicks_and_grey_scale_do_not_matter(volume):
    first = snap(volume, SIZE, CENTRES)
    back = snap(3.5 * volume - 40, SIZE, CENTRES[::-1])
    np.testing.assert_allclose(back.spheres.centres[::-1], first.spheres.centres, atol=1e-3)
    np.testing.assert_allclose(back.spheres.radii_nm[::-1], first.spheres.radii_nm, atol=1e-3)
