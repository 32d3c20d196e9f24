"""Ellipsoids: real vesicles are not all round, and flat ones should be seen to be flat.

Around a fitted sphere the membrane's distance is let vary with direction as an ellipsoid's
does, to first order: radius + n Q n, with Q symmetric. The missing wedge hides the membrane
where it faces up and down, so Q is held back towards the sphere where little is seen.
"""

from __future__ import annotations

import numpy as np
from vesimod_imod.core.arrays import FloatArray

from vesimod.radial.climbing import climb
from vesimod.radial.rays import RaySampler, directions
from vesimod.radial.surface import Surface
from vesimod.radial.surface_fit import BATCH, Fits

REACH_NM = 7.0
RESTRAINT = 0.1  # of the curvature that a fully visible membrane would give
STEPS = 8
LONGEST_STEP_NM = 2.0  # of any part of Q
THOMSEN_POWER = 1.6075  # Knud Thomsen's formula for an ellipsoid's surface, good to 1 %


def fit_shapes(density: RaySampler, fits: Fits, template: FloatArray) -> FloatArray:
    """Fit ellipsoids to membranes.

    Parameters
    ----------
    density : RaySampler
        The tomogram.
    fits : Fits
        N fitted spheres.
    template : (T,) float
        Profile of the membrane.

    Returns
    -------
    (N, 3, 3) float64
        Q (z, y, x) in nm: along the unit vector n the membrane lies at membrane_nm + n Q n.
    """
    parts = [np.empty((0, 3, 3))]
    for first in range(0, len(fits.centres), BATCH):
        rows = slice(first, first + BATCH)
        surface = Surface.read(
            density,
            fits.centres[rows],
            fits.membrane_nm[rows],
            template,
            REACH_NM,
            every=2,
        )
        parts.append(_fit_batch(surface, fits.membrane_nm[rows]))
    return np.concatenate(parts)


def semi_axes(shape: FloatArray, radii_nm: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Semi-axes of ellipsoids.

    Parameters
    ----------
    shape : (N, 3, 3) float
        From `fit_shapes`.
    radii_nm : (N,) float
        Radii of the spheres at the surface that is asked for.

    Returns
    -------
    axes_nm : (N, 3) float64
        Longest first.
    directions : (N, 3, 3) float64
        Unit vectors (z, y, x) of the axes, one a row.
    """
    values, vectors = np.linalg.eigh(shape)
    axes = np.maximum(radii_nm[:, None] + values[:, ::-1], 1.0)
    return axes, np.swapaxes(vectors, 1, 2)[:, ::-1]


def sphericity(axes_nm: FloatArray) -> FloatArray:
    """Surface of the ball of equal volume over the ellipsoid's surface (N,); 1 for a sphere."""
    a, b, c = axes_nm.T
    p = THOMSEN_POWER
    surface = (((a * b) ** p + (a * c) ** p + (b * c) ** p) / 3) ** (1 / p)
    result: FloatArray = np.cbrt(a * b * c) ** 2 / surface
    return result


def _fit_batch(surface: Surface, membrane_nm: FloatArray) -> FloatArray:
    """Climb to the best Q of each vesicle."""
    z, y, x = directions()[:: surface.every].T
    basis = np.stack([z * z, y * y, x * x, 2 * y * x, 2 * z * x, 2 * z * y], axis=1)
    normal = basis.T @ basis
    restraint = RESTRAINT * np.trace(normal) / 6 * np.eye(6)
    inverse = np.linalg.inv(normal + restraint)
    start = surface.at(np.repeat(membrane_nm[:, None], len(basis), axis=1))[0].mean(axis=1)
    strength = np.maximum(start, 1e-12) * surface.curvature

    def goodness(q: FloatArray) -> tuple[FloatArray, ...]:
        value, slope = surface.at(membrane_nm[:, None] + q @ basis.T)
        held = 0.5 * strength[:, None] * (q @ restraint)
        return value.sum(axis=1) - (held * q).sum(axis=1), slope @ basis - 2 * held

    def full_step(
        _: FloatArray, __: FloatArray, gradient: FloatArray, damping: FloatArray
    ) -> FloatArray:
        step: FloatArray = gradient @ inverse / strength[:, None] * damping
        longest = np.maximum(np.abs(step).max(axis=1), 1e-12)
        step *= np.minimum(1.0, LONGEST_STEP_NM / longest)[:, None]
        return step

    q = climb(np.zeros((len(membrane_nm), 6)), goodness, full_step, STEPS)
    zz, yy, xx, yx, zx, zy = q.T
    return np.stack([zz, zy, zx, zy, yy, yx, zx, yx, xx], axis=1).reshape(-1, 3, 3)
