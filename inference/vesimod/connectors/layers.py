"""Layers by distance from the active zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray, Float32Array, FloatArray, IntArray
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.connectors.hierarchy import slabs


@dataclass(frozen=True, eq=False, repr=False)
class Layers(ShortRepr):
    """What each layer holds; layer 1 is the first beside the active zone.

    Parameters
    ----------
    thickness_nm : float
    voxels : (N,) int64
        In the region or in vesicles.
    grey_mean, grey_sd, grey_min, grey_max : (N,) float64
        NaN where a layer is empty, or holds no number.
    occupancy : (N,) float64
        Part of its voxels that is vesicle.
    centres : (N,) int64
        Vesicles whose centre lies in it.
    """

    thickness_nm: float
    voxels: IntArray
    grey_mean: FloatArray
    grey_sd: FloatArray
    grey_min: FloatArray
    grey_max: FloatArray
    occupancy: FloatArray
    centres: IntArray


def layer_numbers(distance_nm: npt.NDArray[Any], thickness_nm: float) -> IntArray:
    """Layer of each distance: k reaches from k - 1/2 to k + 1/2 thicknesses, its end included."""
    # Distances are rounded: those on the border between two layers belong to the nearer one.
    return np.ceil(distance_nm / thickness_nm - 0.5 - 1e-5).astype(np.int64)


def layers_of(
    grey: npt.NDArray[Any],
    vesicles: BoolArray,
    counted: BoolArray,
    distance_nm: Float32Array,
    thickness_nm: float,
    centre_layers: IntArray,
) -> Layers:
    """Sum up the layers.

    Parameters
    ----------
    grey : (z, y, x) array
    vesicles, counted : (z, y, x) bool
        Voxels of vesicles; voxels that count, vesicles among them, the active zone not.
    distance_nm : (z, y, x) float32
        From the active zone.
    thickness_nm : float
    centre_layers : (M,) int64
        Layers of the vesicles' centres.
    """
    farthest = max(distance_nm[r][counted[r]].max(initial=0) for r in slabs(counted.shape))
    last = int(layer_numbers(farthest, thickness_nm))
    sums = np.zeros((5, last + 1))
    lowest, highest = np.full(last + 1, np.inf), np.full(last + 1, -np.inf)
    for rows in slabs(grey.shape):
        here = counted[rows]
        layer = layer_numbers(distance_nm[rows][here], thickness_nm)
        values = np.asarray(grey[rows][here], np.float64)
        sums[0] += np.bincount(layer, minlength=last + 1)
        sums[1] += np.bincount(layer, vesicles[rows][here], minlength=last + 1)
        numbers = np.isfinite(values)
        layer, values = layer[numbers], values[numbers]
        for row, weight in enumerate((None, values, values**2), 2):
            sums[row] += np.bincount(layer, weight, minlength=last + 1)
        np.minimum.at(lowest, layer, values)
        np.maximum.at(highest, layer, values)
    voxels, occupied, known, total, squares = sums[:, 1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = total / known
        sds = np.sqrt(np.maximum(squares / known - means**2, 0))
        occupancy = occupied / voxels
    return Layers(
        thickness_nm,
        voxels.astype(np.int64),
        means,
        sds,
        np.where(known > 0, lowest[1:], np.nan),
        np.where(known > 0, highest[1:], np.nan),
        occupancy,
        np.bincount(centre_layers[centre_layers > 0], minlength=last + 1)[1 : last + 1],
    )
