"""Resampling between the tomogram's voxels and the network's.

Linear interpolation with antialiasing, separable, edges of the two volumes aligned:
output voxel j of size t lies at input coordinate (j + 0.5) t / s - 0.5 for input voxels of
size s. Each axis is one sparse matrix, so that a slab of the output depends only on a slab
of the input and a volume gives the same numbers whole or in slabs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from scipy import sparse
from vesimod_imod.core.arrays import FloatArray, Triple, Volume

SLAB_VOXELS = 16_000_000  # input voxels converted to float32 at a time


def resampled_shape(
    shape: tuple[int, int, int], source_nm: Triple, target_nm: Triple
) -> tuple[int, int, int]:
    """Shape (z, y, x) of a volume after resampling: nearest whole number, at least 1."""
    z, y, x = (
        max(1, round(n * s / t)) for n, s, t in zip(shape, source_nm, target_nm, strict=True)
    )
    return z, y, x


def volume_to_model(points: FloatArray, volume_nm: Triple, model_nm: Triple) -> FloatArray:
    """Convert points (N, 3) from voxels of size `volume_nm` to voxels of size `model_nm`."""
    factor = np.asarray(volume_nm, np.float64) / np.asarray(model_nm, np.float64)
    return (np.asarray(points, np.float64) + 0.5) * factor - 0.5


def model_to_volume(points: FloatArray, volume_nm: Triple, model_nm: Triple) -> FloatArray:
    """Convert points (N, 3) from voxels of size `model_nm` to voxels of size `volume_nm`."""
    return volume_to_model(points, model_nm, volume_nm)


def axis_weights(n_in: int, n_out: int, step: float) -> sparse.csr_matrix:
    """Interpolation matrix (n_out, n_in) of one axis.

    Parameters
    ----------
    n_in, n_out : int
        Voxels before and after.
    step : float
        Output voxel size over input voxel size. The kernel is a triangle of half width
        max(step, 1) input voxels: linear interpolation when enlarging, an antialiasing
        average when reducing. Weights of voxels beyond the edge go to those inside.
    """
    half_width = max(step, 1.0)
    centres = (np.arange(n_out) + 0.5) * step - 0.5
    # A volume whose size is not a multiple of the step ends inside its last output voxel.
    centres = np.clip(centres, 0, n_in - 1)
    reach = int(np.ceil(half_width))
    columns = np.floor(centres)[:, None].astype(np.int64) + np.arange(-reach, reach + 2)
    weights = np.maximum(0.0, 1.0 - np.abs(columns - centres[:, None]) / half_width)
    weights[(columns < 0) | (columns >= n_in)] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(n_out), columns.shape[1])
    inside = weights.ravel() > 0
    return sparse.csr_matrix(
        (weights.ravel()[inside].astype(np.float32), (rows[inside], columns.ravel()[inside])),
        shape=(n_out, n_in),
    )


def resample(
    volume: npt.NDArray[np.generic],
    source_nm: Triple,
    target_nm: Triple,
    shape: tuple[int, int, int] | None = None,
) -> Volume:
    """Resample a volume to another voxel size, reading it in slabs.

    Parameters
    ----------
    volume : (z, y, x) array of any real type
        May be memory-mapped: only a slab at a time is converted to float32.
    source_nm, target_nm : (float, float, float)
        Voxel sizes (z, y, x) in nm before and after.
    shape : (int, int, int), optional
        Shape of the result; default `resampled_shape`. Needed on the way back, where
        rounding would otherwise lose a voxel.

    Returns
    -------
    (z, y, x) float32 array
    """
    n_z, n_y, n_x = shape or resampled_shape(_shape3(volume), source_nm, target_nm)
    result = np.empty((n_z, n_y, n_x), np.float32)
    for rows, slab in resampled_slabs(volume, source_nm, target_nm, (n_z, n_y, n_x)):
        result[rows] = slab
    return result


def resampled_slabs(
    volume: npt.NDArray[np.generic],
    source_nm: Triple,
    target_nm: Triple,
    shape: tuple[int, int, int],
    of: Callable[[npt.NDArray[np.generic]], npt.NDArray[np.generic]] | None = None,
) -> Iterator[tuple[slice, Volume]]:
    """Yield (rows, slab) of the resampled volume, top to bottom.

    Parameters are those of `resample`; each slab is float32 (rows, y, x). `of` computes from what
    is read what is resampled in its place.
    """
    steps = [t / s for s, t in zip(source_nm, target_nm, strict=True)]
    weights = [
        axis_weights(n_in, n_out, step)
        for n_in, n_out, step in zip(_shape3(volume), shape, steps, strict=True)
    ]
    plane = max(volume.shape[1] * volume.shape[2], shape[1] * shape[2])
    rows_per_slab = max(1, int(SLAB_VOXELS / plane / max(steps[0], 1.0)))
    for first in range(0, shape[0], rows_per_slab):
        rows = slice(first, min(first + rows_per_slab, shape[0]))
        along_z = weights[0][rows]
        low, high = int(along_z.indices.min()), int(along_z.indices.max()) + 1
        read = volume[low:high]
        slab = np.asarray(read if of is None else of(read), np.float32)
        yield rows, _apply(slab, [along_z[:, low:high], weights[1], weights[2]])


def _apply(volume: Volume, weights: list[sparse.csr_matrix]) -> Volume:
    """Multiply each axis of a volume by its matrix, the most reducing one first."""
    order = sorted(range(3), key=lambda axis: weights[axis].shape[0] / weights[axis].shape[1])
    for axis in order:
        matrix = weights[axis]
        if matrix.nnz == matrix.shape[0] == matrix.shape[1]:
            continue  # same voxel size, the matrix is the identity: keep the numbers exactly
        moved = np.moveaxis(volume, axis, 0)
        flat = np.ascontiguousarray(moved).reshape(moved.shape[0], -1)
        product = (matrix @ flat).reshape(matrix.shape[0], *moved.shape[1:])
        volume = np.moveaxis(product, 0, axis)
    return np.ascontiguousarray(volume, np.float32)


def _shape3(volume: npt.NDArray[np.generic]) -> tuple[int, int, int]:
    """Shape of a volume as a triple."""
    z, y, x = volume.shape
    return z, y, x
