"""Which grey values a tomogram was padded with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

LEAST_SHARE = 0.01  # of the voxels that padding fills
IN_RUNS = 0.6  # of the voxels of padding have the same value beside them; of others far fewer do
LOOKED_AT = 500_000


def fill_values(voxels: npt.NDArray[np.generic]) -> tuple[float, ...]:
    """Find the values that a tomogram was padded with.

    Many voxels share such a value, and have neighbours that do: bytes share values too, but one
    by one.

    Parameters
    ----------
    voxels : (z, y, x) array of any real type
        May be memory-mapped: an even subset of its rows is read.

    Returns
    -------
    tuple of float
        Empty where there is no such value.
    """
    step = max(1, -(-voxels.size // LOOKED_AT))
    rows = np.asarray(voxels.reshape(-1, voxels.shape[-1])[::step])
    values, counts = np.unique(rows, return_counts=True)
    found = []
    for value in values[counts >= LEAST_SHARE * rows.size]:
        there = rows == value
        beside = there[:, 1:] & there[:, :-1]
        if np.isfinite(float(value)) and beside.sum() > IN_RUNS * there.sum():
            found.append(float(value))
    return tuple(found)
