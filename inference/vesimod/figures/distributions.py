"""Distributions of a tomogram's vesicles, as what plotly draws: plain data, no drawing here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree
from vesimod_imod.core.arrays import FloatArray
from vesimod_imod.core.spheres import Grid, Spheres

from vesimod.radial.inspection import Inspection
from vesimod.radial.profile import profile_axis
from vesimod.vesicles.scoring import MIN_SCORE

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"  # Okabe and Ito's
NM3_PER_UM3 = 1e9
_Z_BINS, _EDGE_BINS = 20, 15


@dataclass(frozen=True)
class Plot:
    """One plot.

    Parameters
    ----------
    title, caption : str
        What is shown, and how to read it.
    traces : tuple of dict
        As plotly takes them.
    x_title, y_title : str
        Of the axes, with units.
    layout : dict
        What else plotly is told.
    """

    title: str
    caption: str
    traces: tuple[dict[str, Any], ...]
    x_title: str
    y_title: str
    layout: dict[str, Any]


def plots_of(
    spheres: Spheres,
    inspection: Inspection,
    grid: Grid,
    dropped: Spheres | None,
    threshold_curve: Sequence[Sequence[float]] = (),
    threshold: float | None = None,
) -> list[Plot]:
    """All distributions of N spheres that there is something to show for.

    Parameters
    ----------
    spheres : Spheres
    inspection : Inspection
        Of them.
    grid : Grid
        Of the tomogram.
    dropped : Spheres, optional
        Candidates that were not accepted, with the measure ``reason``.
    threshold_curve : sequence of (probability, density)
        Mean density on the border of the mask at each probability.
    threshold : float, optional
        That was chosen.
    """
    plots = []
    if len(spheres):
        plots = [
            _histogram("Radius", spheres.radii_nm, "radius of the outer edge (nm)"),
            _histogram("Membrane thickness", inspection.thickness_nm, "thickness (nm)"),
            _histogram(
                "Nearest neighbour", neighbour_nm(spheres, grid), "between the centres (nm)"
            ),
            _scores(spheres.scores),
            _along_z(spheres, grid),
            _from_edge(spheres, grid),
            _profile(inspection),
        ]
    if len(threshold_curve):
        plots.append(_threshold(threshold_curve, threshold))
    if dropped is not None:
        plots.append(_accepted_and_dropped(len(spheres), dropped))
    return plots


def neighbour_nm(spheres: Spheres, grid: Grid) -> FloatArray:
    """Distance (N,) from each centre to the nearest other one; NaN where there is none."""
    if len(spheres) < 2:
        return np.full(len(spheres), np.nan)
    points = spheres.centres * np.asarray(grid.voxel_size_nm)
    distances: FloatArray = cKDTree(points).query(points, k=2)[0][:, 1]
    return distances


def edge_nm(spheres: Spheres, grid: Grid) -> FloatArray:
    """Distance (N,) from each centre to the nearest face of the volume."""
    size = np.asarray(grid.voxel_size_nm)
    low = (spheres.centres + 0.5) * size
    high = (np.asarray(grid.shape) - 0.5 - spheres.centres) * size
    nearest: FloatArray = np.minimum(low, high).min(axis=1)
    return nearest


def _histogram(title: str, values: FloatArray, x_title: str) -> Plot:
    known = values[np.isfinite(values)]
    trace = {"type": "histogram", "x": rounded(known), "marker": {"color": BLUE}, "nbinsx": 30}
    caption = "none is known"
    if len(known):
        caption = (
            f"mean {known.mean():.1f}, SD {known.std():.1f}, median {np.median(known):.1f} nm"
            f" ({len(known)} of {len(values)})"
        )
    return Plot(title, caption, (trace,), x_title, "vesicles", {})


def _scores(scores: FloatArray) -> Plot:
    """Scores, and which share of those from each score on is expected to be right: their mean."""
    ordered = np.sort(scores)[::-1]
    expected = np.cumsum(ordered) / np.arange(1, len(ordered) + 1)
    bars: dict[str, Any] = {"type": "histogram", "x": rounded(scores), "marker": {"color": BLUE}}
    bars["xbins"] = {"start": 0, "end": 1.02, "size": 0.02}
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": rounded(ordered),
        "y": rounded(expected),
        "yaxis": "y2",
        "line": {"color": ORANGE},
        "name": "expected to be right, from this score on",
    }
    second = {
        "overlaying": "y",
        "side": "right",
        "range": [0, 1.02],
        "tickvals": [0, 0.25, 0.5, 0.75, 1],
        "title": {"text": "share"},
    }
    x = {"title": {"text": "score"}, "range": [min(MIN_SCORE, float(scores.min())), 1.0]}
    caption = f"expected to be right: {100 * scores.mean():.0f} % of all, the mean of their scores"
    return Plot("Score", caption, (bars, line), "score", "vesicles", {"xaxis": x, "yaxis2": second})


def _along_z(spheres: Spheres, grid: Grid) -> Plot:
    shape, size = np.asarray(grid.shape), np.asarray(grid.voxel_size_nm)
    edges = np.linspace(-0.5, shape[0] - 0.5, _Z_BINS + 1)
    count = np.histogram(spheres.centres[:, 0], edges)[0]
    volume = float(np.prod(shape * size)) / _Z_BINS / NM3_PER_UM3
    middles_nm = 0.5 * (edges[1:] + edges[:-1]) * size[0]
    return Plot(
        "Density along z",
        "even where the volume is evenly filled; towards the faces the missing wedge tells",
        (_bars(middles_nm, count / volume),),
        "z of the centre (nm)",
        "vesicles in a cubic micrometre",
        {},
    )


def _from_edge(spheres: Spheres, grid: Grid) -> Plot:
    extent = np.asarray(grid.shape) * np.asarray(grid.voxel_size_nm)
    edges = np.linspace(0.0, extent.min() / 2, _EDGE_BINS + 1)
    count = np.histogram(edge_nm(spheres, grid), edges)[0]
    within = np.prod(extent) - np.prod(extent[:, None] - 2 * edges, axis=0)
    volume = np.diff(within) / NM3_PER_UM3
    return Plot(
        "Density from the faces inwards",
        "lower at the left: vesicles that the border cuts are missed",
        (_bars(0.5 * (edges[1:] + edges[:-1]), count / volume),),
        "distance of the centre to the nearest face (nm)",
        "vesicles in a cubic micrometre",
        {},
    )


def profile_band(inspection: Inspection) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation (P,) of the profiles that lie in the volume."""
    known = inspection.profiles[np.isfinite(inspection.profiles).all(axis=1)]
    if not len(known):
        return np.zeros(len(profile_axis())), np.zeros(len(profile_axis()))
    return known.mean(axis=0), known.std(axis=0)


def _profile(inspection: Inspection) -> Plot:
    axis, (mean, spread) = rounded(profile_axis()), profile_band(inspection)
    edge = {
        "type": "scatter",
        "mode": "lines",
        "x": axis,
        "line": {"width": 0},
        "hoverinfo": "skip",
    }
    low, high = {**edge, "y": rounded(mean - spread)}, {**edge, "y": rounded(mean + spread)}
    high |= {"fill": "tonexty", "fillcolor": "rgba(0,114,178,0.2)"}
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": axis,
        "y": rounded(mean),
        "line": {"color": BLUE},
    }
    return Plot(
        "Mean radial profile",
        "the band is the standard deviation between vesicles; the dip is the membrane",
        (low, high, line),
        "distance from the membrane, inwards to the left (nm)",
        "density",
        {},
    )


def _threshold(curve: Sequence[Sequence[float]], threshold: float | None) -> Plot:
    at, density = np.asarray(curve, np.float64).T
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": rounded(at),
        "y": rounded(density),
        "line": {"color": BLUE},
    }
    chosen = [] if threshold is None else [_upright(threshold)]
    return Plot(
        "Threshold",
        "mean density on the border of the network's mask; the darkest one is chosen (orange)",
        (line,),
        "probability from which a voxel is vesicle",
        "density on the border",
        {"shapes": chosen},
    )


def _upright(at: float) -> dict[str, Any]:
    ends = {"x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper"}
    return {"type": "line", **ends, "line": {"color": ORANGE, "dash": "dot"}}


def _accepted_and_dropped(accepted: int, dropped: Spheres) -> Plot:
    reasons = Counter(map(str, dropped.measures.get("reason", np.array([]))))
    names = ["accepted", *(name for name, _ in reasons.most_common())]
    numbers = [accepted, *(number for _, number in reasons.most_common())]
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": names[::-1],
        "x": numbers[::-1],
        "marker": {"color": [GREY] * (len(names) - 1) + [BLUE]},
    }
    caption = f"{len(dropped)} of {accepted + len(dropped)} candidates were dropped"
    layout = {"margin": {"l": 170, "r": 20, "t": 10, "b": 45}}
    return Plot("Accepted and dropped", caption, (trace,), "candidates", "", layout)


def _bars(x: FloatArray, y: FloatArray) -> dict[str, Any]:
    return {"type": "bar", "x": rounded(x), "y": rounded(y), "marker": {"color": BLUE}}


def rounded(values: FloatArray) -> list[float | None]:
    """Values with four digits, which is what a page shows; what is not finite is None."""
    return [
        float(f"{each:.4g}") if np.isfinite(each) else None for each in np.asarray(values, float)
    ]
