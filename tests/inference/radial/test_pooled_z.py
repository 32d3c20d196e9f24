"""How sure a shell is, by noise that is known from all fits together."""

from __future__ import annotations

import numpy as np
from vesimod.radial.rays import directions
from vesimod.radial.surface_fit import MIN_POOLED, Fits


def fits_of(count: int) -> Fits:
    """Shells of equal strength in equal noise."""
    rng = np.random.default_rng(0)
    rays = len(directions())
    response = 1.0 + 6.0 * rng.normal(size=(count, rays))
    return Fits(np.zeros((count, 3)), rng.uniform(14, 24, count), response, np.zeros(count, bool))


def test_few_fits_do_not_tell_the_noise() -> None:
    assert fits_of(MIN_POOLED - 1).pooled_z is None


def test_many_fits_tell_it_better_than_one() -> None:
    fits = fits_of(400)
    pooled = fits.pooled_z
    assert pooled is not None
    assert abs(np.median(pooled / fits.membrane_z) - 1) < 0.1
    # Of equal shells, what differs is by chance.
    strength = fits.response.mean(axis=1) * fits.membrane_nm
    by_chance = [np.std(z / strength) / np.mean(z / strength) for z in (pooled, fits.membrane_z)]
    assert by_chance[0] < 0.8 * by_chance[1]
