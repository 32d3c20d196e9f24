"""Many synapses by condition: effects with confidence intervals, a synapse as the unit.

Vesicles of one synapse are not independent: they share a cell, a preparation and a tomogram. An
interval that counts each of them as an observation is far too narrow. Here each synapse gives one
number, and whole synapses are drawn anew (bootstrap; Efron and Tibshirani 1993).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from vesimod_imod.core.arrays import FloatArray
from vesimod_imod.core.errors import InputError

RESAMPLES = 10_000
_LEVEL = 0.95


@dataclass(frozen=True)
class Effect:
    """How two groups differ in one number of their synapses.

    Parameters
    ----------
    measure, control, group : str
    n_control, n_group : int
        Synapses that have the number.
    mean_control, mean_group : float
    difference, difference_low, difference_high : float
        Group minus control, with a confidence interval of 95 %.
    hedges_g, hedges_g_low, hedges_g_high : float
        The difference over the common standard deviation, corrected for few synapses (Hedges
        1981), with its interval.
    """

    measure: str
    control: str
    group: str
    n_control: int
    n_group: int
    mean_control: float
    mean_group: float
    difference: float
    difference_low: float
    difference_high: float
    hedges_g: float
    hedges_g_low: float
    hedges_g_high: float

    def as_dict(self) -> dict[str, Any]:
        """Fields by name."""
        return asdict(self)


def effects(
    values: Mapping[str, FloatArray], groups: Sequence[str], control: str | None = None
) -> list[Effect]:
    """Compare each group with the control, measure by measure.

    Parameters
    ----------
    values : mapping of str to (S,) float64
        Numbers of the synapses; NaN where one has none.
    groups : sequence of str
        Of the synapses.
    control : str, optional
        Default: the group that comes first.

    Raises
    ------
    InputError
        There is no such group, or one only.
    """
    order = list(dict.fromkeys(groups))
    control = order[0] if control is None else control
    if control not in order:
        raise InputError(f"no synapse of group {control!r}; there are {', '.join(order)}")
    if len(order) < 2:
        raise InputError(f"all synapses are of group {control!r}: there is nothing to compare")
    member = np.array(groups)
    found = []
    for name, numbers in values.items():
        known = np.isfinite(numbers)
        base = numbers[known & (member == control)]
        found += [
            _effect(name, control, group, base, numbers[known & (member == group)])
            for group in order
            if group != control
        ]
    return found


def _effect(name: str, control: str, group: str, a: FloatArray, b: FloatArray) -> Effect:
    means = [float(part.mean()) if len(part) else float("nan") for part in (a, b)]
    nan = float("nan")
    ends = (nan, nan, nan, nan)
    g = float(_hedges_g(a[None], b[None])[0]) if min(len(a), len(b)) > 1 else nan
    if min(len(a), len(b)) > 1:
        # The same seed for each: an effect must not change because another one was added.
        rng = np.random.default_rng(0)
        drawn = [part[rng.integers(len(part), size=(RESAMPLES, len(part)))] for part in (a, b)]
        difference = drawn[1].mean(axis=1) - drawn[0].mean(axis=1)
        ratios = _hedges_g(drawn[0], drawn[1])
        ratios = ratios[np.isfinite(ratios)]  # a draw of one synapse over and over has no SD
        tails = [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]
        low, high = np.quantile(difference, tails)
        g_low, g_high = np.quantile(ratios, tails) if len(ratios) else (nan, nan)
        ends = (float(low), float(high), float(g_low), float(g_high))
    return Effect(
        name, control, group, len(a), len(b), means[0], means[1], means[1] - means[0],
        ends[0], ends[1], g, ends[2], ends[3],
    )  # fmt: skip


def _hedges_g(a: FloatArray, b: FloatArray) -> FloatArray:
    """Hedges' g of rows of samples (R, n) and (R, m)."""
    n, m = a.shape[1], b.shape[1]
    squares = (n - 1) * a.var(axis=1, ddof=1) + (m - 1) * b.var(axis=1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        d = (b.mean(axis=1) - a.mean(axis=1)) / np.sqrt(squares / (n + m - 2))
    corrected: FloatArray = d * (1 - 3 / (4 * (n + m - 2) - 1))
    return corrected
