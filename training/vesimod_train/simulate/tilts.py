"""The microscope's settings, and which frequencies its tilt series holds.

Axes are (z, y, x), z along the beam, the tilt axis in the xy plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Volume = npt.NDArray[np.float32]
Phases = npt.NDArray[np.complex64]


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
    step_deg : float
        Between tilts, which leaves gaps between the slices at high frequencies; 0 for none.
    alignment_nm : float
        SD of each tilt's shift against the others, in each direction of the image.
    defocus_spread_um : float
        SD of each tilt's defocus around the mean.
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
    sirt_iterations : float
        Reconstruct as so many iterations of SIRT would; 0 for weighted back-projection.
    deconvolution : float
        Strength 0..1 of a Wiener-like restoration of low frequencies.
    smoothing : float
        Strength of an edge-preserving filter (total variation) on the finished volume, in
        units of its SD; 0 for none.
    diffusion : float
        Steps of nonlinear anisotropic diffusion (Perona and Malik 1990) on the finished
        volume, as many labs filter; 0 for none.
    diffusion_edge : float
        Difference between voxels, in units of the volume's SD, above which they count as an edge.
    """

    tilt_low_deg: float = -60.0
    tilt_high_deg: float = 60.0
    axis_deg: float = 0.0
    dual_axis: bool = False
    step_deg: float = 0.0
    alignment_nm: float = 0.0
    defocus_spread_um: float = 0.0
    defocus_um: float = 5.0
    voltage_kv: float = 300.0
    amplitude_contrast: float = 0.1
    dose_nm: float = 0.8
    blur_nm: float = 0.6
    snr: float = 0.1
    noise_power: float = 1.0
    lowpass_nm: float = 0.0
    sirt_iterations: float = 0.0
    deconvolution: float = 0.0
    smoothing: float = 0.0
    diffusion: float = 0.0
    diffusion_edge: float = 1.0


def sampled(
    kz: Volume, ky: Volume, kx: Volume, scope: Microscope, thickness_nm: float = 0.0
) -> tuple[Volume, Volume, Volume]:
    """Say which frequencies the tilt series holds.

    Parameters
    ----------
    kz, ky, kx : arrays that broadcast to (z, y, x)
        Frequencies in 1/nm.
    scope : Microscope
        Tilt range, axis and step.
    thickness_nm : float
        Of the volume: a slice in Fourier space is about its inverse thick (Crowther et al.
        1970), so that slices further apart than this leave gaps.

    Returns
    -------
    seen : float32
        1 inside the tilt range, 0 in the missing wedge, with an edge of 1 degree.
    tilt : float32
        Tilt in degrees of the slice that holds the frequency.
    radial : float32
        Frequency perpendicular to the tilt axis, in 1/nm: the ramp filter's argument.
    """
    turn = np.radians(scope.axis_deg)
    across = kx * np.cos(turn) + ky * np.sin(turn)
    seen, tilt = _slices(kz, across, scope, thickness_nm)
    radial = np.sqrt(kz**2 + across**2)
    if scope.dual_axis:
        other = ky * np.cos(turn) - kx * np.sin(turn)
        seen_other, tilt_other = _slices(kz, other, scope, thickness_nm)
        seen = np.maximum(seen, seen_other)
        tilt = np.where(np.abs(tilt_other) < np.abs(tilt), tilt_other, tilt)
    return seen, tilt, radial.astype(np.float32)


def _slices(
    kz: Volume, across: Volume, scope: Microscope, thickness_nm: float
) -> tuple[Volume, Volume]:
    """Mask and tilt angle for one tilt axis; `across` is the frequency at right angles to it."""
    # The direction (kz, across) lies on the slice of the tilt with tan = kz / across.
    tilt = np.degrees(np.arctan2(kz * np.where(across < 0, -1, 1), np.abs(across)))
    low, high = scope.tilt_low_deg, scope.tilt_high_deg
    seen = np.clip(tilt - low + 0.5, 0, 1) * np.clip(high - tilt + 0.5, 0, 1)
    if scope.step_deg > 0:
        off = tilt - low - scope.step_deg * np.round((tilt - low) / scope.step_deg)
        way = np.sqrt(kz**2 + across**2) * np.sin(np.radians(np.abs(off)))
        seen = seen * np.sinc(np.minimum(way * thickness_nm, 1.0))
    # Along the tilt axis itself every tilt sees everything.
    seen = np.where((kz == 0) & (across == 0), 1.0, seen)
    return seen.astype(np.float32), tilt.astype(np.float32)


def each_tilt(
    tilt: Volume, scope: Microscope, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Draw what differs from tilt to tilt.

    Returns
    -------
    shifts : (N, 2)
        Of each of N tilts, across and along the axis, in nm.
    defocus : (N,)
        Offsets in um.
    number : (z, y, x)
        Each frequency's tilt.
    """
    step = scope.step_deg or 3.0
    count = int((scope.tilt_high_deg - scope.tilt_low_deg) / step) + 1
    shifts = rng.normal(0, scope.alignment_nm, (count, 2))
    # Shifts that a shift of the whole cell explains are not errors of alignment: the tomogram
    # lies where they say, and so must the truth.
    angles = np.radians(scope.tilt_low_deg + step * np.arange(count))
    moves = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    shifts[:, 0] -= moves @ np.linalg.lstsq(moves, shifts[:, 0], rcond=None)[0]
    shifts[:, 1] -= shifts[:, 1].mean()
    defocus = rng.normal(0, scope.defocus_spread_um, count).astype(np.float32)
    number = np.clip(np.rint((tilt - scope.tilt_low_deg) / step), 0, count - 1)
    return shifts.astype(np.float32), defocus, number.astype(np.int64)


def shifted(
    ky: Volume,
    kx: Volume,
    radial: Volume,
    shifts_nm: npt.NDArray[np.float32],
    scope: Microscope,
) -> Phases | float:
    """Phase factors of images shifted across and along the tilt axis, (z, y, x, 2) in nm."""
    if scope.alignment_nm == 0:
        return 1.0
    turn = np.radians(scope.axis_deg)
    across = np.where(kx * np.cos(turn) + ky * np.sin(turn) < 0, -radial, radial)
    along = ky * np.cos(turn) - kx * np.sin(turn)
    turns = across * shifts_nm[..., 0] + along * shifts_nm[..., 1]
    factors: Phases = np.exp(-2j * np.pi * turns).astype(np.complex64)
    return factors
