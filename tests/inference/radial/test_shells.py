from __future__ import annotations

import numpy as np
import pytest
from painted import image, paint
from vesimod.radial.rays import RaySampler
from vesimod.radial.shells import strongest_shells

RADII_NM = np.arange(9.0, 40.1, 2.0)


@pytest.mark.parametrize("size_nm", [(2.2, 2.2, 2.2), (1.1, 1.1, 1.1), (4.0, 2.2, 2.2)])
def test_finds_a_sphere_from_a_point_outside_of_it(size_nm):
    shape = tuple(int(150 / s) for s in size_nm)
    centre, radius_nm = np.array([75.0, 70.0, 80.0]) / size_nm, 20.0
    sampler = RaySampler(paint(shape, size_nm, centre, radius_nm), size_nm)
    click = centre + np.array([9.0, 15.0, -16.0]) / size_nm  # 23.7 nm off
    centres, membrane_nm = strongest_shells(sampler, click, 28.0, RADII_NM, 4)
    assert np.abs((centres[0] - centre) * size_nm).max() < 3.0
    assert abs(membrane_nm[0] - (radius_nm - 2.5)) < 2.0


def test_strongest_is_the_vesicle_in_noise():
    size_nm, shape = (2.2, 2.2, 2.2), (60, 70, 70)
    centre, radius_nm = np.array([30.0, 34.0, 36.0]), 22.0
    noisy = image(
        paint(shape, size_nm, centre, radius_nm), size_nm, snr=0.1, tilt_range_deg=(-60, 60)
    )
    click = centre + np.array([5.0, -4.0, 4.0])
    centres, membrane_nm = strongest_shells(RaySampler(noisy, size_nm), click, 28.0, RADII_NM, 4)
    assert len(centres) <= 4
    assert np.linalg.norm((centres[0] - centre) * size_nm) < 5.0
    assert abs(membrane_nm[0] - (radius_nm - 2.5)) < 3.0


def test_centre_within_reach_and_bright_shells_do_not_count():
    size_nm, shape = (2.2, 2.2, 2.2), (60, 60, 60)
    centre = np.array([30.0, 30.0, 30.0])
    volume = paint(shape, size_nm, centre, 20.0)
    near, _ = strongest_shells(RaySampler(volume, size_nm), centre + 8.0, 10.0, RADII_NM, 4)
    assert (np.linalg.norm((near - centre - 8.0) * 2.2, axis=1) <= 10.0).all()
    same, _ = strongest_shells(RaySampler(-volume, size_nm, True), centre, 28.0, RADII_NM, 1)
    np.testing.assert_allclose(same[0], centre, atol=1.5)


def test_nothing_outside_of_the_volume_or_where_all_is_even():
    even = RaySampler(np.full((20, 20, 20), 3.0, np.float32), (2.2, 2.2, 2.2))
    for click in ([10.0, 10.0, 10.0], [500.0, 0.0, 0.0]):
        assert len(strongest_shells(even, np.array(click), 28.0, RADII_NM, 4)[1]) == 0
