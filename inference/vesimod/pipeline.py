"""The whole job as one readable function: tomogram and model in, spheres out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage, stats
from vesimod_imod.core.arrays import Triple, Volume
from vesimod_imod.core.spheres import Spheres

from vesimod.io.tomogram import Tomogram, TomogramError
from vesimod.network.memory import GB, LEAST_GB, default_memory_gb
from vesimod.network.model import Model
from vesimod.network.resample import resample, resampled_shape, resampled_slabs
from vesimod.network.spec import ModelSpec, Normalisation, normalise
from vesimod.network.tiling import Box, Shape, redundancy
from vesimod.vesicles.detect import find_spheres

Progress = Callable[[str, int, int], None]
# Tomograms of cells had a skewness of -0.2 to -1.5 after smoothing by one voxel of 4.4 nm, a
# purified organelle in clear ice 0.1 to 0.7.
BRIGHT_SKEW = 0.3
SKEW_SMOOTHING = 1.0
ENOUGH_CANDIDATES = 10  # for the share of them that was accepted to mean something
SKEW_VOXELS = 32e6  # of the tomogram's middle that are looked at
ARRAYS_SHARE = 0.5  # of the memory, beyond which whole volumes go to temporary files
REGION_MARGIN_NM = 100.0  # a vesicle whose centre lies within is seen whole
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
        That voxel size; the edges of both volumes are aligned (`vesimod.network.resample`).
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
    check_threshold(threshold)
    maps = network_maps(tomogram, model, invert=invert, region=region, progress=progress)
    return find_in_maps(
        tomogram,
        maps,
        model.spec,
        threshold=threshold,
        invert=invert,
        region=region,
        progress=progress,
    )


def network_maps(
    tomogram: Tomogram,
    model: Model,
    *,
    rows: tuple[int, int] | None = None,
    invert: bool = False,
    region: npt.NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
) -> dict[str, Volume]:
    """Ask the network about a tomogram, or about a slab of it.

    Parameters
    ----------
    tomogram, model, invert, progress
        As in `segment`.
    rows : (int, int), optional
        First row in z at the model's voxel size, and one beyond the last; default: all. What
        is in them does not depend on where a tomogram is cut.
    region : (z, y, x) bool, optional
        Nothing is computed further from it than a large vesicle reaches.

    Returns
    -------
    dict of (z, y, x) float32
        The network's outputs by name, for the whole tomogram; 0 where none were wanted.

    Raises
    ------
    TomogramError
        As in `segment`.
    """
    report = progress or _no_progress
    spec = model.spec
    nm = spec.voxel_size_nm
    size_nm = tomogram.grid.voxel_size_nm
    shape = resampled_shape(tomogram.grid.shape, size_nm, (nm,) * 3)
    in_files, memory_gb = share_memory(shape, model)
    volume = _at_model_size(tomogram, (nm,) * 3, new_array(shape, in_files), report)
    if invert:
        np.negative(volume, out=volume)
    normalise(volume, spec.normalisation, out=volume)
    return model.predict(
        volume,
        lambda done, total: report("network", done, total),
        memory_gb=memory_gb,
        wanted=_wanted(shape, nm, rows, region, size_nm),
        needed=None if region is None else lambda box: _is_near(box, nm, region, size_nm),
        results=[new_array(shape, in_files) for _ in spec.outputs],
    )


def share_memory(shape: Shape, model: Model) -> tuple[bool, float]:
    """Decide whether whole volumes go to temporary files, and what is left for the network.

    Parameters
    ----------
    shape : (int, int, int)
        Of the tomogram at the model's voxel size.
    model : Model
        Knows the limit, if there is one, and the number of outputs.

    Returns
    -------
    in_files : bool
    memory_gb : float
    """
    memory_gb = default_memory_gb() if model.memory_gb is None else model.memory_gb
    needed_gb = (1 + len(model.spec.outputs)) * 4 * float(np.prod(shape)) / GB
    in_files = needed_gb > ARRAYS_SHARE * memory_gb
    return in_files, max(memory_gb - (0.0 if in_files else needed_gb), LEAST_GB)


def find_in_maps(
    tomogram: Tomogram,
    maps: dict[str, Volume],
    spec: ModelSpec,
    *,
    threshold: float | None = None,
    invert: bool = False,
    region: npt.NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
) -> Segmentation:
    """Find the vesicles in what the network said: the second half of `segment`.

    Parameters are those of `segment`, `maps` the result of `network_maps` over all rows.
    """
    check_threshold(threshold)
    report = progress or _no_progress
    found = find_spheres(
        tomogram.voxels,
        tomogram.grid.voxel_size_nm,
        maps["probability"],
        (spec.voxel_size_nm,) * 3,
        distance=maps.get("distance"),
        threshold=threshold,
        invert=invert,
        region=region,
        progress=lambda done, total: report("spheres", done, total),
    )
    notes = list(found.notes)
    accepted, candidates = len(found.spheres), len(found.spheres) + len(found.dropped)
    few = not accepted or (candidates >= ENOUGH_CANDIDATES and accepted < 0.5 * candidates)
    if not invert and few and _bright_structures(tomogram, spec.voxel_size_nm):
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


def check_threshold(threshold: float | None) -> None:
    """Raise ValueError where a threshold is not a probability between 0 and 1."""
    if threshold is not None and not 0 < threshold < 1:
        raise ValueError(f"--threshold {threshold:g}: must lie between 0 and 1")


def new_array(shape: tuple[int, int, int], in_file: bool) -> Volume:
    """Return zeros (z, y, x) float32, in a temporary file where memory is short."""
    if not in_file:
        return np.zeros(shape, np.float32)
    with tempfile.TemporaryFile() as file:  # lives on until the array is gone
        return np.memmap(file, np.float32, "w+", shape=shape)


def extra_work(tomogram: Tomogram, model: Model) -> float:
    """Share of the network's work that is done again because tiles overlap; 0 for one tile."""
    nm = (model.spec.voxel_size_nm,) * 3
    shape = resampled_shape(tomogram.grid.shape, tomogram.grid.voxel_size_nm, nm)
    return redundancy(model.plan(shape, share_memory(shape, model)[1]))


def _wanted(
    shape: tuple[int, int, int],
    nm: float,
    rows: tuple[int, int] | None,
    region: npt.NDArray[np.bool_] | None,
    size_nm: Triple,
) -> Box:
    """Part of the model's grid that the network is asked about."""
    spans = [(0, n) for n in shape]
    if region is not None and region.any():
        for axis in range(3):
            others = tuple(other for other in range(3) if other != axis)
            inside = np.flatnonzero(region.any(axis=others)) * size_nm[axis]
            low = int((inside[0] - REGION_MARGIN_NM) // nm)
            high = int((inside[-1] + REGION_MARGIN_NM) // nm) + 1
            spans[axis] = (min(max(0, low), shape[axis] - 1), min(high, shape[axis]))
    if rows is not None:
        low, high = max(rows[0], spans[0][0]), min(rows[1], spans[0][1])
        spans[0] = (low, high) if low < high else (rows[0], rows[0] + 1)
    return (spans[0], spans[1], spans[2])


def _is_near(box: Box, nm: float, region: npt.NDArray[np.bool_], size_nm: Triple) -> bool:
    """Whether anything of the region lies as near to a box as a large vesicle reaches."""
    part = []
    for (first, last), size in zip(box, size_nm, strict=True):
        low = int((first * nm - REGION_MARGIN_NM) // size)
        high = int((last * nm + REGION_MARGIN_NM) // size) + 1
        part.append(slice(max(0, low), high))
    return bool(region[tuple(part)].any())


def _at_model_size(
    tomogram: Tomogram, model_nm: Triple, volume: Volume, report: Progress
) -> Volume:
    """Resample to the model's voxel size; refuse volumes that hold nothing usable."""
    size_nm = tomogram.grid.voxel_size_nm
    shape = (volume.shape[0], volume.shape[1], volume.shape[2])
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


def _bright_structures(tomogram: Tomogram, nm: float) -> bool:
    """Whether what stands out of a tomogram's middle is bright rather than dark.

    Membranes, gold and dense proteins stand out of the ice on one side of its grey value, so
    the sign of the skewness, once noise is smoothed away, tells the polarity.
    """
    size_nm = tomogram.grid.voxel_size_nm
    thickness = max(int(SKEW_VOXELS / np.prod(tomogram.grid.shape[1:])), 1)
    middle = max(tomogram.grid.shape[0] - thickness, 0) // 2
    slab = tomogram.voxels[middle : middle + thickness]
    grey = normalise(resample(slab, size_nm, (nm,) * 3), Normalisation(clip=None))
    smooth = np.clip(ndimage.gaussian_filter(grey, SKEW_SMOOTHING), -SKEW_CLIP, SKEW_CLIP)
    return bool(stats.skew(smooth, axis=None) > BRIGHT_SKEW)


def _no_progress(step: str, done: int, total: int) -> None:
    """Report to nobody."""
