"""One tomogram from its file to the files that hold the result.

What ``vesimod segment``, ``vesimod batch`` and the chunks of processchunks share: which
files are written, what can be set, and in which order things are checked and written.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import Volume
from vesimod_imod.core.files import check_distinct, check_writable, remove_leftovers
from vesimod_imod.core.object_names import VESICLES
from vesimod_imod.model.files import read_mod
from vesimod_imod.sphere_model.write import SphereObject, by_score, write_sphere_objects

from vesimod.figures.slices import draw_picture
from vesimod.io.label_volume import paint_spheres
from vesimod.io.provenance import Provenance, fingerprint, provenance_path, write_provenance
from vesimod.io.region import region_mask
from vesimod.io.sphere_table import write_spheres_csv
from vesimod.io.tomogram import Tomogram, read_tomogram, write_mrc
from vesimod.network.resample import resampled_slabs
from vesimod.pipeline import (
    Progress,
    Segmentation,
    check_threshold,
    find_in_maps,
    network_maps,
    new_array,
)
from vesimod.runs.slabs import join_slabs, remove_slabs
from vesimod.runs.summary import MODEL_ENDING

if TYPE_CHECKING:
    from vesimod.network.model import Model

NM3_PER_UM3 = 1e9


@dataclass(frozen=True)
class Outputs:
    """The files to write; None where one is not wanted.

    Parameters
    ----------
    model : Path
        The sphere model (``.mod``).
    table, dropped : Path, optional
        Accepted spheres and candidates that were not accepted, as CSV.
    labels, probability : Path, optional
        Volumes (MRC) on the tomogram's grid: each voxel's sphere, the network's output.
    picture : Path, optional
        Spheres on central slices (PNG).
    """

    model: Path
    table: Path | None = None
    labels: Path | None = None
    probability: Path | None = None
    picture: Path | None = None
    dropped: Path | None = None

    def files(self) -> list[Path]:
        """All files that are wanted."""
        return [self.model, *self.beside_model().values()]

    def beside_model(self) -> dict[str, Path]:
        """Files that are wanted beside the model, by the name of their field."""
        named = {field.name: getattr(self, field.name) for field in fields(self)[1:]}
        return {name: file for name, file in named.items() if file is not None}

    @property
    def mark(self) -> Path:
        """A file that is there while the others are written, and after that was cut short."""
        return self.model.with_name(f"{self.model.name}.unfinished")

    @property
    def complete(self) -> bool:
        """Whether the model is there, and with it all that was asked for then."""
        return self.model.exists() and not self.mark.exists()


@dataclass(frozen=True)
class Settings:
    """What a user can set that changes the result.

    Parameters
    ----------
    voxel_size_nm : float, optional
        Overrides the header.
    threshold : float, optional
        Probability from which a voxel is vesicle; default automatic.
    invert : bool
        Membranes are bright.
    region : Path, optional
        Closed contours or a mask: where vesicles may be.
    score_classes : bool
        Five objects by score instead of one.
    """

    voxel_size_nm: float | None = None
    threshold: float | None = None
    invert: bool = False
    region: Path | None = None
    score_classes: bool = False

    def record(self) -> dict[str, Any]:
        """As plain JSON values; the region by its content, wherever it lies."""
        region = None if self.region is None else fingerprint(self.region)
        return {**asdict(self), "region": region}


def prepare(path: Path, outputs: Outputs, settings: Settings, overwrite: bool) -> Tomogram:
    """Open the tomogram, and check every output before hours of work go into it.

    What a killed run left of the outputs under temporary names is removed.

    Raises
    ------
    ValueError
        Two of the files are the same one.
    OSError, TomogramError
        See `vesimod_imod.core.files.check_writable` and `vesimod.io.tomogram.read_tomogram`.
    """
    tomogram = read_tomogram(path, settings.voxel_size_nm)
    check_distinct([path, *outputs.files(), *([settings.region] if settings.region else [])])
    for file in outputs.files():
        check_writable(file, overwrite)
    for file in (*outputs.files(), provenance_path(outputs.model)):
        remove_leftovers(file)
    return tomogram


def read_region(
    path: Path | None, tomogram: Tomogram
) -> tuple[npt.NDArray[np.bool_] | None, tuple[str, ...]]:
    """Where vesicles may be, from closed contours or from a mask volume.

    Returns
    -------
    mask : (z, y, x) bool or None
        On the tomogram's grid; None where `path` is None: anywhere.
    notes : tuple of str
        What is doubtful about the contours.

    Raises
    ------
    ValueError
        A mask volume of another shape; a model without closed contours; see `read_tomogram`.
    """
    if path is None:
        return None, ()
    if path.suffix.lower() == ".mod":
        mask, notes = region_mask(read_mod(path), tomogram.grid)
        return mask, tuple(f"{path}: {note}" for note in notes)
    # A mask's own header may say anything: it lies on the tomogram voxel by voxel.
    volume = read_tomogram(path, tomogram.grid.xy_voxel_size_nm)
    if volume.grid.shape != tomogram.grid.shape:
        raise ValueError(
            f"{path}: {volume.grid.shape} voxels (z, y, x), the tomogram has "
            f"{tomogram.grid.shape}; make the mask on the same volume"
        )
    return np.asarray(volume.voxels) > 0, ()


@dataclass(frozen=True, eq=False)
class Asked:
    """A tomogram about which the network has been asked.

    Parameters
    ----------
    tomogram : Tomogram
    region : (z, y, x) bool or None
        Where vesicles may be.
    notes : tuple of str
        What is doubtful about the region.
    maps : dict of (z, y, x) float32
        From `vesimod.pipeline.network_maps`.
    seconds : float
        That it took.
    """

    tomogram: Tomogram
    region: npt.NDArray[np.bool_] | None
    notes: tuple[str, ...]
    maps: dict[str, Volume]
    seconds: float


def segment_and_write(
    tomogram: Tomogram,
    outputs: Outputs,
    settings: Settings,
    network: Model,
    *,
    slabs: int = 1,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Segmentation:
    """Find the vesicles and write what was asked for, each file whole or not at all.

    Parameters
    ----------
    tomogram : Tomogram
        From `prepare`, which has checked the outputs.
    outputs, settings
        What to write, and how to find it.
    network : Model
        From `vesimod.load_model`.
    slabs : int
        Above 1, the network has been run on that many slabs already (`vesimod.runs.slabs`).
    overwrite : bool
        Replace existing files.
    progress : callable, optional
        As in `vesimod.segment`.
    """
    asked = ask_network(tomogram, outputs, settings, network, slabs=slabs, progress=progress)
    result = find_and_write(
        asked, outputs, settings, network, overwrite=overwrite, progress=progress
    )
    if slabs > 1:
        remove_slabs(outputs.model, slabs)
    return result


def ask_network(
    tomogram: Tomogram,
    outputs: Outputs,
    settings: Settings,
    network: Model,
    *,
    slabs: int = 1,
    progress: Progress | None = None,
) -> Asked:
    """Do the first half of `segment_and_write`, which has the same parameters: the network's."""
    start = time.monotonic()
    check_threshold(settings.threshold)
    region, notes = read_region(settings.region, tomogram)
    invert = settings.invert
    if slabs > 1:
        maps = join_slabs(tomogram, outputs.model, network, slabs, invert=invert, region=region)
    else:
        maps = network_maps(tomogram, network, invert=invert, region=region, progress=progress)
    return Asked(tomogram, region, notes, maps, time.monotonic() - start)


def find_and_write(
    asked: Asked,
    outputs: Outputs,
    settings: Settings,
    network: Model,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Segmentation:
    """Do the second half of `segment_and_write`, which has the same parameters."""
    start = time.monotonic()
    result = find_in_maps(
        asked.tomogram,
        asked.maps,
        network.spec,
        threshold=settings.threshold,
        invert=settings.invert,
        region=asked.region,
        progress=progress,
    )
    result = replace(result, notes=(*asked.notes, *result.notes))
    seconds = asked.seconds + time.monotonic() - start
    provenance = _provenance(asked.tomogram, network, settings, result, asked.region, seconds)
    with _marked(outputs):
        _write(outputs, asked.tomogram, result, provenance, settings.score_classes, overwrite)
    return result


def default_output(path: Path) -> Path:
    """``<stem>_vesicles.mod`` beside the tomogram, also for compressed files."""
    return path.with_name(stem(path) + MODEL_ENDING)


def stem(path: Path) -> str:
    """Name of a tomogram without its endings, also for compressed files."""
    name = path.name
    for suffix in (".gz", ".bz2"):
        name = name.removesuffix(suffix)
    return Path(name).stem


@contextmanager
def _marked(outputs: Outputs) -> Iterator[None]:
    """Mark the outputs as unfinished while they are written, so that a kill shows later."""
    outputs.mark.touch()
    try:
        yield
    except BaseException:
        if not outputs.model.exists():  # which says as much
            outputs.mark.unlink()
        raise
    outputs.mark.unlink()


def _write(
    outputs: Outputs,
    tomogram: Tomogram,
    result: Segmentation,
    provenance: Provenance,
    score_classes: bool,
    overwrite: bool,
) -> None:
    """Write everything that was asked for, each file whole or not at all."""
    grid = tomogram.grid
    spheres = result.spheres
    if outputs.labels is not None:
        labels = paint_spheres(spheres, grid)
        write_mrc(outputs.labels, labels, tomogram, overwrite=overwrite)
    if outputs.probability is not None:
        model_nm = (result.model_voxel_size_nm,) * 3
        # Not in memory: on the tomogram's grid it may be larger than what there is.
        volume = new_array(grid.shape, in_file=True)
        for rows, slab in resampled_slabs(
            result.probability, model_nm, grid.voxel_size_nm, grid.shape
        ):
            volume[rows] = slab
        write_mrc(outputs.probability, volume, tomogram, overwrite=overwrite)
    if outputs.table is not None:
        write_spheres_csv(outputs.table, spheres, overwrite=overwrite)
    if outputs.dropped is not None:
        write_spheres_csv(outputs.dropped, result.dropped, overwrite=overwrite)
    if outputs.picture is not None:
        draw_picture(outputs.picture, tomogram, spheres, overwrite=overwrite)
    objects = by_score(spheres) if score_classes else [SphereObject(VESICLES, spheres)]
    write_sphere_objects(outputs.model, objects, grid, overwrite=overwrite)
    write_provenance(outputs.model, provenance)


def _provenance(
    tomogram: Tomogram,
    network: Model,
    settings: Settings,
    result: Segmentation,
    region: npt.NDArray[np.bool_] | None,
    seconds: float,
) -> Provenance:
    """Record how a model was made, and what `vesimod.runs.batch` sums up later."""
    searched = int(np.prod(tomogram.grid.shape)) if region is None else int(region.sum())
    return Provenance(
        network=f"{network.spec.name} {network.spec.version}",
        weights_sha256=network.sha256,
        tomogram=tomogram.path.name,
        tomogram_fingerprint=fingerprint(tomogram.path),
        parameters=settings.record(),
        results={
            "voxel_size_nm": list(tomogram.grid.voxel_size_nm),
            "searched_um3": searched * float(np.prod(tomogram.grid.voxel_size_nm)) / NM3_PER_UM3,
            "threshold": result.threshold,
            "notes": [*tomogram.notes, *result.notes],
            "seconds": seconds,
        },
    )
