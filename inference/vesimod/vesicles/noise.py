"""Whether what was found stands out of the noise: the same fit, where nothing is.

How clear a membrane is (`membrane_z`) is counted in standard errors that hold for white noise.
Noise whose grains are as large as membranes looks like membranes, everywhere. So where few vesicles
were found, the same search is made at places where the network sees none: in a tomogram of
vesicles the membranes there are fainter than theirs, in one of noise they are as clear.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray, FloatArray, Triple, Volume
from vesimod_imod.core.spheres import Spheres

from vesimod.network.resample import volume_to_model
from vesimod.radial.profile import HALF_MEMBRANE_NM, fit_and_learn
from vesimod.radial.rays import RaySampler
from vesimod.vesicles.features import FAR, MIN_MEMBRANE_Z

# Pools of vesicles hold thousands in a cubic micrometre; noise gave at most 400.
FEW, FEW_PER_UM3 = 30, 600.0
NM3_PER_UM3 = 1e9
PLACES, TRIED = 48, 2000
NOTHING_THERE = 0.1  # probability below which the network sees no vesicle
AROUND = 11  # edge in voxels of the network's grid of what must be empty around a place
# The median of the vesicles must be so many times what only a tenth of the places reach. A handful
# must show more, the more the fewer they are, and most of them beat the clearest place: what the
# network picks out of noise is the clearest of it. Chosen on 20 volumes of white and 20 of blurred
# noise with 117 finds, none of which is left; of 57 in 24 others 3 are.
OFTEN, RATIO = 90.0, 1.1
HANDFUL, CLEARER_SHARE, HANDFUL_RATIO, RATIO_OF_ONE = 12, 0.55, 1.2, 0.65


def is_noise(
    density: RaySampler,
    probability: Volume,
    probability_voxel_size_nm: Triple,
    spheres: Spheres,
    region: BoolArray | None = None,
) -> bool:
    """Whether the membranes that were found are no clearer than those where nothing is.

    Parameters
    ----------
    density : RaySampler
        The tomogram.
    probability : (z, y, x) float32
        The network's map.
    probability_voxel_size_nm : (float, float, float)
        Of the map.
    spheres : Spheres
        Accepted vesicles with their membrane_z.
    region : (z, y, x) bool, optional
        Where vesicles may be, on the tomogram's grid: places are taken there.

    Returns
    -------
    bool
        False, too, where so many vesicles were found that noise cannot be all of them, or where
        no place without vesicles is left to compare with.
    """
    volume_um3 = density.voxels.size * float(np.prod(density.voxel_size_nm)) / NM3_PER_UM3
    if not 0 < len(spheres) < max(FEW, FEW_PER_UM3 * volume_um3):
        return False
    radius_nm = float(np.median(spheres.radii_nm))
    by_chance = z_by_chance(density, probability, probability_voxel_size_nm, radius_nm, region)
    if len(by_chance) < PLACES // 2:
        return False
    found = spheres.measures["membrane_z"]
    ratio = float(np.median(found) / max(np.percentile(by_chance, OFTEN), 1.0))
    if len(found) >= HANDFUL:
        return ratio < RATIO
    clearer = float((found > by_chance.max()).mean())
    return clearer < CLEARER_SHARE or ratio < HANDFUL_RATIO + RATIO_OF_ONE / len(found)


def z_by_chance(
    density: RaySampler,
    probability: Volume,
    probability_voxel_size_nm: Triple,
    radius_nm: float,
    region: BoolArray | None = None,
) -> FloatArray:
    """Fit spheres where the network sees nothing: `membrane_z` (N,) that nothing at all gives.

    Parameters
    ----------
    density, probability, probability_voxel_size_nm, region
        As in `is_noise`.
    radius_nm : float
        That the fits start with, to the membrane's outer edge.

    Returns
    -------
    (N,) float64
        At most `PLACES` of them: as many as there are such places.
    """
    places = _empty_places(density, probability, probability_voxel_size_nm, region)
    if not len(places):
        return np.empty(0)
    membrane_nm = np.full(len(places), radius_nm - HALF_MEMBRANE_NM)
    fits, _, _ = fit_and_learn(density, places, membrane_nm, MIN_MEMBRANE_Z, search=FAR)
    return fits.membrane_z


def _empty_places(
    density: RaySampler,
    probability: Volume,
    probability_voxel_size_nm: Triple,
    region: BoolArray | None,
) -> FloatArray:
    """Points (N, 3) in voxels of the tomogram around which the network sees no vesicle."""
    shape = np.asarray(density.voxels.shape)
    # The same places each time: what is found must not depend on the day.
    points: FloatArray = np.random.default_rng(0).uniform(0, shape - 1, (TRIED, 3))
    if region is not None:
        points = points[region[tuple(np.rint(points).astype(np.int64).T)]]
    there = volume_to_model(points, density.voxel_size_nm, probability_voxel_size_nm)
    last = np.asarray(probability.shape) - 1
    nearest = np.clip(np.rint(there).astype(np.int64), 0, last)
    free = [_highest_around(probability, place) < NOTHING_THERE for place in nearest]
    places: FloatArray = points[np.array(free, bool)][:PLACES]
    return places


def _highest_around(probability: Volume, place: npt.NDArray[np.int64]) -> float:
    """Highest probability in a box around a voxel."""
    low = np.maximum(place - AROUND // 2, 0)
    box = tuple(slice(int(a), int(b) + AROUND // 2 + 1) for a, b in zip(low, place, strict=True))
    return float(probability[box].max())
