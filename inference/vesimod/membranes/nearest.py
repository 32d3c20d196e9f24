"""The nearest of many triangles to each of many points."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist
from vesimod_imod.core.arrays import FloatArray

from vesimod.membranes.triangles import squared_distances

_PATCH = 64  # triangles that lie together
_POINTS = 32  # that are looked at together


def nearest_nm(corners_nm: FloatArray, points_nm: FloatArray) -> FloatArray:
    """Distance of points to the nearest triangle, exactly.

    Patches of triangles first, by the spheres around them. In those that may hold the nearest,
    triangles by their corners: the nearest point of one lies within its longest edge e of a
    corner, at a right angle or on an edge, so that d^2 >= corner^2 - e^2.

    Parameters
    ----------
    corners_nm : (M, 3, 3) float64
        Triangle, corner, z y x.
    points_nm : (P, 3) float64

    Returns
    -------
    (P,) float64
        Infinite where there is no triangle.
    """
    best = np.full(len(points_nm), np.inf)
    if not len(corners_nm):
        return best
    order = KDTree(corners_nm.mean(axis=1)).indices  # neighbours follow each other
    order = np.append(order, np.repeat(order[-1:], -len(order) % _PATCH)).reshape(-1, _PATCH)
    patches = corners_nm[order]
    centres = patches.mean(axis=(1, 2))
    radii = np.linalg.norm(patches - centres[:, None, None], axis=3).max(axis=(1, 2))
    edges = ((patches - np.roll(patches, 1, axis=2)) ** 2).sum(axis=3).max(axis=2)
    for rows in np.array_split(np.arange(len(points_nm)), 1 + len(points_nm) // _POINTS):
        points = points_nm[rows]
        bound = cdist(points, patches[:, _PATCH // 2, 0]).min(axis=1, initial=np.inf)
        row, patch = np.nonzero(cdist(points, centres) - radii <= bound[:, None])
        offsets = patches[patch] - points[row, None, None]
        squares = (offsets**2).sum(axis=3).min(axis=2)
        nearest = np.full(len(points), np.inf)
        np.minimum.at(nearest, row, squares.min(axis=1))
        pair, member = np.nonzero(squares - edges[patch] <= nearest[row, None])
        exact = squared_distances(patches[patch[pair], member], points[row[pair]])
        np.minimum.at(nearest, row[pair], exact)
        best[rows] = np.sqrt(nearest)
    return best
