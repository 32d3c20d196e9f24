"""How well found vesicles agree with true ones."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray, Triple
from vesimod_imod.core.spheres import Spheres

from vesimod.measure.matching import centre_distances_nm, known_or_usual, match_pairs

MIN_IOU = 0.5


@dataclass(frozen=True)
class StageDice:
    """Dice coefficients of the stages with the true voxels (`vesimod.measure.stages`).

    Parameters
    ----------
    soft : float
        Of the network's map as it is.
    network : float
        Of the map from the threshold on.
    instances : float
        Of those instances in it that became found vesicles.
    spheres : float
        Of the found spheres, painted.
    """

    soft: float
    network: float
    instances: float
    spheres: float


@dataclass(frozen=True, repr=False)
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
    mask_dice : float
        Dice coefficient of the insides of all spheres; exact where the spheres of a set do not
        overlap each other, and at most 1.
    label_dice : float
        The same, but only what matched pairs share counts as shared.
    iou_precision, iou_recall, iou_f1 : float
        By the stricter rule: pairs share at least half of their union (IoU >= 0.5). NaN where
        no radius is known on one side.
    average_precision : float
        Area under precision against recall as the score's cut-off falls.
    soft_mask_dice : float
        `StageDice.soft`; like the next NaN unless the network's map is given.
    network_dice, instances_dice, spheres_dice : float
        The others of `StageDice`.
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
    mask_dice: float
    label_dice: float
    iou_precision: float
    iou_recall: float
    iou_f1: float
    average_precision: float
    soft_mask_dice: float = float("nan")
    network_dice: float = float("nan")
    instances_dice: float = float("nan")
    spheres_dice: float = float("nan")

    def __repr__(self) -> str:
        return (
            f"Evaluation(F1 {self.f1:.3f}, precision {self.precision:.3f}, recall "
            f"{self.recall:.3f}, centres off by {self.centre_error_nm_mean:.1f} nm, radii by "
            f"{self.radius_bias_nm:+.1f} +- {self.radius_error_nm_sd:.1f} nm)"
        )

    def with_stages(self, stages: StageDice) -> Evaluation:
        """Add the Dice coefficients of the stages."""
        return replace(
            self,
            soft_mask_dice=stages.soft,
            network_dice=stages.network,
            instances_dice=stages.instances,
            spheres_dice=stages.spheres,
        )

    def as_dict(self) -> dict[str, int | float | None]:
        """Return plain numbers for JSON; None where a figure is undefined."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def match_found(
    found: Spheres, truth: Spheres, voxel_size_nm: Triple
) -> tuple[IntArray, IntArray, FloatArray]:
    """Pair found with true vesicles by the paper's rule, one-to-one and optimally.

    A pair may be made where the found centre lies inside the true sphere and the true centre
    inside the found one; where one radius is unknown (NaN) the other decides, and where both
    are, the usual radius of a synaptic vesicle.

    Returns
    -------
    rows_found, rows_truth : (P,) int64
        The pairs.
    distances_nm : (P,) float64
        Between their centres.
    """
    distances = centre_distances_nm(found, truth, voxel_size_nm)
    reach = known_or_usual(np.fmin(found.radii_nm[:, None], truth.radii_nm[None]))
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
    first, second, shared, iou = shared_volumes(found, truth, voxel_size_nm)
    whole = float(np.nansum(_volume(found.radii_nm)) + np.nansum(_volume(truth.radii_nm)))
    table = np.zeros((len(found), len(truth)))
    table[first, second] = iou
    sized = all(np.isfinite(each.radii_nm).any() or not len(each) for each in (found, truth))
    strict = len(match_pairs(1 - table, table >= MIN_IOU)[0]) if sized else float("nan")
    table[first, second] = shared
    correct = np.zeros(len(found), bool)
    correct[rows] = True
    curve = precision_recall(found.scores, correct, len(truth))
    steps = np.diff(curve[:, 2], prepend=0.0)
    precision, recall = ratio(hits, len(found)), ratio(hits, len(truth))
    return Evaluation(
        true_positives=hits,
        false_positives=len(found) - hits,
        false_negatives=len(truth) - hits,
        precision=precision,
        recall=recall,
        f1=ratio(2 * hits, len(found) + len(truth)),
        centre_error_nm_mean=_mean(distances),
        centre_error_nm_sd=_sd(distances),
        centre_error_nm_median=_median(distances),
        radius_error_nm_mean=_mean(np.abs(difference)),
        radius_error_nm_median=_median(np.abs(difference)),
        radius_error_nm_sd=_sd(difference),
        radius_bias_nm=_mean(difference),
        diameter_error=_mean(1 - smaller / larger),
        mask_dice=min(ratio(2 * float(shared.sum()), whole), 1.0),
        label_dice=ratio(2 * float(table[rows, columns].sum()), whole),
        iou_precision=ratio(strict, len(found)),
        iou_recall=ratio(strict, len(truth)),
        iou_f1=ratio(2 * strict, len(found) + len(truth)),
        average_precision=float(curve[:, 1] @ steps) if len(curve) else float("nan"),
    )


def shared_volumes(
    a: Spheres, b: Spheres, voxel_size_nm: Triple
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Volumes that spheres of two sets share, by the formula for the lens of two spheres.

    Returns
    -------
    rows_a, rows_b : (P,) int64
        Pairs that overlap.
    shared_nm3 : (P,) float64
        Volume of the intersection.
    iou : (P,) float64
        Intersection over union.
    """
    distances = centre_distances_nm(a, b, voxel_size_nm)
    sums = a.radii_nm[:, None] + b.radii_nm[None]
    rows, columns = np.nonzero(distances < sums)  # never for a radius of NaN
    d, r, s = distances[rows, columns], a.radii_nm[rows], b.radii_nm[columns]
    near = np.maximum(d, 1e-9)
    lens = np.pi * (r + s - d) ** 2 * (d**2 + 2 * d * (r + s) - 3 * (r - s) ** 2) / (12 * near)
    shared = np.where(d <= np.abs(r - s), _volume(np.minimum(r, s)), lens)
    iou = shared / (_volume(r) + _volume(s) - shared)
    return rows.astype(np.int64), columns.astype(np.int64), shared, iou


def _volume(radii_nm: FloatArray) -> FloatArray:
    """Volumes of spheres."""
    volumes: FloatArray = 4 / 3 * np.pi * radii_nm**3
    return volumes


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
    rows = [(ranked[i], hits[i] / (i + 1), ratio(int(hits[i]), true_count)) for i in last]
    return np.array(rows, np.float64).reshape(-1, 3)


def ratio(part: float, whole: float) -> float:
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
