"""Which sphere of one set is which of another: optimal one-to-one assignment."""

from __future__ import annotations

import numpy as np
from scipy import optimize
from vesimod_imod.spheres import BoolArray, FloatArray, IntArray, Spheres, Triple


def centre_distances_nm(a: Spheres, b: Spheres, voxel_size_nm: Triple) -> FloatArray:
    """Distances (len(a), len(b)) in nm between the centres of two sets on one grid."""
    scale = np.asarray(voxel_size_nm, np.float64)
    difference = (a.centres[:, None] - b.centres[None]) * scale
    distances: FloatArray = np.sqrt((difference**2).sum(axis=2))
    return distances


def match_pairs(cost: FloatArray, allowed: BoolArray) -> tuple[IntArray, IntArray]:
    """Pair rows with columns, each at most once.

    As many pairs as possible are made; among those choices the one of lowest total cost is
    taken, whatever the order of rows and columns.

    Parameters
    ----------
    cost : (N, M) float
        Non-negative cost of each pair, e.g. a distance.
    allowed : (N, M) bool
        Pairs that may be made.

    Returns
    -------
    rows, columns : (P,) int64
        The pairs, by ascending row.
    """
    if not allowed.any():
        nothing = np.empty(0, np.int64)
        return nothing, nothing
    # A forbidden pair costs more than all allowed ones together.
    forbidden = (float(cost[allowed].max()) + 1.0) * (min(cost.shape) + 1)
    rows, columns = optimize.linear_sum_assignment(np.where(allowed, cost, forbidden))
    made = allowed[rows, columns]
    return rows[made].astype(np.int64), columns[made].astype(np.int64)
