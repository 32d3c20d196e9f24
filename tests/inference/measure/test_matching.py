"""One-to-one matching of spheres by position."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize
from vesimod.measure.matching import centre_distances_nm, match_pairs, match_spheres, near_pairs
from vesimod_imod.core.spheres import Spheres

SIZE = (2.0, 1.0, 1.0)


def spheres(seed, n, spread=30.0):
    rng = np.random.default_rng(seed)
    return Spheres(rng.random((n, 3)) * spread, rng.uniform(5, 15, n))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(0, 12),
    m=st.integers(0, 12),
    reach=st.floats(1, 40),
)
def test_as_many_pairs_as_possible_then_the_nearest(seed, n, m, reach):
    a, b = spheres(seed, n), spheres(seed + 1, m)
    rows_a, rows_b, distances = match_spheres(a, b, SIZE, np.full(n, reach))
    table = centre_distances_nm(a, b, SIZE)
    np.testing.assert_allclose(distances, table[rows_a, rows_b])
    assert len(set(rows_a.tolist())) == len(rows_a)
    assert len(set(rows_b.tolist())) == len(rows_b)
    assert np.all(np.diff(rows_a) > 0)
    assert np.all(distances <= reach)
    if n and m:  # the same by brute force: forbidden pairs cost more than all others together
        cost = np.where(table <= reach, table, 1e6)
        best = optimize.linear_sum_assignment(cost)
        made = cost[best] < 1e6
        assert made.sum() == len(rows_a)
        assert distances.sum() == pytest.approx(cost[best][made].sum())
        whole = match_pairs(table, table <= reach)
        assert table[whole].sum() == pytest.approx(distances.sum())


@pytest.mark.slow
@given(seed=st.integers(0, 10**6), n=st.integers(1, 20))
def test_order_does_not_matter(seed, n):
    a, b = spheres(seed, n), spheres(seed + 1, n)
    order = np.random.default_rng(seed).permutation(n)
    reach = np.linspace(5, 30, n)
    plain = match_spheres(a, b, SIZE, reach)
    turned = match_spheres(a.select(order), b, SIZE, reach[order])
    assert sorted(zip(plain[0], plain[1], strict=True)) == sorted(
        zip(order[turned[0]], turned[1], strict=True)
    )


def test_near_pairs_uses_each_sphere_s_own_reach():
    a = Spheres([[0, 0, 0], [0, 0, 0]], [1.0, 1.0])
    b = Spheres([[0, 0, 5], [3, 0, 0], [0, 50, 0]], [1.0, 1.0, 1.0])
    rows_a, rows_b, distances = near_pairs(a, b, SIZE, np.array([5.5, 6.5]))
    found = sorted(zip(rows_a.tolist(), rows_b.tolist(), distances.tolist(), strict=True))
    assert found == [(0, 0, 5), (1, 0, 5), (1, 1, 6)]


def test_crossing_neighbours_are_not_taken_greedily():
    # The nearest pair of all (1.0) would leave the other two 21 apart.
    a = Spheres([[0, 0, 0], [0, 0, 10]], [1.0, 1.0])
    b = Spheres([[0, 0, 9], [0, 0, 20]], [1.0, 1.0])
    rows_a, rows_b, distances = match_spheres(a, b, (1, 1, 1), np.full(2, 12.0))
    assert (rows_a.tolist(), rows_b.tolist()) == ([0, 1], [0, 1])
    assert distances.tolist() == [9, 10]


@pytest.mark.slow
def test_ten_thousand_spheres_in_a_crowd():
    n = 10_000
    a = spheres(1, n, 600)
    rng = np.random.default_rng(2)
    order = rng.permutation(n)
    moved = a.centres[order] + rng.normal(0, 0.2, (n, 3))
    rows_a, rows_b, _ = match_spheres(a, Spheres(moved, a.radii_nm), SIZE, a.radii_nm)
    assert len(rows_a) == n
    assert np.mean(order[rows_b] == rows_a) > 0.99
