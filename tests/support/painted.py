"""Small volumes with painted vesicles, for tests: numpy and scipy alone.

A vesicle is a dark bilayer whose outer edge lies at its radius. Blur, missing wedge and
noise are what a tomogram adds.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.special import erf

MEMBRANE_NM = 5.0
BLUR_NM = 1.2


def paint(shape, voxel_size_nm, centres, radii_nm, *, membrane_nm=MEMBRANE_NM, blur_nm=BLUR_NM):
    """Density (z, y, x) float32: 0 outside, -1 in membranes, -0.1 in the lumen."""
    size = np.asarray(voxel_size_nm, float) * np.ones(3)
    volume = np.zeros(shape, np.float32)
    for centre, radius in zip(np.atleast_2d(centres), np.atleast_1d(radii_nm), strict=True):
        box, distance = _box(shape, size, centre, radius + 4 * blur_nm)
        outer, inner = (_edge(distance - r, blur_nm) for r in (radius, radius - membrane_nm))
        # Membranes that touch do not add up: the darker one counts.
        volume[box] = np.minimum(volume[box], -(outer - inner) - 0.1 * inner)
    return volume


def truth_map(shape, voxel_size_nm, centres, radii_nm, *, blur_nm=2.0):
    """A network's ideal probability: 1 inside of the outer edge, 0.5 on it."""
    size = np.asarray(voxel_size_nm, float) * np.ones(3)
    result = np.zeros(shape, np.float32)
    for centre, radius in zip(np.atleast_2d(centres), np.atleast_1d(radii_nm), strict=True):
        box, distance = _box(shape, size, centre, radius + 6 * blur_nm)
        result[box] = np.maximum(result[box], _edge(distance - radius, blur_nm))
    return result


def image(volume, voxel_size_nm, *, snr=None, tilt_range_deg=None, seed=0):
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


def scatter(shape, voxel_size_nm, count, *, gap_nm=3.0, radius_nm=(15.0, 28.0), seed=0):
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


def blurred_noise(shape, sigma, seed=0):
    """Smooth random field of unit variance: a network's typical errors."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), sigma)
    return (field / field.std()).astype(np.float32)


def _box(shape, size, centre, reach_nm):
    """Slices around a centre, and the distance of their voxels from it in nm."""
    reach = np.ceil(reach_nm / size).astype(int) + 1
    low = np.maximum(np.floor(centre).astype(int) - reach, 0)
    high = np.minimum(np.ceil(centre).astype(int) + reach + 1, shape)
    box = tuple(slice(a, max(a, b)) for a, b in zip(low, high, strict=True))
    axes = zip(np.ogrid[box], centre, size, strict=True)
    return box, np.sqrt(sum(((a - c) * s) ** 2 for a, c, s in axes))


def _edge(distance, blur_nm):
    """1 inside, 0 outside, blurred."""
    return 0.5 * (1 - erf(distance / (np.sqrt(2) * blur_nm)))
