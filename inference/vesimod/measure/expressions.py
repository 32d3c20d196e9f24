"""Small expressions over the columns of a table, e.g. ``radius_nm > 25 and az_nm < 250``.

An expression is parsed, never run: only the kinds of nodes that are listed here are taken, and none
of them calls, indexes or looks up anything but a column.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray
from vesimod_imod.core.errors import InputError

_LONGEST = 500  # characters: more is no criterion that a person wrote
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
}
_CONNECTIVES: dict[type[ast.boolop], Callable[[Any, Any], Any]] = {
    ast.And: np.logical_and,
    ast.Or: np.logical_or,
}
Value = npt.NDArray[Any]


class ExpressionError(InputError):
    """A criterion cannot be understood, or names a column that is not there."""


def evaluate_expression(text: str, columns: Mapping[str, npt.NDArray[Any]]) -> BoolArray:
    """Tell for which rows of a table an expression is true.

    Names are columns; numbers, texts in quotes, ``+ - * /``, comparisons, ``and``, ``or``, ``not``
    and brackets are taken. Nothing is true of a number that is not known (NaN), but for ``!=``.

    Parameters
    ----------
    text : str
    columns : mapping of str to (N,) arrays

    Returns
    -------
    (N,) bool

    Raises
    ------
    ExpressionError
        It is no such expression, or a column is missing.
    """
    if len(text) > _LONGEST:
        raise ExpressionError(f"criterion of {len(text)} characters; at most {_LONGEST} are taken")
    try:
        tree = ast.parse(text.strip(), mode="eval")
        with np.errstate(all="ignore"):
            value = _value(tree.body, text, columns)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        if isinstance(error, ExpressionError):
            raise
        raise ExpressionError(
            f"{text!r}: is no criterion; write one like 'radius_nm > 25 and az_nm < 250'"
        ) from error
    if value.dtype != bool:
        raise ExpressionError(f"{text!r}: is neither true nor false; compare it with something")
    count = len(next(iter(columns.values()), np.empty(0)))
    return np.broadcast_to(value, (count,)).copy()


def _value(node: ast.expr, text: str, columns: Mapping[str, npt.NDArray[Any]]) -> Value:
    """Value of one node, an array of a row's length or of none."""
    if isinstance(node, ast.Name):
        if node.id not in columns:
            raise ExpressionError(
                f"{text!r}: no column {node.id}; there are {', '.join(sorted(columns))}"
            )
        return np.asarray(columns[node.id])
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return np.asarray(node.value)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return np.asarray(node.value, np.float64)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        is_not = isinstance(node.op, ast.Not)
        inner = _value(node.operand, text, columns)
        _require(inner, "b" if is_not else "if", text)
        return np.asarray(np.logical_not(inner) if is_not else np.negative(inner))
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        left, right = (_value(part, text, columns) for part in (node.left, node.right))
        _require(left, "if", text)
        _require(right, "if", text)
        return np.asarray(_ARITHMETIC[type(node.op)](left, right))
    if isinstance(node, ast.BoolOp):
        parts = [_value(part, text, columns) for part in node.values]
        for part in parts:
            _require(part, "b", text)
        joined = parts[0]
        for part in parts[1:]:
            joined = _CONNECTIVES[type(node.op)](joined, part)
        return np.asarray(joined)
    if isinstance(node, ast.Compare) and all(type(op) in _COMPARISONS for op in node.ops):
        return _compared(node, text, columns)
    raise ExpressionError(
        f"{text!r}: holds {type(node).__name__}; names of columns, numbers, texts in quotes, + - * "
        "/, comparisons, and, or, not and brackets are taken"
    )


def _compared(node: ast.Compare, text: str, columns: Mapping[str, npt.NDArray[Any]]) -> Value:
    """Compare neighbours, as in ``10 < radius_nm <= 25``."""
    sides = [_value(side, text, columns) for side in (node.left, *node.comparators)]
    result: Value = np.asarray(True)
    for op, left, right in zip(node.ops, sides[:-1], sides[1:], strict=True):
        if (left.dtype.kind == "U") != (right.dtype.kind == "U"):
            raise ExpressionError(f"{text!r}: compares a text with a number")
        result = np.asarray(np.logical_and(result, _COMPARISONS[type(op)](left, right)))
    return result


def _require(value: Value, kinds: str, text: str) -> None:
    """Refuse a value of another kind than numbers, or than true and false."""
    if value.dtype.kind not in kinds:
        wanted = "true or false" if kinds == "b" else "numbers"
        raise ExpressionError(f"{text!r}: needs {wanted} where it has something else")
