"""Which sphere of one set is which of another: optimal one-to-one assignment."""

from __future__ import annotations

import numpy as np
from scipy import optimize, sparse, spatial
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray, Triple
from vesimod_imod.core.spheres import Spheres

#: Radius in nm of a synaptic vesicle, to judge distances by where none is known.
USUAL_RADIUS_NM = 20.0


def known_or_usual(radii_nm: FloatArray) -> FloatArray:
    """Radii in nm, with the usual one in place of NaN."""
    known: FloatArray = np.where(np.isfinite(radii_nm), radii_nm, USUAL_RADIUS_NM)
    return known


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


def near_pairs(
    a: Spheres, b: Spheres, voxel_size_nm: Triple, reach_nm: FloatArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """All pairs of spheres whose centres lie within reach.

    Parameters
    ----------
    a, b : Spheres
        Centres in voxels of one volume.
    voxel_size_nm : (float, float, float)
        Of that volume.
    reach_nm : (len(a),) float
        How far from each sphere of `a` to look.

    Returns
    -------
    rows_a, rows_b : (K,) int64
    distances_nm : (K,) float64
        Between the centres.
    """
    at, other = (spheres.centres * np.asarray(voxel_size_nm) for spheres in (a, b))
    found = spatial.KDTree(other.reshape(-1, 3)).query_ball_point(at, reach_nm)
    rows_a = np.repeat(np.arange(len(a)), [len(rows) for rows in found])
    rows_b = np.concatenate([np.empty(0, np.int64), *(np.array(r, np.int64) for r in found)])
    return rows_a, rows_b, np.linalg.norm(at[rows_a] - other[rows_b], axis=1)


def match_spheres(
    a: Spheres, b: Spheres, voxel_size_nm: Triple, reach_nm: FloatArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """Pair the spheres of two sets by position, one-to-one and optimally.

    As many pairs as possible are made, of the least total distance among those. Spheres fall
    into clusters that no possible pair connects; each is solved by itself, so that the work
    grows with the number of spheres and not with its cube.

    Parameters and the order of the result are those of `near_pairs`.
    """
    rows_a, rows_b, distances = near_pairs(a, b, voxel_size_nm, reach_nm)
    if not len(rows_a):
        return rows_a, rows_b, distances
    size = len(a) + len(b)
    links = sparse.coo_matrix((np.ones(len(rows_a)), (rows_a, len(a) + rows_b)), (size, size))
    cluster = sparse.csgraph.connected_components(links, directed=False)[1][rows_a]
    order = np.argsort(cluster, kind="stable")
    pieces = np.split(order, np.flatnonzero(np.diff(cluster[order])) + 1)
    kept = np.sort(
        np.concatenate([_best_of(p, rows_a, rows_b, distances) for p in pieces])
    )  # near pairs are sorted by rows_a
    return rows_a[kept], rows_b[kept], distances[kept]


def _best_of(
    piece: IntArray, rows_a: IntArray, rows_b: IntArray, distances: FloatArray
) -> IntArray:
    """Choose among the near pairs of one cluster."""
    if len(piece) == 1:
        return piece
    of_a, row = np.unique(rows_a[piece], return_inverse=True)
    of_b, column = np.unique(rows_b[piece], return_inverse=True)
    index = np.full((len(of_a), len(of_b)), -1)
    index[row, column] = piece
    cost = np.zeros(index.shape)
    cost[row, column] = distances[piece]
    rows, columns = match_pairs(cost, index >= 0)
    chosen: IntArray = index[rows, columns]
    return chosen
