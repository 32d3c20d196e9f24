"""The watershed of a height map: which of some summits each voxel belongs to."""

from __future__ import annotations

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse import csgraph
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray, Labels, Volume

FULL = ndimage.generate_binary_structure(3, 3)


def watershed(height: Volume, inside: BoolArray, seeds: IntArray) -> Labels:
    """Divide voxels among seeds, along the valleys between them.

    Every voxel climbs over faces to its highest neighbour until it stands on a summit. A summit
    that is no seed joins a neighbour over the highest pass, and so on until a seed is reached;
    edges and corners are passes only where faces lead to no seed.

    Parameters
    ----------
    height : (z, y, x) float32
    inside : (z, y, x) bool
        Voxels that touch, if only by their corners.
    seeds : (N, 3) int
        Summits: voxels inside, none of whose 26 neighbours is higher.

    Returns
    -------
    (z, y, x) int32
        0 outside, else the seed's number from 1.

    Notes
    -----
    This is the minimum spanning forest that is rooted in the seeds, of which climbing is the
    first step: Cousty et al., "Watershed cuts", IEEE PAMI 31, 1362 (2009).
    """
    padded = np.pad(inside, 1)  # so that every voxel has 26 neighbours
    places = np.flatnonzero(padded)
    rows = np.full(padded.size, -1, np.int32)
    rows[places] = np.arange(len(places))
    strides = np.array([padded.shape[1] * padded.shape[2], padded.shape[2], 1])
    steps = np.argwhere(FULL) - 1
    is_face = np.abs(steps).sum(axis=1) == 1
    offsets = steps @ strides
    level = height[inside]

    summit = np.arange(len(places), dtype=np.int32)
    for offset in offsets[is_face]:
        other = rows[places + offset]
        higher = (other >= 0) & (level[other] > level[summit])
        summit[higher] = other[higher]
    while np.any(summit != summit[summit]):
        summit = summit[summit]
    summits, basin = np.unique(summit, return_inverse=True)

    pairs, passes = [], []
    half = len(offsets) // 2  # the other half are the same pairs
    for offset, face in zip(offsets[:half], is_face[:half], strict=True):
        other = rows[places + offset]
        here = np.flatnonzero((other >= 0) & (basin[other] != basin))
        pairs.append(np.stack([basin[here], basin[other[here]]]))
        pass_level = np.minimum(level[here], level[other[here]])
        passes.append(pass_level if face else np.full_like(pass_level, -np.inf))
    roots = np.searchsorted(summits, rows[(seeds + 1) @ strides])
    joined = _join(np.concatenate(pairs, axis=1), np.concatenate(passes), roots, len(summits))

    labels = np.zeros(inside.shape, np.int32)
    labels[inside] = joined[basin]
    return labels


def _join(pairs: IntArray, passes: FloatArray, roots: IntArray, count: int) -> Labels:
    """Return, for `count` summits, the root (from 1) that each reaches over the highest passes.

    `pairs` (2, P) are summits between which there is a pass; one pair may have several.
    """
    highest_first = np.argsort(-passes, kind="stable")
    low, high = np.sort(pairs[:, highest_first], axis=0)
    _, rank = np.unique(low.astype(np.int64) * count + high, return_index=True)
    # All roots hang on one more node by the cheapest edges: no other path joins two of them.
    start = np.concatenate([low[rank], np.full(len(roots), count)])
    end = np.concatenate([high[rank], roots])
    cost = np.concatenate([rank + 2.0, np.ones(len(roots))])
    edges = (start.astype(np.int32), end.astype(np.int32))  # scipy 1.11 wants no longer ones
    graph = sparse.csr_array((cost, edges), shape=(count + 1, count + 1))
    forest = csgraph.minimum_spanning_tree(graph)[:count, :count]
    _, tree = csgraph.connected_components(forest, directed=False)
    number = np.zeros(tree.max() + 1, np.int32)
    number[tree[roots]] = np.arange(1, len(roots) + 1)
    joined: Labels = number[tree]
    return joined
