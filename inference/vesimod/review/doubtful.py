"""What speaks against each sphere: in words, and as one number to sort by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from vesimod_imod.core.arrays import BoolArray, FloatArray
from vesimod_imod.core.spheres import Grid, Spheres

from vesimod.radial.inspection import Inspection

#: From this doubt on, in usual spreads of this tomogram's vesicles, something is worth a word.
WORTH_A_WORD = 2.0
_MOST = 10.0  # of one doubt: beyond, it is no more doubtful
# Least spread that each feature is measured in: in clear tomograms vesicles differ by less.
_SHIFT_NM, _RADIUS_NM, _THICKNESS_NM, _SCORE, _Z_SHARE = 1.5, 1.5, 0.8, 0.1, 0.2
_RARE = 0.01  # p-value of an outlier
_OVERLAP_NM = 4.0


@dataclass(frozen=True)
class Doubt:
    """What speaks against one sphere.

    Parameters
    ----------
    amount : float
        Root of the sum of squares of its doubts, each in usual spreads; 0 is what is typical.
    words : tuple of str
        Those that are worth one, the gravest first.
    """

    amount: float
    words: tuple[str, ...] = ()


class _Feature(NamedTuple):
    """One feature of N spheres: how far each is off in usual spreads, and that in words."""

    amounts: FloatArray
    words: list[str]


def find_doubts(spheres: Spheres, inspection: Inspection, grid: Grid) -> list[Doubt]:
    """Say what speaks against each of N spheres, compared with the others of its tomogram.

    Parameters
    ----------
    spheres : Spheres
        Measures of vesimod's tables (``p_value``, ``overlap_nm``) count where they are there.
    inspection : Inspection
        Of these spheres.
    grid : Grid
        Of the tomogram.
    """
    if not len(spheres):
        return []
    features = [
        _membrane(inspection),
        _place(inspection),
        _radius(inspection, spheres),
        _low_score(spheres),
        _thickness(inspection),
        _overlap(spheres, grid),
        _outlier(spheres.measures, len(spheres)),
    ]
    cut = _cut_by_border(spheres, grid)
    amounts = np.stack([np.clip(f.amounts, 0.0, _MOST) for f in features], axis=1)
    doubts = []
    for row, own in enumerate(amounts):
        order = [k for k in np.argsort(-own, kind="stable") if own[k] >= WORTH_A_WORD]
        words = tuple(features[k].words[row] for k in order)
        # Not wrong, but less of it is to be seen: a word, and no place among the most doubtful.
        border = ("cut by the border",) if cut[row] else ()
        doubts.append(Doubt(float(np.sqrt((own**2).sum())), (*words, *border)))
    return doubts


def doubt_order(doubts: list[Doubt]) -> npt.NDArray[np.int64]:
    """Rows (N,), the most doubtful first."""
    return np.argsort([-doubt.amount for doubt in doubts], kind="stable").astype(np.int64)


def _spreads(values: FloatArray, least: float) -> FloatArray:
    """Distances (N,) from the median in robust standard deviations; 0 where not known."""
    known = values[np.isfinite(values)]
    if not len(known):
        return np.zeros(len(values))
    middle = float(np.median(known))
    spread = max(1.4826 * float(np.median(np.abs(known - middle))), least)
    return np.nan_to_num((values - middle) / spread)


def _membrane(inspection: Inspection) -> _Feature:
    z = np.nan_to_num(inspection.membrane_z)
    usual = max(float(np.median(z)), 1e-9)
    lower = np.array([(z > own).mean() for own in z])
    words = [f"membrane fainter here than in {100 * share:.0f} % of the others" for share in lower]
    return _Feature(-_spreads(z, _Z_SHARE * usual), words)


def _place(inspection: Inspection) -> _Feature:
    better = inspection.best_z > inspection.membrane_z
    shift = np.where(better, inspection.shift_nm, 0.0)
    words = [f"a clearer membrane is centred {each:.1f} nm off" for each in inspection.shift_nm]
    return _Feature(_spreads(shift, _SHIFT_NM), words)


def _radius(inspection: Inspection, spheres: Spheres) -> _Feature:
    change = np.where(inspection.best_z > inspection.membrane_z, inspection.radius_change_nm, 0.0)
    off = np.abs(_spreads(change, _RADIUS_NM))
    words = [f"a clearer membrane has a radius {each:+.1f} nm" for each in change]
    unknown = ~np.isfinite(spheres.radii_nm)
    off[unknown] = _MOST
    for row in np.flatnonzero(unknown):
        words[row] = "no radius: a click that nobody sized"
    return _Feature(off, words)


def _low_score(spheres: Spheres) -> _Feature:
    words = [f"score {each:.2f}, lower than most" for each in spheres.scores]
    return _Feature(-_spreads(spheres.scores, _SCORE), words)


def _thickness(inspection: Inspection) -> _Feature:
    values = inspection.thickness_nm
    known = values[np.isfinite(values)]
    middle = float(np.median(known)) if len(known) else np.inf
    kind = np.where(values > middle, "thick", "thin")
    words = [f"unusually {k} membrane, {v:.1f} nm" for k, v in zip(kind, values, strict=True)]
    # Noisy in one vesicle, so that it counts half.
    return _Feature(0.5 * np.abs(_spreads(values, _THICKNESS_NM)), words)


def _overlap(spheres: Spheres, grid: Grid) -> _Feature:
    """How deep spheres reach into each other, by their own centres and radii."""
    depth, other = np.zeros(len(spheres)), np.zeros(len(spheres), np.int64)
    for i, j, distance in zip(*_near(spheres, grid), strict=True):
        reach = spheres.radii_nm[i] + spheres.radii_nm[j] - distance
        if reach > depth[i]:
            depth[i], other[i] = reach, spheres.ids[j]
    words = [f"reaches {d:.1f} nm into vesicle {k}" for d, k in zip(depth, other, strict=True)]
    return _Feature(WORTH_A_WORD * depth / _OVERLAP_NM, words)


def _near(spheres: Spheres, grid: Grid) -> tuple[Any, Any, Any]:
    """Pairs of spheres that may overlap, both ways round, and the distances of their centres."""
    points = spheres.centres * np.asarray(grid.voxel_size_nm)
    known = np.nan_to_num(spheres.radii_nm)
    pairs = cKDTree(points).query_pairs(2 * float(known.max()), output_type="ndarray")
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    distance = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    return pairs[:, 0], pairs[:, 1], distance


def _outlier(measures: Mapping[str, npt.NDArray[Any]], count: int) -> _Feature:
    p = np.asarray(measures.get("p_value", np.full(count, np.nan)), np.float64)
    amount = np.where(p < _RARE, WORTH_A_WORD, 0.0)
    words = [f"thickness, density and radius together are unusual (p = {each:.2g})" for each in p]
    return _Feature(amount, words)


def _cut_by_border(spheres: Spheres, grid: Grid) -> BoolArray:
    reach = np.nan_to_num(spheres.radii_nm)[:, None] / np.asarray(grid.voxel_size_nm)
    low, high = spheres.centres - reach, spheres.centres + reach
    cut: BoolArray = ((low < -0.5) | (high > np.asarray(grid.shape) - 0.5)).any(axis=1)
    return cut
