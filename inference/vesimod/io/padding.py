"""Which grey values a tomogram was padded with, and the tomogram without its padding.

Padding may lie far from all data: zeros beside counts of 20,000. Its border would then be the
strongest edge of the volume by far, for the network as for rays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray, FloatArray
from vesimod_imod.core.short_repr import ShortRepr

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
    rows = _some_rows(voxels)
    values, counts = np.unique(rows, return_counts=True)
    found = []
    for value in values[counts >= LEAST_SHARE * rows.size]:
        there = rows == value
        beside = there[:, 1:] & there[:, :-1]
        if np.isfinite(float(value)) and beside.sum() > IN_RUNS * there.sum():
            found.append(float(value))
    # Where nothing else is there, it is the data, as in a mask.
    return tuple(found) if len(found) < len(values) else ()


@dataclass(frozen=True, eq=False, repr=False)
class Unpadded(ShortRepr):
    """A volume whose padding is as grey as its data: what reads boxes of it sees no border.

    Parameters
    ----------
    voxels : (z, y, x) array of any real type
        May be memory-mapped: a box is read when it is asked for.
    fills : tuple of float
        From `fill_values`.
    level : float
        That stands for padding.
    """

    voxels: npt.NDArray[np.generic]
    fills: tuple[float, ...]
    level: float

    @staticmethod
    def of(voxels: npt.NDArray[np.generic], fills: tuple[float, ...]) -> Unpadded:
        """Take the median of the data for the level."""
        rows = _some_rows(voxels)
        data = rows[~np.isin(rows, np.array(fills, voxels.dtype))]
        return Unpadded(voxels, fills, float(np.median(data.astype(np.float64))))

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along (z, y, x)."""
        return self.voxels.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.voxels.ndim

    @property
    def size(self) -> int:
        """Number of voxels."""
        return self.voxels.size

    def __len__(self) -> int:
        """Return the number of sections."""
        return len(self.voxels)

    def is_padding(self, points: FloatArray) -> BoolArray:
        """Whether the voxel nearest to each point (N, 3) is padding."""
        nearest = np.clip(np.rint(points).astype(np.int64), 0, np.array(self.shape) - 1)
        return self._is_fill(np.asarray(self.voxels[tuple(nearest.T)]))

    def transpose(self, axes: tuple[int, ...]) -> Unpadded:
        """Return the same volume with its axes in another order."""
        return Unpadded(self.voxels.transpose(axes), self.fills, self.level)

    def __getitem__(self, box: Any) -> npt.NDArray[np.float32]:
        """Read a box (z, y, x) as float32."""
        grey = np.asarray(self.voxels[box])
        result = grey.astype(np.float32)
        result[self._is_fill(grey)] = self.level
        return result

    def _is_fill(self, grey: npt.NDArray[np.generic]) -> BoolArray:
        """Which of some grey values are padding; for few of these faster than `numpy.isin`."""
        padding = np.zeros(grey.shape, bool)
        for fill in np.array(self.fills, grey.dtype):
            padding |= grey == fill
        return padding


def _some_rows(voxels: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Read an even subset of the rows along x."""
    step = max(1, -(-voxels.size // LOOKED_AT))
    return np.asarray(voxels.reshape(-1, voxels.shape[-1])[::step])
