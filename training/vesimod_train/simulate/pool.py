"""Vesicles of a synapse: where they lie by distance to the active zone.

The numbers are those of 4,976 vesicles in 35 synapses of cryo-electron tomograms that Pyto
segmented; `benchmarks/population.py` prints them beside those of simulated ones.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from vesimod_train.simulate.membrane_truth import active_zone
from vesimod_train.simulate.recipe import Range, Recipe
from vesimod_train.simulate.shapes import Vector, Volume
from vesimod_train.simulate.synapse import PlasmaMembranes

# Distance of the vesicle's membrane to the active zone, and the mean share of vesicles below the
# next: those that dock, few behind them, the pool.
_EDGES_NM = np.array([3.0, 20.0, 45.0, 75.0, 150.0, 250.0, 600.0])
_SHARES = np.array([0.085, 0.04, 0.05, 0.29, 0.355, 0.18])
_EVENNESS = 20.0  # of the Dirichlet distribution: shares differ between synapses as real ones do
_POOLED = 0.9  # share of vesicles that settle beside another one
_TRIES = 60  # for each vesicle


def zone_distance(membranes: PlasmaMembranes, size_nm: float) -> Volume | None:
    """Distance (z, y, x) in nm to the middle of the active zone's membrane; None without one."""
    zone = active_zone(membranes, size_nm)
    if not zone.any():
        return None
    return np.asarray(ndimage.distance_transform_edt(~zone, sampling=size_nm), np.float32)


def place_pool(
    zone_nm: Volume,
    room: npt.NDArray[np.bool_],
    size_nm: float,
    recipe: Recipe,
    rng: np.random.Generator,
) -> tuple[Vector, Vector]:
    """Choose centres (N, 3) and radii (N,) in nm of vesicles that gather as in real synapses.

    Parameters
    ----------
    zone_nm : (z, y, x) float32
        Distance to the active zone.
    room : (z, y, x) bool
        Where vesicles may be.
    size_nm : float
        Voxel size.
    recipe : Recipe
        Number in a volume of its shape, drawn evenly in its logarithm, radii and gaps.
    rng : Generator
    """
    target = int(room.size / np.prod(recipe.shape) * _number(recipe.vesicles, rng))
    median, gap_nm = rng.uniform(*recipe.radius_nm), rng.uniform(*recipe.gap_nm)
    spread = rng.uniform(0.08, 0.13)
    places = np.flatnonzero(room)
    places = places[np.argsort(zone_nm.ravel()[places])]
    depths = zone_nm.ravel()[places]

    def anywhere(band: int, radius: float) -> Vector | None:
        ends = np.searchsorted(depths, _EDGES_NM[band : band + 2] + radius)
        if ends[0] == ends[1]:
            return None
        voxel = np.unravel_index(places[rng.integers(*ends)], room.shape)
        return np.asarray((np.array(voxel) + rng.uniform(-0.5, 0.5, 3)) * size_nm)

    wanted = _wanted(target, np.diff(np.searchsorted(depths, _EDGES_NM + median)) > 0, rng)
    centres, radii = np.empty((0, 3)), np.empty(0)
    for _ in range(_TRIES * target):
        if not len(bands := np.flatnonzero(wanted > 0)):
            break
        radius = median * np.exp(spread * rng.normal())
        if len(radii) and rng.random() < _POOLED:
            centre: Vector | None = _beside(centres, radii, radius, rng.exponential(gap_nm), rng)
        else:
            # The nearest band is narrow: it comes first, before the pool fills it.
            centre = anywhere(rng.choice(bands) if rng.random() < 0.5 else bands[0], radius)
        if centre is None:
            continue
        voxel = np.round(centre / size_nm).astype(int)
        if np.any(voxel < 0) or np.any(voxel >= room.shape):
            continue
        band = int(np.searchsorted(_EDGES_NM, zone_nm[tuple(voxel)] - radius)) - 1
        if not 0 <= band < len(wanted) or wanted[band] == 0:
            continue
        gaps = np.linalg.norm(centres - centre, axis=1) - radii - radius
        if np.any(gaps < -0.5) or not fits(room, voxel, radius / size_nm):
            continue
        centres, radii = np.vstack([centres, centre]), np.append(radii, radius)
        wanted[band] -= 1
    return centres, radii


def _number(limits: Range, rng: np.random.Generator) -> float:
    """Draw a number of vesicles; a recipe without any stays without."""
    if limits[1] < 1:
        return 0.0
    return float(np.exp(rng.uniform(*np.log(np.maximum(limits, 1.0)))))


def _wanted(
    target: int, reachable: npt.NDArray[np.bool_], rng: np.random.Generator
) -> npt.NDArray[np.int_]:
    """Draw how many vesicles lie at each distance, of those that the volume has."""
    shares = rng.dirichlet(_EVENNESS * _SHARES) * reachable
    return np.asarray(np.round(target * shares / max(shares.sum(), 1e-9)), int)


def _beside(
    centres: Vector, radii: Vector, radius: float, gap_nm: float, rng: np.random.Generator
) -> Vector:
    """Choose a place at a gap from one of the vesicles, anywhere around it."""
    host = rng.integers(len(radii))
    away = rng.normal(size=3)
    away *= (radii[host] + radius + gap_nm) / np.linalg.norm(away)
    return np.asarray(centres[host] + away)


def fits(room: npt.NDArray[np.bool_], voxel: npt.NDArray[np.int_], radius: float) -> bool:
    """Whether the centre and 26 points on the sphere lie where there is room; all in voxels."""
    steps = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij")).reshape(3, -1).T
    lengths = np.maximum(np.linalg.norm(steps, axis=1, keepdims=True), 1)
    points = np.round(voxel + steps / lengths * radius).astype(int)
    points = np.clip(points, 0, np.array(room.shape) - 1)
    return bool(room[tuple(points.T)].all())
