"""Lines along which a map of a section has one value."""

from __future__ import annotations

import numpy as np
from vesimod_imod.core.arrays import BoolArray, Float32Array, FloatArray, IntArray


def level_rings(plane: Float32Array, level: float) -> list[FloatArray]:
    """Draw closed lines around what lies above a level, by linear interpolation (marching squares).

    Parameters
    ----------
    plane : (rows, columns)
        Below the level along its border, so that all lines close.
    level : float

    Returns
    -------
    list of (N, 2) float64
        Rows and columns; the last point joins the first.
    """
    above = plane > level
    rows, columns = plane.shape
    numbers = np.arange(rows * columns).reshape(rows, columns)
    across = above[:, :-1] != above[:, 1:]  # edges from a pixel to the next of its row
    down = above[:-1] != above[1:]  # and of its column
    start = np.concatenate([numbers[:, :-1][across], numbers[:-1][down]])
    end = np.concatenate([numbers[:, 1:][across], numbers[1:][down]])
    values = plane.ravel()
    part = (level - values[start]) / (values[end] - values[start])
    points = np.stack(np.divmod(start, columns), axis=1).astype(np.float64)
    points += part[:, None] * (np.stack(np.divmod(end, columns), axis=1) - points)
    edge = np.full((2, rows, columns), -1)
    edge[0][:, :-1][across] = np.arange(across.sum())
    edge[1][:-1][down] = across.sum() + np.arange(down.sum())
    return [points[ring] for ring in _rings(_links(edge, above), len(points))]


def _links(edge: IntArray, above: BoolArray) -> IntArray:
    """Pairs (P, 2) of edges that a line joins within a square of four pixels."""
    top, bottom = edge[0][:-1, :-1], edge[0][1:, :-1]
    left, right = edge[1][:-1, :-1], edge[1][:-1, 1:]
    sides = np.stack([top, left, bottom, right], axis=-1).reshape(-1, 4)
    count = (sides >= 0).sum(axis=1)
    two = sides[count == 2]
    pairs = [two[two >= 0].reshape(-1, 2)]
    # Where a square has four crossings, what is below is taken as joined across it.
    saddle, first = sides[count == 4], above[:-1, :-1].reshape(-1)[count == 4]
    for corner, ways in ((False, ((0, 3), (1, 2))), (True, ((0, 1), (2, 3)))):
        pairs += [saddle[first == corner][:, list(way)] for way in ways]
    return np.concatenate(pairs)


def _rings(links: IntArray, count: int) -> list[IntArray]:
    """Follow links from point to point, of which each has two, until all are in a ring."""
    others = links[:, ::-1].ravel()
    beside = others[np.argsort(links.ravel(), kind="stable")].reshape(count, 2).tolist()
    left = np.ones(count, bool)
    rings = []
    for first in range(count):
        if not left[first]:
            continue
        ring, before, here = [first], first, beside[first][0]
        while here != first:
            ring.append(here)
            one, other = beside[here]
            before, here = here, other if one == before else one
        left[ring] = False
        rings.append(np.array(ring))
    return rings
