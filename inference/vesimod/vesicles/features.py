"""Everything that is measured on a candidate: its membrane, its lumen, how it fits in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from vesimod_imod.core.arrays import BoolArray, FloatArray
from vesimod_imod.core.spheres import Spheres

from vesimod.network.resample import volume_to_model
from vesimod.radial.ellipsoid import fit_shapes, semi_axes, sphericity
from vesimod.radial.profile import (
    HALF_MEMBRANE_NM,
    Membrane,
    fit_and_learn,
    lumen_density,
    mean_over_directions,
    membrane_contrast,
    profile_axis,
    thicknesses,
)
from vesimod.radial.rays import RaySampler, directions
from vesimod.radial.surface import Search
from vesimod.radial.surface_fit import Fits
from vesimod.vesicles.outliers import MIN_VESICLES, p_values

NO_MEMBRANE_Z = 2.0  # below, a fit follows the noise
MIN_MEMBRANE_Z = 3.5  # from which a membrane tells what membranes of this tomogram look like
CORE_SHARES = np.array([0.15, 0.3, 0.45, 0.6])  # of the radius: where the network is asked
# What networks that are never sure are surest of counts as 1; below this, nothing was found.
LEAST_SURE = 0.7
HALO_NM = 8.0  # from the membrane's centre outwards: where the white halo is looked for
# A mask is off by a voxel of the network's grid or two; further than that another membrane
# may be nearer than the right one.
NEAR = Search(
    np.concatenate([np.zeros((1, 3)), 2.5 * directions(14), 5.0 * directions(20)]),
    np.arange(-5.0, 5.1, 1.25),
)
# Networks that meet something unusual see parts of it: their masks may be 8 nm off.
FAR = Search(np.concatenate([NEAR.shifts_nm, 8.0 * directions(50)]), np.arange(-7.5, 10.1, 1.25))


def measure(
    density: RaySampler,
    probability: RaySampler,
    masks: Spheres,
    listed_nm: float = 0.0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Spheres, tuple[str, ...]]:
    """Fit the membrane of every candidate and measure it.

    Parameters
    ----------
    density : RaySampler
        The tomogram.
    probability : RaySampler
        The network's map on its own grid, edges aligned with the tomogram's.
    masks : Spheres
        N candidates, centres in voxels of the tomogram.
    listed_nm : float
        Candidates with smaller radii are fitted, but their lumen is NaN and their shape round.
    progress : callable, optional
        Called with (candidates done, candidates in all).

    Returns
    -------
    Spheres
        The same candidates, fitted, with the measures of the table.
    tuple of str
        Notes for the user.
    """
    fits, profiles, membrane = fit_and_learn(
        density,
        masks.centres,
        masks.radii_nm - HALF_MEMBRANE_NM,
        MIN_MEMBRANE_Z,
        search=NEAR,
        wider=FAR,
        progress=progress,
    )
    table = _table(density, probability, masks, fits, profiles, membrane, listed_nm)
    return table, _notes(fits, len(masks))


def _table(
    density: RaySampler,
    probability: RaySampler,
    masks: Spheres,
    fits: Fits,
    profiles: FloatArray,
    membrane: Membrane,
    listed_nm: float,
) -> Spheres:
    """Put the fitted spheres together with the measures of the table."""
    thickness, contrast = thicknesses(profiles, membrane), membrane_contrast(profiles)
    # Where no membrane is to be seen the mask is the better witness of where the blob was.
    has_membrane = fits.membrane_z >= NO_MEMBRANE_Z
    centres = np.where(has_membrane[:, None], fits.centres, masks.centres)
    radii = np.where(has_membrane, fits.membrane_nm + membrane.outer_nm, masks.radii_nm)
    off = (fits.centres - masks.centres) * np.asarray(density.voxel_size_nm)
    p, found = np.full(len(masks), np.nan), fits.membrane_z >= MIN_MEMBRANE_Z
    p[found] = p_values(np.stack([thickness, contrast, radii], axis=1)[found])
    lumen, shapes = _lumen_and_shapes(density, fits, membrane, radii >= listed_nm)
    axes, vectors = semi_axes(shapes, radii)
    return Spheres(
        centres,
        radii,
        ids=masks.ids,
        measures={
            "membrane_radius_nm": np.where(has_membrane, fits.membrane_nm, np.nan),
            "inner_radius_nm": np.where(has_membrane, fits.membrane_nm - membrane.inner_nm, np.nan),
            "membrane_thickness_nm": thickness,
            "membrane_density": contrast,
            "lumen_density": lumen,
            "lumen_ratio": _lumen_ratio(lumen, profiles),
            "membrane_z": fits.membrane_z,
            "centre_shift_nm": np.linalg.norm(off, axis=1),
            "core_probability": _core_probability(probability, density, centres, radii),
            "p_value": p,
            "border": _touch_border(density, centres, radii),
            "refit": fits.again,
            "visible_fraction": _visible_fraction(density, centres, radii),
            "axis_long_nm": axes[:, 0],
            "axis_middle_nm": axes[:, 1],
            "axis_short_nm": axes[:, 2],
            "sphericity": sphericity(axes),
            "short_axis_z": vectors[:, 2, 0],
            "short_axis_y": vectors[:, 2, 1],
            "short_axis_x": vectors[:, 2, 2],
        },
    )


def _lumen_and_shapes(
    density: RaySampler, fits: Fits, membrane: Membrane, which: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Lumen's density (N,) and shape (N, 3, 3) of some fits; NaN and round of the others."""
    lumen, shapes = np.full(len(which), np.nan), np.zeros((len(which), 3, 3))
    lumen[which] = lumen_density(density, fits.select(which))
    shapes[which] = fit_shapes(density, fits.select(which), membrane.template)
    return lumen, shapes


def _notes(fits: Fits, candidates: int) -> tuple[str, ...]:
    """Say what is doubtful about the membranes, in words for the user."""
    found = int((fits.membrane_z >= MIN_MEMBRANE_Z).sum())
    notes = []
    if 0 < found < MIN_VESICLES:
        notes.append(
            f"{found} vesicles are too few to tell outliers by their membrane (needs "
            f"{MIN_VESICLES}): none was marked"
        )
    if found < 0.5 * candidates:
        notes.append(f"a dark membrane was found around {found} of {candidates} candidates only")
    return tuple(notes)


def _touch_border(density: RaySampler, centres: FloatArray, radii_nm: FloatArray) -> BoolArray:
    """Whether each sphere (N,) reaches beyond the volume."""
    last = np.asarray(density.voxels.shape) - 0.5
    reach = radii_nm[:, None] / np.asarray(density.voxel_size_nm)
    border: BoolArray = ((centres - reach < -0.5) | (centres + reach > last)).any(axis=1)
    return border


def _lumen_ratio(lumen: FloatArray, profiles: FloatArray) -> FloatArray:
    """(lumen - membrane) / (halo - membrane) of each vesicle (N,); NaN where there is no halo.

    Independent of grey scale. Real synaptic vesicles have 1.3 to 1.5, dense balls nearly 0.
    """
    axis = profile_axis()
    membrane = membrane_contrast(profiles)
    halo = profiles[:, (axis > 0) & (axis <= HALO_NM)].max(axis=1)
    depth = halo - membrane
    ratio: FloatArray = np.divide(
        lumen - membrane, depth, out=np.full(len(lumen), np.nan), where=depth > 0
    )
    return ratio


def _visible_fraction(density: RaySampler, centres: FloatArray, radii_nm: FloatArray) -> FloatArray:
    """Share (N,) of each sphere's surface that lies within the volume."""
    reach = radii_nm[:, None, None] * directions() / np.asarray(density.voxel_size_nm)
    surface = centres[:, None] + reach
    last = np.asarray(density.voxels.shape) - 0.5
    visible: FloatArray = ((surface > -0.5) & (surface < last)).all(axis=2).mean(axis=1)
    return visible


def _core_probability(
    probability: RaySampler, density: RaySampler, centres: FloatArray, radii_nm: FloatArray
) -> FloatArray:
    """Mean probability (N,) in the inner part of each sphere.

    Not out to its edge: where networks meet something unusual, their masks are too small or
    too large, but sure in the middle. Relative to the highest, or `LEAST_SURE` if that is more.
    """
    places = volume_to_model(centres, density.voxel_size_nm, probability.voxel_size_nm)
    core_probability = np.empty(len(places))
    for row, (place, radius) in enumerate(zip(places, radii_nm, strict=True)):
        shells = mean_over_directions(probability.rays(place, CORE_SHARES * radius, every=8))
        weight = CORE_SHARES**2 * np.isfinite(shells)
        core_probability[row] = np.nan_to_num(shells) @ weight / max(weight.sum(), 1e-9)
    return np.asarray(
        core_probability / max(core_probability.max(initial=0.0), LEAST_SURE), np.float64
    )
