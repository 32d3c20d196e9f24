"""A synapse in the simulated cell: a bouton's membrane that faces another across a cleft."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from vesimod_imod.core.short_repr import ShortRepr

from vesimod_train.simulate.shapes import (
    Canvas,
    Volume,
    bilayer,
    ellipsoid_distance,
    random_rotation,
    smooth_field,
)

_CONTACT_NM = (60.0, 130.0)  # radius of the patch where the two membranes run side by side
_FREE_NM = 16.0  # beside a membrane's outer face: no organelle
_PARTING_NM = 60.0  # radius of curvature with which they part beyond


@dataclass(frozen=True, eq=False, repr=False)
class PlasmaMembranes(ShortRepr):
    """Where the plasma membranes of a simulated cell lie.

    Parameters
    ----------
    own : (z, y, x) float32
        Distance to the outer surface of our cell's, in nm, negative inside.
    facing : (z, y, x) float32 or None
        The same for the cell on the other side of the cleft; None without one.
    """

    own: Volume
    facing: Volume | None


def add_synapse(canvas: Canvas, cytosol: Volume, rng: np.random.Generator) -> PlasmaMembranes:
    """Paint a bouton that fills part of the canvas, a cleft and the cell opposite.

    The bouton is a wavy ellipsoid that closes above and below, where a missing wedge hides it.
    Within a patch the other membrane follows it at 10 to 35 nm; beyond, it bends away.

    Parameters
    ----------
    canvas : Canvas
        With the organelles of both cells.
    cytosol : (z, y, x) float32
        The canvas before them: no organelle crosses a plasma membrane.
    rng : Generator
    """
    shape, size, extent = canvas.density.shape, canvas.size_nm, canvas.extent_nm
    angle, tilt = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.3)
    towards = np.array([np.sin(tilt), np.cos(tilt) * np.sin(angle), np.cos(tilt) * np.cos(angle)])
    axes = extent * rng.uniform((0.5, 0.42, 0.42), (0.75, 0.6, 0.6))
    # Pushed back by so much that the contact lies well inside of the canvas.
    centre = 0.5 * extent + towards * (0.28 * extent.min() - axes[1])
    centre[0] = extent[0] * rng.uniform(0.4, 0.6)
    grid = np.stack(np.meshgrid(*(np.arange(n) * size for n in shape), indexing="ij"))
    offset = grid - centre.reshape(3, 1, 1, 1)
    rotation = _about_z(random_rotation(rng))
    own = ellipsoid_distance(offset, axes, rotation)
    own += rng.uniform(2, 8) * smooth_field(shape, size, rng.uniform(70, 160), rng)
    along = np.tensordot(towards, offset, 1)
    aside = np.sqrt(np.maximum((offset**2).sum(axis=0) - along**2, 0))
    width = rng.uniform(13, 30) + rng.uniform(0, 3) * smooth_field(shape, size, 60, rng)
    beyond = np.maximum(aside - rng.uniform(*_CONTACT_NM), 0)
    parting = beyond**2 / (2 * _PARTING_NM) + 3 * np.maximum(-along, 0)
    facing = ((width + parting - own) / np.sqrt(1 + (beyond / _PARTING_NM) ** 2)).astype(np.float32)
    _paint(canvas, cytosol, own, facing, width.astype(np.float32), rng)
    return PlasmaMembranes(own, facing)


def _paint(
    canvas: Canvas,
    cytosol: Volume,
    own: Volume,
    facing: Volume,
    width: Volume,
    rng: np.random.Generator,
) -> None:
    """Paint both membranes, little between them, and what is dense on both sides of a synapse."""
    outside = (own > 0) & (facing > 0)
    near = np.exp(-(np.maximum(np.minimum(np.abs(own), np.abs(facing)) - _FREE_NM, 0) ** 2) / 18)
    near[outside & (own + facing < width + _FREE_NM)] = 1
    canvas.density += near * (cytosol - canvas.density)
    canvas.density[outside] *= rng.uniform(0.3, 0.8)
    for distance in (own, facing):
        proteins = 1 + 0.15 * smooth_field(own.shape, canvas.size_nm, 10.0, rng)
        canvas.density += rng.uniform(0.9, 1.2) * bilayer(distance) * proteins
    add_synaptic_densities(canvas, own, facing, width, rng)


def add_synaptic_densities(
    canvas: Canvas, own: Volume, facing: Volume, width: Volume, rng: np.random.Generator
) -> None:
    """Paint what is dense in the cleft and on both sides of it, where it is no wider than so."""
    contact = (own + facing < width + 4).astype(np.float32)
    cleft = np.exp(-0.5 * ((own - width / 2) / (width / 4)) ** 2)
    canvas.density += rng.uniform(0.1, 0.4) * contact * cleft
    thickening = np.exp(-0.5 * ((facing + 16) / 7) ** 2)
    grains = np.maximum(smooth_field(own.shape, canvas.size_nm, 10.0, rng), 0)
    canvas.density += rng.uniform(0.2, 0.6) * contact * thickening * grains
    projections = np.exp(-0.5 * ((own + 14) / 6) ** 2)
    grains = np.maximum(smooth_field(own.shape, canvas.size_nm, 12.0, rng) - 0.5, 0)
    canvas.density += rng.uniform(0.0, 0.5) * contact * projections * grains


def _about_z(rotation: np.ndarray) -> np.ndarray:
    """Turn about z by an angle as random as a rotation."""
    angle = float(np.arctan2(rotation[1, 0], rotation[1, 1]))
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
