"""Arrays that are too large for memory and live in a temporary file while they are used."""

from __future__ import annotations

import tempfile

import numpy as np
from vesimod_imod.core.arrays import Volume


def new_volume(shape: tuple[int, int, int], in_file: bool) -> Volume:
    """Return zeros (z, y, x) float32, in a temporary file where memory is short."""
    if not in_file:
        return np.zeros(shape, np.float32)
    with tempfile.TemporaryFile() as file:  # lives on until the array is gone
        return np.memmap(file, np.float32, "w+", shape=shape)
