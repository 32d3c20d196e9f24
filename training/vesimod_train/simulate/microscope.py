"""How the simulated cell is imaged: tilt series and back-projection, done in Fourier space.

By the Fourier slice theorem, projecting a volume at a tilt angle, multiplying the image's
transform by the contrast transfer function and back-projecting with the ramp filter is the
same as multiplying the volume's transform on that slice (Radermacher, in Electron Tomography,
2006; a test compares the two). Between slices we interpolate: fine for objects far smaller
than the volume. Axes are (z, y, x), z along the beam, the tilt axis in the xy plane.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft
from skimage.restoration import denoise_tv_chambolle

from vesimod_train.simulate.tilts import Microscope, each_tilt, sampled, shifted

Volume = npt.NDArray[np.float32]
SIRT_FIRST_PER_NM = 1e-3  # one wave across the micrometre that a tomogram is wide


def wavelength_nm(voltage_kv: float) -> float:
    """Relativistic electron wavelength in nm (de Broglie)."""
    volts = 1e3 * voltage_kv
    return float(1.22639 / np.sqrt(volts * (1.0 + 0.97845e-6 * volts)))


def contrast_transfer(
    frequency: npt.NDArray[np.floating],
    scope: Microscope,
    shift_um: npt.NDArray[np.floating] | float = 0.0,
) -> npt.NDArray[np.floating]:
    """Contrast transfer function, positive at low frequencies in underfocus.

    Parameters
    ----------
    frequency : array
        In 1/nm.
    scope : Microscope
        Defocus, voltage and amplitude contrast; the spherical aberration (2.7 mm) matters
        little at a tomogram's resolution but is there.
    shift_um : array or float
        Added to the defocus.
    """
    if scope.defocus_um == 0:
        return np.ones_like(frequency)
    length = wavelength_nm(scope.voltage_kv)
    squared = frequency**2
    phase = np.pi * length * squared * (1e3 * (scope.defocus_um + shift_um))
    phase = phase - 0.5 * np.pi * 2.7e6 * length**3 * squared**2
    transfer: npt.NDArray[np.floating] = np.sin(phase + np.arcsin(scope.amplitude_contrast))
    return transfer


def recovered(radial: npt.NDArray[np.floating], iterations: float) -> npt.NDArray[np.floating]:
    """Share of each frequency that SIRT has recovered after some iterations.

    The lowest frequencies come first: 1 - (1 - a / f)^n, relative to weighted back-projection
    (Zeng, Medical Physics 39, 2012).

    Parameters
    ----------
    radial : array
        Frequency f perpendicular to the tilt axis, in 1/nm.
    iterations : float
        n; a is `SIRT_FIRST_PER_NM`, recovered at once.
    """
    missing = 1.0 - SIRT_FIRST_PER_NM / np.maximum(radial, SIRT_FIRST_PER_NM)
    share: npt.NDArray[np.floating] = 1.0 - missing**iterations
    return share


def image(
    density: Volume,
    size_nm: float,
    scope: Microscope,
    rng: np.random.Generator,
    gold: Volume | None = None,
) -> Volume:
    """Make a tomogram of a density.

    Parameters
    ----------
    density : (z, y, x) float32
        Dense is positive. The transform is periodic: leave a margin and cut it off.
    size_nm : float
        Voxel size.
    scope : Microscope
        How it is imaged.
    rng : Generator
        Noise.
    gold : (z, y, x) float32, optional
        Density of beads, imaged with the rest but left out of the signal whose variance
        sets the noise: a single bead would otherwise hide the cell in it.

    Returns
    -------
    (z, y, x) float32
        Dense is dark; the signal has variance 1 before the noise is added.
    """
    kz, ky, kx = _frequencies(density.shape, size_nm)
    k = np.sqrt(kz**2 + ky**2 + kx**2)
    seen, tilt, radial = sampled(kz, ky, kx, scope, density.shape[0] * size_nm)
    shifts_nm, defocus_um, number = each_tilt(tilt, scope, rng)
    dose_nm = scope.dose_nm * np.abs(tilt) / 60
    fade = np.exp(-2 * (np.pi * k) ** 2 * (scope.blur_nm**2 + dose_nm**2))
    transfer = contrast_transfer(k, scope, defocus_um[number])
    aligned = shifted(ky, kx, radial, shifts_nm[number], scope)
    # What is done to the finished volume acts on signal and noise alike.
    shown = np.exp(-2 * (np.pi * k * scope.lowpass_nm) ** 2)
    if scope.sirt_iterations > 0:
        shown = shown * recovered(radial, scope.sirt_iterations)
    if scope.deconvolution > 0:
        restoring = np.abs(transfer) / (transfer**2 + 0.1)
        shown = shown * (1 + scope.deconvolution * (restoring - 1))
    point_spread = -transfer * fade * shown * seen * aligned

    def imaged(object_density: Volume) -> Volume:
        spectrum = fft.rfftn(object_density - object_density.mean(), workers=2)
        result: Volume = fft.irfftn(spectrum * point_spread, object_density.shape, workers=2)
        return result

    signal = imaged(density)
    nyquist = 0.5 / size_nm
    colour = (np.maximum(radial, 0.01 * nyquist) / nyquist) ** (0.5 * scope.noise_power)
    # A tilted specimen is thicker: fewer electrons pass, and their images are noisier.
    colour /= np.sqrt(np.cos(np.radians(np.minimum(np.abs(tilt), 75))))
    white = rng.standard_normal(density.shape, np.float32)
    noise = fft.irfftn(
        fft.rfftn(white, workers=2) * colour * shown * seen, density.shape, workers=2
    )
    spread = float(signal.std())
    scale = 1.0 / spread if spread > 0 else 0.0  # in an empty volume
    if gold is not None and gold.any():
        signal += imaged(gold)
    signal *= scale
    noise *= 1.0 / (noise.std() * np.sqrt(scope.snr))
    tomogram: Volume = (signal + noise).astype(np.float32)
    if scope.smoothing > 0:
        spread = float(tomogram.std())
        tomogram = denoise_tv_chambolle(tomogram / spread, scope.smoothing, max_num_iter=15)
        tomogram = (tomogram * spread).astype(np.float32)
    if scope.diffusion > 0:
        edge = scope.diffusion_edge * float(tomogram.std())
        tomogram = diffuse(tomogram, int(scope.diffusion), edge)
    return tomogram


def diffuse(volume: Volume, steps: int, edge: float) -> Volume:
    """Nonlinear anisotropic diffusion: smooths, but little across edges.

    The conductance is exp(-(difference / edge)^2) between neighbours (Perona and Malik, IEEE
    Transactions on Pattern Analysis 12, 1990), the step a seventh, which is stable in 3D.
    """
    volume = volume.copy()
    for _ in range(steps):
        change = np.zeros_like(volume)
        for axis in range(3):
            difference = np.diff(volume, axis=axis)
            flow = difference * np.exp(-((difference / np.float32(edge)) ** 2))
            low, high = [slice(None)] * 3, [slice(None)] * 3
            low[axis], high[axis] = slice(None, -1), slice(1, None)
            change[tuple(low)] += flow
            change[tuple(high)] -= flow
        volume += change / np.float32(7)
    return volume


def _frequencies(shape: tuple[int, ...], size_nm: float) -> tuple[Volume, Volume, Volume]:
    """Frequencies (z, y, x) in 1/nm of a real transform, ready to broadcast."""
    kz = fft.fftfreq(shape[0], size_nm).astype(np.float32)[:, None, None]
    ky = fft.fftfreq(shape[1], size_nm).astype(np.float32)[None, :, None]
    kx = fft.rfftfreq(shape[2], size_nm).astype(np.float32)[None, None, :]
    return kz, ky, kx
