"""Geometry of single triangles, many at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from vesimod_imod.core.arrays import FloatArray, IntArray

_BLOCK = 1 << 18  # samples, or pairs of a point and a triangle, at once
_NUDGE = np.array([1.03e-7, 1.41e-7, 0.0])  # voxels: so that no ray meets an edge


def triangle_areas(corners: FloatArray) -> FloatArray:
    """Areas (N,) of triangles (N, 3, 3)."""
    a, b, c = np.moveaxis(corners, 1, 0)
    areas: FloatArray = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return areas


def squared_distances(corners: FloatArray, points: FloatArray) -> FloatArray:
    """Squared distance of each point (N, 3) to its own triangle (N, 3, 3).

    The foot of the perpendicular where that lies in the triangle, else the nearest of the three
    edges.
    """
    a, b, c = np.moveaxis(corners, 1, 0)
    best = np.full(len(points), np.inf)
    for start, end in ((a, b), (b, c), (c, a)):
        way, off = end - start, points - start
        length = np.maximum((way**2).sum(axis=1), 1e-30)
        part = np.clip((off * way).sum(axis=1) / length, 0, 1)
        np.minimum(best, ((off - part[:, None] * way) ** 2).sum(axis=1), out=best)
    u, v, off = b - a, c - a, points - a
    normal = np.cross(u, v)
    area = (normal**2).sum(axis=1)
    solid = area > 1e-24
    area = np.where(solid, area, 1.0)
    s = (np.cross(off, v) * normal).sum(axis=1) / area
    t = (np.cross(u, off) * normal).sum(axis=1) / area
    above = solid & (s >= 0) & (t >= 0) & (s + t <= 1)
    height: FloatArray = (off * normal).sum(axis=1) ** 2 / area
    return np.where(above, np.minimum(height, best), best)


def crossings(corners: FloatArray, points: FloatArray) -> IntArray:
    """How many triangles (M, 3, 3) a ray from each point (P, 3) towards greater x crosses."""
    counts = np.zeros(len(points), np.int64)
    points = points + _NUDGE
    low, high = corners[..., 0].min(axis=1), corners[..., 0].max(axis=1)
    order = np.argsort(points[:, 0])
    for rows in np.array_split(order, 1 + len(points) // 256):  # points of about one height
        if not len(rows):
            continue
        z = points[rows, 0]
        near = corners[(low <= z[-1]) & (high >= z[0])]
        for part in np.array_split(near, 1 + len(near) * len(rows) // _BLOCK):
            counts[rows] += _crossed(part, points[rows]).sum(axis=1)
    return counts


def _crossed(corners: FloatArray, points: FloatArray) -> IntArray:
    """Whether (P, M) a ray towards greater x from each point meets each triangle."""
    a, b, c = (corner[None] for corner in np.moveaxis(corners, 1, 0))
    p = points[:, None]

    def side(start: FloatArray, end: FloatArray) -> FloatArray:
        (z0, y0), (z1, y1) = (np.moveaxis(q[..., :2], -1, 0) for q in (start, end))
        area: FloatArray = (z1 - z0) * (p[..., 1] - y0) - (y1 - y0) * (p[..., 0] - z0)
        return area

    opposite = side(b, c), side(c, a), side(a, b)
    whole = sum(opposite)
    inside = np.logical_and.reduce([part * np.sign(whole) > 0 for part in opposite])
    weight = np.where(inside, whole, 1.0)
    x = sum(part * corner[..., 2] for part, corner in zip(opposite, (a, b, c), strict=True))
    hit: IntArray = (inside & (x / weight > p[..., 2])).astype(np.int64)
    return hit


def sampled(corners: FloatArray, spacing: float) -> Iterator[tuple[FloatArray, IntArray]]:
    """Sample triangles (M, 3, 3), block by block, corners and edges included.

    In rows from a corner to the shortest edge, which is the one opposite to it: triangles between
    sections that are far apart are long and thin.

    Yields
    ------
    points : (N, 3) float64
        No further apart than `spacing` along an edge, and across a triangle.
    owners : (N,) int64
        The triangle of each.
    """
    edges = np.linalg.norm(np.roll(corners, -1, axis=1) - np.roll(corners, 1, axis=1), axis=2)
    first = (edges.argmin(axis=1)[:, None] + np.arange(3)) % 3
    a, b, c = np.moveaxis(np.take_along_axis(corners, first[..., None], axis=1), 1, 0)
    along = np.maximum(np.ceil(edges.max(axis=1) / spacing), 1).astype(np.int64)
    across = np.maximum(np.ceil(edges.min(axis=1) / spacing), 1).astype(np.int64)
    for n, m in np.unique(np.stack([along, across], axis=1), axis=0).tolist():
        i, j = np.meshgrid(np.linspace(0, 1, n + 1), np.linspace(0, 1, m + 1), indexing="ij")
        u, v = i.reshape(-1, 1), (i * j).reshape(-1, 1)
        rows = np.flatnonzero((along == n) & (across == m))
        for some in np.array_split(rows, 1 + len(rows) * len(u) // _BLOCK):
            points = a[some, None] + u * (b - a)[some, None] + v * (c - b)[some, None]
            yield points.reshape(-1, 3), np.repeat(some, len(u))
