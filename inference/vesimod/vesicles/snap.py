"""A click becomes a sphere: the membrane around a point that a person set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from vesimod_imod.core.arrays import BoolArray, FloatArray, Triple
from vesimod_imod.core.spheres import Spheres

from vesimod.radial.profile import (
    HALF_MEMBRANE_NM,
    SURE_Z,
    fit_and_learn,
    lumen_density,
    needed_membrane_z,
    profile_axis,
)
from vesimod.radial.rays import RaySampler
from vesimod.radial.shells import strongest_shells
from vesimod.radial.surface_fit import Fits
from vesimod.vesicles.click_matching import match_clicks
from vesimod.vesicles.overlaps import TOLERATED_SHARE, clashes_with, resolve_overlaps

REACH_NM = 28.0  # how far off the centre a click may be: 99 % of those that scatter by 8 nm SD
MEMBRANE_RADII_NM = np.arange(9.0, 40.1, 2.0)
TRIALS = 4  # shells near a click that are fitted
MIN_MEMBRANE_Z = 5.5  # little that a search through noise finds reaches it
MIN_POOLED_Z = 5.25  # the same where noise is known better, from many fits
SCATTER_NM = 8.0  # of clicks about centres, per axis: what lies further off is less likely meant
RIVAL_Z = 1.5  # a shell that overlaps one that is no surer than that leaves it open which is true
SAME_CENTRE_NM, SAME_RADIUS_NM = 5.0, 3.0  # of two fits of one membrane
LEAST_OUTER_SHARE = (
    0.3  # of the contrast inside: below, it is the surface of something, no membrane
)
BEYOND_DOUBT_Z = 9.0  # above what any rim shows: a neighbour may lie against it
LEAST_SHOWN = 0.3  # of the directions: less of a sphere, cut by the border, fits many radii
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
    density, size = RaySampler(volume, voxel_size_nm, invert), np.asarray(voxel_size_nm)
    spheres, membrane_z = _vesicles_near(density, clicks, known)
    free = ~clashes_with(spheres, known, voxel_size_nm)
    spheres, membrane_z = spheres.select(free), membrane_z[free]
    vesicle, reasons = match_clicks(
        clicks * size, spheres.centres * size, known.centres * size, REACH_NM
    )
    got = vesicle >= 0
    centres, radii, z = clicks.copy(), np.full(len(clicks), np.nan), np.zeros(len(clicks))
    centres[got], radii[got] = spheres.centres[vesicle[got]], spheres.radii_nm[vesicle[got]]
    z[got] = membrane_z[vesicle[got]]
    off_nm = np.linalg.norm((centres - clicks) * size, axis=1)
    measures = {"membrane_z": z, "centre_shift_nm": off_nm}
    return Snapped(Spheres(centres, radii, z / (z + MIN_MEMBRANE_Z), measures=measures), reasons)


def _vesicles_near(
    density: RaySampler, clicks: FloatArray, known: Spheres
) -> tuple[Spheres, FloatArray]:
    """Find spheres of membrane near clicks, none in another, and how sure each is (z)."""
    size = density.voxel_size_nm
    # Spheres that are there already show what a membrane of this tomogram looks like.
    examples = known.select(np.linspace(0, len(known) - 1, min(len(known), EXAMPLES)).astype(int))
    centres, radii = [examples.centres], [examples.radii_nm - HALF_MEMBRANE_NM]
    for click in clicks:
        near = strongest_shells(density, click, REACH_NM, MEMBRANE_RADII_NM, TRIALS)
        centres.append(near[0])
        radii.append(near[1])
    starts, start_nm = np.concatenate(centres), np.concatenate(radii)
    fits, profiles, membrane = fit_and_learn(density, starts, start_nm, MIN_MEMBRANE_Z, rounds=(1,))
    z, at_least = fits.pooled_z, MIN_POOLED_Z
    if z is None:
        z, at_least = fits.membrane_z, MIN_MEMBRANE_Z
    needed = needed_membrane_z(z, at_least, FAINT_SHARE)
    new = np.arange(len(starts)) >= len(examples)
    fits, profiles, z = fits.select(new), profiles[new], z[new]
    far_nm, _ = cKDTree(clicks * size).query(fits.centres * size) if len(clicks) else ([], None)
    # Logarithms of likelihoods add up: z^2 / 2, and the click's squared distance over its variance.
    sureness = np.sqrt(np.maximum(z**2 - (np.asarray(far_nm) / SCATTER_NM) ** 2, 0.0))
    shell = fits.membrane_nm >= MEMBRANE_RADII_NM[0]
    shell &= (fits.response != 0).mean(axis=1) >= LEAST_SHOWN
    sure = shell & (sureness >= needed)
    sure &= _dark_to_both_sides(density, fits, profiles) | (z >= BEYOND_DOUBT_Z)
    sure &= (z >= SURE_Z) | ~_has_rival(fits, sureness, shell, np.asarray(size))
    fits, sureness = fits.select(sure), sureness[sure]
    spheres = Spheres(fits.centres, np.maximum(fits.membrane_nm + membrane.outer_nm, 1.0))
    apart, _ = resolve_overlaps(spheres, sureness, size)
    return spheres.select(apart), fits.membrane_z[apart]


def _has_rival(fits: Fits, sureness: FloatArray, shell: BoolArray, size: FloatArray) -> BoolArray:
    """Whether another shell (N,), hardly less sure, lies where each does: noise has several."""
    places, radii = fits.centres * size, fits.membrane_nm
    rows, rival = np.flatnonzero(shell), np.zeros(len(radii), bool)
    tree, reach_nm = cKDTree(places[rows]), 2 * radii[rows].max(initial=0.0)
    for row in rows:  # one by one: pairs of many clicks in one place would fill the memory
        others = rows[tree.query_ball_point(places[row], reach_nm)]
        apart_nm = np.linalg.norm(places[others] - places[row], axis=1)
        differ = (apart_nm > SAME_CENTRE_NM) | (np.abs(radii[others] - radii[row]) > SAME_RADIUS_NM)
        smaller = np.minimum(radii[others], radii[row])
        overlap = radii[others] + radii[row] - apart_nm > TOLERATED_SHARE * smaller
        strong = sureness[others] >= sureness[row] - RIVAL_Z
        rival[row] = bool((differ & overlap & strong).any())
    return rival


def _dark_to_both_sides(density: RaySampler, fits: Fits, profiles: FloatArray) -> BoolArray:
    """Whether density rises on the way out of each shell as it does on the way in.

    Around something bright lies a dark ring that is no membrane. Where a side is not within
    the volume, nothing speaks against it.
    """
    axis = profile_axis()
    shell = profiles[:, np.abs(axis) < 1.5].mean(axis=1)
    outside = profiles[:, axis > 6.0].mean(axis=1)
    lumen = lumen_density(density, fits)
    one_sided: BoolArray = outside - shell < LEAST_OUTER_SHARE * (lumen - shell)
    return ~one_sided
