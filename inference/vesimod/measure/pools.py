"""Pools of vesicles: by their distance to the active zone, and by criteria of the user's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray, FloatArray
from vesimod_imod.core.errors import InputError

from vesimod.measure.expressions import evaluate_expression

#: Edges in nm of the usual pools, by the distance from the vesicle's membrane to the active zone.
POOL_EDGES_NM = (0.0, 45.0, 75.0, 150.0, 250.0)
_TEXTS = ("pool", "linked_ids")  # columns of texts
_NAME = re.compile(r"[A-Za-z_]\w*")


class PoolError(InputError):
    """A pool is not said in a way that can be understood."""


def pool_names(edges_nm: Sequence[float]) -> list[str]:
    """Names of the pools between edges, and of what lies beyond."""
    inner = [f"{low:g}-{high:g} nm" for low, high in pairwise(edges_nm)]
    return [*inner, f"beyond {edges_nm[-1]:g} nm"]


def pools_by_distance(
    distances_nm: FloatArray, edges_nm: Sequence[float] = POOL_EDGES_NM
) -> npt.NDArray[np.str_]:
    """Name the pool of each vesicle.

    Parameters
    ----------
    distances_nm : (N,) float64
        From membranes to the active zone; below the first edge (they overlap) is the first pool.
    edges_nm : sequence of float
        Ascending; an edge belongs to the pool that begins there.

    Returns
    -------
    (N,) str
        Empty where the distance is not known.

    Raises
    ------
    PoolError
        The edges do not ascend.
    """
    edges = np.asarray(edges_nm, np.float64)
    if len(edges) < 2 or not (np.diff(edges) > 0).all() or not np.isfinite(edges).all():
        shown = ", ".join(f"{edge:g}" for edge in edges)
        raise PoolError(f"pools {shown}: give edges that ascend, in nm")
    names = np.array([*pool_names(edges.tolist()), ""])
    number = np.clip(np.searchsorted(edges, distances_nm, side="right") - 1, 0, len(edges) - 1)
    number = np.where(np.isnan(distances_nm), len(names) - 1, number)
    return names[number]


class _AnyColumn(dict[str, npt.NDArray[Any]]):
    """Columns of a table that is not there yet: any name is one of numbers."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> npt.NDArray[Any]:
        return np.empty(0)


def check_criteria(criteria: Sequence[str]) -> None:
    """Refuse criteria that `pools_by_criteria` refuses, before there is a table.

    Raises
    ------
    PoolError, ExpressionError
        See there; names of columns that will not be there are not noticed.
    """
    texts = {name: np.empty(0, np.str_) for name in _TEXTS}
    for criterion in criteria:
        evaluate_expression(_parts(criterion)[1], _AnyColumn(texts))


def _parts(criterion: str) -> tuple[str, str]:
    """Name and expression of a criterion."""
    name, colon, expression = criterion.partition(":")
    name = name.strip()
    if not colon or not _NAME.fullmatch(name):
        raise PoolError(
            f"pool {criterion!r}: write a name of letters, a colon and a criterion, like "
            "'docked: membrane_az_nm < 5'"
        )
    return name, expression


def pools_by_criteria(
    criteria: Sequence[str], columns: Mapping[str, npt.NDArray[Any]]
) -> dict[str, BoolArray]:
    """Tell which vesicles are in each pool; one may be in several.

    Parameters
    ----------
    criteria : sequence of str
        "name: expression", e.g. "docked: membrane_az_nm < 5". Later ones may name earlier ones.
    columns : mapping of str to (N,) arrays

    Returns
    -------
    dict of str to (N,) bool
        By name, which becomes a column.

    Raises
    ------
    PoolError
        A name is missing, no single word, or that of a column.
    ExpressionError
        See `evaluate_expression`.
    """
    found: dict[str, BoolArray] = {}
    for criterion in criteria:
        name, expression = _parts(criterion)
        if name in columns or name in found:
            raise PoolError(f"pool {name!r}: there is a column of that name; choose another one")
        found[name] = evaluate_expression(expression, {**columns, **found})
    return found
