"""Boundaries as bodies: their surface voxels, and distances from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray, Triple
from vesimod_imod.core.short_repr import ShortRepr


@dataclass(frozen=True, eq=False, repr=False)
class Bodies(ShortRepr):
    """Surface voxels of every boundary.

    Parameters
    ----------
    voxel_size_nm : (float, float, float)
    surfaces : dict of int to (N, 3) float64
        Centres z, y, x in voxels of a boundary's voxels that have a face outside of it. The voxel
        of a body that is nearest to a point outside is among them.
    """

    voxel_size_nm: Triple
    surfaces: dict[int, FloatArray]
    _trees: dict[int, KDTree] = field(default_factory=dict)

    def tree(self, number: int) -> KDTree:
        """Tree of a boundary's surface voxels, in nm."""
        if number not in self._trees:
            self._trees[number] = KDTree(self.surfaces[number] * np.asarray(self.voxel_size_nm))
        return self._trees[number]

    def distance_nm(self, number: int, voxels: FloatArray | IntArray) -> FloatArray:
        """Distance of voxels (N, 3) outside of a boundary to its nearest voxel, in nm."""
        distances: FloatArray = self.tree(number).query(voxels * np.asarray(self.voxel_size_nm))[0]
        return distances

    def apart_nm(self, one: int, other: int, at_most_nm: float = np.inf) -> float:
        """Least distance between two boundaries' voxels; infinite above `at_most_nm`."""
        size = np.asarray(self.voxel_size_nm)
        points = self.surfaces[other] * size
        low, high = (edge * size for edge in self._box(one))
        beside = np.linalg.norm(points - np.clip(points, low, high), axis=1)
        points = points[beside <= at_most_nm]
        if not len(points):
            return np.inf
        found = self.tree(one).query(points, distance_upper_bound=at_most_nm * (1 + 1e-9))[0]
        return float(found.min())

    def _box(self, number: int) -> tuple[FloatArray, FloatArray]:
        return self.surfaces[number].min(axis=0), self.surfaces[number].max(axis=0)


def bodies_of(boundaries: npt.NDArray[Any], voxel_size_nm: Triple) -> Bodies:
    """Find the surface voxels of every boundary.

    Parameters
    ----------
    boundaries : (z, y, x) array of whole numbers
        Id of the boundary that each voxel belongs to; 0 for none.
    voxel_size_nm : (float, float, float)
    """
    differs: BoolArray = np.zeros(boundaries.shape, bool)
    for axis in range(3):
        low, high = [slice(None)] * 3, [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        change = boundaries[tuple(low)] != boundaries[tuple(high)]
        differs[tuple(low)] |= change
        differs[tuple(high)] |= change
    differs &= boundaries != 0
    places = np.argwhere(differs)
    ids = boundaries[differs]
    order = np.argsort(ids, kind="stable")
    numbers, starts = np.unique(ids[order], return_index=True)
    parts = np.split(places[order].astype(np.float64), starts[1:])
    return Bodies(voxel_size_nm, dict(zip(numbers.tolist(), parts, strict=True)))
