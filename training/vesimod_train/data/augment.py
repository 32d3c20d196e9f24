"""Crops, turned and disturbed as tomograms differ from lab to lab."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from vesimod_train.data.examples import OUTSIDE_NM, Example

Volume = npt.NDArray[np.float32]
Shape = tuple[int, int, int]
WALK_RINGS, WALK_STEP = 12, 0.15  # rings of the random walk over frequencies, logarithm a ring
NOISE_BLUR = 2.5  # voxels, of the coarsest noise that is to be told from vesicles
VESICLE_SHARE = 0.7  # of the crops are centred near a vesicle, where there is any


def random_crop(example: Example, edges: Shape, rng: np.random.Generator) -> list[Volume]:
    """Cut a box from an example; where the volume is thinner, it is continued by reflection.

    Returns
    -------
    list of (z, y, x) float32
        The example's channels, each of the shape `edges`.
    """
    shape, edge = np.array(example.volume.shape), np.array(edges)
    centres = example.focus
    if len(centres) and rng.random() < VESICLE_SHARE:
        centre = centres[rng.integers(len(centres))]
        low = np.round(centre - edge * rng.uniform(0.2, 0.8, 3)).astype(int)
    else:
        low = rng.integers(0, np.maximum(shape - edge, 0) + 1)
    low = np.clip(low, 0, np.maximum(shape - edge, 0))
    box = tuple(slice(int(a), int(a) + n) for a, n in zip(low, edges, strict=True))
    padding = [(0, max(0, int(n))) for n in edge - shape]
    return [np.pad(np.asarray(v[box], np.float32), padding, "symmetric") for v in example.channels]


def random_flip_rotate(crops: Sequence[Volume], rng: np.random.Generator) -> list[Volume]:
    """Flip along any axis and turn by 90 degrees about z: the missing wedge stays along z."""
    axes = tuple(int(axis) for axis in np.flatnonzero(rng.random(3) < 0.5))
    quarter = int(rng.integers(4))
    return [np.ascontiguousarray(np.rot90(np.flip(v, axes), quarter, (1, 2))) for v in crops]


def augment_intensity(volume: Volume, rng: np.random.Generator) -> Volume:
    """Change grey values and their spectrum, blur, add noise, cut out. Never the polarity."""
    noise = rng.normal(size=volume.shape).astype(np.float32)
    if rng.random() < 0.2:
        volume = ndimage.gaussian_filter(volume, rng.uniform(0.3, 0.8))
        volume = volume / max(float(volume.std()), 0.1)
    if rng.random() < 0.3:
        volume = volume + np.float32(rng.uniform(0.1, 0.7)) * noise
    if rng.random() < 0.4:
        volume = blend(volume, augment_spectrum(volume, rng), rng)
    if rng.random() < 0.15:
        volume = blend(volume, cut_wedge(volume, rng), rng)
    if rng.random() < 0.3:  # one-sided stretching of dark or of bright values
        bend = rng.uniform(-0.06, 0.06)
        volume = volume + bend * np.clip(volume, -5, 5) ** 2
    if rng.random() < 0.3:
        ramp = np.linspace(-1, 1, volume.shape[0], dtype=np.float32)[:, None, None]
        volume = volume * (1 + rng.uniform(-0.3, 0.3) * ramp) + rng.uniform(-0.3, 0.3) * ramp
    volume = rng.uniform(0.7, 1.4) * volume + rng.uniform(-0.3, 0.3)
    if rng.random() < 0.15:
        low = [int(rng.integers(0, n)) for n in volume.shape]
        z, y, x = (slice(a, a + int(rng.integers(3, 12))) for a in low)
        volume = volume.copy()
        volume[z, y, x] = volume.mean()
    return np.asarray(volume, np.float32)


def augment_spectrum(volume: Volume, rng: np.random.Generator) -> Volume:
    """Multiply amplitudes by a power of the frequency and a random walk over it.

    Reconstructions and filters of labs differ in how much of each frequency they keep. Mean and
    SD stay as they are.
    """
    frequency = _frequency(volume)
    # Below 0.05 cycles a voxel, larger than vesicles, all stays as it is.
    rings = np.maximum(frequency / 0.05, 1.0)
    walk = np.cumsum(rng.normal(0, WALK_STEP, WALK_RINGS))
    wander = np.interp(frequency, np.linspace(0.05, 0.87, WALK_RINGS), walk - walk[0])
    return _filtered(volume, rings ** rng.uniform(-1.0, 0.6) * np.exp(wander))


def cut_wedge(volume: Volume, rng: np.random.Generator) -> Volume:
    """Take another missing wedge of 50 to 85 degrees away, its axis anywhere in the xy plane."""
    z, y, x = _axes(volume)
    turn = rng.uniform(0, np.pi)
    across = np.abs(x * np.cos(turn) + y * np.sin(turn))
    tilt = np.degrees(np.arctan2(np.abs(z), across))
    return _filtered(volume, (tilt <= 90 - 0.5 * rng.uniform(50, 85)).astype(np.float32))


def blend(before: Volume, after: Volume, rng: np.random.Generator) -> Volume:
    """Put a changed volume in the place of another around a random point, fading outwards."""
    weight = np.float32(1)
    for axis, n in zip(np.ix_(*map(np.arange, before.shape)), before.shape, strict=True):
        width = rng.uniform(0.3, 2.0) * n
        weight = weight * np.exp(-0.5 * ((axis - rng.uniform(0, n)) / width) ** 2)
    return np.asarray(before + weight * (after - before), np.float32)


def _axes(volume: Volume) -> tuple[Volume, Volume, Volume]:
    """Frequencies (z, y, x) of a real transform in cycles a voxel, ready to broadcast."""
    z, y, x = np.ix_(*map(fft.fftfreq, volume.shape[:2]), fft.rfftfreq(volume.shape[2]))
    return z, y, x


def _frequency(volume: Volume) -> Volume:
    """Frequency of each coefficient of a real transform, in cycles a voxel."""
    z, y, x = _axes(volume)
    return np.asarray(np.sqrt(z**2 + y**2 + x**2), np.float32)


def _filtered(volume: Volume, gain: Volume) -> Volume:
    """Multiply a volume's amplitudes; mean and SD stay as they are."""
    changed = fft.irfftn(fft.rfftn(volume) * gain, volume.shape)
    scale = float(volume.std()) / max(float(changed.std()), 1e-6)
    return np.asarray((changed - changed.mean()) * scale + volume.mean(), np.float32)


def noise_crop(edges: Shape, rng: np.random.Generator) -> list[Volume]:
    """Make the channels of a crop of nothing but noise, of any grain: there is no vesicle in it."""
    noise = ndimage.gaussian_filter(rng.normal(size=edges), rng.uniform(0, NOISE_BLUR))
    nowhere = np.full(edges, OUTSIDE_NM, np.float32)
    return [np.asarray(noise / noise.std(), np.float32), nowhere, np.ones(edges, np.float32)]


def training_batch(
    examples: Sequence[Example],
    size: int,
    edges: Shape,
    rng: np.random.Generator,
    noise_share: float = 0.0,
) -> list[Volume]:
    """Draw a batch.

    Parameters
    ----------
    examples : sequence of Example
    size : int
        Crops.
    edges : (int, int, int)
        Of a crop (z, y, x), in voxels.
    rng : Generator
    noise_share : float
        Share of the crops that hold nothing but noise, where vesicles are to be told.

    Returns
    -------
    list of (size, 1, *edges) float32
        The examples' channels: volumes, what is to be said of them, weights.
    """
    batch = []
    for _ in range(size):
        if noise_share and rng.random() < noise_share:
            crops = noise_crop(edges, rng)
        else:
            example = examples[int(rng.integers(len(examples)))]
            crops = random_flip_rotate(random_crop(example, edges, rng), rng)
        volume, *labels = crops
        batch.append([augment_intensity(volume, rng), *labels])
    return [np.stack(v)[:, None] for v in zip(*batch, strict=True)]
