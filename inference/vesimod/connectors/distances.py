"""Distance of every voxel of a volume from a body, in time that is linear in the voxels."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from vesimod_imod.core.arrays import BoolArray, Float32Array, IntArray, Triple

_ROWS = 16  # of every section, worked on at once


def distance_volume(body: BoolArray, voxel_size_nm: Triple) -> Float32Array:
    """Distance of every voxel's centre from the nearest voxel of a body, in nm.

    Exact: the nearest voxel of each section first, then the nearest section. It takes 4 bytes a
    voxel, scipy's own transform of the volume some 60. Infinite where there is no body.
    """
    z_nm, *in_section = voxel_size_nm
    squares = np.full(body.shape, np.inf, np.float32)
    for section, plane in zip(squares, body, strict=True):
        if plane.any():
            section[:] = ndimage.distance_transform_edt(~plane, in_section) ** 2
    for first in range(0, body.shape[1], _ROWS):
        rows = squares[:, first : first + _ROWS]
        columns = rows.reshape(len(body), -1).astype(np.float64) / z_nm**2
        rows[:] = (z_nm * np.sqrt(_lowest(columns))).reshape(rows.shape)
    return squares


def _lowest(heights: np.ndarray) -> np.ndarray:
    """Lowest of the parabolas height + (z - z0)^2 that stand on each column, at every z.

    Only the parabolas that are lowest somewhere are kept, with where each begins to be
    (Felzenszwalb and Huttenlocher, Theory of Computing 8:415, 2012): every one is taken in once and
    given up at most once, so that the time is linear in the voxels.

    Parameters
    ----------
    heights : (z, N) float64
        Infinite where no parabola stands.
    """
    depth, count = heights.shape
    kept = np.zeros((depth, count), np.int32)  # z0 of those kept, from low to high z
    begins = np.full((depth + 1, count), np.inf)
    last = np.full(count, -1)  # row of the highest that is kept
    for place in range(depth):
        asked = np.flatnonzero(np.isfinite(heights[place]))
        while len(asked):
            begin = _crossing(heights, kept, last, place, asked)
            fits = begin > np.where(last[asked] >= 0, begins[last[asked], asked], -np.inf)
            fits |= last[asked] < 0
            new = asked[fits]
            last[new] += 1
            kept[last[new], new], begins[last[new], new] = place, begin[fits]
            begins[last[new] + 1, new] = np.inf
            asked = asked[~fits]
            last[asked] -= 1
    row, every = np.zeros(count, np.int64), np.arange(count)
    lowest = np.full(heights.shape, np.inf)
    for place in range(depth):
        while len(more := np.flatnonzero(begins[row + 1, every] < place)):
            row[more] += 1
        stands = kept[row, every]
        lowest[place] = heights[stands, every] + (place - stands) ** 2
    return lowest


def _crossing(
    heights: np.ndarray, kept: np.ndarray, last: IntArray, place: int, asked: IntArray
) -> np.ndarray:
    """Where a new parabola falls below the last one kept, in some columns; -inf if none is."""
    before = kept[np.maximum(last[asked], 0), asked]
    rise = heights[place, asked] + float(place) ** 2 - heights[before, asked] - before**2.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(last[asked] < 0, -np.inf, rise / (2.0 * (place - before)))
