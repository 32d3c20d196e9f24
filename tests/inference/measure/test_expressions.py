"""Criteria of pools: what they mean, and that nothing else can be said in them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vesimod.measure.expressions import ExpressionError, evaluate_expression
from vesimod.measure.pools import PoolError, pools_by_criteria, pools_by_distance

COLUMNS = {
    "radius_nm": np.array([18.0, 26.0, np.nan]),
    "az_nm": np.array([30.0, 400.0, 10.0]),
    "tethers": np.array([0, 2, 1]),
    "pool": np.array(["0-45 nm", "beyond 250 nm", ""]),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("radius_nm > 25", [0, 1, 0]),
        ("radius_nm > 25 and az_nm < 250", [0, 0, 0]),
        ("az_nm - radius_nm < 15 or tethers == 1", [1, 0, 1]),
        ("not tethers >= 1", [1, 0, 0]),
        ("10 < radius_nm <= 18", [1, 0, 0]),
        ("pool == '0-45 nm'", [1, 0, 0]),
        ("2 * (az_nm + 5) / 2 >= 35", [1, 1, 0]),
        ("az_nm / 0 > 1", [1, 1, 1]),
        ("-az_nm < -30", [0, 1, 0]),
        ("1 < 2", [1, 1, 1]),
    ],
)
def test_criteria(text: str, expected: list[int]) -> None:
    assert evaluate_expression(text, COLUMNS).tolist() == [bool(each) for each in expected]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os').system('ls')", "holds Call"),
        ("az_nm.__class__ == 1", "holds Attribute"),
        ("az_nm[0] > 1", "holds Subscript"),
        ("2 ** 999999999 > 1", "holds BinOp"),
        ("[x for x in y] == 1", "holds ListComp"),
        ("lambda: 1", "holds Lambda"),
        ("(a := 1) > 0", "holds NamedExpr"),
        ("f'{az_nm}' == 'x'", "holds JoinedStr"),
        ("True", "holds Constant"),
        ("az_nm in (1, 2)", "holds Compare"),
        ("az_nm", "neither true nor false"),
        ("dist < 5", "no column dist; there are az_nm"),
        ("az_nm < 'x'", "compares a text with a number"),
        ("az_nm and tethers", "needs true or false"),
        ("pool + 1 > 2", "needs numbers"),
        ("not az_nm", "needs true or false"),
        ("az_nm <", "is no criterion"),
        ("", "is no criterion"),
        ("(" * 60 + "1" + ")" * 60, "neither true nor false"),
        ("(" * 240 + "1" + ")" * 240, "criterion|neither"),
        ("1" * 400 + " < 2", "criterion"),
        ("az_nm < 5" + " " * 600, "at most 500"),
    ],
)
def test_nothing_else_is_taken(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        evaluate_expression(text, COLUMNS)


@given(st.text(max_size=60))
def test_any_text_is_refused_or_gives_an_answer(text: str) -> None:
    try:
        answer = evaluate_expression(text, COLUMNS)
    except ExpressionError:
        answer = np.zeros(3, bool)
    assert answer.dtype == bool
    assert answer.shape == (3,)


def test_pools_by_distance() -> None:
    distances = np.array([-3.0, 0.0, 44.9, 45.0, 149.0, 250.0, 1e9, np.nan])
    found = pools_by_distance(distances)
    expected = ["0-45 nm"] * 3 + ["45-75 nm", "75-150 nm"] + ["beyond 250 nm"] * 2 + [""]
    assert found.tolist() == expected
    with pytest.raises(PoolError, match="edges that ascend"):
        pools_by_distance(distances, (0, 45, 45))


def test_pools_by_criteria() -> None:
    found = pools_by_criteria(
        ["near: az_nm < 50", "near_and_tethered: near and tethers > 0"], COLUMNS
    )
    assert found["near"].tolist() == [True, False, True]
    assert found["near_and_tethered"].tolist() == [False, False, True]
    for bad in ("az_nm < 5", "two words: az_nm < 5", ": az_nm < 5", "near: x: y"):
        with pytest.raises(ValueError, match="criterion"):
            pools_by_criteria([bad], COLUMNS)
    with pytest.raises(PoolError, match="a column of that name"):
        pools_by_criteria(["az_nm: radius_nm > 5"], COLUMNS)
