"""What is not data, and the local background: grey values that vary across a tomogram.

A tomogram may be padded with one value, and a side of it be darker than the other. Neither may
decide how the rest is seen: padding is left out, and the local mean around each voxel is
subtracted. Means are taken over blocks, smoothed there and interpolated, so that a large tomogram
costs two passes and the memory of its blocks, and a slab of it gets what the whole does.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from vesimod_imod.core.arrays import Triple

from vesimod.network.resample import resampled_slabs

Volume = npt.NDArray[np.float32]
Valid = npt.NDArray[np.bool_]
MOST_PADDING = 0.3  # of a resampled voxel that is data still, which has such values, too
BLOCKS_A_SIGMA = 3  # edges of a block: fine enough for the interpolation to err by a per cent


def is_data(
    voxels: npt.NDArray[np.generic],
    fills: tuple[float, ...],
    source_nm: Triple,
    target_nm: Triple,
    shape: tuple[int, int, int],
) -> Valid:
    """Tell padding from data, at another voxel size.

    Parameters
    ----------
    voxels : (z, y, x) array of any real type
        May be memory-mapped.
    fills : tuple of float
        From `vesimod.io.padding.fill_values`.
    source_nm, target_nm : (float, float, float)
        Voxel sizes before and after.
    shape : (int, int, int)
        Afterwards.

    Returns
    -------
    (z, y, x) bool
        Whether little but data went into a voxel.
    """
    if not fills:
        return np.ones(shape, bool)
    valid = np.empty(shape, bool)
    numbers = np.array(fills, voxels.dtype)
    for rows, slab in resampled_slabs(
        voxels, source_nm, target_nm, shape, lambda grey: np.isin(grey, numbers)
    ):
        valid[rows] = slab < MOST_PADDING
    return valid


def local_mean(volume: Volume, sigma_voxels: float, valid: Valid | None = None) -> Volume:
    """Mean around each block of a volume, weighted by a Gaussian.

    Parameters
    ----------
    volume : (z, y, x) float32
    sigma_voxels : float
        Of the Gaussian.
    valid : (z, y, x) bool, optional
        What counts; default: all. What lies outside of the volume never does.

    Returns
    -------
    (Z, Y, X) float32
        One number a block of `block_edge` voxels; 0 where nothing counts.
    """
    edge = block_edge(sigma_voxels)
    starts = [np.arange(0, n, edge) for n in volume.shape]
    shape = [len(start) for start in starts]
    sums, counts = np.empty(shape, np.float64), np.empty(shape, np.float64)
    for row, first in enumerate(starts[0]):
        slab = volume[first : first + edge]
        weight = np.ones(slab.shape, np.float32) if valid is None else valid[first : first + edge]
        sums[row] = _blocks((slab * weight).sum(axis=0, dtype=np.float64), starts[1:])
        counts[row] = _blocks(weight.sum(axis=0, dtype=np.float64), starts[1:])
    sigma = sigma_voxels / edge
    smooth = [ndimage.gaussian_filter(v, sigma, mode="constant") for v in (sums, counts)]
    mean: Volume = (smooth[0] / np.maximum(smooth[1], 1e-9)).astype(np.float32)
    return mean


def subtract_local_mean(volume: Volume, sigma_voxels: float, valid: Valid | None = None) -> None:
    """Subtract the local mean from a volume (z, y, x) float32 in place; see `local_mean`."""
    edge = float(block_edge(sigma_voxels))
    mean = local_mean(volume, sigma_voxels, valid)
    shape = (volume.shape[0], volume.shape[1], volume.shape[2])
    for rows, slab in resampled_slabs(mean, (edge,) * 3, (1.0,) * 3, shape):
        volume[rows] -= slab


def block_edge(sigma_voxels: float) -> int:
    """Edge of a block in voxels."""
    return max(1, int(sigma_voxels / BLOCKS_A_SIGMA))


def _blocks(plane: npt.NDArray[np.float64], starts: list[npt.NDArray[np.int_]]) -> Volume:
    """Add up the blocks of a plane (y, x)."""
    rows = np.add.reduceat(plane, starts[0], axis=0)
    sums: Volume = np.add.reduceat(rows, starts[1], axis=1)
    return sums
