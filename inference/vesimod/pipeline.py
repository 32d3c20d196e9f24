"""The whole job as one readable function: tomogram and model in, spheres out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage, stats
from vesimod_imod.spheres import Spheres, Triple

from vesimod.contract import normalise
from vesimod.network import Model
from vesimod.postprocess import find_spheres
from vesimod.resample import resampled_shape, resampled_slabs
from vesimod.tomogram import Tomogram, TomogramError

Volume = npt.NDArray[np.float32]
Progress = Callable[[str, int, int], None]
# Tomograms of cells had a skewness of -0.2 to -1.5 after smoothing by one voxel of 4.4 nm, a
# purified organelle in clear ice 0.1 to 0.7.
BRIGHT_SKEW = 0.3
SKEW_SMOOTHING = 1.0
ENOUGH_CANDIDATES = 10  # for the share of them that was accepted to mean something
SKEW_CLIP = 5.0  # a few gold beads must not decide


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What was found in one tomogram.

    Parameters
    ----------
    spheres : Spheres
        Accepted vesicles; centres in voxels of the tomogram.
    dropped : Spheres
        Candidates that were not accepted, with the reason in ``measures["reason"]``.
    probability : (z, y, x) float32
        The network's output at the model's voxel size.
    model_voxel_size_nm : float
        That voxel size; the edges of both volumes are aligned (`vesimod.resample`).
    threshold : float
        Probability from which a voxel counted as vesicle.
    notes : tuple of str
        Warnings in words: what may be wrong with the result.
    """

    spheres: Spheres
    dropped: Spheres
    probability: Volume
    model_voxel_size_nm: float
    threshold: float
    notes: tuple[str, ...] = ()


def segment(
    tomogram: Tomogram,
    model: Model,
    *,
    threshold: float | None = None,
    invert: bool = False,
    region: npt.NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
) -> Segmentation:
    """Find the vesicles of a tomogram.

    Parameters
    ----------
    tomogram : Tomogram
        From `vesimod.read_tomogram`; membranes dark unless `invert`.
    model : Model
        From `vesimod.load_model`.
    threshold : float, optional
        Probability from which a voxel counts as vesicle; default: found automatically.
    invert : bool
        The tomogram has bright membranes: negate it.
    region : (z, y, x) bool, optional
        Where vesicles may be, on the tomogram's grid; others are dropped.
    progress : callable, optional
        Called with (step, done, total) as the work goes on.

    Returns
    -------
    Segmentation

    Raises
    ------
    TomogramError
        The volume holds NaN or infinity, or has the same value everywhere.
    ValueError
        `threshold` is not between 0 and 1.
    """
    if threshold is not None and not 0 < threshold < 1:
        raise ValueError(f"--threshold {threshold:g}: must lie between 0 and 1")
    report = progress or _no_progress
    size_nm = tomogram.grid.voxel_size_nm
    spec = model.spec
    model_nm = (spec.voxel_size_nm,) * 3
    volume = _at_model_size(tomogram, model_nm, report)
    if invert:
        np.negative(volume, out=volume)
    volume = normalise(volume, spec.normalisation)
    maps = model.predict(volume, lambda done, total: report("network", done, total))
    found = find_spheres(
        tomogram.voxels,
        size_nm,
        maps["probability"],
        model_nm,
        distance=maps.get("distance"),
        threshold=threshold,
        invert=invert,
        region=region,
        progress=lambda done, total: report("spheres", done, total),
    )
    notes = list(found.notes)
    accepted, candidates = len(found.spheres), len(found.spheres) + len(found.dropped)
    few = not accepted or (candidates >= ENOUGH_CANDIDATES and accepted < 0.5 * candidates)
    if not invert and few and _bright_structures(volume):
        notes.append(
            "few candidates, if any, have a dark membrane, and what stands out of this tomogram is "
            "bright: if 3dmod shows white membranes, run again with --invert"
        )
    return Segmentation(
        found.spheres,
        found.dropped,
        maps["probability"],
        spec.voxel_size_nm,
        found.threshold,
        tuple(notes),
    )


def _at_model_size(tomogram: Tomogram, model_nm: Triple, report: Progress) -> Volume:
    """Resample to the model's voxel size; refuse volumes that hold nothing usable."""
    size_nm = tomogram.grid.voxel_size_nm
    shape = resampled_shape(tomogram.grid.shape, size_nm, model_nm)
    volume = np.empty(shape, np.float32)
    for rows, slab in resampled_slabs(tomogram.voxels, size_nm, model_nm, shape):
        if not np.isfinite(slab).all():
            raise TomogramError(
                f"{tomogram.path}: holds NaN or infinite grey values; reconstruct it again, or "
                "replace them (IMOD: clip truncate -l LOW -h HIGH)"
            )
        volume[rows] = slab
        report("reading", rows.stop, shape[0])
    if volume.min() == volume.max():
        raise TomogramError(
            f"{tomogram.path}: every voxel has the value {volume.flat[0]:g}; nothing to segment"
        )
    return volume


def _bright_structures(volume: Volume) -> bool:
    """Whether what stands out of a normalised volume is bright rather than dark.

    Membranes, gold and dense proteins stand out of the ice on one side of its grey value, so
    the sign of the skewness, once noise is smoothed away, tells the polarity.
    """
    smooth = np.clip(ndimage.gaussian_filter(volume, SKEW_SMOOTHING), -SKEW_CLIP, SKEW_CLIP)
    return bool(stats.skew(smooth, axis=None) > BRIGHT_SKEW)


def _no_progress(step: str, done: int, total: int) -> None:
    """Report to nobody."""
