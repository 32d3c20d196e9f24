"""Pictures of what was measured: one synapse, or many by group."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from vesimod_imod.core.arrays import FloatArray

from vesimod.figures.canvas import new_figure, save
from vesimod.measure.groups import Effect
from vesimod.measure.neighbours import Chance
from vesimod.measure.synapse import Measured

_BINS_NM = 2.0  # of radii
_COLUMNS = 3
_GREY, _BLUE = "0.75", "tab:blue"


def draw_synapse(path: Path, measured: Measured) -> None:
    """Draw occupancy, nearest neighbours against chance, pools and radii of a synapse.

    Parameters
    ----------
    path : Path
        PNG to write; an existing file is replaced.
    measured : Measured

    Raises
    ------
    MissingPackageError
        matplotlib is not installed.
    """
    figure = new_figure(9, 7)
    (occupancy, neighbours), (pools, radii) = figure.subplots(2, 2)
    _occupancy(occupancy, measured)
    _neighbours(neighbours, measured.chance)
    _pools(pools, measured)
    known = measured.vesicles.radii_nm[np.isfinite(measured.vesicles.radii_nm)]
    if len(known):
        low, high = np.floor(known.min()), np.ceil(known.max()) + _BINS_NM
        bins = np.arange(low, high + _BINS_NM, _BINS_NM)
        radii.hist(known, bins, color=_BLUE, edgecolor="white")
    radii.set(xlabel="radius (nm)", ylabel="vesicles")
    save(figure, path)


def _occupancy(axes: Any, measured: Measured) -> None:
    if not len(measured.occupancy):
        axes.text(0.5, 0.5, "no active zone", ha="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    low, high, _, part = measured.occupancy.T
    axes.stairs(np.nan_to_num(part), np.append(low, high[-1]), fill=True, color=_BLUE)
    axes.set(xlabel="distance to the active zone (nm)", ylabel="volume in vesicles", ylim=(0, None))


def _neighbours(axes: Any, chance: Chance | None) -> None:
    axes.set(xlabel="distance to the nearest neighbour (nm)", ylabel="part of the vesicles")
    if chance is None:
        return
    at, seen, _, low, high = chance.distribution().T
    axes.fill_between(at, low, high, color=_GREY, label="by chance, 95 %")
    axes.plot(at, seen, color=_BLUE, label="observed")
    axes.set_title(f"{chance.ratio:.2f} of chance, p = {chance.p:.2g}", fontsize=9)
    axes.legend(fontsize=8)


def _pools(axes: Any, measured: Measured) -> None:
    counts = {
        re.sub(r"(\d)_(\d)", r"\1-\2", name.removeprefix("n_")).replace("_", " "): count
        for name, count in measured.summary.items()
        if name.startswith("n_")
    }
    axes.bar(range(len(counts)), list(counts.values()), color=_BLUE)
    axes.set_xticks(range(len(counts)), list(counts), rotation=30, ha="right", fontsize=8)
    axes.set_ylabel("vesicles")
    axes.set_title("pools", fontsize=9)


def draw_groups(
    path: Path,
    values: Mapping[str, FloatArray],
    groups: Sequence[str],
    effects: Sequence[Effect],
) -> None:
    """Draw each synapse's number by group, with the group's mean and the effects.

    Parameters
    ----------
    path : Path
        PNG to write; an existing file is replaced.
    values : mapping of str to (S,) float64
    groups : sequence of str
        Of the synapses.
    effects : sequence of Effect

    Raises
    ------
    MissingPackageError
        matplotlib is not installed.
    """
    shown = {k: v for k, v in values.items() if np.isfinite(v).any()}
    order = list(dict.fromkeys(groups))
    member = np.array(groups)
    rows = max(1, -(-len(shown) // _COLUMNS))
    figure = new_figure(3.4 * _COLUMNS, 2.6 * rows)
    panels = np.atleast_1d(figure.subplots(rows, _COLUMNS)).ravel()
    for axes, (name, numbers) in zip(panels, shown.items(), strict=False):
        for place, group in enumerate(order):
            here = numbers[(member == group) & np.isfinite(numbers)]
            spread = np.linspace(-0.15, 0.15, len(here)) if len(here) > 1 else np.zeros(len(here))
            axes.plot(place + spread, here, "o", ms=4, color=_BLUE, alpha=0.6)
            if len(here):
                axes.plot([place - 0.25, place + 0.25], [here.mean()] * 2, color="k")
        axes.set_xticks(range(len(order)), order, fontsize=8)
        axes.set_title(f"{name}\n{_told(name, effects)}", fontsize=8)
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    save(figure, path)


def _told(name: str, effects: Sequence[Effect]) -> str:
    """Effects on one number in words."""
    return "; ".join(
        f"{e.group}: {e.difference:+.3g} [{e.difference_low:.3g}, {e.difference_high:.3g}]"
        for e in effects
        if e.measure == name
    )
