"""How well found vesicles agree with true ones."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from vesimod_imod.spheres import BoolArray, FloatArray, IntArray, Spheres, Triple

from vesimod.matching import centre_distances_nm, match_pairs


@dataclass(frozen=True)
class Evaluation:
    """Agreement of two sets of spheres. Errors are found minus true, over matched pairs.

    Parameters
    ----------
    true_positives, false_positives, false_negatives : int
        Matched pairs, found without a partner, true without a partner.
    precision, recall, f1 : float
        NaN where nothing was found, nothing is true, or both.
    centre_error_nm_mean, centre_error_nm_sd, centre_error_nm_median : float
        Distance between the centres of a pair.
    radius_error_nm_mean, radius_error_nm_median : float
        Absolute difference of the radii.
    radius_bias_nm, radius_error_nm_sd : float
        Mean and standard deviation of the signed difference.
    diameter_error : float
        delta_d of the paper: 1 - smaller over larger diameter, mean.
    """

    true_positives: int
    false_positives: int
    false_negatives: int
    precision: float
    recall: float
    f1: float
    centre_error_nm_mean: float
    centre_error_nm_sd: float
    centre_error_nm_median: float
    radius_error_nm_mean: float
    radius_error_nm_median: float
    radius_error_nm_sd: float
    radius_bias_nm: float
    diameter_error: float

    def as_dict(self) -> dict[str, int | float | None]:
        """Return plain numbers for JSON; None where a figure is undefined."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def match_found(
    found: Spheres, truth: Spheres, voxel_size_nm: Triple
) -> tuple[IntArray, IntArray, FloatArray]:
    """Pair found with true vesicles by the paper's rule, one-to-one and optimally.

    A pair may be made where the found centre lies inside the true sphere and the true centre
    inside the found one; a found sphere of unknown radius (NaN) is asked the former only.

    Returns
    -------
    rows_found, rows_truth : (P,) int64
        The pairs.
    distances_nm : (P,) float64
        Between their centres.
    """
    distances = centre_distances_nm(found, truth, voxel_size_nm)
    reach = np.fmin(found.radii_nm[:, None], truth.radii_nm[None])
    rows, columns = match_pairs(distances, distances < reach)
    return rows, columns, distances[rows, columns]


def evaluate(found: Spheres, truth: Spheres, voxel_size_nm: Triple) -> Evaluation:
    """Compare found spheres with true ones on the same grid.

    Parameters
    ----------
    found, truth : Spheres
        Centres in voxels of the same volume.
    voxel_size_nm : (float, float, float)
        Of that volume.
    """
    rows, columns, distances = match_found(found, truth, voxel_size_nm)
    difference = found.radii_nm[rows] - truth.radii_nm[columns]
    known = np.isfinite(difference)
    difference = difference[known]
    smaller = np.minimum(found.radii_nm[rows], truth.radii_nm[columns])[known]
    larger = np.maximum(found.radii_nm[rows], truth.radii_nm[columns])[known]
    hits = len(rows)
    precision, recall = _ratio(hits, len(found)), _ratio(hits, len(truth))
    return Evaluation(
        true_positives=hits,
        false_positives=len(found) - hits,
        false_negatives=len(truth) - hits,
        precision=precision,
        recall=recall,
        f1=_ratio(2 * hits, len(found) + len(truth)),
        centre_error_nm_mean=_mean(distances),
        centre_error_nm_sd=_sd(distances),
        centre_error_nm_median=_median(distances),
        radius_error_nm_mean=_mean(np.abs(difference)),
        radius_error_nm_median=_median(np.abs(difference)),
        radius_error_nm_sd=_sd(difference),
        radius_bias_nm=_mean(difference),
        diameter_error=_mean(1 - smaller / larger),
    )


def precision_recall(scores: FloatArray, correct: BoolArray, true_count: int) -> FloatArray:
    """Precision against recall as the score's cut-off falls.

    Parameters
    ----------
    scores : (N,) float
        Of the found vesicles.
    correct : (N,) bool
        Whether each found vesicle has a true partner.
    true_count : int
        Vesicles that there are.

    Returns
    -------
    (M, 3) float64
        Cut-off, precision, recall; one row for each distinct score, highest first.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(correct[order])
    # Equal scores cannot be told apart: one row for all of them.
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True)[: len(ranked)])
    rows = [(ranked[i], hits[i] / (i + 1), _ratio(int(hits[i]), true_count)) for i in last]
    return np.array(rows, np.float64).reshape(-1, 3)


def _ratio(part: int, whole: int) -> float:
    """Part over whole, NaN for nothing over nothing."""
    return part / whole if whole else float("nan")


def _mean(values: FloatArray) -> float:
    """Mean, NaN without values and without a warning."""
    return float(values.mean()) if len(values) else float("nan")


def _median(values: FloatArray) -> float:
    """Median, NaN without values and without a warning."""
    return float(np.median(values)) if len(values) else float("nan")


def _sd(values: FloatArray) -> float:
    """Return the standard deviation, NaN without values and without a warning."""
    return float(values.std()) if len(values) else float("nan")


def _plain(value: int | float) -> int | float | None:
    """JSON has no NaN."""
    return None if isinstance(value, float) and np.isnan(value) else value
