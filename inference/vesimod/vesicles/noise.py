"""Whether what was found are vesicles or the clearest grains of the noise.

How clear a membrane is (`membrane_z`) is counted in standard errors that hold for white noise.
Noise whose grains are as large as membranes looks like membranes, everywhere, and a network picks
the likeliest of them. Four signs tell vesicles from grains. Each is doubtful alone, so that what
they say is added up over all that was found, as logarithms of odds:

* the network and the fit to the density agree on the centre (`centre_shift_nm`);
* the membrane is darker than both its sides (`lumen_ratio`), not the edge of a blob;
* it is clearer than what the same search finds at places where the network sees nothing;
* most of the candidates were accepted.

Before that the scores are asked: of noise they are never high, of vesicles some are.
"""

from __future__ import annotations

from itertools import islice

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray, FloatArray, Volume
from vesimod_imod.core.spheres import Spheres

from vesimod.io.padding import Unpadded
from vesimod.network.resample import volume_to_model
from vesimod.radial.profile import HALF_MEMBRANE_NM, fit_and_learn
from vesimod.radial.rays import RaySampler
from vesimod.radial.surface import Search
from vesimod.radial.surface_fit import fit_membranes
from vesimod.radial.templates import generic_template
from vesimod.vesicles.features import FAR, MIN_MEMBRANE_Z

# The signs were fitted to a few finds. Pools hold thousands in a cubic micrometre, noise gave at
# most 160: so many finds are vesicles, however faint.
MANY, MANY_PER_UM3, NM3_PER_UM3 = 24, 300.0, 1e9
# A logistic regression on what was found in simulated tomograms with 1 to 20 vesicles, filtered in
# several ways, and in noise, white and blurred (`benchmarks/noise_signs.py`).
CONSTANT, SHIFT, SHELL, CLEARER, ACCEPTED = 0.3, -0.9, 2.4, 3.7, 2.65
# Odds, as a logarithm, beyond which they are vesicles; and where that is less likely beforehand.
NEEDED, WELL_NEEDED = 1.5, 3.0
SHIFT_RANGE_NM = (0.3, 12.0)
SHELL_RANGE = (
    0.3,
    3.5,
)  # lumen ratios of true vesicles; of a blob's edge it is near 0, or far beyond
# Where chance fits stay below the first, noise does not look like membranes: what is clearer than
# the last and than all of them is one, however lonely, and from the second on if the other signs
# leave little doubt. In real volumes of a lysosome they have 3.0 to 6.0 and it 6 to 8; in blurred
# noise they have 7.7 to 16. In white noise finds have at most 6.7; in noise blurred by a voxel,
# where chance fits reach 6.2, one had 7.0.
LIKE_MEMBRANES, LONELY_Z, LONELY_SURE_Z, SURE_OVER_CHANCE = 5.5, 4.8, 6.9, 1.3
# Networks that learned from noise, too, are never sure of what they see in it: in 65 volumes of
# noise of all grains no score was above 0.91. Of the lysosome it is 0.97. So where the best is
# below the first, a membrane must be clearer than any in noise of fine grain (there at most 7.7);
# where so many reach the second, it is not noise, whatever it looks like.
UNSURE_SCORE, UNSURE_CLEAR_Z, SURE_SCORE, ENOUGH_SURE = 0.92, 8.5, 0.95, 3
LEAST_CLEAR = 0.7  # true vesicles are hardly ever fainter, in what follows
OFTEN = 90.0  # percentile of the chance fits that membranes are measured by
PLACES, TRIED = 48, 2000
# At first a glance is taken at a few places, with few rays and no profile learned. Where noise does
# not look like membranes it shows 1.3 to 2.6 in the mean, in noise blurred by a voxel 2.5 to 3.8.
# What membranes are measured by was 1.35 to 3.3 times that mean, in 35 volumes of all kinds.
GLANCED, GLANCE_ROUNDS = 8, (8, 4)
GLANCE = Search(FAR.shifts_nm[::2], FAR.radii_nm[::2])
QUIET_Z = 2.3
USUAL_PER_GLANCE = 1.2, 3.5
NOTHING_THERE = 0.1  # probability below which the network sees no vesicle
FROM_PADDING_NM = 20.0  # a vesicle's radius: padding shows nothing that could be compared with
AROUND = 11  # edge in voxels of the network's grid of what must be empty around a place


def is_noise(
    density: RaySampler,
    network: RaySampler,
    spheres: Spheres,
    candidates: int,
    region: BoolArray | None = None,
    needed: float = NEEDED,
) -> bool:
    """Whether what was found is likelier to be noise than vesicles.

    Parameters
    ----------
    density : RaySampler
        The tomogram.
    network : RaySampler
        The network's map.
    spheres : Spheres
        Accepted vesicles with scores and the measures centre_shift_nm, lumen_ratio and membrane_z.
    candidates : int
        Out of how many they were accepted.
    region : (z, y, x) bool, optional
        Where vesicles may be, on the tomogram's grid: places are taken there.
    needed : float
        Odds that they need; `WELL_NEEDED` where noise was found before.

    Returns
    -------
    bool
        False, too, where so many vesicles were found that noise cannot be all of them, or where
        no place without vesicles is left to compare with.
    """
    volume_um3 = density.voxels.size * float(np.prod(density.voxel_size_nm)) / NM3_PER_UM3
    if not 0 < len(spheres) < max(MANY, MANY_PER_UM3 * volume_um3):
        return False
    z = spheres.measures["membrane_z"]
    clear = MIN_MEMBRANE_Z if spheres.scores.max() >= UNSURE_SCORE else UNSURE_CLEAR_Z
    if (z < clear).all():
        return True  # no membrane at all, whatever the network saw; or none that it is sure of
    if (sure := int((spheres.scores >= SURE_SCORE).sum())) >= ENOUGH_SURE:
        return False
    odds = _odds_by_shape(spheres, candidates)
    if odds + len(spheres) * CLEARER * np.log(LEAST_CLEAR) > needed:
        return False  # whatever the comparison would say: it takes a while
    places = empty_places(density, network, region)
    if len(places) < PLACES // 2:
        return False
    if z.max() <= LONELY_Z and odds + _odds_by_clearness(z, LIKE_MEMBRANES) < needed:
        return True  # likewise
    membrane_nm = float(np.median(spheres.radii_nm)) - HALF_MEMBRANE_NM
    if not sure or z.max() <= LONELY_Z:
        glance = _glance(density, places[:GLANCED], membrane_nm)
        if (at_a_glance := _at_a_glance(z, odds - needed, glance)) is not None:
            return at_a_glance
    by_chance = z_by_chance(density, places, membrane_nm)
    usual = max(float(np.percentile(by_chance, OFTEN)), 1.0)
    odds += _odds_by_clearness(z, usual)
    if usual >= LIKE_MEMBRANES:
        return odds < needed
    return not _stands_out(z, float(by_chance.max()), odds >= WELL_NEEDED or sure > 0)


def _stands_out(z: FloatArray, best_chance: float, likely: bool) -> bool:
    """Whether a find is clear where noise does not look like membranes; `likely` by other signs."""
    if z.max() > max(SURE_OVER_CHANCE * best_chance, LONELY_SURE_Z):
        return True
    return likely and bool(z.max() > max(best_chance, LONELY_Z))


def _at_a_glance(z: FloatArray, margin: float, by_chance: FloatArray) -> bool | None:
    """Say what the whole comparison would, by a few quick fits; None where that is not sure.

    `margin` is by how much the odds exceed those needed, clearness apart.
    """
    mean = float(by_chance.mean())
    low, high = (share * mean for share in USUAL_PER_GLANCE)
    if mean < QUIET_Z:
        if z.max() > LONELY_SURE_Z:
            return False
        return True if margin + _odds_by_clearness(z, low) < 0 else None
    if z.max() > high and margin + _odds_by_clearness(z, high) >= 0:
        return False
    if low > LIKE_MEMBRANES and margin + _odds_by_clearness(z, low) < 0:
        return True
    return None


def _odds_by_clearness(z: FloatArray, usual: float) -> float:
    """Logarithm of the odds by how clear membranes are, against what chance gives."""
    return float((CLEARER * np.log(z / usual)).sum())


def _odds_by_shape(spheres: Spheres, candidates: int) -> float:
    """Logarithm of the odds by what is known of the vesicles themselves."""
    shift = np.log(np.clip(spheres.measures["centre_shift_nm"], *SHIFT_RANGE_NM))
    ratio = spheres.measures["lumen_ratio"]  # NaN where it is not darker than what is outside
    shell = (ratio > SHELL_RANGE[0]) & (ratio < SHELL_RANGE[1])
    accepted = np.log((len(spheres) + 0.5) / (candidates + 1))
    return float((CONSTANT + SHIFT * shift + SHELL * shell + ACCEPTED * accepted).sum())


def z_by_chance(density: RaySampler, places: FloatArray, membrane_nm: float) -> FloatArray:
    """Fit spheres where the network sees nothing: `membrane_z` (N,) that nothing at all gives.

    Parameters
    ----------
    density : RaySampler
        The tomogram.
    places : (N, 3) float
        From `empty_places`.
    membrane_nm : float
        Radius of the membrane that the fits start with.
    """
    starts = np.full(len(places), membrane_nm)
    fits, _, _ = fit_and_learn(density, places, starts, MIN_MEMBRANE_Z, search=FAR)
    return fits.membrane_z


def _glance(density: RaySampler, places: FloatArray, membrane_nm: float) -> FloatArray:
    """Do what `z_by_chance` does, in a third of the time a place and less exactly."""
    starts = np.full(len(places), max(membrane_nm, 1.0))
    template = generic_template()
    fits = fit_membranes(density, places, starts, template, search=GLANCE, rounds=GLANCE_ROUNDS)
    return fits.membrane_z


def empty_places(
    density: RaySampler, network: RaySampler, region: BoolArray | None = None
) -> FloatArray:
    """Points (N, 3) in voxels of the tomogram around which the network sees no vesicle.

    Parameters
    ----------
    density, network, region
        As in `is_noise`.

    Returns
    -------
    (N, 3) float64
        At most `PLACES` of them: as many as there are such places.
    """
    shape = np.asarray(density.voxels.shape)
    # The same places each time: what is found must not depend on the day.
    points: FloatArray = np.random.default_rng(0).uniform(0, shape - 1, (TRIED, 3))
    if region is not None:
        points = points[region[tuple(np.rint(points).astype(np.int64).T)]]
    there = volume_to_model(points, density.voxel_size_nm, network.voxel_size_nm)
    last = np.asarray(network.voxels.shape) - 1
    nearest = np.clip(np.rint(there).astype(np.int64), 0, last)
    free = (
        point
        for point, place in zip(points, nearest, strict=True)
        if _highest_around(network.voxels, place) < NOTHING_THERE and not _padded(density, point)
    )
    return np.array(list(islice(free, PLACES))).reshape(-1, 3)


def _padded(density: RaySampler, place: FloatArray) -> bool:
    """Whether there is padding at a place (3,) or near it, along an axis."""
    voxels: object = density.voxels
    if not isinstance(voxels, Unpadded):
        return False
    steps = np.diag(FROM_PADDING_NM / np.asarray(density.voxel_size_nm))
    around = np.concatenate([place[None], place + steps, place - steps])
    return bool(voxels.is_padding(around).any())


def _highest_around(probability: Volume, place: npt.NDArray[np.int64]) -> float:
    """Highest probability in a box around a voxel."""
    low = np.maximum(place - AROUND // 2, 0)
    box = tuple(slice(int(a), int(b) + AROUND // 2 + 1) for a, b in zip(low, place, strict=True))
    return float(probability[box].max())
