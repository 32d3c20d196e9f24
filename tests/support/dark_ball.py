"""A tomogram with one dark ball, which the model tests/data/dark.onnx takes for a vesicle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from vesimod.io.tomogram import write_volume
from vesimod_imod.core.spheres import Grid

GRID = Grid((40, 56, 60), (2.0, 2.0, 2.0))
RADIUS_NM = 24.0


def write_dark_ball(path: Path, x: float = 31.0) -> None:
    """Write it, its centre at (20, 28, x)."""
    index = np.indices(GRID.shape)
    squares = sum((axis - c) ** 2 for axis, c in zip(index, (20.0, 28.0, x), strict=True))
    volume = -1 / (1 + np.exp((2.0 * np.sqrt(squares) - RADIUS_NM) / 1.5))
    volume += 0.02 * np.random.default_rng(0).normal(size=GRID.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(path, volume.astype(np.float32), GRID, overwrite=True)
