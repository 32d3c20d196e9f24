"""Whether what was found are vesicles or the clearest grains of the noise.

How clear a membrane is (`membrane_z`) is counted in standard errors that hold for white noise.
Noise whose grains are as large as membranes looks like membranes, everywhere, and a network picks
the likeliest of them. Four signs tell vesicles from grains. Each is doubtful alone, so that what
they say is added up over all that was found, as logarithms of odds:

* the network and the fit to the density agree on the centre (`centre_shift_nm`);
* the membrane is darker than both its sides (`lumen_ratio`), not the edge of a blob;
* it is clearer than what the same search finds at places where the network sees nothing;
* most of the candidates were accepted.
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

# The signs were fitted to a few finds. Pools hold thousands in a cubic micrometre, noise gave at
# most 160: so many finds are vesicles, however faint.
MANY, MANY_PER_UM3, NM3_PER_UM3 = 24, 300.0, 1e9
# A logistic regression on what was found in simulated tomograms with 1 to 20 vesicles, filtered in
# several ways, and in noise, white and blurred (`benchmarks/noise_signs.py`).
CONSTANT, SHIFT, SHELL, CLEARER, ACCEPTED = 0.3, -0.9, 2.4, 3.7, 2.65
NEEDED = 1.5  # odds, as a logarithm, beyond which they are vesicles
SHIFT_RANGE_NM = (0.3, 12.0)
SHELL_RANGE = (
    0.3,
    3.5,
)  # lumen ratios of true vesicles; of a blob's edge it is near 0, or far beyond
# Where chance fits stay below this, noise does not look like membranes: what is clearer than all
# of them is one, however lonely. In real volumes of a lysosome they have 2.6 to 4.3, and it 5.2 to
# 6.0; in blurred noise they have 7.7 to 16, and in white noise what is found has at most 4.3.
LIKE_MEMBRANES, LONELY_Z = 5.5, 4.8
LEAST_CLEAR = 0.7  # true vesicles are hardly ever fainter, in what follows
OFTEN = 90.0  # percentile of the chance fits that membranes are measured by
PLACES, TRIED = 48, 2000
NOTHING_THERE = 0.1  # probability below which the network sees no vesicle
AROUND = 11  # edge in voxels of the network's grid of what must be empty around a place


def is_noise(
    density: RaySampler,
    network: RaySampler,
    spheres: Spheres,
    candidates: int,
    region: BoolArray | None = None,
) -> bool:
    """Whether what was found is likelier to be noise than vesicles.

    Parameters
    ----------
    density : RaySampler
        The tomogram.
    network : RaySampler
        The network's map.
    spheres : Spheres
        Accepted vesicles with the measures centre_shift_nm, lumen_ratio and membrane_z.
    candidates : int
        Out of how many they were accepted.
    region : (z, y, x) bool, optional
        Where vesicles may be, on the tomogram's grid: places are taken there.

    Returns
    -------
    bool
        False, too, where so many vesicles were found that noise cannot be all of them, or where
        no place without vesicles is left to compare with.
    """
    volume_um3 = density.voxels.size * float(np.prod(density.voxel_size_nm)) / NM3_PER_UM3
    if not 0 < len(spheres) < max(MANY, MANY_PER_UM3 * volume_um3):
        return False
    if (spheres.measures["membrane_z"] < MIN_MEMBRANE_Z).all():
        return True  # no membrane at all: whatever the network saw
    odds = _odds_by_shape(spheres, candidates)
    if odds + len(spheres) * CLEARER * np.log(LEAST_CLEAR) > NEEDED:
        return False  # whatever the comparison would say: it takes a while
    radius_nm = float(np.median(spheres.radii_nm))
    by_chance = z_by_chance(density, network.voxels, network.voxel_size_nm, radius_nm, region)
    if len(by_chance) < PLACES // 2:
        return False
    usual = max(float(np.percentile(by_chance, OFTEN)), 1.0)
    if usual < LIKE_MEMBRANES:
        clear = max(float(by_chance.max()), LONELY_Z)
        return not bool((spheres.measures["membrane_z"] > clear).any())
    odds += float((CLEARER * np.log(spheres.measures["membrane_z"] / usual)).sum())
    return odds < NEEDED


def _odds_by_shape(spheres: Spheres, candidates: int) -> float:
    """Logarithm of the odds by what is known of the vesicles themselves."""
    shift = np.log(np.clip(spheres.measures["centre_shift_nm"], *SHIFT_RANGE_NM))
    ratio = spheres.measures["lumen_ratio"]  # NaN where it is not darker than what is outside
    shell = (ratio > SHELL_RANGE[0]) & (ratio < SHELL_RANGE[1])
    accepted = np.log((len(spheres) + 0.5) / (candidates + 1))
    return float((CONSTANT + SHIFT * shift + SHELL * shell + ACCEPTED * accepted).sum())


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
    density, region
        As in `is_noise`.
    probability : (z, y, x) float32
        The network's map.
    probability_voxel_size_nm : (float, float, float)
        Of the map.
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
