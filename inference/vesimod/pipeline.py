"""The whole job as one readable function: tomogram and model in, spheres out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from vesimod_imod.spheres import Spheres, Triple

from vesimod.contract import normalise
from vesimod.network import Model
from vesimod.postprocess import find_spheres
from vesimod.resample import resampled_shape, resampled_slabs
from vesimod.tomogram import Tomogram, TomogramError

Volume = npt.NDArray[np.float32]
Progress = Callable[[str, int, int], None]
# The polarity check looks at one box of this many voxels a side, at the model's voxel size.
POLARITY_BOX = 64
# It warns when the negated box holds this many times more vesicle, and no less than this.
POLARITY_RATIO = 3.0
POLARITY_FRACTION = 0.005


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
    notes = []
    if not invert and _looks_inverted(volume, maps["probability"], model):
        notes.append(
            "membranes look bright: the network finds more vesicles in the negated volume; "
            "if 3dmod shows white membranes, run again with --invert"
        )
    found = find_spheres(
        tomogram.voxels,
        size_nm,
        maps["probability"],
        model_nm,
        distance=maps.get("distance"),
        threshold=threshold,
        invert=invert,
        progress=lambda done, total: report("spheres", done, total),
    )
    return Segmentation(
        found.spheres,
        found.dropped,
        maps["probability"],
        spec.voxel_size_nm,
        found.threshold,
        (*notes, *found.notes),
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


def _looks_inverted(volume: Volume, probability: Volume, model: Model) -> bool:
    """Whether the network sees far more vesicle in the negated volume.

    Looks at the box with the strongest structure only, so that large volumes do not pay.
    """
    structure = ndimage.gaussian_filter(np.abs(ndimage.gaussian_filter(volume, 1.0)), 8.0)
    peak = np.unravel_index(int(np.argmax(structure)), volume.shape)
    low = [
        min(max(0, int(p) - POLARITY_BOX // 2), max(0, n - POLARITY_BOX))
        for p, n in zip(peak, volume.shape, strict=True)
    ]
    box = tuple(slice(a, a + POLARITY_BOX) for a in low)
    negated = model.predict(np.negative(volume[box]))["probability"]
    limit = model.spec.threshold
    direct_fraction = float((probability[box] > limit).mean())
    negated_fraction = float((negated > limit).mean())
    return negated_fraction > max(POLARITY_FRACTION, POLARITY_RATIO * direct_fraction)


def _no_progress(step: str, done: int, total: int) -> None:
    """Report to nobody."""
