"""Vesicles cannot lie in each other: which of two overlapping spheres to believe."""

from __future__ import annotations

import numpy as np
from scipy import spatial
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray, Triple
from vesimod_imod.core.spheres import Spheres

TOLERATED_SHARE = 0.25  # of the smaller radius: vesicles flatten against each other


def overlapping_pairs(
    spheres: Spheres, voxel_size_nm: Triple
) -> tuple[IntArray, IntArray, FloatArray]:
    """Pairs of spheres that reach into each other.

    Returns
    -------
    first, second : (P,) int64
        Rows of `spheres`.
    depth_nm : (P,) float64
        By how much the sum of the radii exceeds the distance of the centres.
    """
    nothing = np.empty(0, np.int64)
    if len(spheres) < 2:
        return nothing, nothing, np.empty(0)
    places = spheres.centres * np.asarray(voxel_size_nm)
    tree = spatial.cKDTree(places)
    pairs = tree.query_pairs(2 * float(spheres.radii_nm.max()), output_type="ndarray")
    first, second = pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64)
    distance = np.linalg.norm(places[first] - places[second], axis=1)
    depth = spheres.radii_nm[first] + spheres.radii_nm[second] - distance
    touch = depth > 0
    return first[touch], second[touch], depth[touch]


def resolve_overlaps(
    spheres: Spheres, strength: FloatArray, voxel_size_nm: Triple
) -> tuple[BoolArray, FloatArray]:
    """Give up the weaker of two spheres that overlap by more than a contact.

    Parameters
    ----------
    spheres : Spheres
        N candidates.
    strength : (N,) float
        The higher is believed.

    Returns
    -------
    kept : (N,) bool
    depth_nm : (N,) float64
        Deepest overlap of each kept sphere with another kept one; 0 for none.
    """
    first, second, depth = overlapping_pairs(spheres, voxel_size_nm)
    clash = _is_clash(spheres, first, second, depth)
    rivals: dict[int, list[int]] = {}
    for i, j in zip(first[clash], second[clash], strict=True):
        rivals.setdefault(int(i), []).append(int(j))
        rivals.setdefault(int(j), []).append(int(i))
    kept = np.ones(len(spheres), bool)
    # Strongest first; position decides between equals, so that order of input does not.
    for row in np.lexsort((*spheres.centres.T, -strength)):
        if kept[row]:
            kept[rivals.get(int(row), [])] = False
    left = np.zeros(len(spheres))
    both = kept[first] & kept[second]
    np.maximum.at(left, first[both], depth[both])
    np.maximum.at(left, second[both], depth[both])
    return kept, left


def clashes_with(spheres: Spheres, others: Spheres, voxel_size_nm: Triple) -> BoolArray:
    """Whether each of N spheres overlaps one of `others` by more than a contact."""
    n = len(spheres)
    both = Spheres(
        np.concatenate([spheres.centres, others.centres]),
        np.concatenate([spheres.radii_nm, others.radii_nm]),
    )
    first, second, depth = overlapping_pairs(both, voxel_size_nm)
    across = _is_clash(both, first, second, depth) & ((first < n) != (second < n))
    result = np.zeros(n, bool)
    result[np.minimum(first, second)[across]] = True
    return result


def _is_clash(
    spheres: Spheres, first: IntArray, second: IntArray, depth_nm: FloatArray
) -> BoolArray:
    """Whether pairs overlap by more than a contact."""
    smaller = np.minimum(spheres.radii_nm[first], spheres.radii_nm[second])
    clash: BoolArray = depth_nm > TOLERATED_SHARE * smaller
    return clash
