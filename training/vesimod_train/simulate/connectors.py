"""A bouton with an active zone, vesicles, and every connector and tether in it known.

Simpler than a cell of `cell`: nothing is there that could be taken for a connector but noise and
the grains of the cytosol, so that what a method finds or misses is its own doing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Grid, Spheres

from vesimod_train.simulate.microscope import image
from vesimod_train.simulate.shapes import (
    Canvas,
    Vector,
    Volume,
    bilayer,
    polyline_distance,
    smooth_field,
)
from vesimod_train.simulate.tilts import Microscope

MARGIN_VOXELS = 12  # simulated around the volume and cut off: the Fourier transform is periodic
MEMBRANE_NM = 6.0
_CLEFT_NM = 20.0
_REACH_NM = 40.0  # tethers and connectors are no longer than this
_ROD_DENSITY = 0.9
_LIKELY = {"connector": 0.6, "tether": 0.5}  # of two bodies within reach to be joined


@dataclass(frozen=True)
class Rod:
    """A connector or a tether as it was painted.

    Parameters
    ----------
    number : int
        Its label, from 1.
    vesicles : tuple of int
        Ids of the one or two vesicles that it joins.
    """

    number: int
    vesicles: tuple[int, ...]


@dataclass(frozen=True, eq=False, repr=False)
class ConnectedBouton(ShortRepr):
    """A simulated tomogram and what is true in it.

    Parameters
    ----------
    volume : (z, y, x) float32
        Membranes dark.
    grid : Grid
    spheres : Spheres
        Vesicles.
    active_zone, region : (z, y, x) bool
        Membrane of the active zone, and the bouton beside it.
    rods : tuple of Rod
    labels : (z, y, x) uint16
        Number of the rod at each voxel outside of vesicles and membrane; 0 elsewhere.
    """

    volume: Volume
    grid: Grid
    spheres: Spheres
    active_zone: BoolArray
    region: BoolArray
    rods: tuple[Rod, ...]
    labels: npt.NDArray[np.uint16]


def simulate_connected(
    shape: tuple[int, int, int],
    size_nm: float,
    count: int,
    scope: Microscope,
    seed: int,
    radius_nm: tuple[float, float] = (16.0, 24.0),
) -> ConnectedBouton:
    """Make a bouton; the same arguments give the same one.

    Parameters
    ----------
    shape : (int, int, int)
        Voxels (z, y, x).
    size_nm : float
        Voxel size.
    count : int
        Vesicles, or as many as find room.
    scope : Microscope
        How it is imaged.
    seed : int
    radius_nm : (float, float)
        Least and largest radius of vesicles.
    """
    rng = np.random.default_rng(seed)
    whole = tuple(n + 2 * MARGIN_VOXELS for n in shape)
    grains = 0.15 * smooth_field(whole, size_nm, 6.0, rng)
    canvas = Canvas(grains, size_nm)
    # The active zone is a plane at the low end of x; beyond it are the cleft and the other cell.
    depth = (np.arange(whole[2]) - MARGIN_VOXELS) * size_nm - _CLEFT_NM
    canvas.density[..., depth < -MEMBRANE_NM] *= 0.3
    canvas.density += bilayer(-depth - MEMBRANE_NM)[None, None]
    centres, radii = _placed(canvas, count, radius_nm, rng)
    for centre, radius in zip(centres, radii, strict=True):
        found = canvas.box(centre, radius + 4)
        if found is not None:
            away = np.sqrt((found[1] ** 2).sum(axis=0)) - radius
            canvas.density[found[0]] *= np.clip(away, 0, 1)
            canvas.density[found[0]] += bilayer(away)
    rods, labels = _joined(canvas, centres, radii, rng)
    inner = tuple(slice(MARGIN_VOXELS, MARGIN_VOXELS + n) for n in shape)
    volume = image(canvas.density, size_nm, scope, rng)[inner]
    spheres = Spheres(centres / size_nm - MARGIN_VOXELS, radii)
    grid = Grid(shape, (size_nm,) * 3)
    along = depth[inner[2]]
    zone = np.broadcast_to((along <= 0) & (along > -MEMBRANE_NM), shape).copy()
    region = np.broadcast_to(along > 0, shape).copy()
    return ConnectedBouton(
        np.ascontiguousarray(volume), grid, spheres, zone, region, rods, labels[inner]
    )


def _placed(
    canvas: Canvas, count: int, radius_nm: tuple[float, float], rng: np.random.Generator
) -> tuple[Vector, Vector]:
    """Centres (N, 3) and radii (N,) in nm of vesicles that do not touch, whole in the volume."""
    edge = MARGIN_VOXELS * canvas.size_nm
    centres, radii = np.empty((0, 3)), np.empty(0)
    for _ in range(200 * count):
        if len(radii) == count:
            break
        radius = rng.uniform(*radius_nm)
        low = np.full(3, edge + radius + 2 * canvas.size_nm)
        high = canvas.extent_nm - low
        low[2] += _CLEFT_NM
        if np.any(high <= low):
            break
        centre = rng.uniform(low, high)
        gaps = np.linalg.norm(centres - centre, axis=1) - radii - radius
        if gaps.min(initial=np.inf) > 2.5 * canvas.size_nm:
            centres, radii = np.vstack([centres, centre]), np.append(radii, radius)
    return centres, radii


def _joined(
    canvas: Canvas, centres: Vector, radii: Vector, rng: np.random.Generator
) -> tuple[tuple[Rod, ...], npt.NDArray[np.uint16]]:
    """Paint rods of a few nm between membranes that are near each other."""
    labels = np.zeros(canvas.density.shape, np.uint16)
    free = np.ones(labels.shape, bool)
    plane = MARGIN_VOXELS * canvas.size_nm + _CLEFT_NM
    free[..., : int(np.floor(plane / canvas.size_nm)) + 1] = False
    for centre, radius in zip(centres, radii, strict=True):
        found = canvas.box(centre, radius + 1)
        if found is not None:
            free[found[0]] &= np.sqrt((found[1] ** 2).sum(axis=0)) > radius
    rods: list[Rod] = []
    for i, (centre, radius) in enumerate(zip(centres, radii, strict=True)):
        feet = [(j, centres[j], radii[j]) for j in range(i)]
        feet.append((-1, np.array([*centre[:2], plane]), 0.0))
        for j, foot, inside in feet:
            way = foot - centre
            gap = float(np.linalg.norm(way)) - radius - inside
            kind = "tether" if j < 0 else "connector"
            if gap > _REACH_NM or rng.random() > _LIKELY[kind]:
                continue
            unit = way / np.linalg.norm(way)
            ends = np.array([centre + unit * (radius - 1.5), foot - unit * (inside - 1.5)])
            found = canvas.box(ends.mean(axis=0), gap / 2 + 8)
            if found is None:
                continue
            width = rng.uniform(2.0, 3.0)
            away = polyline_distance(found[1], ends - ends.mean(axis=0)) - width
            rod = _ROD_DENSITY / (1 + np.exp(away / 0.7))
            canvas.density[found[0]] = np.maximum(canvas.density[found[0]], rod)
            mine = (away <= 0.5 * canvas.size_nm) & free[found[0]] & (labels[found[0]] == 0)
            if mine.any():
                ids = (i + 1,) if j < 0 else (j + 1, i + 1)
                rods.append(Rod(len(rods) + 1, ids))
                labels[found[0]][mine] = len(rods)
    return tuple(rods), labels
