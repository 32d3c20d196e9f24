"""The smooth surface of least cost through a band: by dynamic programming in both directions."""

from __future__ import annotations

import numpy as np
from scipy import fft
from vesimod_imod.core.arrays import Float32Array, FloatArray

_ROUNDS = 3
_DAMPING = 0.5  # how much of what the other direction says counts
_WRAP = 24  # samples that closed paths are continued by at both ends
_STEEPEST = 2  # offsets that neighbours may differ by
_LEVELLED = 16  # steps along a chain after which its costs are brought back to 0
_SPLINE_ROUNDS = 40


def least_cost(
    cost: Float32Array, step_nm: float, section_nm: float, stiffness: float, closed: bool
) -> Float32Array:
    """Cost of the best surface through each place of a band.

    Chains along the paths and chains across the sections are solved exactly (Viterbi), each
    with what the other direction found so far: min-sum belief propagation on the grid, damped.

    Parameters
    ----------
    cost : (S, U, W) float32
        Section, place along the path, offset.
    step_nm, section_nm : float
        Between places along the path and between sections, in offsets.
    stiffness : float
        Cost of a slope of 1 over a distance of one offset.
    closed : bool
        Whether paths are closed.

    Returns
    -------
    (S, U, W) float32
        Its minimum over the offsets is where the surface runs.
    """
    wrap = min(_WRAP, cost.shape[1]) if closed else 0
    cost = np.pad(cost, ((0, 0), (wrap, wrap), (0, 0)), mode="wrap")
    along = np.zeros_like(cost)
    across = np.zeros_like(cost)
    for _ in range(_ROUNDS):
        across = _messages(cost + _DAMPING * along, 0, stiffness / section_nm)
        along = _messages(cost + _DAMPING * across, 1, stiffness / step_nm)
    total: Float32Array = (cost + along + across)[:, wrap : cost.shape[1] - wrap]
    return total


def _messages(cost: Float32Array, axis: int, bending: float) -> Float32Array:
    """Find what the rest of each chain along an axis costs for each offset, from both sides."""
    chain = np.moveaxis(cost, axis, 0)
    result = np.zeros_like(chain)
    for order in (range(1, len(chain)), range(len(chain) - 2, -1, -1)):
        step = order.step
        message = np.zeros_like(chain[0])
        for k in order:
            message = _least_of_neighbours(chain[k - step] + message, bending)
            if k % _LEVELLED == 0:
                message -= message.min(axis=-1, keepdims=True)
            result[k] += message
    return np.moveaxis(result, 0, axis)


def _least_of_neighbours(cost: Float32Array, bending: float) -> Float32Array:
    """Least cost over the offsets that a neighbour may have, bending included."""
    best = cost.copy()
    for shift in range(1, _STEEPEST + 1):
        price = np.float32(bending * shift**2)
        np.minimum(best[..., shift:], cost[..., :-shift] + price, out=best[..., shift:])
        np.minimum(best[..., :-shift], cost[..., shift:] + price, out=best[..., :-shift])
    return best


def smooth_sheet(
    values: FloatArray, weights: FloatArray, length_nm: float, spacing_nm: FloatArray, closed: bool
) -> FloatArray:
    """Smoothing spline on a grid, with weights (Garcia, Comput. Stat. Data Anal. 54, 2010).

    Penalises second differences; where weights are 0 it goes on smoothly.

    Parameters
    ----------
    values : (S, U) float64
    weights : (S, U) float64
        From 0 to 1.
    length_nm : float
        Waves of this length over 2 pi are halved where the weight is 1.
    spacing_nm : (2,) float64
        Of the grid.
    closed : bool
        Whether the second axis is periodic.
    """
    wrap = min(_WRAP, values.shape[1]) if closed else 0
    pad = ((0, 0), (wrap, wrap))
    values, weights = (np.pad(array, pad, mode="wrap") for array in (values, weights))
    waves = [
        (2 - 2 * np.cos(np.pi * np.arange(n) / n)) / d**2
        for n, d in zip(values.shape, spacing_nm, strict=True)
    ]
    damping = 1 / (1 + length_nm**4 * (waves[0][:, None] + waves[1]) ** 2)
    plane = _plane(values, weights)  # the transforms flatten what leans at the edges
    filled = np.where(weights > 0, values - plane, 0.0)
    smooth = filled
    for _ in range(_SPLINE_ROUNDS):
        smooth = fft.idctn(damping * fft.dctn(weights * (filled - smooth) + smooth, norm="ortho"),
                           norm="ortho")  # fmt: skip
    return (smooth + plane)[:, wrap : values.shape[1] - wrap]


def _plane(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted least-squares plane through values on a grid."""
    rows, columns = (axis.ravel() for axis in np.indices(values.shape))
    terms = np.stack([np.ones(values.size), rows, columns], axis=1)
    root = np.sqrt(weights.ravel())
    found = np.linalg.lstsq(terms * root[:, None], values.ravel() * root, rcond=None)[0]
    plane: FloatArray = (terms @ found).reshape(values.shape)
    return plane
