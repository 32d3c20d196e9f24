"""The whole job as one readable function: tomogram and model in, spheres out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from vesimod_imod.core.arrays import BoolArray, Triple, Volume
from vesimod_imod.core.spheres import Spheres

from vesimod.io.region import check_region
from vesimod.io.scratch import new_volume
from vesimod.io.tomogram import Tomogram
from vesimod.limits import RADIUS_NM
from vesimod.network.asking import at_model_size, check_tells
from vesimod.network.background import is_data
from vesimod.network.memory import share_memory
from vesimod.network.model import Model
from vesimod.network.resample import resampled_shape
from vesimod.network.spec import ModelSpec, normalise
from vesimod.network.spec_values import VESICLE_OUTPUT
from vesimod.network.tiling import redundancy
from vesimod.network.wanted import is_near, wanted_box
from vesimod.settings import EVERYWHERE, SearchSettings
from vesimod.vesicles.detect import NOISE_NOTE, Detections, find_spheres
from vesimod.vesicles.noise import NEEDED, WELL_NEEDED
from vesimod.vesicles.scales import merge_scales

Progress = Callable[[str, int, int], None]
ScaleMaps = dict[int, dict[str, Volume]]


@dataclass(frozen=True, eq=False, repr=False)
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
    threshold_curve : tuple of (float, float)
        Thresholds and the density that the mask ends on: what `threshold` was chosen by.
    """

    spheres: Spheres
    dropped: Spheres
    probability: Volume
    model_voxel_size_nm: float
    threshold: float
    notes: tuple[str, ...] = ()
    threshold_curve: tuple[tuple[float, float], ...] = ()

    def __repr__(self) -> str:
        notes = "".join(f", note: {note}" for note in self.notes)
        return f"Segmentation({self.spheres}, {len(self.dropped)} dropped{notes})"


def segment(
    tomogram: Tomogram,
    model: Model,
    *,
    threshold: float | None = None,
    invert: bool = False,
    region: BoolArray | None = None,
    radius_nm: tuple[float, float] = RADIUS_NM,
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
    radius_nm : (float, float)
        Least and largest radius that is looked for; large ones are sought at larger voxels.
    progress : callable, optional
        Called with (step, done, total) as the work goes on.

    Returns
    -------
    Segmentation

    Raises
    ------
    TomogramError
        The volume holds NaN or infinity, or has the same value everywhere.
    InputError
        `threshold` is not between 0 and 1.
    NoRegionError
        The region is empty, or of another shape.
    """
    settings = SearchSettings(threshold, invert, region, radius_nm)
    return segment_with(tomogram, model, settings, progress=progress)


def segment_with(
    tomogram: Tomogram, model: Model, settings: SearchSettings, *, progress: Progress | None = None
) -> Segmentation:
    """Do what `segment` does, with settings that were made before."""
    if settings.region is not None:
        check_region(settings.region, tomogram.grid.shape)
    maps = maps_of_scales(tomogram, model, settings, progress=progress)
    return find_in_maps(tomogram, maps, model.spec, settings, progress=progress)


def maps_of_scales(
    tomogram: Tomogram,
    model: Model,
    settings: SearchSettings = EVERYWHERE,
    *,
    finest: dict[str, Volume] | None = None,
    progress: Progress | None = None,
) -> ScaleMaps:
    """Ask the network about a tomogram at every scale that the settings call for.

    Parameters
    ----------
    tomogram, model, settings, progress
        As in `network_maps`.
    finest : dict of (z, y, x) float32, optional
        What it says at the finest scale, where it has been asked.

    Returns
    -------
    dict of int to dict of (z, y, x) float32
        The network's outputs by name, by scale, the finest first.
    """
    first, *coarser = settings.scales
    if finest is None:
        finest = network_maps(tomogram, model, settings, progress=progress)
    maps = {first: finest}
    for scale in coarser:
        maps[scale] = network_maps(tomogram, model, settings, scale=scale)
    return maps


def network_maps(
    tomogram: Tomogram,
    model: Model,
    settings: SearchSettings = EVERYWHERE,
    *,
    rows: tuple[int, int] | None = None,
    scale: int | None = None,
    outputs: tuple[str, ...] = (VESICLE_OUTPUT,),
    progress: Progress | None = None,
) -> dict[str, Volume]:
    """Ask the network about a tomogram at one scale, or about a slab of it.

    Parameters
    ----------
    tomogram, model, progress
        As in `segment`.
    settings : SearchSettings
        Nothing is computed further from a region than a large vesicle reaches.
    rows : (int, int), optional
        First row in z at the model's voxel size, and one beyond the last; default: all. What
        is in them does not depend on where a tomogram is cut.
    scale : int, optional
        How many times the network's voxel size; default: the finest of the settings.
    outputs : tuple of str
        That are needed.

    Returns
    -------
    dict of (z, y, x) float32
        The network's outputs by name, for the whole tomogram; 0 where none were wanted.

    Raises
    ------
    ModelError
        The network gives other outputs than are needed.
    TomogramError
        As in `segment`.
    """
    report = progress or _no_progress
    spec, region = model.spec, settings.region
    check_tells(model, outputs)
    nm = spec.voxel_size_nm
    size_nm = size_at(tomogram, settings.scales[0] if scale is None else scale)
    shape = resampled_shape(tomogram.grid.shape, size_nm, (nm,) * 3)
    in_files, memory_gb = share_memory(shape, 1 + len(spec.outputs), model.memory_gb)
    volume = at_model_size(tomogram, size_nm, (nm,) * 3, new_volume(shape, in_files), report)
    if settings.invert:
        np.negative(volume, out=volume)
    fills = tomogram.fill_values
    valid = is_data(tomogram.voxels, fills, size_nm, (nm,) * 3, shape) if fills else None
    normalise(volume, spec.normalisation, out=volume, valid=valid)
    return model.predict(
        volume,
        lambda done, total: report("network", done, total),
        memory_gb=memory_gb,
        wanted=wanted_box(shape, nm, rows, region, size_nm),
        needed=None if region is None else lambda box: is_near(box, nm, region, size_nm),
        results=[new_volume(shape, in_files) for _ in spec.outputs],
    )


def find_in_maps(
    tomogram: Tomogram,
    maps: ScaleMaps,
    spec: ModelSpec,
    settings: SearchSettings = EVERYWHERE,
    *,
    progress: Progress | None = None,
) -> Segmentation:
    """Find the vesicles in what the network said: the second half of `segment`.

    Parameters
    ----------
    tomogram, progress
        As in `segment`.
    maps : dict of int to dict of (z, y, x) float32
        The result of `maps_of_scales`, with the same settings.
    spec : ModelSpec
        Of the network.
    settings : SearchSettings
    """
    report = progress or _no_progress
    finest = settings.scales[0]
    by_scale: dict[int, Detections] = {}
    for scale in settings.scales:
        noise_was_found = any(NOISE_NOTE in finer.notes for finer in by_scale.values())
        by_scale[scale] = find_spheres(
            tomogram.grey,
            size_at(tomogram, scale),
            maps[scale]["probability"],
            (spec.voxel_size_nm,) * 3,
            settings.at(scale),
            distance=maps[scale].get("distance"),
            needed=WELL_NEEDED if noise_was_found else NEEDED,
            progress=lambda done, total: report("spheres", done, total),
        )
    found = merge_scales(by_scale, tomogram.grid.voxel_size_nm)
    return Segmentation(
        found.spheres,
        found.dropped,
        maps[finest]["probability"],
        finest * spec.voxel_size_nm,
        found.threshold,
        (*_padding_note(tomogram), *found.notes),
        found.threshold_curve,
    )


def size_at(tomogram: Tomogram, scale: int) -> Triple:
    """Voxel size as it appears at a scale: all lengths are so many times shorter there."""
    z, y, x = tomogram.grid.voxel_size_nm
    return z / scale, y / scale, x / scale


def extra_work(tomogram: Tomogram, model: Model) -> float:
    """Share of the network's work that is done again because tiles overlap; 0 for one tile."""
    nm = (model.spec.voxel_size_nm,) * 3
    shape = resampled_shape(tomogram.grid.shape, tomogram.grid.voxel_size_nm, nm)
    memory_gb = share_memory(shape, 1 + len(model.spec.outputs), model.memory_gb)[1]
    return redundancy(model.plan(shape, memory_gb))


def _padding_note(tomogram: Tomogram) -> tuple[str, ...]:
    """Say what is taken for padding, where there is any."""
    fills = tomogram.fill_values
    if not fills:
        return ()
    named = " and ".join(f"{value:g}" for value in fills)
    return (f"voxels of value {named} fill whole areas: taken for padding, not for data",)


def _no_progress(step: str, done: int, total: int) -> None:
    """Report to nobody."""
