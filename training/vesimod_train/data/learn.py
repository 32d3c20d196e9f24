"""One round of corrections turned into a training pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from vesimod.io.tomogram import Tomogram, write_volume
from vesimod.review.correction_table import Correction, counts
from vesimod.review.corrections import find_corrections
from vesimod.vesicles.snap import snap
from vesimod_imod.core.arrays import BoolArray
from vesimod_imod.core.file_roles import check_files
from vesimod_imod.core.files import make_folder
from vesimod_imod.core.locks import writing
from vesimod_imod.core.object_names import (
    CORRECTED,
    NOT_JUDGED,
    NOT_VESICLES,
    UNCERTAIN,
    VESICLES,
    is_region,
)
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.coordinates import to_model, to_voxels
from vesimod_imod.model.objects import ModelObject, objects_of
from vesimod_imod.sphere_model.read import SphereReading, spheres_of
from vesimod_imod.sphere_model.write import GREEN, ORANGE, RED, SphereObject, write_sphere_objects

#: Verdicts that nobody gives without looking at the vesicle.
EDITS = ("moved", "resized", "added")


@dataclass(frozen=True, eq=False, repr=False)
class Lesson(ShortRepr):
    """What a person's corrections teach.

    Parameters
    ----------
    vesicles : Spheres
        Kept, moved, resized and added ones.
    edited : (N,) bool
        Which of them somebody moved, resized or added: looked at, wherever they are.
    rejected : Spheres
        Removed ones, and those put into an object `NOT_VESICLES`.
    uncertain : Spheres
        Vesicles of unknown radius, and spheres that nobody judged.
    counts : mapping of str to int
        Corrections by verdict.
    """

    vesicles: Spheres
    edited: BoolArray
    rejected: Spheres
    uncertain: Spheres
    counts: dict[str, int]


def learn_from(
    tomogram: Tomogram, predicted: SphereReading, corrected: ModFile, *, invert: bool = False
) -> Lesson:
    """Find out what a person's corrections teach.

    Vesicles that the person added without a radius get the one that the tomogram shows there.

    Parameters
    ----------
    tomogram : Tomogram
    predicted : SphereReading
        The prediction, on the tomogram's grid.
    corrected : ModFile
        The same model after the person edited it.
    invert : bool
        Membranes are bright.
    """
    size_nm = tomogram.grid.voxel_size_nm
    reading = spheres_of(corrected, tomogram.grid)
    names = reading.names
    region = np.array([is_region(name) for name in names], bool)
    undecided = np.isin(names, NOT_JUDGED)
    judged = ~(region | undecided | (names == NOT_VESICLES))
    # What the person put aside, or left aside, was not removed: it teaches nothing.
    aside = reading.spheres.ids[undecided & reading.labelled]
    predicted = predicted.select(~np.isin(predicted.spheres.ids, aside))
    rows = find_corrections(predicted, reading.select(judged), size_nm)
    present = [row for row in rows if row.corrected_id is not None]
    found = _final(present)
    edited = np.array([row.verdict in EDITS for row in present], bool)
    unsized = ~np.isfinite(found.radii_nm)
    if unsized.any():
        clicks, known = found.centres[unsized], found.select(~unsized)
        snapped = snap(tomogram.voxels, size_nm, clicks, taken=known, invert=invert).spheres
        centres, radii = found.centres.copy(), found.radii_nm.copy()
        # A click may lie far off the centre of the vesicle that it means.
        centres[unsized], radii[unsized] = snapped.centres, snapped.radii_nm
        found = replace(found, centres=centres, radii_nm=radii)
        unsized = ~np.isfinite(radii)
    removed_ids = [row.predicted_id or 0 for row in rows if row.verdict == "removed"]
    removed = predicted.spheres.select(np.isin(predicted.spheres.ids, removed_ids))
    # Moving a sphere to that object removes it from the others: count it once.
    counted = reading.labelled & np.isin(reading.spheres.ids, removed_ids)
    put_there = reading.spheres.select((names == NOT_VESICLES) & ~counted)
    left = reading.spheres.select(undecided)
    return Lesson(
        found.select(~unsized),
        edited[~unsized],
        _joined(removed, put_there),
        _joined(found.select(unsized), left),
        counts(rows),
    )


def write_pair(
    folder: Path,
    tomogram: Tomogram,
    lesson: Lesson,
    reviewed: ModFile,
    *,
    invert: bool = False,
    also_read: Sequence[Path | None] = (),
    overwrite: bool = False,
) -> Path:
    """Write NAME.mrc and NAME.mod, from which `pairs.read_pair` makes an example.

    Parameters
    ----------
    folder : Path
        Made if absent. NAME is that of the tomogram.
    tomogram : Tomogram
    lesson : Lesson
    reviewed : ModFile
        Has the regions that were reviewed, in objects that `is_region` knows by their names.
    invert : bool
        Membranes are bright: the copy of the tomogram is negated.
    also_read : sequence of Path
        Files beside the tomogram that must not be written over.
    overwrite : bool

    Returns
    -------
    Path
        The model.
    """
    grid = copied_grid(tomogram)
    kept, edited = (lesson.vesicles.select(mask) for mask in (~lesson.edited, lesson.edited))
    parts = _numbered([kept, edited, lesson.rejected, lesson.uncertain])
    names = (VESICLES, GREEN), (CORRECTED, GREEN), (NOT_VESICLES, RED), (UNCERTAIN, ORANGE)
    objects = [
        SphereObject(name, part, colour) for (name, colour), part in zip(names, parts, strict=True)
    ]
    regions = _regions(reviewed, tomogram.grid)
    copied = copied_tomogram(
        folder, tomogram, "", invert=invert, also_read=also_read, overwrite=overwrite
    )
    with copied as model_path:
        write_sphere_objects(model_path, objects, grid, others=regions, overwrite=overwrite)
    return model_path


@contextmanager
def copied_tomogram(
    folder: Path,
    tomogram: Tomogram,
    ending: str,
    *,
    invert: bool,
    also_read: Sequence[Path | None],
    overwrite: bool,
) -> Iterator[Path]:
    """Write NAME.mrc for a pair, membranes dark; give where its model NAME`ending`.mod goes.

    Parameters are those of `write_pair`; that model is checked, too, before anything is written.
    The pair is marked as unfinished until the block, which writes the model, has ended.
    """
    make_folder(folder)
    name = tomogram.path.name.removesuffix(".gz").removesuffix(".bz2")
    volume_path = folder / f"{Path(name).stem}.mrc"
    model_path = folder / f"{Path(name).stem}{ending}.mod"
    check_files([tomogram.path, *also_read], [volume_path, model_path], overwrite=overwrite)
    voxels = tomogram.voxels
    if invert:
        voxels = np.negative(voxels, dtype=np.float32)
    with writing(model_path, [volume_path]):
        write_volume(volume_path, voxels, copied_grid(tomogram), overwrite=overwrite)
        yield model_path


def copied_grid(tomogram: Tomogram) -> Grid:
    """Return the copy's grid: its header states the true voxel size, and no rotation."""
    return replace(tomogram.grid, header_voxel_size_nm=None, tilt_angles_deg=(0.0, 0.0, 0.0))


def _final(rows: list[Correction]) -> Spheres:
    """Spheres as the person left them; a radius that nobody set stays as predicted."""
    radii = [(row.radius_nm, row.predicted_radius_nm) for row in rows]
    return Spheres(
        np.array([row.centre for row in rows]).reshape(-1, 3),
        np.array([before if np.isnan(after) else after for after, before in radii]),
    )


def _joined(a: Spheres, b: Spheres) -> Spheres:
    """Two sets as one, numbered anew."""
    return Spheres(np.concatenate([a.centres, b.centres]), np.concatenate([a.radii_nm, b.radii_nm]))


def _numbered(parts: list[Spheres]) -> list[Spheres]:
    """Give the sets ids that differ across all of them."""
    ends = np.cumsum([len(part) for part in parts])
    return [
        replace(part, ids=np.arange(end - len(part), end) + 1)
        for part, end in zip(parts, ends, strict=True)
    ]


def _regions(model: ModFile, grid: Grid) -> list[ModelObject]:
    """Objects that outline what was reviewed, on another image."""
    moved = []
    for item in objects_of(model):
        if is_region(item.name) and item.kind == "closed":
            positions, _ = to_voxels(item.points, model, grid)
            points = to_model(positions).astype(np.float32)
            moved.append(replace(item, points=points, mesh_count=0))
    return moved
