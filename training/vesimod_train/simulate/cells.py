"""Cells that meet in the simulated volume: of any form, cut by its border in any way."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from vesimod_train.simulate.shapes import (
    Canvas,
    Vector,
    Volume,
    bilayer,
    ellipsoid_distance,
    polyline_distance,
    random_path,
    random_rotation,
    smooth_field,
)
from vesimod_train.simulate.synapse import PlasmaMembranes, add_synaptic_densities

_LEAST_SHARE = 0.08  # of the volume that the cell with the vesicles fills
_FREE_NM = 12.0  # beside a membrane's outer face: no organelle
_CLEFT_NM, _WIDEST_NM = (12.0, 32.0), 120.0


def add_cells(canvas: Canvas, cytosol: Volume, rng: np.random.Generator) -> PlasmaMembranes:
    """Paint a cell for the vesicles, and up to three others beside it.

    Each is a bouton, a piece of an axon, or so large that a wall of it is all that is seen. The
    others lie at a cleft's width or further off, with a synapse's densities between or without.

    Parameters
    ----------
    canvas : Canvas
        With the organelles of all cells.
    cytosol : (z, y, x) float32
        The canvas before them: no organelle crosses a plasma membrane.
    rng : Generator

    Returns
    -------
    PlasmaMembranes
        `facing` is the distance to the nearest of the other cells.
    """
    for _ in range(30):
        own = _cell(canvas, rng)
        if (own < 0).mean() > _LEAST_SHARE:
            break
    others: list[Volume] = []
    facing: Volume | None = None
    for _ in range(int(rng.choice(4, p=[0.2, 0.4, 0.25, 0.15]))):
        gap = rng.uniform(_CLEFT_NM[0], _CLEFT_NM[1] if rng.random() < 0.7 else _WIDEST_NM)
        waves = rng.uniform(0, 3) * smooth_field(own.shape, canvas.size_nm, 60, rng)
        nearest = own if facing is None else np.minimum(own, facing)
        other = _smooth_maximum(_cell(canvas, rng), gap + waves - nearest, rng.uniform(8, 35))
        other = _evened(other, canvas.size_nm)
        if not (other < 0).any():
            continue
        others.append(other)
        facing = other if facing is None else np.minimum(facing, other)
    _paint(canvas, cytosol, own, others, rng)
    if facing is not None and rng.random() < 0.7:
        width = np.full(own.shape, _CLEFT_NM[1], np.float32)
        add_synaptic_densities(canvas, own, facing, width, rng)
    return PlasmaMembranes(own, facing)


def _cell(canvas: Canvas, rng: np.random.Generator) -> Volume:
    """Distance (z, y, x) in nm to the surface of a cell of any form, negative inside."""
    shape, size, extent = canvas.density.shape, canvas.size_nm, canvas.extent_nm
    grid = np.stack(np.meshgrid(*(np.arange(n) * size for n in shape), indexing="ij"))
    centre = extent * rng.uniform(-0.1, 1.1, 3)
    form = rng.random()
    distance: Volume
    if form < 0.65:
        axes = rng.uniform(90, 420, 3) * rng.uniform(0.7, 1.4)
        distance = ellipsoid_distance(_from(grid, centre), axes, random_rotation(rng))
    elif form < 0.8:
        distance = _axon(grid, centre, extent, rng)
    else:
        normal = rng.normal(size=3) * (0.5, 1.0, 1.0)
        normal /= np.linalg.norm(normal)
        anchor = extent * rng.uniform(0.1, 0.9, 3)
        distance = np.tensordot(normal, _from(grid, anchor), 1).astype(np.float32)
    distance = distance + rng.uniform(2, 14) * smooth_field(shape, size, rng.uniform(60, 180), rng)
    distance = distance + rng.uniform(0, 2) * smooth_field(shape, size, rng.uniform(25, 50), rng)
    return _evened(distance, size)


def _axon(grid: Vector, centre: Vector, extent: Vector, rng: np.random.Generator) -> Volume:
    """Distance to a tube through the volume, on which sits a bouton or not."""
    direction = rng.normal(size=3) * (0.4, 1.0, 1.0)
    direction /= np.linalg.norm(direction)
    length = float(np.linalg.norm(extent))
    path = random_path(centre - 0.5 * length * direction, direction, length, 0.05, rng)
    tube = polyline_distance(grid, path[::2]) - rng.uniform(40, 160)
    if rng.random() < 0.4:
        return tube
    axes = rng.uniform(120, 350, 3)
    bouton = ellipsoid_distance(_from(grid, path[len(path) // 2]), axes, random_rotation(rng))
    return -_smooth_maximum(-tube, -bouton, 20.0)


def _from(grid: Vector, point: Vector) -> Vector:
    """Offsets (3, z, y, x) in nm from a point."""
    return np.asarray(grid - point.reshape(3, 1, 1, 1))


def _smooth_maximum(one: Volume, other: Volume, over_nm: float) -> Volume:
    """Greater of two distances, rounded where they meet."""
    return np.asarray(over_nm * np.logaddexp(one / over_nm, other / over_nm), np.float32)


def _evened(distance: Volume, size_nm: float) -> Volume:
    """Make what is nearly a distance one, to first order: its slope becomes 1 at the surface."""
    slope = np.sqrt(sum(part**2 for part in np.gradient(distance.astype(np.float32), size_nm)))
    return np.asarray(distance / np.clip(slope, 0.3, 1.6), np.float32)


def _paint(
    canvas: Canvas, cytosol: Volume, own: Volume, others: list[Volume], rng: np.random.Generator
) -> None:
    """Paint membranes; each cell's inside, and what lies between, a little denser or less."""
    cells = [own, *others]
    nearest = np.minimum.reduce(cells)
    away = np.maximum(np.minimum.reduce([np.abs(cell) for cell in cells]) - _FREE_NM, 0)
    canvas.density += np.exp(-(away**2) / 18) * (cytosol - canvas.density)
    outside = expit(nearest / 1.5)
    if rng.random() < 0.75:  # no organelle lies between cells
        canvas.density += outside * (cytosol - canvas.density)
    canvas.density *= 1 - outside * rng.uniform(0.1, 0.95)
    canvas.density += outside * rng.uniform(-0.35, 0.05)
    for other in others:
        canvas.density += rng.uniform(-0.15, 0.2) * expit(-other / 1.5)
    for cell in cells:
        proteins = 1 + 0.15 * smooth_field(own.shape, canvas.size_nm, 10.0, rng)
        membrane = bilayer(cell / rng.uniform(0.9, 1.15)) * proteins
        canvas.density += rng.uniform(0.75, 1.25) * membrane
