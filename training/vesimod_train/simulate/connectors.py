"""A bouton with an active zone, vesicles, and every connector and tether in it known.

Simpler than a cell of `cell`: nothing is there that could be taken for a connector but noise and
the grains of the cytosol, so that what a method finds or misses is its own doing.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

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
FARTHEST_NM = -4.0
_CLEFT_NM = 20.0
_REACH_NM = 40.0  # tethers and connectors are no longer than this
_LIKELY = {"connector": 0.6, "tether": 0.5}  # of two bodies within reach to be joined
_IN_MEMBRANE_NM = 1.5  # how deep the ends of a rod lie


@dataclass(frozen=True)
class Look:
    """How rods and cytosol look.

    Parameters
    ----------
    rod_nm : (float, float)
        Least and largest radius of rods.
    rod_density : float
        Relative to a membrane's head groups.
    askew_nm : float
        Their ends lie up to so far beside the line of the bodies' centres: where that line is says
        no more than about where to look.
    cytosol_sd, grain_nm : float
        How much its density varies, and over which length.
    """

    rod_nm: tuple[float, float] = (2.0, 3.0)
    rod_density: float = 0.9
    askew_nm: float = 8.0
    cytosol_sd: float = 0.15
    grain_nm: float = 6.0


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
    rod_nm : (z, y, x) float32
        Signed distance from the nearest rod's surface, positive inside, and no less than
        `FARTHEST_NM`.
    """

    volume: Volume
    grid: Grid
    spheres: Spheres
    active_zone: BoolArray
    region: BoolArray
    rods: tuple[Rod, ...]
    labels: npt.NDArray[np.uint16]
    rod_nm: Volume


def simulate_connected(
    shape: tuple[int, int, int],
    size_nm: float,
    count: int,
    scope: Microscope,
    seed: int,
    radius_nm: tuple[float, float] = (16.0, 24.0),
    look: Look | None = None,
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
    look : Look, optional
        Of rods and cytosol.
    """
    rng, look = np.random.default_rng(seed), look or Look()
    whole = tuple(n + 2 * MARGIN_VOXELS for n in shape)
    grains = look.cytosol_sd * smooth_field(whole, size_nm, look.grain_nm, rng)
    canvas = Canvas(grains.astype(np.float32), size_nm)
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
    rods, labels, rod_nm = _joined(canvas, centres, radii, look, rng)
    inner = tuple(slice(MARGIN_VOXELS, MARGIN_VOXELS + n) for n in shape)
    volume = image(canvas.density, size_nm, scope, rng)[inner]
    spheres = Spheres(centres / size_nm - MARGIN_VOXELS, radii)
    grid = Grid(shape, (size_nm,) * 3)
    along = depth[inner[2]]
    zone = np.broadcast_to((along <= 0) & (along > -MEMBRANE_NM), shape).copy()
    region = np.broadcast_to(along > 0, shape).copy()
    return ConnectedBouton(
        np.ascontiguousarray(volume),
        grid,
        spheres,
        zone,
        region,
        rods,
        labels[inner],
        rod_nm[inner],
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
    canvas: Canvas, centres: Vector, radii: Vector, look: Look, rng: np.random.Generator
) -> tuple[tuple[Rod, ...], npt.NDArray[np.uint16], Volume]:
    """Paint rods between membranes that are near each other; no third body is in their way."""
    labels = np.zeros(canvas.density.shape, np.uint16)
    rod_nm = np.full(labels.shape, FARTHEST_NM, np.float32)
    free = np.ones(labels.shape, bool)
    plane = MARGIN_VOXELS * canvas.size_nm + _CLEFT_NM
    free[..., : int(np.floor(plane / canvas.size_nm)) + 1] = False
    for centre, radius in zip(centres, radii, strict=True):
        found = canvas.box(centre, radius + 1)
        if found is not None:
            free[found[0]] &= np.sqrt((found[1] ** 2).sum(axis=0)) > radius
    rods: list[Rod] = []
    for i, j in combinations_with_replacement(range(len(radii)), 2):  # twice the same: a tether
        ids = (i + 1,) if i == j else (i + 1, j + 1)
        ends = _ends(centres, radii, (i, j), plane, look.askew_nm, rng)
        width = rng.uniform(*look.rod_nm)
        likely = _LIKELY["tether" if i == j else "connector"]
        if ends is None or rng.random() > likely or _crossed(ends, width, centres, radii, ids):
            continue
        middle = ends.mean(axis=0)
        found = canvas.box(middle, float(np.linalg.norm(ends[1] - ends[0])) / 2 - FARTHEST_NM)
        if found is None:
            continue
        away = polyline_distance(found[1], ends - middle) - width
        rod = look.rod_density / (1 + np.exp(away / 0.7))
        canvas.density[found[0]] = np.maximum(canvas.density[found[0]], rod)
        np.maximum(rod_nm[found[0]], -away, out=rod_nm[found[0]])
        mine = (away <= 0.5 * canvas.size_nm) & free[found[0]] & (labels[found[0]] == 0)
        if mine.any():
            rods.append(Rod(len(rods) + 1, ids))
            labels[found[0]][mine] = len(rods)
    return tuple(rods), labels, rod_nm


def _ends(
    centres: Vector,
    radii: Vector,
    pair: tuple[int, int],
    plane: float,
    askew_nm: float,
    rng: np.random.Generator,
) -> Vector | None:
    """Place the ends (2, 3) in nm of a rod to another vesicle, or the plane; None if too far."""
    i, j = pair
    other = np.array([*centres[i, :2], plane]) if i == j else centres[j]
    inside = 0.0 if i == j else radii[j]
    way = other - centres[i]
    unit = way / np.linalg.norm(way)
    if np.linalg.norm(way) - radii[i] - inside > _REACH_NM:
        return None
    ends = []
    for at, radius, towards in ((centres[i], radii[i], unit), (other, inside, -unit)):
        aside = np.cross(unit, rng.normal(size=3))
        aside *= askew_nm * rng.random() / np.linalg.norm(aside)
        foot = radius * towards + aside
        if radius:
            foot *= (radius - _IN_MEMBRANE_NM) / np.linalg.norm(foot)
        else:
            foot -= _IN_MEMBRANE_NM * towards
        ends.append(at + foot)
    return np.array(ends)


def _crossed(
    ends: Vector, width: float, centres: Vector, radii: Vector, ids: tuple[int, ...]
) -> bool:
    """Whether a rod comes within another vesicle than those that it joins."""
    others = np.delete(np.arange(len(radii)), np.array(ids) - 1)
    offsets = (centres[others] - ends[0]).T
    away = polyline_distance(offsets, ends - ends[0])
    return bool(np.any(away < radii[others] + width))
