"""Which vesicles do not look like the others: robust Mahalanobis distance."""

from __future__ import annotations

import numpy as np
from scipy import stats
from vesimod_imod.core.arrays import FloatArray

MIN_VESICLES = 8  # fewer do not define a covariance of three features
CORE_SHARE = 0.75  # of the vesicles, taken as typical
MAX_STEPS = 50


def p_values(features: FloatArray) -> FloatArray:
    """Probability that a vesicle of the same kind lies as far out.

    The paper's measure, p = 1 - chi2cdf(D^2, P), with centre and covariance from the most
    compact three quarters of the vesicles (minimum covariance determinant, by concentration
    steps from one deterministic start), so that outliers cannot hide each other.

    Parameters
    ----------
    features : (N, P) float
        One row a vesicle; rows with NaN get NaN.

    Returns
    -------
    (N,) float64
        NaN for all where fewer than `MIN_VESICLES` rows are complete, or no feature varies.
    """
    result = np.full(len(features), np.nan)
    complete = np.isfinite(features).all(axis=1)
    if complete.sum() < MIN_VESICLES:
        return result
    data = features[complete]
    data = data - np.median(data, axis=0)
    spread = np.median(np.abs(data), axis=0)
    varies = spread > 1e-9 * np.maximum(np.abs(features[complete]).max(axis=0), 1e-30)
    if not varies.any():
        return result
    data = data[:, varies] / spread[varies]
    size = int(np.ceil(CORE_SHARE * len(data)))
    squared = (data**2).sum(axis=1)
    core = np.empty(0, np.int64)
    for _ in range(MAX_STEPS):
        nearest = np.sort(np.argsort(squared, kind="stable")[:size])
        if np.array_equal(nearest, core):
            break
        core = nearest
        off = data - data[core].mean(axis=0)
        covariance = off[core].T @ off[core] / len(core)
        squared = np.einsum("np,pq,nq->n", off, np.linalg.pinv(covariance), off)
    # The core's covariance is too small by a factor that the median shows.
    freedom = data.shape[1]
    squared *= stats.chi2.ppf(0.5, freedom) / max(float(np.median(squared)), 1e-30)
    result[complete] = stats.chi2.sf(squared, freedom)
    return result
