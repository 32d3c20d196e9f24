"""Thresholds from the grey values of the region itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray
from vesimod_imod.core.errors import InputError

from vesimod.connectors.hierarchy import NEVER, slabs

#: Standard deviations below the region's mean, from the densest to the lightest.
DENSEST_SD, LIGHTEST_SD, STEPS = 2.5, 0.4, 15
#: Shares of the voxels near vesicles that are foreground in a network's map.
FEWEST, MOST = 0.002, 0.1
_SAMPLE = 4_000_000  # voxels that give the shares to far below their steps


def mean_and_sd(grey: npt.NDArray[Any], inside: BoolArray) -> tuple[float, float]:
    """Mean and standard deviation of the numbers inside of a mask; one pass, little memory."""
    count, total, squares, shift = 0, 0.0, 0.0, None
    for rows in slabs(grey.shape):
        values = np.asarray(grey[rows][inside[rows]], np.float64)
        values = values[np.isfinite(values)]
        if not len(values):
            continue
        shift = float(values.mean()) if shift is None else shift  # against cancellation
        count += len(values)
        total += float((values - shift).sum())
        squares += float(((values - shift) ** 2).sum())
    if shift is None:
        raise InputError("the region holds no voxel outside of vesicles and active zone")
    mean = total / count
    return shift + mean, float(np.sqrt(max(squares / count - mean**2, 0.0)))


def default_thresholds(mean: float, sd: float, *, dense_is_high: bool = False) -> tuple[float, ...]:
    """Fifteen thresholds in equal steps, from 2.5 to 0.4 standard deviations to the dense side.

    The thresholds of published studies lie in this range; at the lightest, two thirds of a region
    are still background.
    """
    if not sd > 0:
        raise InputError("the region has one grey value throughout: nothing can be traced in it")
    side = 1.0 if dense_is_high else -1.0
    return tuple((mean + side * sd * np.linspace(DENSEST_SD, LIGHTEST_SD, STEPS)).tolist())


def shares_as_thresholds(likely: npt.NDArray[Any], near: BoolArray) -> tuple[float, ...]:
    """Fifteen thresholds on a network's map, from the highest, each with so many voxels above it.

    A network is surer of what it sees the less noise there is, so that no value means the same in
    two tomograms; of the space near vesicles, connectors take about the same share.

    Parameters
    ----------
    likely : (z, y, x) array
        Large where a connector is.
    near : (z, y, x) bool
        Where the shares are taken.
    """
    step = max(1, likely.size // _SAMPLE)
    values = likely.ravel()[::step][near.ravel()[::step]]
    if not len(values):
        raise InputError("the region holds no voxel near vesicles")
    if values.min() == values.max():
        raise InputError("the network sees the same everywhere: nothing can be traced in its map")
    shares = np.geomspace(FEWEST, MOST, STEPS)
    return tuple(sorted(set(np.quantile(values, 1 - shares).tolist()), reverse=True))


def checked_thresholds(
    thresholds: Sequence[float], *, dense_is_high: bool = False
) -> tuple[float, ...]:
    """Thresholds from the densest to the lightest, each once.

    Raises
    ------
    InputError
        There is none, more than 254, or one is no finite number.
    """
    found = sorted({float(value) for value in thresholds}, reverse=dense_is_high)
    if not 0 < len(found) < NEVER or not np.all(np.isfinite(found)):
        raise InputError(f"thresholds: 1 to {NEVER - 1} finite numbers are taken, not {found[:9]}")
    return tuple(found)


def evenly_spaced(first: float, last: float, count: int) -> tuple[float, ...]:
    """Thresholds in equal steps, both ends among them."""
    return tuple(np.linspace(first, last, max(count, 0)).tolist())
