"""Effects by synapse: their size, and that intervals cover as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from vesimod.measure.groups import effects


def test_hedges_g_by_its_formula() -> None:
    a, b = np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6, 7])
    (found,) = effects({"x": np.append(a, b)}, ["a"] * 4 + ["b"] * 5)
    pooled = np.sqrt((3 * a.var(ddof=1) + 4 * b.var(ddof=1)) / 7)
    assert found.hedges_g == pytest.approx(2.5 / pooled * (1 - 3 / 27))
    assert (found.n_control, found.n_group) == (4, 5)
    assert found.difference == 2.5
    assert found.difference_low < 2.5 < found.difference_high
    assert found.hedges_g_low < found.hedges_g < found.hedges_g_high


def test_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(100):
        values = np.append(rng.normal(0, 1, 15), rng.normal(1, 1, 15))
        (found,) = effects({"x": values}, ["a"] * 15 + ["b"] * 15)
        inside += found.difference_low <= 1 <= found.difference_high
    assert inside >= 85  # of 100; 95 for many synapses, a little less for few


def test_groups_and_controls() -> None:
    values = {"x": np.array([1.0, 2, np.nan, 5, 6, 7])}
    groups = ["a", "a", "b", "b", "c", "c"]
    by_b = effects(values, groups, "b")
    assert [(effect.control, effect.group) for effect in by_b] == [("b", "a"), ("b", "c")]
    assert np.isnan(by_b[0].difference_low)  # one synapse has no interval
    assert by_b[0].difference == -3.5
    with pytest.raises(ValueError, match="no synapse of group 'd'; there are a, b, c"):
        effects(values, groups, "d")
    with pytest.raises(ValueError, match="nothing to compare"):
        effects({"x": np.ones(2)}, ["a", "a"])
