"""A model held against true or corrected vesicles: what changed, what was missed."""

from __future__ import annotations

from typing import Any

import numpy as np

from vesimod.figures.distributions import BLUE, ORANGE, Plot, rounded
from vesimod.measure.agreement import evaluate, match_found
from vesimod.report.cards import dropped_cards
from vesimod.report.subject import Subject

#: From here on a pair is listed as changed; less is what fits differ by.
CHANGED_NM = 2.0


def comparison_of(subject: Subject) -> dict[str, Any] | None:
    """Figures, changed pairs, missed and additional vesicles; None where there is no truth."""
    truth, found = subject.truth, subject.spheres
    if truth is None:
        return None
    size = subject.tomogram.grid.voxel_size_nm
    result = evaluate(found, truth, size)
    rows, columns, distances = match_found(found, truth, size)
    change = truth.radii_nm[columns] - found.radii_nm[rows]
    moved = (distances > CHANGED_NM) | (np.abs(change) > CHANGED_NM)
    missed = np.setdiff1d(np.arange(len(truth)), columns)
    return {
        "figures": [
            ("vesicles in both", str(result.true_positives)),
            ("missed", str(result.false_negatives)),
            ("only here", str(result.false_positives)),
            ("precision", f"{result.precision:.3f}"),
            ("recall", f"{result.recall:.3f}"),
            ("F1", f"{result.f1:.3f}"),
            ("centres apart, median", f"{result.centre_error_nm_median:.2f} nm"),
            ("radii apart, mean", f"{result.radius_error_nm_mean:.2f} nm"),
        ],
        "changed": [
            {"id": int(found.ids[i]), "words": f"centre {d:.1f} nm off, radius {c:+.1f} nm there"}
            for i, d, c in zip(rows[moved], distances[moved], change[moved], strict=True)
        ],
        "only_here": np.setdiff1d(found.ids, found.ids[rows]).tolist(),
        "missed": dropped_cards(subject.tomogram, truth.select(missed)),
    }


def comparison_plots(subject: Subject) -> list[Plot]:
    """Errors by radius, where there is a truth."""
    if subject.truth is None:
        return []
    found, truth = subject.spheres, subject.truth
    rows, columns, distances = match_found(found, truth, subject.tomogram.grid.voxel_size_nm)
    x = rounded(truth.radii_nm[columns])
    radius = {"y": rounded(found.radii_nm[rows] - truth.radii_nm[columns]), "name": "radius"}
    centre = {"y": rounded(distances), "name": "centre"}
    dots = {"type": "scatter", "mode": "markers", "x": x, "showlegend": True}
    return [
        Plot(
            "Errors by radius",
            "of the vesicles in both: this model less the other one, and distance of the centres",
            (
                {**dots, **radius, "marker": {"color": BLUE}},
                {**dots, **centre, "marker": {"color": ORANGE}},
            ),
            "radius there (nm)",
            "nm",
            {"showlegend": True},
        )
    ]
