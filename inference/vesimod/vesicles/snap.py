"""A click becomes a sphere: the membrane around a point that a person set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import FloatArray, Triple
from vesimod_imod.core.spheres import Spheres

from vesimod.radial.profile import HALF_MEMBRANE_NM, fit_and_learn, needed_membrane_z
from vesimod.radial.rays import RaySampler, directions
from vesimod.radial.surface import COARSE, Surface
from vesimod.radial.surface_fit import fit_membranes
from vesimod.radial.templates import RAY_STEP_NM, generic_template
from vesimod.vesicles.overlaps import clashes_with, resolve_overlaps

REACH_NM = 10.0  # how far off the centre a click may be
GRID_NM = 2.5
MEMBRANE_RADII_NM = (9.0, 40.0)
STARTS = 3  # best trials that are followed up
MIN_MEMBRANE_Z = 5.0  # the most that a search through noise finds in a hundred clicks
FAINT_SHARE = 0.5  # of the typical membrane z, where there are enough others to compare with
EXAMPLES = 24  # existing spheres that are fitted for comparison


@dataclass(frozen=True, eq=False, repr=False)
class Snapped:
    """What clicks became.

    Parameters
    ----------
    spheres : Spheres
        One per click, in the clicks' order, ids 1..N. Where nothing was found: the click
        itself, radius NaN, score 0.
    reasons : (N,) array of str
        Empty where the sphere can be trusted, else why not.
    """

    spheres: Spheres
    reasons: npt.NDArray[np.str_]

    def __repr__(self) -> str:
        found = self.spheres.select(self.found)
        return f"Snapped({len(found)} of {len(self.spheres)} clicks: {found})"

    @property
    def found(self) -> npt.NDArray[np.bool_]:
        """Clicks (N,) that became reliable spheres."""
        trusted: npt.NDArray[np.bool_] = self.reasons == ""
        return trusted


def snap(
    volume: npt.NDArray[Any],
    voxel_size_nm: Triple,
    clicks: FloatArray,
    *,
    taken: Spheres | None = None,
    invert: bool = False,
) -> Snapped:
    """Find the vesicle around each click.

    Parameters
    ----------
    volume : (z, y, x) array of any real type
        The tomogram; read in boxes, so it may be memory-mapped. Membranes dark.
    voxel_size_nm : (float, float, float)
        Of `volume`.
    clicks : (N, 3) float
        Points (z, y, x) in voxels, within `REACH_NM` of a vesicle's centre.
    taken : Spheres, optional
        Spheres that are there already: a click on one of them adds nothing, and they show
        what a membrane of this tomogram looks like.
    invert : bool
        Membranes are bright: negate what is read.

    Returns
    -------
    Snapped
    """
    clicks = np.asarray(clicks, np.float64).reshape(-1, 3)
    known = taken or Spheres.empty()
    known = known.select(np.isfinite(known.radii_nm))
    density = RaySampler(volume, voxel_size_nm, invert)
    found, needed = _fit(density, clicks, known)
    off_nm = np.linalg.norm((found.centres - clicks) * np.asarray(voxel_size_nm), axis=1)
    found = found.with_measures(centre_shift_nm=off_nm)
    reasons = _reasons(found, needed, known, voxel_size_nm)
    good, membrane_z = reasons == "", found.measures["membrane_z"]
    spheres = Spheres(
        np.where(good[:, None], found.centres, clicks),
        np.where(good, found.radii_nm, np.nan),
        np.where(good, membrane_z / (membrane_z + MIN_MEMBRANE_Z), 0.0),
        measures=found.measures,
    )
    return Snapped(spheres, reasons)


def _fit(density: RaySampler, clicks: FloatArray, known: Spheres) -> tuple[Spheres, float]:
    """Fit a sphere near each click; also return the membrane z from which one counts."""
    starts, radii = _search_all(density, clicks, generic_template())
    # Spheres that are there already show what a membrane of this tomogram looks like.
    examples = known.select(np.linspace(0, len(known) - 1, min(len(known), EXAMPLES)).astype(int))
    starts = np.concatenate([starts, examples.centres])
    radii = np.concatenate([radii, examples.radii_nm - HALF_MEMBRANE_NM])
    fits, _, membrane = fit_and_learn(density, starts, radii, MIN_MEMBRANE_Z, rounds=(1,))
    needed = needed_membrane_z(fits.membrane_z, MIN_MEMBRANE_Z, FAINT_SHARE)
    clicked = slice(0, len(clicks))
    centres, radii, membrane_z = (
        column[clicked].copy() for column in (fits.centres, fits.membrane_nm, fits.membrane_z)
    )
    weak = np.flatnonzero(membrane_z < needed)
    if membrane.learned and len(weak):
        # The guess may have led to another membrane than the tomogram's own profile does.
        again = _search_all(density, clicks[weak], membrane.template)
        second = fit_membranes(density, *again, membrane.template)
        better = second.membrane_z > membrane_z[weak]
        rows = weak[better]
        centres[rows], radii[rows] = second.centres[better], second.membrane_nm[better]
        membrane_z[rows] = second.membrane_z[better]
    found = Spheres(centres, radii + membrane.outer_nm, measures={"membrane_z": membrane_z})
    return found, needed


def _reasons(
    found: Spheres, needed: float, known: Spheres, voxel_size_nm: Triple
) -> npt.NDArray[np.str_]:
    """Say why the sphere (N,) near a click is not one; empty where it is."""
    membrane_z = found.measures["membrane_z"]
    reasons = np.full(len(found), "", dtype="U40")
    reasons[found.measures["centre_shift_nm"] > found.radii_nm] = "nearest vesicle too far"
    reasons[membrane_z < needed] = "no membrane"
    rows = np.flatnonzero(reasons == "")
    left = Spheres(found.centres[rows], found.radii_nm[rows])
    alone, _ = resolve_overlaps(left, membrane_z[rows], voxel_size_nm)
    reasons[rows[~alone]] = "another click fits this vesicle better"
    reasons[rows[clashes_with(left, known, voxel_size_nm)]] = "overlaps a sphere that is there"
    return reasons


def _search_all(
    density: RaySampler, clicks: FloatArray, template: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Find the best sphere near each click: centres (N, 3) in voxels, membrane radii in nm."""
    centres, radii = clicks.copy(), np.full(len(clicks), np.nan)
    for row, click in enumerate(clicks):
        shift, radii[row] = _search(density, click, template)
        centres[row] += shift / np.asarray(density.voxel_size_nm)
    return centres, radii


def _search(
    density: RaySampler, click: FloatArray, template: FloatArray
) -> tuple[FloatArray, float]:
    """Find the best sphere near a click: shift (3,) and membrane radius, both in nm."""
    low, high = MEMBRANE_RADII_NM
    middle, half = (low + high) / 2, (high - low) / 2
    surface = Surface.read(
        density, click[None], np.array([middle]), template, half + REACH_NM + 2.0, every=2
    )
    shifts, radii, index = _trials(float(surface.low_nm[0]), surface.correlation.shape[2])
    # float32 sums over 80 rays are exact enough to choose starts.
    values = np.take(surface.correlation[0, :: COARSE // surface.every].ravel(), index).sum(axis=2)
    starts = []
    for _ in range(STARTS):
        s, t = np.unravel_index(int(np.argmax(values)), values.shape)
        starts.append((shifts[s], radii[t]))
        near = np.linalg.norm(shifts - shifts[s], axis=1) < 2 * GRID_NM
        values[np.ix_(near, np.abs(radii - radii[t]) < 2 * GRID_NM)] = -np.inf
    several = replace(
        surface,
        correlation=np.repeat(surface.correlation, STARTS, axis=0),
        low_nm=np.repeat(surface.low_nm, STARTS),
    )
    shift, radius = several.climb(
        np.array([start[0] for start in starts]), np.array([start[1] for start in starts])
    )
    best = int(np.argmax(several.response(shift, radius).sum(axis=1)))
    return shift[best], float(radius[best])


@cache
def _trials(low_nm: float, samples: int) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    """Spheres to try, and where each meets each ray.

    Returns
    -------
    shifts_nm : (S, 3)
        A grid in a ball.
    radii_nm : (T,)
    index : (S, T, K / COARSE)
        Into the flattened (K / COARSE, samples) correlation.
    """
    line = np.arange(-REACH_NM, REACH_NM + 0.1, GRID_NM)
    shifts = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    shifts = shifts[np.linalg.norm(shifts, axis=1) <= REACH_NM + 0.1]
    radii = np.arange(MEMBRANE_RADII_NM[0], MEMBRANE_RADII_NM[1] + 0.1, GRID_NM / 2)
    n = directions()[::COARSE]
    along = (shifts @ n.T)[:, None, :]
    square = radii[None, :, None] ** 2 - (shifts**2).sum(axis=1)[:, None, None] + along**2
    distance = along + np.sqrt(np.maximum(square, 1.0))
    place = np.clip(np.rint((distance - low_nm) / RAY_STEP_NM), 0, samples - 1)
    return shifts, radii, place.astype(np.int64) + np.arange(len(n)) * samples
