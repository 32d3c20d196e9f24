"""The sphere that fits the dark membrane: sub-voxel centre and membrane radius.

The paper rotates the radial profile into a 3D average and cross-correlates it with the
density to centre a vesicle. Done in polar coordinates that is: correlate every ray from the
centre with the membrane's profile, once, and find the sphere (r, centre) over whose surface
the correlation adds up highest. The sum is smooth in r and centre, so nothing is rounded to
voxels, and noise averages over the whole surface.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache, cached_property

import numpy as np
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.radial.rays import RaySampler, directions
from vesimod.radial.surface import START_ALONE, Search, Surface

BATCH = 64  # vesicles whose rays are in memory at a time
PATCH_NM = 10.0  # pieces of membrane this far apart hold independent noise
LIKELY_Z, MIN_POOLED = 4.0, 20  # fits that noise is known from together, and how many it takes


@dataclass(frozen=True, eq=False, repr=False)
class Fits(ShortRepr):
    """Membranes fitted to N candidates.

    Parameters
    ----------
    centres : (N, 3) float64
        In voxels of the tomogram.
    membrane_nm : (N,) float64
        Radius at which the membrane is darkest.
    response : (N, K) float64
        Correlation with the template along the directions of the last round, at the fitted
        membrane; 0 where a ray leaves the volume.
    again : (N,) bool
        Found in a second search only.
    """

    centres: FloatArray
    membrane_nm: FloatArray
    response: FloatArray
    again: BoolArray

    @cached_property
    def membrane_z(self) -> FloatArray:
        """How sure a dark shell is there (N,): mean response over its standard error.

        Noise is alike in neighbouring rays, so the error comes from patches of the surface;
        only those within the volume count, and as `PATCH_NM` wide where they are smaller.
        """
        mean, spread, independent = self._patches
        result: FloatArray = mean * np.sqrt(independent) / np.where(spread > 0, spread, np.inf)
        return result

    @cached_property
    def pooled_z(self) -> FloatArray | None:
        """`membrane_z` (N,) by a steadier error; None where there are too few fits for that.

        The spread over some thirty patches is uncertain by an eighth. It is known better from all
        spheres, as a power of their radius: the geometric mean of both is taken, since noise may
        differ from place to place.
        """
        mean, spread, independent = self._patches
        usable = (self.membrane_z > LIKELY_Z) & (spread > 0)
        if usable.sum() < MIN_POOLED:
            return None
        radius = np.log(np.maximum(self.membrane_nm, 1.0))
        slope, level = np.polyfit(radius[usable], np.log(spread[usable]), 1)
        error = np.sqrt(spread * np.exp(level + slope * radius))
        result: FloatArray = mean * np.sqrt(independent) / np.where(error > 0, error, np.inf)
        return result

    @cached_property
    def _patches(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Mean response, its spread over patches of the surface, their independent number (N,)."""
        patch = _patches()[:: len(directions()) // self.response.shape[1]]
        seen = self.response != 0
        count = seen.astype(np.float64) @ patch
        total = np.where(seen, self.response, 0.0) @ patch
        known = count > 0
        means = np.divide(total, count, out=np.zeros_like(total), where=known)
        number = np.maximum(known.sum(axis=1), 1)
        mean = means.sum(axis=1) / number
        off = np.where(known, means - mean[:, None], 0.0)
        spread = np.sqrt((off**2).sum(axis=1) / np.maximum(number - 1, 1))
        room = 4 * np.pi * self.membrane_nm**2 / PATCH_NM**2 / patch.shape[1]
        return mean, spread, number * np.minimum(room, 1.0)

    def select(self, which: BoolArray | IntArray) -> Fits:
        """Fits picked by a boolean mask or by row numbers, in that order."""
        return Fits(*(getattr(self, field.name)[which] for field in fields(self)))

    def replaced(self, rows: IntArray, others: Fits, which: BoolArray) -> Fits:
        """Exchange the fits at `rows` (M,) for the M others, where `which` (M,) says so."""
        columns = {field.name: getattr(self, field.name).copy() for field in fields(self)}
        for name, column in columns.items():
            column[rows[which]] = getattr(others, name)[which]
        columns["again"][rows[which]] = True
        return Fits(**columns)


@cache
def _patches(count: int = 48) -> FloatArray:
    """Which direction belongs to which patch of the sphere (K, count), 0 or 1."""
    nearest = np.argmax(directions() @ directions(count).T, axis=1)
    belongs: FloatArray = (nearest[:, None] == np.arange(count)).astype(np.float64)
    return belongs


def fit_membranes(
    density: RaySampler,
    centres: FloatArray,
    membrane_nm: FloatArray,
    template: FloatArray,
    *,
    search: Search | None = None,
    rounds: tuple[int, ...] = (2, 1),
    progress: Callable[[int, int], None] | None = None,
) -> Fits:
    """Fit spheres to membranes near given spheres.

    Parameters
    ----------
    density : RaySampler
        The tomogram.
    centres : (N, 3) float
        Where to start, in voxels.
    membrane_nm : (N,) float
        Membrane radius to start from.
    template : (T,) float
        From `normalised_template`.
    search : Search, optional
        What to try around each start; default the start alone.
    rounds : tuple of int
        How often rays are read from the centre reached so far, and along which directions:
        2 for each second one. A second time is needed where the first centre may be off by
        more than about 1 nm.
    progress : callable, optional
        Called with (vesicles done, vesicles in all).
    """
    parts = []
    for first in range(0, len(centres), BATCH):
        rows = slice(first, first + BATCH)
        parts.append(
            _fit_batch(
                density,
                centres[rows],
                membrane_nm[rows],
                template,
                search or START_ALONE,
                rounds,
            )
        )
        if progress:
            progress(min(first + BATCH, len(centres)), len(centres))
    if not parts:
        k = len(directions()[:: rounds[-1]])
        return Fits(np.empty((0, 3)), np.empty(0), np.empty((0, k)), np.zeros(0, bool))
    found, radii, response = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Fits(found, radii, response, np.zeros(len(found), bool))


def _fit_batch(
    density: RaySampler,
    start: FloatArray,
    start_nm: FloatArray,
    template: FloatArray,
    search: Search,
    rounds: tuple[int, ...],
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fit one batch; returns the first columns of `Fits`."""
    size = np.asarray(density.voxel_size_nm)
    centres, radius = start.copy(), start_nm.copy()
    for every in rounds:
        reach = float(np.linalg.norm(search.shifts_nm, axis=1).max()) + 2.0
        surface = Surface.read(
            density,
            centres,
            radius,
            template,
            reach + float(np.abs(search.radii_nm).max()),
            every,
        )
        shift, radius = surface.best_trial(radius, search)
        shift, radius = surface.climb(shift, radius)
        centres = centres + shift / size
        search = START_ALONE
    response = surface.response(shift, radius)
    return centres, radius, response
