"""Vesicles that hang together: by connectors, or by nearness alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from vesimod_imod.core.arrays import IntArray

from vesimod.connectors.bodies import Bodies


@dataclass(frozen=True)
class ClusterShape:
    """How a cluster of vesicles is linked.

    Parameters
    ----------
    vesicles, connectors, links : int
        A link is a pair of vesicles that one or more connectors join.
    loops, link_loops : int
        Ways round, counting each connector or each link: edges less vesicles plus clusters.
    branches, link_branches : int
        Connectors, or links, beyond the second, summed over the vesicles.
    """

    vesicles: int
    connectors: int
    links: int
    loops: int
    link_loops: int
    branches: int
    link_branches: int


def connected(vesicles: Sequence[int], pairs: Iterable[tuple[int, int]]) -> IntArray:
    """Give each vesicle the number of its cluster: those that pairs join, the largest first.

    Parameters
    ----------
    vesicles : sequence of int
        Ids (N,).
    pairs : iterable of (int, int)

    Returns
    -------
    (N,) int64
    """
    row = {vesicle: k for k, vesicle in enumerate(vesicles)}
    edges = np.array([(row[a], row[b]) for a, b in pairs], np.int64).reshape(-1, 2)
    size = (len(vesicles), len(vesicles))
    first, second = np.asarray(edges, np.int32).reshape(-1, 2).T  # scipy 1.11 wants no longer ones
    graph = coo_array((np.ones(len(edges)), (first, second)), shape=size)
    _, parts = connected_components(graph, directed=False)
    numbers, firsts, counts = np.unique(parts, return_index=True, return_counts=True)
    order = np.lexsort((firsts, -counts))
    rank = np.empty(len(numbers), np.int64)
    rank[order] = np.arange(1, len(numbers) + 1)
    clusters: IntArray = rank[parts]
    return clusters


def near_pairs(vesicles: Sequence[int], bodies: Bodies, at_most_nm: float) -> list[tuple[int, int]]:
    """Pairs of vesicles whose nearest voxels are at most so far apart.

    The clusters that they make are those of single linkage, cut at that distance.
    """
    size = np.asarray(bodies.voxel_size_nm)
    lows, highs = (
        np.array([edge(bodies.surfaces[v], axis=0) for v in vesicles]).reshape(-1, 3) * size
        for edge in (np.min, np.max)
    )
    pairs = []
    for k, one in enumerate(vesicles):
        gaps = np.maximum(lows[k + 1 :] - highs[k], lows[k] - highs[k + 1 :]).clip(0)
        near = np.flatnonzero(np.linalg.norm(gaps, axis=1) <= at_most_nm) + k + 1
        pairs += [
            (one, vesicles[m])
            for m in near.tolist()
            if bodies.apart_nm(one, vesicles[m], at_most_nm) <= at_most_nm
        ]
    return pairs


def shape_of(vesicles: Iterable[int], pairs: Sequence[tuple[int, int]]) -> ClusterShape:
    """Count how one cluster, or several together, are linked."""
    members = list(vesicles)
    inside = [pair for pair in pairs if pair[0] in set(members)]
    links = sorted(set(inside))
    parts = int(connected(members, links).max(initial=0))
    return ClusterShape(
        vesicles=len(members),
        connectors=len(inside),
        links=len(links),
        loops=len(inside) - len(members) + parts,
        link_loops=len(links) - len(members) + parts,
        branches=_branches(inside),
        link_branches=_branches(links),
    )


def _branches(pairs: Iterable[tuple[int, int]]) -> int:
    degrees = Counter(vesicle for pair in pairs for vesicle in pair)
    return sum(max(degree - 2, 0) for degree in degrees.values())
