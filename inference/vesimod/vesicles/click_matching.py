"""Which vesicle each click means: all clicks are decided together, each vesicle once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from vesimod_imod.core.arrays import FloatArray, IntArray

# Differences of squared distances. Clicks scatter about the centres, by 8 nm SD per axis at worst:
# of two vesicles the likelihoods then differ by exp(difference / (2 * 8^2)).
CLEARLY_NEARER_NM2 = 300.0  # ten times as likely
CLEARLY_TAKEN_NM2 = 200.0  # someone clicked the nearer vesicle twice, rather than missed this one

NO_VESICLE = "no membrane"
AMBIGUOUS = "lies between two vesicles"
CLICKED_TWICE = "another click fits this vesicle better"
THERE_ALREADY = "overlaps a sphere that is there"


def match_clicks(
    clicks_nm: FloatArray, centres_nm: FloatArray, known_nm: FloatArray, reach_nm: float
) -> tuple[IntArray, npt.NDArray[np.str_]]:
    """Assign vesicles to clicks, with the least sum of squared distances.

    Parameters
    ----------
    clicks_nm : (N, 3) float
    centres_nm : (V, 3) float
        Of vesicles that clicks may mean.
    known_nm : (K, 3) float
        Of vesicles that are there already: a click on one of them means no other.
    reach_nm : float
        How far a click may lie from the centre.

    Returns
    -------
    vesicle : (N,) int64
        Row of `centres_nm`; -1 for none.
    reasons : (N,) str
        Empty where the vesicle is clear, else why there is none.
    """
    n, free = len(clicks_nm), len(centres_nm)
    everyone = np.concatenate([centres_nm, known_nm])
    square = ((clicks_nm[:, None] - everyone) ** 2).sum(axis=2)
    beyond = reach_nm**2
    # A click that gets none costs more than any vesicle within reach.
    cost = np.full((n, free + n), beyond + 1.0)
    cost[:, :free] = np.where(square[:, :free] <= beyond, square[:, :free], 4 * beyond)
    vesicle = np.full(n, -1)
    rows, columns = linear_sum_assignment(cost)
    vesicle[rows] = np.where(columns < free, columns, -1)
    claimed = np.arange(len(everyone)) >= free
    claimed[vesicle[vesicle >= 0]] = True
    reasons = np.full(n, "", dtype="U40")
    for row in range(n):
        mine = vesicle[row]
        own = square[row, mine] if mine >= 0 else np.inf
        rivals = np.arange(len(everyone)) != mine
        nearest = int(square[row].argmin()) if len(everyone) else -1
        taken_by = THERE_ALREADY if nearest >= free else CLICKED_TWICE
        if mine < 0:
            near = nearest >= 0 and square[row, nearest] <= beyond
            reasons[row] = taken_by if near else NO_VESICLE
        elif (square[row, rivals & claimed] < own - CLEARLY_TAKEN_NM2).any():
            reasons[row] = taken_by
        elif (square[row, rivals & ~claimed] < own + CLEARLY_NEARER_NM2).any():
            reasons[row] = AMBIGUOUS
    vesicle[reasons != ""] = -1
    return vesicle, reasons
