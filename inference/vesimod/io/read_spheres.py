"""Vesicles from any file that holds some: a model, a table or a label volume."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from pathlib import Path

import numpy as np
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.files import check_regular
from vesimod_imod.core.object_names import VESICLES
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.read import SphereReading, read_sphere_model

from vesimod.io.foreign_volumes import is_foreign
from vesimod.io.label_reading import read_labels
from vesimod.io.sphere_table import read_spheres_csv
from vesimod.io.tomogram import read_tomogram, volume_on

_VOLUMES = (".mrc", ".rec", ".map", ".ccp4", ".gz", ".bz2")
_NAMED = 3  # files of a folder, at most
_NO_GRID = Grid((0, 0, 0), (1.0, 1.0, 1.0))


class FileKind(Enum):
    """What a file of vesicles is."""

    MODEL = "model"
    TABLE = "table"
    LABELS = "label volume"


def kind_of(path: Path) -> FileKind:
    """Tell what a file of vesicles is, by its ending, or else by what it begins with.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    IsADirectoryError
        It is a folder, and no volume; files in it that may hold vesicles are named.
    InputError
        It is neither a model, a table nor a volume.
    """
    ending = path.suffix.lower()
    if path.is_dir() and not is_foreign(path):
        raise IsADirectoryError(_name_one_in(path))
    if ending == ".csv":
        return FileKind.TABLE
    if ending == ".mod":
        return FileKind.MODEL
    if ending in _VOLUMES or is_foreign(path):
        return FileKind.LABELS
    check_regular(path)
    with path.open("rb") as stream:
        start = stream.read(1024)
    if start[:4].lower() == b"imod":
        return FileKind.MODEL
    if b"\0" in start:  # no text
        return FileKind.LABELS
    raise InputError(f"{path}: vesicles are read from .mod, .csv and label .mrc files")


def read_spheres(
    path: Path, grid: Grid | None = None, first_vesicle_id: int | None = None
) -> SphereReading:
    """Read the vesicles that a file holds; lookalikes and clicks on nothing are left out.

    Parameters
    ----------
    path : Path
        A model (``.mod``), a table (``.csv``) or a label volume (``.mrc``, ``.rec``, ``.map``,
        compressed or not).
    grid : Grid, optional
        The volume in whose voxels the positions are wanted. Without it: the image that a model
        was last saved on, or the label volume's own; a table does not say.
    first_vesicle_id : int, optional
        Of a label volume: see `vesimod.io.label_reading.read_labels`.

    Returns
    -------
    SphereReading
        `voxel_size_known` is false where neither the file nor `grid` states a voxel size.

    Raises
    ------
    InputError
        The file is none of these, or it is damaged.
    """
    path = Path(path)
    kind = kind_of(path)
    if kind is FileKind.TABLE:
        return reading_of(read_spheres_csv(path), grid)
    if kind is FileKind.MODEL:
        return read_sphere_model(path, grid).vesicles()
    volume = read_tomogram(path) if grid is None else volume_on(path, grid)
    labels = read_labels(volume, first_vesicle_id=first_vesicle_id)
    warnings = [*volume.warnings, *labels.warnings]
    return replace(reading_of(labels.spheres, volume.grid), warnings=warnings)


def _name_one_in(folder: Path) -> str:
    """Say of a folder which of its files may hold vesicles, those with labels and models first."""
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    kinds = ("labels.mrc", ".mod", ".csv")
    held = [name for kind in kinds for name in names if name.lower().endswith(kind)]
    example = ", ".join(str(folder / name) for name in dict.fromkeys(held[:_NAMED]))
    hint = f"name a file in it: {example}" if held else "it holds no model, table or labels"
    return f"{folder}: is a folder; {hint}"


def reading_of(spheres: Spheres, grid: Grid | None) -> SphereReading:
    """Return spheres as a reading: all have ids, one meaning, and the radii that somebody set."""
    count = len(spheres)
    return SphereReading(
        spheres,
        warnings=[],
        labelled=np.ones(count, bool),
        radius_source=np.where(np.isfinite(spheres.radii_nm), "explicit", "none").astype("U8"),
        object_number=np.ones(count, np.int64),
        contour_number=np.zeros(count, np.int64),
        object_names=(VESICLES,),
        emptied_ids=np.empty(0, np.int64),
        grid=grid or _NO_GRID,
        voxel_size_known=grid is not None,
    )
