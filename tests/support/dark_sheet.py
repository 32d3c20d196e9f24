"""A volume with a wavy dark membrane, and rough guides along it."""

from __future__ import annotations

import numpy as np
from vesimod_imod.contour_model.read import Drawing

SIZE_NM = 2.0


def height(section, x):
    """Row of the membrane's middle, in voxels, by section and column."""
    return 30.0 + 4 * np.sin(x / 14.0) + 0.15 * section


def sheet_volume(shape=(24, 60, 90), noise=0.5, seed=0):
    """Dark line of 3 nm SD along `height`; bright is 0."""
    section, y, x = np.indices(shape).astype(float)
    away_nm = (y - height(section, x)) * SIZE_NM
    rng = np.random.default_rng(seed)
    dark = np.exp(-0.5 * (away_nm / 3.0) ** 2)
    return (noise * rng.normal(size=shape) - dark).astype(np.float32)


def sheet_guide(off_nm=8.0, sections=(2, 12, 22), name="active zone"):
    """Few points on some sections, off to one side and the other."""
    x = np.linspace(8, 80, 13)
    away = off_nm / SIZE_NM * np.sin(x / 12.0 + 1.0)
    contours = [
        np.column_stack([np.full(len(x), float(s)), height(s, x) + away, x]) for s in sections
    ]
    return Drawing(name, False, tuple(contours))


def away_nm(contours):
    """How far points lie above or below the membrane, in nm."""
    points = np.concatenate(contours)
    return (points[:, 1] - height(points[:, 0], points[:, 2])) * SIZE_NM
