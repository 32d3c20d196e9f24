"""How thick a traced membrane is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray

from vesimod.membranes.band import normals_of, sample_band

_STEP_NM, _REACH_NM = 0.5, 15.0
_OFFSETS_NM = np.arange(-_REACH_NM, _REACH_NM + 0.1 * _STEP_NM, _STEP_NM)
_PLACES = 30_000  # about so many make the mean profile
_MIDDLE_NM = 2.0  # that the darkest place may lie beside the surface
_SHOULDERS_NM = 12.0  # from the middle: beside the membrane
_STEEPEST = 0.6  # cosine of the tilt against a section: flatter parts of a membrane are left out

Part = tuple[npt.NDArray[Any], IntArray, FloatArray, BoolArray, bool]


def dark_width_nm(parts: Iterable[Part], size_nm: FloatArray, sign: float) -> float:
    """Width of the dark line at half of its depth, over all that was seen.

    Parameters
    ----------
    parts : iterable of (volume, sections, paths_nm, seen, closed)
        See `vesimod.membranes.band.sample_band`.
    size_nm : (3,) float64
        Of a voxel.
    sign : float
        1 where membranes are dark, else -1.

    Returns
    -------
    float
        In nm at right angles to the membrane; NaN where none was seen.
    """
    total, count = np.zeros(len(_OFFSETS_NM)), np.zeros(len(_OFFSETS_NM))
    for volume, sections, paths, seen, closed in parts:
        normals = normals_of(paths, closed)
        upright = uprightness(paths, normals, float(size_nm[0]))
        some = slice(None, None, 1 + paths[..., 0].size // _PLACES)  # as many sections as do
        upright = upright[some]
        band = sample_band(volume, sections[some], paths[some], normals[some], _OFFSETS_NM, size_nm)
        use = seen[some] & (upright > _STEEPEST)
        if not use.any():
            continue
        # In the section a membrane that leans looks wider.
        true = _OFFSETS_NM * upright[use][:, None]
        values = sign * band[use].astype(np.float64)
        known = np.isfinite(values)
        place = np.clip(np.rint((true + _REACH_NM) / _STEP_NM).astype(int), 0, len(total) - 1)
        np.add.at(total, place[known], values[known])
        np.add.at(count, place[known], 1)
    known = count > 0
    if not known.any():
        return float("nan")
    filled = np.interp(_OFFSETS_NM, _OFFSETS_NM[known], total[known] / count[known])
    return _width_at_half(filled)


def uprightness(paths: FloatArray, normals: FloatArray, section_nm: float) -> FloatArray:
    """Cosine (S, U) of the angle between the membrane's normal and its section."""
    if len(paths) < 2:
        return np.ones(paths.shape[:2])
    lean = (np.gradient(paths, section_nm, axis=0) * normals).sum(axis=2)
    return np.asarray(1 / np.sqrt(1 + lean**2))


def _width_at_half(profile: FloatArray) -> float:
    """Width of the dip near the middle, between the brightest places on its two sides."""
    near = np.flatnonzero(np.abs(_OFFSETS_NM) <= _MIDDLE_NM)
    low = int(near[profile[near].argmin()])
    reach = int(_SHOULDERS_NM / _STEP_NM)
    width = 0.0
    for side in (profile[low : low + reach], profile[low - reach + 1 : low + 1][::-1]):
        half = 0.5 * (profile[low] + side.max())
        k = int(np.argmax(side >= half))
        if k == 0:
            return float("nan")
        width += (k - 1 + (half - side[k - 1]) / (side[k] - side[k - 1])) * _STEP_NM
    return width
