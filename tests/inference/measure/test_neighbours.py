"""Neighbours, densities and chance, against plain calculations and known cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vesimod.measure.neighbours import (
    against_chance,
    density_around_um3,
    nearest_neighbours,
    sample_region,
)

SIZE = (2.0, 2.0, 2.0)


@settings(max_examples=30)
@given(st.integers(2, 60), st.integers(0, 10_000))
def test_nearest_membranes_are_those_of_all_pairs(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, 300, (count, 3))
    radii = rng.uniform(5, 120, count)
    radii[rng.random(count) < 0.1] = np.nan
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    found = nearest_neighbours(centres, radii)
    np.testing.assert_allclose(found.centre_nm, apart.min(axis=1))
    gaps = apart - radii[:, None] - radii[None]
    gaps[np.isnan(gaps)] = np.inf
    expected = gaps.min(axis=1)
    np.testing.assert_allclose(found.membrane_nm, np.where(np.isinf(expected), np.nan, expected))
    known = found.row >= 0
    np.testing.assert_allclose(gaps[known, found.row[known]], expected[known])


def test_a_vesicle_alone_has_no_neighbour() -> None:
    found = nearest_neighbours(np.zeros((1, 3)), np.array([20.0]))
    assert np.isnan(found.centre_nm).all()
    assert np.isnan(found.membrane_nm).all()
    assert found.row.tolist() == [-1]


def test_density_is_not_thinned_at_the_border() -> None:
    region = np.ones((60, 60, 60), bool)
    lattice = np.stack(np.meshgrid(*[np.arange(5, 120, 10.0)] * 3, indexing="ij"), -1)
    centres = lattice.reshape(-1, 3)  # nm, one in 1000 nm3
    density = density_around_um3(centres, sample_region(region, SIZE), 35.0)
    corner, middle = density[0], density[len(centres) // 2 + 6]
    assert middle == pytest.approx(1e6, rel=0.1)
    assert corner == pytest.approx(1e6, rel=0.25)


def test_a_large_region_is_sampled_evenly() -> None:
    region = np.zeros((100, 120, 120), bool)
    region[10:90, 10:110, 10:110] = True
    sample = sample_region(region, SIZE)
    assert 50_000 < len(sample.points) < 250_000
    assert sample.volume_nm3 == region.sum() * 8
    np.testing.assert_allclose(sample.points.mean(axis=0), [49.5, 59.5, 59.5], atol=1.0)


@pytest.fixture
def region():
    return sample_region(np.ones((60, 80, 80), bool), SIZE)


def test_random_vesicles_are_as_near_as_chance(region) -> None:
    rng = np.random.default_rng(3)
    centres = rng.uniform(0, 1, (80, 3)) * [118, 158, 158]
    found = against_chance(centres, np.full(80, 0.5), region, 59)
    assert found.p > 0.05
    assert found.ratio == pytest.approx(1.0, abs=0.12)


def test_clustered_and_ordered_vesicles_are_told_from_chance(region) -> None:
    rng = np.random.default_rng(4)
    clustered = rng.normal(0, 8, (60, 3)) + rng.uniform(30, 90, (4, 3)).repeat(15, axis=0)
    found = against_chance(clustered, np.full(60, 0.1), region, 59)
    assert found.ratio < 0.8
    assert found.p <= 2 / 60
    grid = np.stack(np.meshgrid(*[np.arange(10, 118, 26.0)] * 3, indexing="ij"), -1).reshape(-1, 3)
    found = against_chance(grid, np.full(len(grid), 5.0), region, 59)
    assert found.ratio > 1.2
    assert found.p <= 2 / 60


def test_thrown_vesicles_do_not_overlap(region) -> None:
    rng = np.random.default_rng(5)
    grid = np.stack(np.meshgrid(*[np.arange(12, 110, 24.0)] * 3, indexing="ij"), -1).reshape(-1, 3)
    radii = rng.uniform(8, 11, len(grid))
    found = against_chance(grid, radii, region, 19)
    assert found.simulated_nm.min() >= 16  # the least sum of two radii
    again = against_chance(grid, radii, region, 19)
    np.testing.assert_array_equal(found.simulated_nm, again.simulated_nm)


def test_what_cannot_be_compared(region) -> None:
    assert against_chance(np.zeros((2, 3)), np.ones(2), region) is None
    packed = np.stack(np.meshgrid(*[np.arange(0, 100, 20.0)] * 3, indexing="ij"), -1).reshape(-1, 3)
    box = sample_region(np.ones((50, 50, 50), bool), SIZE)
    assert against_chance(packed, np.full(125, 10.0), box, 3) is None  # no room


def test_the_distribution_goes_from_none_to_all(region) -> None:
    rng = np.random.default_rng(3)
    centres = rng.uniform(0, 200, (30, 3))
    chance = against_chance(centres, np.full(30, 1.0), region, 19)
    assert chance is not None
    at, seen, mean, low, high = chance.distribution().T
    assert (at[0], at[1]) == (0, 1)
    for curve in (seen, mean, low, high):
        assert (np.diff(curve) >= 0).all()
    assert (seen[0], mean[0]) == (0, 0)
    assert (seen[-1], mean[-1]) == (1, 1)
    assert (low <= high).all()
    half = int(np.median(chance.observed_nm))
    assert seen[half] == pytest.approx(np.mean(chance.observed_nm <= half))
