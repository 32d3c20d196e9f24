"""Density along rays around candidate centres, read from the tomogram in small boxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray, FloatArray, Triple
from vesimod_imod.core.short_repr import ShortRepr

# Voxels are averaged up to this: rays see more of them, which in noise is worth more than detail
# (0.79 instead of 1.1 nm for centres), and bands of 6 to 9 nm, as membranes are, stay sharp.
COARSEST_NM = 2.9


@dataclass(frozen=True, eq=False, repr=False)
class RaySampler(ShortRepr):
    """A tomogram that is read in boxes only.

    Parameters
    ----------
    voxels : (z, y, x) array of any real type
        May be memory-mapped.
    voxel_size_nm : (float, float, float)
        Of the tomogram.
    invert : bool
        Membranes are bright: what is read is negated.
    """

    voxels: npt.NDArray[Any]
    voxel_size_nm: Triple
    invert: bool = False

    @cached_property
    def _step(self) -> npt.NDArray[np.int64]:
        """Voxels (3,) that are averaged along each axis."""
        return np.maximum(1, np.floor(COARSEST_NM / np.asarray(self.voxel_size_nm))).astype(
            np.int64
        )

    def rays(
        self, centre: FloatArray, distances_nm: FloatArray, every: int = 1
    ) -> npt.NDArray[np.float32]:
        """Sample density along the directions of `directions`.

        Parameters
        ----------
        centre : (3,) float
            In voxels.
        distances_nm : (R,) float
            From the centre.
        every : int
            Take each direction, each second ...

        Returns
        -------
        (K, R) float32
            Trilinear interpolation; NaN outside of the volume.
        """
        size, step = np.asarray(self.voxel_size_nm), self._step
        reach = float(distances_nm[-1]) / size + step
        low = np.maximum(np.floor(centre - reach), 0).astype(np.int64)
        high = np.minimum(np.ceil(centre + reach) + 1, self.voxels.shape).astype(np.int64)
        # Averaged blocks start at multiples of the step, so that a box does not shift them.
        low -= low % step
        count = (high - low) // step
        normals = directions()[::every]
        if (count < 2).any():
            return np.full((len(normals), len(distances_nm)), np.nan, np.float32)
        box = self._binned(low, count, step)
        offset = (np.asarray(centre) - low - (step - 1) / 2) / step
        scale = normals.T[:, :, None] / (size * step)[:, None, None]
        points = scale.astype(np.float32) * distances_nm.astype(np.float32)
        points += offset[:, None, None].astype(np.float32)
        furthest = distances_nm[-1] / (size * step) + 1e-3
        leave = (offset < furthest) | (offset + furthest > count - 1)
        if not leave.any():
            return _interpolate(box, points)
        outside = _bring_inside(points, box.shape, np.flatnonzero(leave))
        density = _interpolate(box, points)
        density[outside] = np.nan
        return density

    def cube(
        self, centre: FloatArray, half_nm: float, fit: Callable[[int], int]
    ) -> tuple[npt.NDArray[np.float32], FloatArray, FloatArray]:
        """Read a box around a point.

        Parameters
        ----------
        centre : (3,) float
            In voxels.
        half_nm : float
            Least half width.
        fit : callable
            Turns a least number of samples along an axis into the number wanted.

        Returns
        -------
        box : (z, y, x) float32
            Less its mean; 0 outside of the volume.
        first_nm : (3,) float64
            Where its first sample lies, relative to `centre`.
        spacing_nm : (3,) float64
        """
        size, step = np.asarray(self.voxel_size_nm), self._step
        count = np.array([fit(int(n)) for n in 2 * np.ceil(half_nm / (size * step)) + 1])
        first = np.rint(np.asarray(centre) / step).astype(np.int64) - count // 2
        blocks = np.asarray(self.voxels.shape) // step
        low, high = np.clip(first, 0, blocks), np.clip(first + count, 0, blocks)
        box = np.zeros(count, np.float32)
        if (high > low).all():
            inside = self._binned(low * step, high - low, step)
            place = zip(low - first, high - first, strict=True)
            box[tuple(slice(a, b) for a, b in place)] = inside - inside.mean()
        first_nm = (first * step + (step - 1) / 2 - centre) * size
        return box, first_nm, size * step

    def _binned(
        self, low: npt.NDArray[np.int64], count: npt.NDArray[np.int64], step: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Read a box as float32 and average blocks of `step` voxels."""
        z, y, x = (slice(a, a + n * s) for a, n, s in zip(low, count, step, strict=True))
        box = np.asarray(self.voxels[z, y, x], np.float32)
        for axis, width in enumerate(step):
            if width > 1:
                before = (slice(None),) * axis
                first, second, *more = (box[(*before, slice(i, None, width))] for i in range(width))
                # In place: `sum` would go over the box once more each.
                box = first + second
                for other in more:
                    box += other
        if (step > 1).any():
            box /= np.float32(step.prod())  # by a float64 it would take longer than all else
        return -box if self.invert else box


def _bring_inside(
    points: npt.NDArray[np.float32], shape: tuple[int, ...], axes: npt.NDArray[np.int64]
) -> BoolArray:
    """Move points (3, ...) that lie outside of a box along some axes into it; which they were."""
    outside = np.zeros(points.shape[1:], bool)
    for axis in axes:
        place, last = points[axis], np.float32(shape[axis] - 1)
        outside |= (place < 0) | (place > last)
        # Just below the last voxel: beside each point there is another one.
        np.clip(place, 0, np.nextafter(last, np.float32(0)), out=place)
    return outside


def _interpolate(
    box: npt.NDArray[np.float32], points: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Trilinear interpolation at points (3, ...) none of which lies outside of the box.

    A third of the time of `scipy.ndimage.map_coordinates`, in which the chain spent most of its
    own.
    """
    corner = points.astype(np.int32)  # rounds down: nothing is negative
    z, y, x = points - corner.astype(np.float32)  # not float64, which would be half as fast
    row, plane = box.shape[2], box.shape[1] * box.shape[2]
    # `take` is twice as fast with its own kind of index.
    first = (corner[0] * plane + corner[1] * row + corner[2]).astype(np.intp)
    # Both neighbours along x at once: the two floats of a complex number, one at each voxel.
    overlapping = np.ndarray((box.size - 1,), np.complex64, np.ascontiguousarray(box), 0, (4,))
    pairs = overlapping.copy()

    def along_y(offset: int) -> Any:
        near, far = np.take(pairs[offset:], first), np.take(pairs[offset + row :], first)
        far -= near
        far *= y
        far += near
        return far

    near, far = along_y(0), along_y(plane)
    far -= near
    far *= z
    far += near
    density: npt.NDArray[np.float32] = far.real + (far.imag - far.real) * x
    return density


@cache
def directions(count: int = 640) -> FloatArray:
    """Return unit vectors (count, 3), z y x, evenly spread (Fibonacci lattice)."""
    height = 1 - (2 * np.arange(count) + 1) / count
    turn = np.pi * (3 - np.sqrt(5)) * np.arange(count)
    ring = np.sqrt(1 - height**2)
    vectors = np.stack([height, ring * np.sin(turn), ring * np.cos(turn)], axis=1)
    vectors.setflags(write=False)
    return vectors
