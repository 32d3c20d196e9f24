"""What a tomogram says of given spheres, whoever put them there: measured where they stand.

A fit says where a membrane is; this says whether it is where the sphere is. The score that a model
carries does not tell: it is of the day when vesimod wrote it, and people and programs move
spheres since.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from vesimod_imod.core.arrays import FloatArray
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Spheres

from vesimod.radial.profile import (
    HALF_MEMBRANE_NM,
    Membrane,
    mean_membrane,
    membrane_contrast,
    read_profiles,
    thicknesses,
)
from vesimod.radial.rays import RaySampler, directions
from vesimod.radial.surface import Search, Surface
from vesimod.radial.surface_fit import BATCH, Fits, fit_membranes
from vesimod.radial.templates import generic_template

MIN_Z = 3.5  # from which a membrane tells what membranes of this tomogram look like
USUAL_NM = 20.0  # radius of a sphere that has none
_EVERY = 2  # directions that are looked along
_REACH_NM = 3.0  # to either side of the stated membrane: what a sphere has where it stands
# A better place than the stated one is looked for this far away.
_NEAR = Search(
    np.concatenate([np.zeros((1, 3)), 4.0 * directions(14), 8.0 * directions(26)]),
    np.arange(-9.0, 9.1, 1.5),
)


@dataclass(frozen=True, eq=False, repr=False)
class Inspection(ShortRepr):
    """N spheres held against the tomogram.

    Parameters
    ----------
    profiles : (N, P) float64
        Mean density at `vesimod.radial.profile.profile_axis` from each sphere's stated membrane;
        NaN where none of it lies in the volume.
    membrane : Membrane
        The mean of the clear ones.
    membrane_z : (N,) float64
        How sure a membrane is where the sphere says.
    best_z : (N,) float64
        How sure it is at the best place nearby.
    shift_nm : (N,) float64
        From the stated centre to that of the best place.
    radius_change_nm : (N,) float64
        Radius of the best place less the stated one.
    thickness_nm : (N,) float64
        Of the membrane; NaN where it is not to be seen.
    contrast : (N,) float64
        Density of the membrane's middle less that of the profile's surroundings.
    """

    profiles: FloatArray
    membrane: Membrane
    membrane_z: FloatArray
    best_z: FloatArray
    shift_nm: FloatArray
    radius_change_nm: FloatArray
    thickness_nm: FloatArray
    contrast: FloatArray


def inspect(
    density: RaySampler,
    spheres: Spheres,
    progress: Callable[[int, int], None] | None = None,
) -> Inspection:
    """Measure spheres where they stand, and look whether another place nearby is better.

    Parameters
    ----------
    density : RaySampler
        The tomogram.
    spheres : Spheres
        N spheres, centres in voxels, radii at the membrane's outer edge; an unknown radius is
        taken for `USUAL_NM`.
    progress : callable, optional
        Called with (spheres done, spheres in all).
    """
    radii = np.where(np.isfinite(spheres.radii_nm), spheres.radii_nm, USUAL_NM)
    stated_nm = np.maximum(radii - HALF_MEMBRANE_NM, 1.0)
    first = _where_they_stand(density, spheres.centres, stated_nm, generic_template())
    profiles = read_profiles(density, first)
    membrane = _mean(profiles, first)
    stated = _where_they_stand(density, spheres.centres, stated_nm, membrane.template)
    membrane = _mean(profiles, stated)
    best = fit_membranes(
        density,
        spheres.centres,
        stated_nm,
        membrane.template,
        search=_NEAR,
        rounds=(_EVERY,),
        progress=progress,
    )
    shift = (best.centres - spheres.centres) * np.asarray(density.voxel_size_nm)
    edges = np.concatenate([profiles[:, :3], profiles[:, -3:]], axis=1)
    return Inspection(
        profiles,
        membrane,
        stated.membrane_z,
        best.membrane_z,
        np.linalg.norm(shift, axis=1),
        best.membrane_nm - stated_nm,
        np.where(stated.membrane_z >= MIN_Z, thicknesses(profiles, membrane), np.nan),
        membrane_contrast(profiles) - edges.mean(axis=1),
    )


def _mean(profiles: FloatArray, fits: Fits) -> Membrane:
    """Average the profiles of clear membranes."""
    return mean_membrane(profiles, np.where(fits.membrane_z >= MIN_Z, fits.membrane_z, 0.0))


def _where_they_stand(
    density: RaySampler, centres: FloatArray, membrane_nm: FloatArray, template: FloatArray
) -> Fits:
    """Return spheres as fits that did not move."""
    response = [np.empty((0, len(directions()[::_EVERY])))]
    for first in range(0, len(centres), BATCH):
        rows = slice(first, first + BATCH)
        radius = membrane_nm[rows]
        surface = Surface.read(density, centres[rows], radius, template, _REACH_NM, _EVERY)
        response.append(surface.response(np.zeros((len(radius), 3)), radius))
    return Fits(centres, membrane_nm, np.concatenate(response), np.zeros(len(centres), bool))
