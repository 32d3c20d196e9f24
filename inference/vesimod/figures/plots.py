"""A picture of an evaluation: errors by radius, and what the score is worth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from vesimod_imod.core.arrays import Triple
from vesimod_imod.core.spheres import Spheres

from vesimod.figures.canvas import new_figure, save
from vesimod.measure.agreement import match_found, precision_recall

SCORE_BINS = np.linspace(0.0, 1.0, 11)


def draw_evaluation(path: Path, found: Spheres, truth: Spheres, voxel_size_nm: Triple) -> None:
    """Draw radius and centre errors by true radius, precision against recall, and calibration.

    Parameters
    ----------
    path : Path
        PNG to write; an existing file is replaced.
    found, truth, voxel_size_nm
        As in `evaluate`.

    Raises
    ------
    MissingPackageError
        matplotlib is not installed.
    """
    figure = new_figure(9, 7)
    rows, columns, distances = match_found(found, truth, voxel_size_nm)
    correct = np.zeros(len(found), bool)
    correct[rows] = True
    (radius, centre), (curve, calibration) = figure.subplots(2, 2)
    true_nm = truth.radii_nm[columns]
    radius.axhline(0, color="0.7", lw=1)
    radius.plot(true_nm, found.radii_nm[rows] - true_nm, ".")
    radius.set(xlabel="true radius (nm)", ylabel="radius error, found - true (nm)")
    centre.plot(true_nm, distances, ".")
    centre.set(xlabel="true radius (nm)", ylabel="centre error (nm)", ylim=(0, None))
    _, precision, recall = precision_recall(found.scores, correct, len(truth)).T
    curve.plot(recall, precision, drawstyle="steps-post")
    curve.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    where = np.clip(np.digitize(found.scores, SCORE_BINS) - 1, 0, len(SCORE_BINS) - 2)
    bins = np.unique(where)
    calibration.plot([0, 1], [0, 1], color="0.7", lw=1)
    calibration.plot(
        [found.scores[where == b].mean() for b in bins],
        [correct[where == b].mean() for b in bins],
        "o-",
    )
    calibration.set(xlabel="score", ylabel="share that is true", xlim=(0, 1.02), ylim=(0, 1.02))
    save(figure, path)
