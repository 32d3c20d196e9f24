"""From which probability on a voxel counts as vesicle."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray, Triple, Volume

from vesimod.network.resample import model_to_volume
from vesimod.radial.rays import RaySampler

DEFAULT_THRESHOLD = 0.5
UNSURE = 0.1  # a network that nowhere gives more than this has found nothing
SHARES = np.round(np.arange(0.3, 0.991, 0.03), 3)  # of the highest probability
MOST_SAMPLES = 1_000_000
MIN_SHELL = 100  # voxels; fewer have no meaningful mean


#: Probabilities, and the mean density on the border of the mask that each of them gives.
Curve = tuple[tuple[float, float], ...]


def choose_threshold(curve: Curve) -> float:
    """Take the threshold whose mask ends on the darkest density: the paper's global threshold.

    `DEFAULT_THRESHOLD` where there is no shell at all.
    """
    return min(curve, key=lambda point: point[1])[0] if curve else DEFAULT_THRESHOLD


def threshold_curve(
    density: RaySampler,
    probability: Volume,
    probability_voxel_size_nm: Triple,
    region: BoolArray | None = None,
) -> Curve:
    """Measure the density that the mask ends on, for each threshold that may be chosen.

    The outermost layer of voxels of the mask lies on the membrane where its mean density is
    lowest. Unlike the paper's, the search is not tied to one network's range: it spans 30 to
    99 % of the highest probability. Thresholds without a shell are passed over.

    Parameters
    ----------
    density : RaySampler
        The tomogram.
    probability : (z, y, x) float32
        On the network's grid, edges aligned with the tomogram's.
    probability_voxel_size_nm : (float, float, float)
        Of `probability`.
    region : (z, y, x) bool, optional
        On the tomogram's grid: only there is the shell looked at.

    Returns
    -------
    tuple of (float, float)
        Threshold and mean density, darker is lower, in the order of the thresholds.
    """
    places = _nearest_places(density, probability.shape, probability_voxel_size_nm)
    # What the network says elsewhere, or was not asked there, must not matter.
    looked_at = np.True_ if region is None else region[np.ix_(*places)]
    highest = float(probability.max(initial=0.0, where=looked_at))
    thresholds = SHARES * highest
    inside = np.flatnonzero((probability >= thresholds[0]) & looked_at)
    if highest < UNSURE or len(inside) == 0:
        return ()
    inside = inside[:: -(-len(inside) // MOST_SAMPLES)]
    voxels = np.stack(np.unravel_index(inside, probability.shape), axis=1)
    lowest_neighbour = _lowest_neighbour(probability, voxels)
    value = probability[tuple(voxels.T)]
    nearest = tuple(along[rows] for along, rows in zip(places, voxels.T, strict=True))
    grey = np.asarray(density.voxels[nearest], np.float64)
    grey = -grey if density.invert else grey
    curve = []
    for threshold in thresholds:
        shell = (value >= threshold) & (lowest_neighbour < threshold)
        if shell.sum() >= MIN_SHELL:
            curve.append((float(threshold), float(grey[shell].mean())))
    return tuple(curve)


def _nearest_places(
    density: RaySampler, shape: tuple[int, ...], voxel_size_nm: Triple
) -> list[npt.NDArray[np.int64]]:
    """For each axis, the tomogram's voxel that each of a map's is nearest to."""
    longest = np.arange(max(shape), dtype=np.float64)
    points = model_to_volume(np.stack([longest] * 3, axis=1), density.voxel_size_nm, voxel_size_nm)
    ends = density.voxels.shape
    return [
        np.clip(np.rint(points[:n, axis]).astype(np.int64), 0, ends[axis] - 1)
        for axis, n in enumerate(shape)
    ]


def _lowest_neighbour(probability: Volume, voxels: npt.NDArray[np.int64]) -> Volume:
    """Lowest probability (N,) among the six neighbours of each voxel (N, 3).

    At the border of the volume a voxel is its own neighbour: the border is not a shell.
    """
    lowest = np.full(len(voxels), np.inf, np.float32)
    for axis in range(3):
        for step in (-1, 1):
            there = voxels.copy()
            there[:, axis] = np.clip(there[:, axis] + step, 0, probability.shape[axis] - 1)
            np.minimum(lowest, probability[tuple(there.T)], out=lowest)
    return lowest
