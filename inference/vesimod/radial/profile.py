"""The membrane's radial profile: where its centre and its edges lie.

The outer edge is where density rises most steeply on the way out (the inflection). The paper
takes the minimum of the second derivative, which lies 1 to 2 nm further out, by the width of
the microscope's blur. The inflection of a blurred edge stays where the edge is, as long as the
blur is narrower than the dark band; where it is not (two thin leaflets), it moves outwards, by
up to 1 nm in simulations. `BLUR_NM` is taken off for that, and more where the band is wider than
a bilayer can be: blur is then the likelier reason, and `WIDER_SHARE` of the surplus is believed.

One vesicle's thickness is noisier than thicknesses differ, so the edges come from the mean
profile of all vesicles of the tomogram; each vesicle's own thickness is a measure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.interpolate import CubicSpline
from vesimod_imod.core.arrays import FloatArray
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.radial.rays import RaySampler
from vesimod.radial.surface import Rays, Search
from vesimod.radial.surface_fit import Fits, fit_membranes
from vesimod.radial.templates import (
    RAY_STEP_NM,
    TEMPLATE_HALF_NM,
    generic_template,
    normalised_template,
    template_axis,
)

HALF_MEMBRANE_NM = 2.5  # of a lipid bilayer
HALF_RANGE_NM = (0.8, 5.0)
BLUR_NM = 0.2
WIDER_SHARE = 0.6
ASSUMED_Z = 10.0  # of all fits together at which measured edges and a bilayer's count alike
PROFILE_STEP_NM = RAY_STEP_NM
MIN_LEARNED, MIN_LEARNED_Z = 5, 20.0  # vesicles whose mean is better than a guess
LUMEN_SHARES = np.array([0.15, 0.3, 0.45, 0.6, 0.75, 0.9])  # of the lumen's radius
WEAK_SHARE = 0.8  # of the median membrane z, below which a fit is tried again
SURE_Z = 7.0  # far above what noise gives: faint or not, there is a membrane
STRETCHES = np.arange(0.5, 2.01, 0.05)


@dataclass(frozen=True, eq=False, repr=False)
class Membrane(ShortRepr):
    """The mean membrane of a tomogram.

    Parameters
    ----------
    profile : (P,) float64
        Mean density at `profile_axis()` from the membrane's centre.
    inner_nm, outer_nm : float
        Distances of the edges from the membrane's centre.
    learned : bool
        Whether enough vesicles were averaged for the profile to serve as a template.
    """

    profile: FloatArray
    inner_nm: float
    outer_nm: float
    learned: bool

    @property
    def template(self) -> FloatArray:
        """The profile as a template for fits, or a guess where it was not learned."""
        if not self.learned:
            return generic_template()
        seen = normalised_template(np.interp(template_axis(), profile_axis(), self.profile))
        return seen if seen.any() else generic_template()

    @property
    def thickness_nm(self) -> float:
        """From edge to edge."""
        return self.inner_nm + self.outer_nm


def profile_axis() -> FloatArray:
    """Distances (P,) in nm from the membrane's centre at which profiles are given."""
    half = round(TEMPLATE_HALF_NM / PROFILE_STEP_NM)
    return np.arange(-half, half + 1, dtype=np.float64) * PROFILE_STEP_NM


def fit_and_learn(
    density: RaySampler,
    centres: FloatArray,
    membrane_nm: FloatArray,
    min_membrane_z: float,
    rounds: tuple[int, ...] = (2, 1),
    search: Search | None = None,
    wider: Search | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Fits, FloatArray, Membrane]:
    """Fit membranes with a guessed profile, then again with the one that they show.

    Parameters
    ----------
    density : RaySampler
        The tomogram.
    centres, membrane_nm
        Where to start; (N, 3) in voxels and (N,) in nm.
    min_membrane_z : float
        Fits from which the profile is learned.
    rounds : tuple of int
        See `fit_membranes`, of the second time.
    search : Search, optional
        What to try around each start; default: the start alone.
    wider : Search, optional
        What to try for fits that turned out weak; default: they stay weak.
    progress : callable, optional
        Called with (vesicles done, vesicles in all).

    Returns
    -------
    Fits, (N, P) profiles, Membrane
        What a membrane looks like in this tomogram is a sharper template than a guess: it
        halves the error of the centre. With too few vesicles the guess is used again.
    """
    start_nm = np.maximum(membrane_nm, 1.0)
    guess = generic_template()
    fits = fit_membranes(
        density, centres, start_nm, guess, search=search, rounds=(2,), progress=progress
    )
    found = fits.select(fits.membrane_z >= min_membrane_z)
    membrane = mean_membrane(read_profiles(density, found), found.membrane_z)
    fits = fit_membranes(density, fits.centres, fits.membrane_nm, membrane.template, rounds=rounds)
    usual = float(np.median(fits.membrane_z)) if membrane.learned else np.inf
    weak = np.flatnonzero(fits.membrane_z < min(WEAK_SHARE * usual, SURE_Z))
    if wider is not None and len(weak):
        # The mask's centre may be far off, or the guess may have led to another membrane.
        again = fit_membranes(
            density, centres[weak], start_nm[weak], membrane.template, search=wider, rounds=rounds
        )
        fits = fits.replaced(weak, again, again.membrane_z > fits.membrane_z[weak])
    profiles = read_profiles(density, fits)
    membrane = mean_membrane(
        profiles, np.where(fits.membrane_z >= min_membrane_z, fits.membrane_z, 0)
    )
    return fits, profiles, membrane


def read_profiles(density: RaySampler, fits: Fits) -> FloatArray:
    """Mean density across each membrane (N, P), at `profile_axis()` from its centre.

    NaN where a vesicle's rays all leave the volume.
    """
    axis = profile_axis()
    profiles = np.empty((len(fits.centres), len(axis)))
    for row, (centre, radius) in enumerate(zip(fits.centres, fits.membrane_nm, strict=True)):
        profiles[row] = mean_over_directions(
            density.rays(centre, np.maximum(radius + axis, 0.0), every=2)
        )
    return profiles


def lumen_density(density: RaySampler, fits: Fits) -> FloatArray:
    """Mean density (N,) inside of each membrane; NaN where a vesicle is outside the volume."""
    lumen = np.empty(len(fits.centres))
    for row, (centre, radius) in enumerate(zip(fits.centres, fits.membrane_nm, strict=True)):
        distances = LUMEN_SHARES * max(radius - HALF_MEMBRANE_NM - 1.0, 1.0)
        shells = mean_over_directions(density.rays(centre, distances, every=8))
        lumen[row] = shells @ LUMEN_SHARES**2 / (LUMEN_SHARES**2).sum()
    return lumen


def mean_over_directions(rays: Rays) -> FloatArray:
    """Mean (R,) over rays (K, R) of what lies within the volume; NaN where nothing does."""
    finite = np.isfinite(rays)
    if finite.all():
        return np.asarray(rays.mean(axis=0, dtype=np.float64))
    seen = finite.sum(axis=0)
    total = np.nansum(rays, axis=0, dtype=np.float64)
    mean: FloatArray = np.divide(total, seen, out=np.full(len(seen), np.nan), where=seen > 0)
    return mean


def mean_membrane(profiles: FloatArray, membrane_z: FloatArray) -> Membrane:
    """Average profiles and find the membrane's edges.

    Parameters
    ----------
    profiles : (N, P) float
        From `read_profiles`.
    membrane_z : (N,) float
        z of the fits: profiles count by its square where positive.

    Returns
    -------
    Membrane
        A bilayer's edges where all fits together are weak.
    """
    weight = np.maximum(membrane_z, 0.0) ** 2
    usable = np.isfinite(profiles).all(axis=1) & (weight > 0)
    if not usable.any():
        return Membrane(np.zeros(len(profile_axis())), HALF_MEMBRANE_NM, HALF_MEMBRANE_NM, False)
    weight = weight[usable]
    profile = np.average(profiles[usable], axis=0, weights=weight)
    inner, outer = edges(profile)
    trust = float(weight.sum() / (weight.sum() + ASSUMED_Z**2))
    inner, outer = (
        trust * _without_blur(edge) + (1 - trust) * HALF_MEMBRANE_NM for edge in (inner, outer)
    )
    learned = len(weight) >= MIN_LEARNED and weight.sum() >= MIN_LEARNED_Z**2
    return Membrane(profile, inner, outer, bool(learned))


def _without_blur(edge_nm: float) -> float:
    """Where the membrane's edge is likely to lie, given its profile's steepest flank."""
    half = float(np.clip(edge_nm - BLUR_NM, *HALF_RANGE_NM))
    return half - (1 - WIDER_SHARE) * max(half - HALF_MEMBRANE_NM, 0.0)


def edges(profile: FloatArray) -> tuple[float, float]:
    """Distances (inner, outer) in nm from the membrane's centre to its steepest flanks.

    Parameters
    ----------
    profile : (P,) float
        Mean density at `profile_axis()`, the membrane's centre at 0.
    """
    axis = profile_axis()
    fine = np.arange(-HALF_RANGE_NM[1] - 0.5, HALF_RANGE_NM[1] + 0.51, 0.02)
    # Smoothing of half a nm keeps noise from making flanks; it does not move a symmetric one.
    smooth = ndimage.gaussian_filter1d(profile, 0.5 / PROFILE_STEP_NM, mode="nearest")
    slope = CubicSpline(axis, smooth)(fine, 1)
    out, inn = fine > 0.5, fine < -0.5  # beyond the dip between two resolved leaflets
    return float(-fine[inn][np.argmin(slope[inn])]), float(fine[out][np.argmax(slope[out])])


def needed_membrane_z(membrane_z: FloatArray, at_least: float, share: float) -> float:
    """Choose the z from which a membrane counts.

    Parameters
    ----------
    membrane_z : (N,) float
        Of all fits.
    at_least : float
        What is asked in any case.
    share : float
        Of the median of those that reach `at_least`: in a clear tomogram, noise and other
        structures stay far below true vesicles. Only asked where there are enough to
        compare with.
    """
    sure = membrane_z[membrane_z >= at_least]
    if len(sure) < MIN_LEARNED:
        return at_least
    return max(at_least, min(share * float(np.median(sure)), SURE_Z))


def thicknesses(profiles: FloatArray, membrane: Membrane) -> FloatArray:
    """Thickness (N,) in nm of single membranes: how far the mean profile must be stretched.

    Comparing whole profiles is far less noisy than finding two edges in each.
    """
    axis = profile_axis()
    mean = CubicSpline(axis, membrane.profile)
    bank = mean(np.clip(axis[None, :] / STRETCHES[:, None], axis[0], axis[-1]))
    bank -= bank.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(bank, axis=1, keepdims=True)
    bank = np.divide(bank, norm, out=np.zeros_like(bank), where=norm > 0)
    likeness = np.nan_to_num(profiles) @ bank.T
    best = np.clip(np.argmax(likeness, axis=1), 1, len(STRETCHES) - 2)
    rows = np.arange(len(profiles))
    left, middle, right = (likeness[rows, best + step] for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    shift = np.divide(left - right, 2 * bend, out=np.zeros(len(rows)), where=bend < 0)
    stretch = STRETCHES[best] + np.clip(shift, -1, 1) * 0.05
    result: FloatArray = np.where(
        np.isfinite(profiles).all(axis=1), stretch * membrane.thickness_nm, np.nan
    )
    return result


def membrane_contrast(profiles: FloatArray) -> FloatArray:
    """Density (N,) of the membrane's middle 2 nm."""
    middle = np.abs(profile_axis()) <= 1.0
    result: FloatArray = profiles[:, middle].mean(axis=1)
    return result
