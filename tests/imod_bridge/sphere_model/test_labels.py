"""What a label of ours states, and what those of others do not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vesimod_imod.sphere_model.labels import (
    MOST_LOG_ODDS,
    Label,
    parse_label,
    sphere_label,
    value_of_score,
)


@given(st.integers(0, 10**17), st.floats(0.001, 1e6), st.floats(0, 1))
def test_a_label_states_what_was_written(number: int, radius_nm: float, score: float) -> None:
    label = parse_label(sphere_label(number, radius_nm, score))
    assert label.number == number
    assert label.radius_nm == pytest.approx(radius_nm, abs=5e-4)
    assert label.score == pytest.approx(score, abs=5e-7)


def test_what_is_not_known_is_not_written() -> None:
    assert sphere_label(5, math.nan) == "vesimod id=5"
    label = parse_label("vesimod id=5 r=20.000nm")
    assert (label.number, label.radius_nm) == (5, 20.0)
    assert math.isnan(label.score)


@pytest.mark.parametrize("text", ["", "p=0.5", "id=5 p=1.5", "id=5 p=2", "id=5 p=-0.5", "id=5 p="])
def test_scores_that_are_none(text: str) -> None:
    assert math.isnan(parse_label(text).score)
    assert math.isnan(Label().score)


def test_values_are_log_odds_within_limits() -> None:
    scores = np.array([0.0, 0.25, 0.5, 0.999, 1.0])
    expected = [-MOST_LOG_ODDS, -np.log(3), 0.0, np.log(999), MOST_LOG_ODDS]
    np.testing.assert_allclose(value_of_score(scores), expected, rtol=1e-9, atol=1e-12)
