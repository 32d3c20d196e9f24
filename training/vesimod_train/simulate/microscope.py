"""How the simulated cell is imaged: tilt series and back-projection, done in Fourier space.

By the Fourier slice theorem, projecting a volume at a tilt angle, multiplying the image's
transform by the contrast transfer function and back-projecting with the ramp filter is the
same as multiplying the volume's transform on that slice (Radermacher, in Electron Tomography,
2006; a test compares the two). Between slices we interpolate: fine for objects far smaller
than the volume. Axes are (z, y, x), z along the beam, the tilt axis in the xy plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft

Volume = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Microscope:
    """One way to take and reconstruct a tilt series.

    Parameters
    ----------
    tilt_low_deg, tilt_high_deg : float
        Tilt range.
    axis_deg : float
        Direction of the tilt axis in the xy plane, from y towards x; 0 as in IMOD.
    dual_axis : bool
        A second series with the axis turned by 90 degrees fills the wedge to a pyramid.
    defocus_um : float
        Underfocus; 0 leaves out the contrast transfer function.
    voltage_kv : float
        Of the microscope.
    amplitude_contrast : float
        0..1; what passes at the lowest frequencies.
    dose_nm : float
        Blur (sigma, nm) that dose adds at the highest tilts, none at zero.
    blur_nm : float
        Blur (sigma, nm) of everything: interpolation, misalignment.
    snr : float
        Variance of the filtered signal over the variance of the noise.
    noise_power : float
        Noise power rises with this power of the frequency: 1 for ramp-filtered
        back-projection of white detector noise, 0 for white, below 0 after SIRT-like filters.
    lowpass_nm : float
        Gaussian filter (sigma, nm) on the finished volume; 0 for none.
    deconvolution : float
        Strength 0..1 of a Wiener-like restoration of low frequencies.
    """

    tilt_low_deg: float = -60.0
    tilt_high_deg: float = 60.0
    axis_deg: float = 0.0
    dual_axis: bool = False
    defocus_um: float = 5.0
    voltage_kv: float = 300.0
    amplitude_contrast: float = 0.1
    dose_nm: float = 0.8
    blur_nm: float = 0.6
    snr: float = 0.1
    noise_power: float = 1.0
    lowpass_nm: float = 0.0
    deconvolution: float = 0.0


def wavelength_nm(voltage_kv: float) -> float:
    """Relativistic electron wavelength in nm (de Broglie)."""
    volts = 1e3 * voltage_kv
    return float(1.22639 / np.sqrt(volts * (1.0 + 0.97845e-6 * volts)))


def contrast_transfer(
    frequency: npt.NDArray[np.floating], scope: Microscope
) -> npt.NDArray[np.floating]:
    """Contrast transfer function, positive at low frequencies in underfocus.

    Parameters
    ----------
    frequency : array
        In 1/nm.
    scope : Microscope
        Defocus, voltage and amplitude contrast; the spherical aberration (2.7 mm) matters
        little at a tomogram's resolution but is there.
    """
    if scope.defocus_um == 0:
        return np.ones_like(frequency)
    length = wavelength_nm(scope.voltage_kv)
    squared = frequency**2
    phase = np.pi * length * squared * (1e3 * scope.defocus_um)
    phase = phase - 0.5 * np.pi * 2.7e6 * length**3 * squared**2
    transfer: npt.NDArray[np.floating] = np.sin(phase + np.arcsin(scope.amplitude_contrast))
    return transfer


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
    seen, angle, radial = sampled(kz, ky, kx, scope)
    fade = np.exp(-2 * (np.pi * k) ** 2 * (scope.blur_nm**2 + (scope.dose_nm * angle / 60) ** 2))
    transfer = contrast_transfer(k, scope)
    # What is done to the finished volume acts on signal and noise alike.
    shown = np.exp(-2 * (np.pi * k * scope.lowpass_nm) ** 2)
    if scope.deconvolution > 0:
        restoring = np.abs(transfer) / (transfer**2 + 0.1)
        shown = shown * (1 + scope.deconvolution * (restoring - 1))
    point_spread = -transfer * fade * shown * seen

    def imaged(object_density: Volume) -> Volume:
        spectrum = fft.rfftn(object_density - object_density.mean(), workers=2)
        result: Volume = fft.irfftn(spectrum * point_spread, object_density.shape, workers=2)
        return result

    signal = imaged(density)
    nyquist = 0.5 / size_nm
    colour = (np.maximum(radial, 0.01 * nyquist) / nyquist) ** (0.5 * scope.noise_power)
    white = rng.standard_normal(density.shape, np.float32)
    noise = fft.irfftn(
        fft.rfftn(white, workers=2) * colour * shown * seen, density.shape, workers=2
    )
    scale = 1.0 / signal.std()
    if gold is not None and gold.any():
        signal += imaged(gold)
    signal *= scale
    noise *= 1.0 / (noise.std() * np.sqrt(scope.snr))
    tomogram: Volume = (signal + noise).astype(np.float32)
    return tomogram


def sampled(kz: Volume, ky: Volume, kx: Volume, scope: Microscope) -> tuple[Volume, Volume, Volume]:
    """Say which frequencies the tilt series holds.

    Returns
    -------
    seen : float32
        1 inside the tilt range, 0 in the missing wedge, with an edge of 1 degree.
    angle : float32
        Tilt in degrees, without sign, of the slice that holds the frequency.
    radial : float32
        Frequency perpendicular to the tilt axis, in 1/nm: the ramp filter's argument.
    """
    turn = np.radians(scope.axis_deg)
    across = kx * np.cos(turn) + ky * np.sin(turn)
    seen, angle = _slices(kz, across, scope)
    radial = np.sqrt(kz**2 + across**2)
    if scope.dual_axis:
        other = ky * np.cos(turn) - kx * np.sin(turn)
        seen_other, angle_other = _slices(kz, other, scope)
        seen = np.maximum(seen, seen_other)
        angle = np.minimum(angle, angle_other)
    return seen, angle, radial.astype(np.float32)


def _slices(kz: Volume, across: Volume, scope: Microscope) -> tuple[Volume, Volume]:
    """Mask and tilt angle for one tilt axis; `across` is the frequency at right angles to it."""
    # The direction (kz, across) lies on the slice of the tilt with tan = kz / across.
    tilt = np.degrees(np.arctan2(kz * np.where(across < 0, -1, 1), np.abs(across)))
    low, high = scope.tilt_low_deg, scope.tilt_high_deg
    seen = np.clip(tilt - low + 0.5, 0, 1) * np.clip(high - tilt + 0.5, 0, 1)
    # Along the tilt axis itself every tilt sees everything.
    seen = np.where((kz == 0) & (across == 0), 1.0, seen)
    return seen.astype(np.float32), np.abs(tilt).astype(np.float32)


def _frequencies(shape: tuple[int, ...], size_nm: float) -> tuple[Volume, Volume, Volume]:
    """Frequencies (z, y, x) in 1/nm of a real transform, ready to broadcast."""
    kz = fft.fftfreq(shape[0], size_nm).astype(np.float32)[:, None, None]
    ky = fft.fftfreq(shape[1], size_nm).astype(np.float32)[None, :, None]
    kx = fft.rfftfreq(shape[2], size_nm).astype(np.float32)[None, None, :]
    return kz, ky, kx
