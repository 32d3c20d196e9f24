from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vesimod.vesicles.click_matching import (
    AMBIGUOUS,
    CLICKED_TWICE,
    NO_VESICLE,
    THERE_ALREADY,
    match_clicks,
)

REACH_NM = 28.0
NONE = np.empty((0, 3))
LEFT, RIGHT = (0.0, 0.0, 0.0), (0.0, 0.0, 46.0)


def at(*x_nm):
    return np.array([(0.0, 0.0, x) for x in x_nm])


@pytest.mark.parametrize(
    ("x_nm", "vesicle", "reason"),
    [
        (0.0, 0, ""),
        (18.0, 0, ""),  # 28^2 - 18^2 = 460: thirty times as likely
        (22.0, -1, AMBIGUOUS),  # 24^2 - 22^2 = 92: twice as likely
        (30.0, 1, ""),
        (-27.0, 0, ""),
        (-29.0, -1, NO_VESICLE),
    ],
)
def test_one_click_beside_two_vesicles(x_nm, vesicle, reason):
    found, reasons = match_clicks(at(x_nm), np.array([LEFT, RIGHT]), NONE, REACH_NM)
    assert (found.tolist(), reasons.tolist()) == ([vesicle], [reason])


def test_two_clicks_are_decided_together():
    # Alone, the first would be in doubt; the other click leaves it the left vesicle.
    found, reasons = match_clicks(at(22.0, 40.0), np.array([LEFT, RIGHT]), NONE, REACH_NM)
    assert (found.tolist(), reasons.tolist()) == ([0, 1], ["", ""])


def test_second_click_on_a_vesicle_does_not_take_its_neighbour():
    found, reasons = match_clicks(at(2.0, 20.0), at(0.0, 46.0), NONE, REACH_NM)
    assert found.tolist() == [0, -1]
    assert reasons.tolist() == ["", CLICKED_TWICE]


def test_click_on_a_known_sphere_does_not_take_its_neighbour():
    found, reasons = match_clicks(at(20.0), at(46.0), at(0.0), REACH_NM)
    assert (found.tolist(), reasons.tolist()) == ([-1], [THERE_ALREADY])


def test_nothing_near():
    found, reasons = match_clicks(at(1.0, 2.0), NONE, NONE, REACH_NM)
    assert (found.tolist(), reasons.tolist()) == ([-1, -1], [NO_VESICLE] * 2)
    assert len(match_clicks(NONE, at(0.0), NONE, REACH_NM)[0]) == 0


POINT = st.tuples(*[st.floats(-60, 60)] * 3)


@given(st.lists(POINT, max_size=8), st.lists(POINT, max_size=8), st.lists(POINT, max_size=4))
def test_each_vesicle_once_within_reach_and_a_reason_where_none(clicks, centres, known):
    clicks, centres, known = (
        np.array(points, float).reshape(-1, 3) for points in (clicks, centres, known)
    )
    found, reasons = match_clicks(clicks, centres, known, REACH_NM)
    got = found >= 0
    np.testing.assert_array_equal(got, reasons == "")
    assert len(set(found[got])) == got.sum()
    assert (np.linalg.norm(clicks[got] - centres[found[got]], axis=1) <= REACH_NM + 1e-9).all()
