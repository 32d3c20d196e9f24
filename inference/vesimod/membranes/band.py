"""The density in a band around a sheet, and how much it looks like a membrane there."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from vesimod_imod.core.arrays import Float32Array, FloatArray

MEMBRANE_SIGMA_NM = 3.0  # a dark line of this SD looks most like a membrane
_SHARED = 3.0  # SDs of the average along the sheet beyond which no noise is shared
STRONGEST = 6.0  # response of a membrane that is plain to see
_USUAL = 0.9  # part of the places along a sheet whose strongest response lies below
_ROBUST = 1.4826  # SD of a Gaussian over its median absolute deviation


def normals_of(paths_nm: FloatArray, closed: bool) -> FloatArray:
    """Return unit normals (S, U, 2) of paths in their planes."""
    if closed:
        along = np.roll(paths_nm, -1, axis=1) - np.roll(paths_nm, 1, axis=1)
    else:
        along = np.gradient(paths_nm, axis=1)
    across = along[..., ::-1] * np.array([-1.0, 1.0])
    unit: FloatArray = across / np.maximum(np.linalg.norm(across, axis=2, keepdims=True), 1e-9)
    return unit


def sample_band(
    volume: npt.NDArray[Any],
    sections: npt.NDArray[np.int64],
    paths_nm: FloatArray,
    normals: FloatArray,
    offsets_nm: npt.NDArray[np.floating[Any]],
    size_nm: FloatArray,
) -> Float32Array:
    """Density along the normals; only the part of each section that the band covers is read.

    Parameters
    ----------
    volume : (section, row, column) array
    sections : (S,) int64
        They may lie outside of the volume.
    paths_nm, normals : (S, U, 2) float64
    offsets_nm : (W,) float64
    size_nm : (3,) float64
        Of a voxel.

    Returns
    -------
    (S, U, W) float32
        NaN outside of the volume.
    """
    band = np.full((*paths_nm.shape[:2], len(offsets_nm)), np.nan, np.float32)
    edge = np.array(volume.shape[1:]) - 1
    for row, section in enumerate(sections.tolist()):
        if not 0 <= section < len(volume):
            continue
        places = paths_nm[row, :, None] + offsets_nm[:, None] * normals[row, :, None]
        places = places / size_nm[1:]
        inside = np.all((places >= -0.5) & (places <= edge + 0.5), axis=2)
        if not inside.any():
            continue
        low = np.clip(np.floor(places[inside].min(axis=0)), 0, edge).astype(int)
        high = np.clip(np.ceil(places[inside].max(axis=0)), 0, edge).astype(int) + 1
        plane = np.asarray(volume[section, low[0] : high[0], low[1] : high[1]], np.float32)
        found = ndimage.map_coordinates(
            plane, np.moveaxis(places - low, 2, 0), order=1, mode="nearest"
        )
        band[row] = np.where(inside, found, np.nan)
    return band


def membrane_response(
    band: Float32Array, spacing_nm: tuple[float, float, float], sheet_sigma_nm: float, closed: bool
) -> tuple[Float32Array, float]:
    """How much darker a band is at each place than on both sides, averaged along the sheet.

    Parameters
    ----------
    band : (S, U, W) float32
        Membranes dark; NaN is unknown.
    spacing_nm : (float, float, float)
        Of its places.
    sheet_sigma_nm : float
        SD of the Gaussian average along the sheet.
    closed : bool

    Returns
    -------
    response : (S, U, W) float32
        In units of the noise, or of a `STRONGEST`-th of what most of the sheet reaches where that
        is more; at most 1.5 times that, for gold is no better membrane. 0 where unknown.
    unit : float
        That unit over the noise.
    """
    known = np.isfinite(band)
    level = float(np.median(band[known])) if known.any() else 0.0
    response = np.where(known, band - np.float32(level), np.float32(0))
    response = ndimage.gaussian_filter1d(
        response, MEMBRANE_SIGMA_NM / spacing_nm[2], axis=2, order=2, mode="nearest"
    )
    ends = ("nearest", "wrap" if closed else "nearest")
    for axis, mode in enumerate(ends):
        sigma = sheet_sigma_nm / spacing_nm[axis]
        response = ndimage.gaussian_filter1d(response, sigma, axis=axis, mode=mode, truncate=3.0)
    noise = _noise(np.where(known, response, np.nan), sheet_sigma_nm / spacing_nm[1])
    unit = max(noise, float(np.quantile(response.max(axis=2), _USUAL)) / STRONGEST, 1e-12)
    # Beside the edge of the volume what is not known looks like a step.
    reach = int(np.ceil(MEMBRANE_SIGMA_NM / spacing_nm[2]))
    unknown = ndimage.maximum_filter1d(~known, 2 * reach + 1, axis=2)
    response = np.where(unknown, 0, response / unit).astype(np.float32)
    return np.minimum(response, STRONGEST * 1.5), unit / max(noise, 1e-12)


def _noise(response: Float32Array, sigma: float) -> float:
    """Robust SD of what differs between places along the sheet that share no noise.

    A membrane runs along the sheet and differs little there; the band around it is full of it, of
    its fringes and of other membranes, so that their SD would say more of them than of noise.
    """
    lag = int(np.clip(np.ceil(_SHARED * sigma), 1, max(response.shape[1] - 1, 1)))
    differences = np.abs(response[:, lag:] - response[:, :-lag])
    known = np.isfinite(differences)
    if not known.any():
        return 1.0
    return float(_ROBUST * np.median(differences[known]) / np.sqrt(2))
