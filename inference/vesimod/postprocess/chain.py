"""From a probability map and its tomogram to spheres with reasons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from vesimod_imod.spheres import Spheres, Triple

from vesimod.postprocess.candidates import Candidates, Volume
from vesimod.postprocess.instances import spheres_of_labels, split_instances
from vesimod.resample import model_to_volume

MIN_RADIUS_NM = 8.0  # smaller than any synaptic vesicle


def find_spheres(
    volume: npt.NDArray[Any],
    voxel_size_nm: Triple,
    probability: Volume,
    probability_voxel_size_nm: Triple,
    *,
    distance: Volume | None = None,
    threshold: float | None = None,
    invert: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Candidates:
    """Find vesicles as spheres.

    Parameters
    ----------
    volume : (z, y, x) array of any real type
        The tomogram; read in boxes, so it may be memory-mapped. Membranes dark.
    voxel_size_nm : (float, float, float)
        Of `volume`.
    probability : (z, y, x) float32
        Vesicle probability 0..1 on the network's grid, edges aligned with `volume`.
    probability_voxel_size_nm : (float, float, float)
        Of `probability`.
    distance : (z, y, x) float32, optional
        Signed distance to the vesicle surface in nm, positive inside, on the same grid.
    threshold : float, optional
        Probability from which a voxel is vesicle; default automatic.
    invert : bool
        Membranes are bright: negate what is read.

    progress : callable, optional
        Called with (vesicles done, vesicles in all).

    Returns
    -------
    Candidates
        Accepted and dropped spheres, centres in voxels of `volume`.

    Raises
    ------
    ValueError
        The arrays are not 3D, or `distance` differs from `probability` in shape.
    """
    if volume.ndim != 3 or probability.ndim != 3:
        raise ValueError(f"volume {volume.shape} and probability {probability.shape} must be 3D")
    if distance is not None and distance.shape != probability.shape:
        raise ValueError(f"distance {distance.shape} is not like probability {probability.shape}")
    if threshold is None:
        threshold = 0.5
    labels = split_instances(probability >= threshold, probability_voxel_size_nm, distance)
    spheres = spheres_of_labels(labels, probability_voxel_size_nm)
    scores = ndimage.mean(probability, labels, spheres.ids) if len(spheres) else np.empty(0)
    spheres = Spheres(
        model_to_volume(spheres.centres, voxel_size_nm, probability_voxel_size_nm),
        spheres.radii_nm,
        np.clip(scores, 0.0, 1.0),
        spheres.ids,
    )
    small = spheres.radii_nm < MIN_RADIUS_NM
    dropped = spheres.select(small)
    dropped = dropped.with_measures(reason=np.full(len(dropped), "too small"))
    return Candidates(spheres.select(~small), dropped, labels, threshold)
