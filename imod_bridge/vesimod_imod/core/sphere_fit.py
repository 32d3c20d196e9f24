"""The sphere, or the circle, through points."""

from __future__ import annotations

import numpy as np

from vesimod_imod.core.arrays import FloatArray


def fit_round(points: FloatArray) -> tuple[FloatArray, float]:
    """Circle or sphere through points by linear least squares.

    Solves |p|^2 = 2 c.p + (r^2 - |c|^2), which is linear in c and the bracket.

    Parameters
    ----------
    points : (P, 2) or (P, 3) float
        In a unit that is the same along all axes; best near the origin.

    Returns
    -------
    centre : (2,) or (3,) float64
    squared_radius : float
        Not positive where the points define nothing round.
    """
    columns = np.column_stack([2 * points, np.ones(len(points))])
    solution = np.linalg.lstsq(columns, (points**2).sum(axis=1), rcond=None)[0]
    centre = solution[:-1]
    return centre, float(solution[-1] + centre @ centre)
