"""Crops, turned and disturbed as tomograms differ from lab to lab."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from vesimod_train.dataset import Example

Volume = npt.NDArray[np.float32]
VESICLE_SHARE = 0.7  # of the crops are centred near a vesicle, where there is any


def random_crop(example: Example, edge: int, rng: np.random.Generator) -> tuple[Volume, Volume]:
    """Cut a cube from an example; where the volume is thinner, it is continued by reflection.

    Returns
    -------
    volume, distance_nm : (edge, edge, edge) float32
    """
    shape = np.array(example.volume.shape)
    if len(example.spheres) and rng.random() < VESICLE_SHARE:
        centre = example.spheres.centres[rng.integers(len(example.spheres))]
        low = np.round(centre - edge * rng.uniform(0.2, 0.8, 3)).astype(int)
    else:
        low = rng.integers(0, np.maximum(shape - edge, 0) + 1)
    low = np.clip(low, 0, np.maximum(shape - edge, 0))
    box = tuple(slice(int(a), int(a) + edge) for a in low)
    padding = [(0, max(0, edge - n)) for n in shape]
    volume = np.pad(example.volume[box], padding, "symmetric")
    return volume, np.pad(example.distance_nm[box], padding, "symmetric")


def turn(volume: Volume, distance_nm: Volume, rng: np.random.Generator) -> tuple[Volume, Volume]:
    """Flip along any axis and turn by 90 degrees about z: the missing wedge stays along z."""
    axes = tuple(int(axis) for axis in np.flatnonzero(rng.random(3) < 0.5))
    quarter = int(rng.integers(4))
    turned = [np.rot90(np.flip(v, axes), quarter, (1, 2)) for v in (volume, distance_nm)]
    return np.ascontiguousarray(turned[0]), np.ascontiguousarray(turned[1])


def disturb(volume: Volume, rng: np.random.Generator) -> Volume:
    """Change grey values: gain, offset, slope, gamma, blur, noise, cut-outs. Never the polarity."""
    noise = rng.normal(size=volume.shape).astype(np.float32)
    if rng.random() < 0.2:
        volume = ndimage.gaussian_filter(volume, rng.uniform(0.3, 0.8))
        volume = volume / max(float(volume.std()), 0.1)
    if rng.random() < 0.3:
        volume = volume + np.float32(rng.uniform(0.1, 0.7)) * noise
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


def training_batch(
    examples: list[Example], size: int, edge: int, rng: np.random.Generator
) -> tuple[Volume, Volume]:
    """Draw a batch.

    Returns
    -------
    volumes, distances_nm : (size, 1, edge, edge, edge) float32
    """
    volumes, distances = [], []
    for _ in range(size):
        example = examples[int(rng.integers(len(examples)))]
        volume, distance = turn(*random_crop(example, edge, rng), rng)
        volumes.append(disturb(volume, rng))
        distances.append(distance)
    return np.stack(volumes)[:, None], np.stack(distances)[:, None]
