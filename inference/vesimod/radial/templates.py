"""What a membrane looks like along a ray across it: the profile that fits look for."""

from __future__ import annotations

import numpy as np
from vesimod_imod.core.arrays import FloatArray

RAY_STEP_NM = 0.8
TEMPLATE_HALF_NM = 8.0  # reach of the membrane's profile to either side
GENERIC_SIGMA_NM = 3.0  # wide enough for a bilayer with its proteins, resolved or not


def template_axis() -> FloatArray:
    """Distances (T,) in nm from the membrane's centre at which templates are given."""
    half = round(TEMPLATE_HALF_NM / RAY_STEP_NM)
    return np.arange(-half, half + 1, dtype=np.float64) * RAY_STEP_NM


def generic_template() -> FloatArray:
    """Profile (T,) of an unknown membrane: a dark line between brighter surroundings."""
    u = template_axis() / GENERIC_SIGMA_NM
    return normalised_template(-(1 - u**2) * np.exp(-(u**2) / 2))


def normalised_template(profile: FloatArray) -> FloatArray:
    """Give a density profile (T,) zero sum and unit norm: neither grey level nor contrast count."""
    weights = profile - profile.mean()
    norm = float(np.linalg.norm(weights))
    result: FloatArray = weights / norm if norm > 0 else weights
    return result
