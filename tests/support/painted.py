"""Small volumes with painted vesicles, for tests: numpy and scipy alone.

A vesicle is a dark bilayer whose outer edge lies at its radius. Blur, missing wedge and
noise are what a tomogram adds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage
from scipy.special import erf
from vesimod_imod.core.arrays import FloatArray, Volume

Shape = tuple[int, int, int]
MEMBRANE_NM = 5.0
BLUR_NM = 1.2


def paint(
    shape: Shape,
    voxel_size_nm: ArrayLike,
    centres: ArrayLike,
    radii_nm: ArrayLike,
    *,
    membrane_nm: float = MEMBRANE_NM,
    blur_nm: float = BLUR_NM,
) -> Volume:
    """Density (z, y, x) float32: 0 outside, -1 in membranes, -0.1 in the lumen."""
    size = np.asarray(voxel_size_nm, float) * np.ones(3)
    volume = np.zeros(shape, np.float32)
    for centre, radius in zip(np.atleast_2d(centres), np.atleast_1d(radii_nm), strict=True):
        box, distance = _box(shape, size, centre, radius + 4 * blur_nm)
        outer, inner = (_edge(distance - r, blur_nm) for r in (radius, radius - membrane_nm))
        # Membranes that touch do not add up: the darker one counts.
        volume[box] = np.minimum(volume[box], -(outer - inner) - 0.1 * inner)
    return volume


def truth_map(
    shape: Shape,
    voxel_size_nm: ArrayLike,
    centres: ArrayLike,
    radii_nm: ArrayLike,
    *,
    blur_nm: float = 2.0,
) -> Volume:
    """A network's ideal probability: 1 inside of the outer edge, 0.5 on it."""
    size = np.asarray(voxel_size_nm, float) * np.ones(3)
    result = np.zeros(shape, np.float32)
    for centre, radius in zip(np.atleast_2d(centres), np.atleast_1d(radii_nm), strict=True):
        box, distance = _box(shape, size, centre, radius + 6 * blur_nm)
        result[box] = np.maximum(result[box], _edge(distance - radius, blur_nm))
    return result


def image(
    volume: Volume,
    voxel_size_nm: ArrayLike,
    *,
    snr: float | None = None,
    tilt_range_deg: tuple[float, float] | None = None,
    seed: int = 0,
) -> Volume:
    """What the microscope makes of a density: missing wedge (z, tilt axis y), coloured noise.

    SNR is the variance of the filtered signal over that of the noise, over the volume.
    """
    rng = np.random.default_rng(seed)
    size = np.asarray(voxel_size_nm, float) * np.ones(3)
    frequencies = [np.fft.fftfreq(n, s) for n, s in zip(volume.shape, size, strict=True)]
    kz, ky, kx = np.meshgrid(*frequencies, indexing="ij", sparse=True)
    passed = np.ones(volume.shape, bool)
    if tilt_range_deg is not None:
        low, high = np.radians(tilt_range_deg)
        slope = np.where(kx * kz >= 0, np.tan(high), np.tan(-low))
        passed = (np.abs(kz) <= np.abs(kx) * slope) | ((kx == 0) & (kz == 0))
    signal = np.fft.ifftn(np.fft.fftn(volume) * passed).real
    if snr is None:
        return signal.astype(np.float32)
    # Noise with more power at low frequencies, through the same wedge.
    colour = 1 / (1 + (kz**2 + ky**2 + kx**2) * 8.0**2) + 0.3
    noise = np.fft.ifftn(np.fft.fftn(rng.standard_normal(volume.shape)) * passed * colour).real
    noise *= signal.std() / np.sqrt(snr) / noise.std()
    return (signal + noise).astype(np.float32)


def scatter(
    shape: Shape,
    voxel_size_nm: ArrayLike,
    count: int,
    *,
    gap_nm: float = 3.0,
    radius_nm: tuple[float, float] = (15.0, 28.0),
    seed: int = 0,
) -> tuple[FloatArray, FloatArray]:
    """Centres (N, 3) and radii (N,) of vesicles that do not touch, inside the volume."""
    rng = np.random.default_rng(seed)
    size = np.asarray(voxel_size_nm, float) * np.ones(3)
    extent = np.asarray(shape) * size
    centres, radii = np.empty((0, 3)), np.empty(0)
    for _ in range(200 * count):
        radius = rng.uniform(*radius_nm)
        centre = rng.uniform(radius + 5, extent - radius - 5)
        apart = np.sqrt(((centres - centre) ** 2).sum(axis=1)) > radii + radius + gap_nm
        if apart.all():
            centres, radii = np.vstack([centres, centre]), np.append(radii, radius)
        if len(radii) == count:
            break
    return centres / size, radii


def blurred_noise(shape: Shape, sigma: float | tuple[float, ...], seed: int = 0) -> Volume:
    """Smooth random field of unit variance: a network's typical errors."""
    white = np.random.default_rng(seed).standard_normal(shape)
    field: FloatArray = ndimage.gaussian_filter(white, sigma)
    scaled: FloatArray = field / field.std()
    return scaled.astype(np.float32)


def _box(
    shape: Shape, size: FloatArray, centre: FloatArray, reach_nm: float
) -> tuple[tuple[slice, ...], FloatArray]:
    """Slices around a centre, and the distance of their voxels from it in nm."""
    reach = np.ceil(reach_nm / size).astype(int) + 1
    low = np.maximum(np.floor(centre).astype(int) - reach, 0)
    high = np.minimum(np.ceil(centre).astype(int) + reach + 1, shape)
    box = tuple(slice(a, max(a, b)) for a, b in zip(low, high, strict=True))
    axes = zip(np.ogrid[box], centre, size, strict=True)
    return box, np.sqrt(sum(((a - c) * s) ** 2 for a, c, s in axes))


def _edge(distance: FloatArray, blur_nm: float) -> FloatArray:
    """1 inside, 0 outside, blurred."""
    edge: FloatArray = 0.5 * (1 - erf(distance / (np.sqrt(2) * blur_nm)))
    return edge
