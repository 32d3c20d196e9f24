"""Neighbours of vesicles: the nearest, how many are around, and what chance would give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray, Triple
from vesimod_imod.core.short_repr import ShortRepr

SIMULATIONS = 99
_MOST_POINTS = 200_000  # of a region's sample
_TRIES = 500


@dataclass(frozen=True, eq=False, repr=False)
class Neighbours(ShortRepr):
    """The nearest neighbour of each vesicle; NaN and -1 for one that is alone.

    Parameters
    ----------
    centre_nm : (N,) float64
        Between centres.
    membrane_nm : (N,) float64
        Between membranes, to the vesicle whose membrane is nearest; negative where they overlap.
    row : (N,) int64
        Of that vesicle.
    """

    centre_nm: FloatArray
    membrane_nm: FloatArray
    row: IntArray


def nearest_neighbours(centres_nm: FloatArray, radii_nm: FloatArray) -> Neighbours:
    """Find the nearest centre and the nearest membrane of each vesicle.

    Parameters
    ----------
    centres_nm : (N, 3) float64
    radii_nm : (N,) float64
        NaN where not known: then no membrane distance is known to that vesicle.
    """
    count = len(centres_nm)
    centre, gap = np.full(count, np.nan), np.full(count, np.nan)
    row = np.full(count, -1)
    if count < 2:
        return Neighbours(centre, gap, row)
    tree = KDTree(centres_nm)
    centre = tree.query(centres_nm, 2)[0][:, 1]
    largest = float(np.nanmax(radii_nm)) if np.isfinite(radii_nm).any() else 0.0
    left, wanted = np.flatnonzero(np.isfinite(radii_nm)), min(16, count)
    while len(left):
        far, near = tree.query(centres_nm[left], wanted)
        gaps = far - radii_nm[left, None] - radii_nm[near]
        gaps[(near == left[:, None]) | np.isnan(gaps)] = np.inf
        best = np.argmin(gaps, axis=1)
        gap[left] = gaps[np.arange(len(left)), best]
        row[left] = near[np.arange(len(left)), best]
        # No vesicle further away can have its membrane nearer.
        done = gap[left] <= far[:, -1] - radii_nm[left] - largest
        left = left[~done] if wanted < count else left[:0]
        wanted = min(4 * wanted, count)
    alone = ~np.isfinite(gap)
    return Neighbours(centre, np.where(alone, np.nan, gap), np.where(alone, -1, row))


@dataclass(frozen=True, eq=False, repr=False)
class RegionSample(ShortRepr):
    """Points on a lattice that stand for a region.

    Parameters
    ----------
    points : (P, 3) int64
        Voxels z, y, x.
    voxel_size_nm : (float, float, float)
    step : int
        Voxels between points.
    volume_nm3 : float
        Of the whole region.
    """

    points: IntArray
    voxel_size_nm: Triple
    step: int
    volume_nm3: float

    @property
    def points_nm(self) -> FloatArray:
        """Points (P, 3) in nm."""
        positions: FloatArray = self.points * np.asarray(self.voxel_size_nm)
        return positions


def sample_region(region: BoolArray, voxel_size_nm: Triple) -> RegionSample:
    """Take every n-th voxel along each axis, n such that enough remain and no more."""
    voxels = int(np.count_nonzero(region))
    step = max(1, int(np.ceil(np.cbrt(voxels / _MOST_POINTS))))
    points = np.argwhere(region[::step, ::step, ::step]) * step
    return RegionSample(points, voxel_size_nm, step, voxels * float(np.prod(voxel_size_nm)))


def density_around_um3(centres_nm: FloatArray, sample: RegionSample, reach_nm: float) -> FloatArray:
    """Vesicles per cubic micrometre around each vesicle, itself not counted.

    What lies outside of the region is left out of the volume, so that the border thins nothing.

    Parameters
    ----------
    centres_nm : (N, 3) float64
    sample : RegionSample
    reach_nm : float
        Of the ball around each centre.

    Returns
    -------
    (N,) float64
        NaN where none of the region lies around a vesicle.
    """
    if not len(centres_nm) or not len(sample.points):
        return np.full(len(centres_nm), np.nan)
    others = KDTree(centres_nm).query_ball_point(centres_nm, reach_nm, return_length=True) - 1
    inside = KDTree(sample.points_nm).query_ball_point(centres_nm, reach_nm, return_length=True)
    volume = inside * sample.volume_nm3 / len(sample.points)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(volume > 0, 1e9 * others / volume, np.nan)


@dataclass(frozen=True, eq=False, repr=False)
class Chance(ShortRepr):
    """Nearest neighbours of vesicles that lie by chance in the same region.

    Parameters
    ----------
    observed_nm : (N,) float64
        Distances between nearest centres, ascending.
    simulated_nm : (S, N) float64
        The same in each simulation.
    p : float
        Share of simulations (with the observation among them) whose mean is as far from their
        common mean as the observed one: two-sided, at least 1 / (S + 1).
    """

    observed_nm: FloatArray
    simulated_nm: FloatArray
    p: float

    @property
    def ratio(self) -> float:
        """Observed mean over that of chance: below 1 vesicles cluster, above they keep apart."""
        return float(self.observed_nm.mean() / self.simulated_nm.mean())

    def distribution(self) -> FloatArray:
        """Part of the vesicles with a neighbour up to each distance, nm by nm.

        Returns
        -------
        (D, 5) float64
            Distance in nm; part observed; by chance the mean, and what 95 % of the simulations lie
            between.
        """
        farthest = max(self.observed_nm.max(), self.simulated_nm.max())
        at = np.arange(np.ceil(farthest) + 1)
        rows = (self.observed_nm, *self.simulated_nm)
        parts = np.array([np.searchsorted(row, at, side="right") for row in rows])
        seen, chance = parts[0] / len(self.observed_nm), parts[1:] / len(self.observed_nm)
        return np.column_stack(
            [at, seen, chance.mean(axis=0), *np.quantile(chance, [0.025, 0.975], axis=0)]
        )


def against_chance(
    centres_nm: FloatArray,
    radii_nm: FloatArray,
    sample: RegionSample,
    simulations: int = SIMULATIONS,
    seed: int = 0,
) -> Chance | None:
    """Compare nearest neighbours with vesicles of the same radii thrown into the same region.

    Thrown vesicles overlap no more than the observed ones do, since real ones cannot: hard balls
    are the chance that they are compared with, not points.

    Parameters
    ----------
    centres_nm : (N, 3) float64
    radii_nm : (N,) float64
    sample : RegionSample
        Where centres may lie.
    simulations, seed : int

    Returns
    -------
    Chance or None
        None for fewer than three vesicles, or where they fill the region so that no chance is left.
    """
    if len(centres_nm) < 3 or not len(sample.points):
        return None
    rng = np.random.default_rng(seed)
    radii = np.where(np.isfinite(radii_nm), radii_nm, 0.0)
    observed = nearest_neighbours(centres_nm, radii)
    overlap = max(0.0, -float(np.nanmin(observed.membrane_nm)))
    simulated = np.empty((simulations, len(centres_nm)))
    for k in range(simulations):
        thrown = _throw(radii, overlap, sample, rng)
        if thrown is None:
            return None
        simulated[k] = np.sort(KDTree(thrown).query(thrown, 2)[0][:, 1])
    means = np.append(simulated.mean(axis=1), observed.centre_nm.mean())
    off = np.abs(means - simulated.mean())
    p = float(np.mean(off >= off[-1] - 1e-12))
    return Chance(np.sort(observed.centre_nm), simulated, p)


def _throw(
    radii: FloatArray, overlap: float, sample: RegionSample, rng: np.random.Generator
) -> FloatArray | None:
    """Throw balls into a region; those that overlap earlier ones are thrown again."""
    centres = _anywhere(len(radii), sample, rng)
    reach = 2 * float(radii.max())
    moved = np.arange(len(radii))
    for _ in range(_TRIES):
        near = KDTree(centres).query_ball_point(centres[moved], reach)
        first = np.repeat(moved, [len(rows) for rows in near])
        second = np.concatenate([np.array(rows, np.int64) for rows in near])
        apart = np.linalg.norm(centres[first] - centres[second], axis=1)
        bad = (first != second) & (apart < radii[first] + radii[second] - overlap - 1e-9)
        # Of two that overlap one is thrown again: of two that were just thrown, the later one.
        fresh = np.zeros(len(radii), bool)
        fresh[moved] = True
        loser = np.where(fresh[second], np.maximum(first, second), first)[bad]
        moved = np.unique(loser)
        if not len(moved):
            return centres
        centres[moved] = _anywhere(len(moved), sample, rng)
    return None


def _anywhere(count: int, sample: RegionSample, rng: np.random.Generator) -> FloatArray:
    """Positions (count, 3) in nm, evenly in the region."""
    points = sample.points[rng.integers(len(sample.points), size=count)]
    shift = sample.step * (rng.random((count, 3)) - 0.5)
    positions: FloatArray = (points + shift) * np.asarray(sample.voxel_size_nm)
    return positions
