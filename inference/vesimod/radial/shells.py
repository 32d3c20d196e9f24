"""Dark shells near a point: where spheres of membrane could lie, before any is fitted.

Filtering with a Laplacian of a Gaussian turns a membrane into a bright sheet whatever the grey
level around it. The mean of that over a sphere's surface is a convolution, and the transform of
a thin shell of radius r is sin(kr) / kr: in Fourier space all centres of one radius cost one
multiplication. Rays from one point, as `surface_fit` uses, see only the near side of a sphere
that they start outside of.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage
from vesimod_imod.core.arrays import FloatArray, Triple

from vesimod.radial.rays import RaySampler
from vesimod.radial.templates import GENERIC_SIGMA_NM

SPACING_NM = 4.0  # of trial centres: the filter lets little through that is finer
MARGIN_NM = 2 * GENERIC_SIGMA_NM  # what the filter sees beyond the furthest membrane


def strongest_shells(
    density: RaySampler, centre: FloatArray, reach_nm: float, radii_nm: FloatArray, keep: int
) -> tuple[FloatArray, FloatArray]:
    """Find the dark spherical shells around centres near a point.

    Parameters
    ----------
    density : RaySampler
        The tomogram.
    centre : (3,) float
        The point, in voxels.
    reach_nm : float
        How far from it the shells' centres may lie.
    radii_nm : (R,) float
        Radii to try, ascending, at even steps.
    keep : int
        How many to return at most.

    Returns
    -------
    centres : (K, 3) float64
        In voxels, strongest first: maxima over centre and radius, good to half a grid step.
    membrane_nm : (K,) float64
    """
    box, first_nm, spacing_nm = density.cube(
        centre, reach_nm + float(radii_nm[-1]) + MARGIN_NM, fft.next_fast_len
    )
    count = tuple(
        min(int(n * s / SPACING_NM), n - 1) | 1 for n, s in zip(box.shape, spacing_nm, strict=True)
    )
    spectrum = _cropped(fft.rfftn(box), count)
    filters = _shell_filters(box.shape, count, tuple(spacing_nm), tuple(radii_nm.tolist()))
    strength = fft.irfftn(spectrum * filters, s=count, axes=(1, 2, 3))
    step_nm = np.array(box.shape) * spacing_nm / count
    # One sample beyond the reach, so that a maximum just within it is told from a slope.
    low = np.maximum(np.ceil((-reach_nm - first_nm) / step_nm).astype(int) - 1, 0)
    high = np.floor((reach_nm - first_nm) / step_nm).astype(int) + 2
    z, y, x = (slice(a, b) for a, b in zip(low, high, strict=True))
    # A shell's noise averages over its surface: what counts is the mean in standard errors.
    near = strength[:, z, y, x] * radii_nm[:, None, None, None].astype(np.float32)
    found = np.argwhere((near == ndimage.maximum_filter(near, 3, mode="nearest")) & (near > 0))
    shift_nm = first_nm + (low + found[:, 1:]) * step_nm
    within = np.linalg.norm(shift_nm, axis=1) <= reach_nm
    found, shift_nm = found[within], shift_nm[within]
    best = np.argsort(-near[tuple(found.T)], kind="stable")[:keep]
    return centre + shift_nm[best] / np.asarray(density.voxel_size_nm), radii_nm[found[best, 0]]


def _cropped(
    spectrum: npt.NDArray[np.complex64], count: tuple[int, ...]
) -> npt.NDArray[np.complex64]:
    """Keep the low frequencies of a real transform: those of `count` samples, odd along each."""
    z, y, x = (n // 2 for n in count)
    rows = np.concatenate([spectrum[: z + 1], spectrum[-z:]])
    planes = np.concatenate([rows[:, : y + 1], rows[:, -y:]], axis=1)
    return planes[:, :, : x + 1]


@lru_cache(maxsize=4)
def _shell_filters(
    shape: tuple[int, ...], count: tuple[int, ...], spacing_nm: Triple, radii_nm: tuple[float, ...]
) -> npt.NDArray[np.float32]:
    """Transform the filter (R, ...) of each radius, whose output is the mean over a shell."""
    step = [n * s / m for n, s, m in zip(shape, spacing_nm, count, strict=True)]
    z, y = (fft.fftfreq(m, s) for m, s in zip(count[:2], step[:2], strict=True))
    x = fft.rfftfreq(count[2], step[2])
    k = 2 * np.pi * np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2)
    scale = np.prod(count) / np.prod(shape)
    ridge = -scale * k**2 * np.exp(-((GENERIC_SIGMA_NM * k) ** 2) / 2)
    return np.stack([ridge * np.sinc(k * r / np.pi) for r in radii_nm]).astype(np.float32)
