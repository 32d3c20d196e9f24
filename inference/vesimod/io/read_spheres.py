"""Vesicles from any file that holds some: a model, a table or a label volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.object_names import VESICLES
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.model.coordinates import grid_of
from vesimod_imod.model.files import read_mod
from vesimod_imod.sphere_model.read import SphereReading, read_sphere_model

from vesimod.io.label_volume import spheres_of_labels
from vesimod.io.sphere_table import read_spheres_csv
from vesimod.io.tomogram import read_tomogram

TABLE = ".csv"
VOLUMES = (".mrc", ".rec")
_NO_GRID = Grid((0, 0, 0), (1.0, 1.0, 1.0))


def read_spheres(path: Path, grid: Grid | None = None) -> SphereReading:
    """Read the vesicles that a file holds; lookalikes and clicks on nothing are left out.

    Parameters
    ----------
    path : Path
        A model (``.mod``), a table (``.csv``) or a label volume (``.mrc``, ``.rec``).
    grid : Grid, optional
        The volume in whose voxels the positions are wanted. Without it: the image that a model
        was last saved on, or the label volume's own; a table does not say.

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
    ending = path.suffix.lower()
    if ending == TABLE:
        return reading_of(read_spheres_csv(path), grid)
    if ending in VOLUMES:
        volume = read_tomogram(path, None if grid is None else grid.voxel_size_nm[0])
        labels = np.rint(volume.voxels).astype(np.int32)
        if labels.min() < 0:
            raise InputError(f"{path}: holds negative values; a label volume has 0 and ids")
        return reading_of(spheres_of_labels(labels, volume.grid.voxel_size_nm), volume.grid)
    if ending != ".mod" and not _begins_as_model(path):
        raise InputError(f"{path}: vesicles are read from .mod, .csv and label .mrc files")
    return read_sphere_model(path, grid).vesicles()


def grid_for(paths: Sequence[Path], tomogram: Path | None, voxel_size_nm: float | None) -> Grid:
    """Grid of the tomogram, or else the one that the first model was saved on.

    Raises
    ------
    InputError
        No tomogram is given and no model states a voxel size.
    """
    if tomogram is not None:
        return read_tomogram(tomogram, voxel_size_nm).grid
    for path in paths:
        if path.suffix.lower() in (TABLE, *VOLUMES):
            continue
        grid, known = grid_of(read_mod(path))
        if voxel_size_nm is not None:
            header = grid.header_voxel_size_nm or grid.voxel_size_nm
            size = (voxel_size_nm,) * 3
            return replace(grid, voxel_size_nm=size, header_voxel_size_nm=header)
        if known:
            return grid
    raise InputError(f"{paths[0]}: states no voxel size; give `tomogram` or `voxel_size_nm`")


def reading_of(spheres: Spheres, grid: Grid | None) -> SphereReading:
    """Return spheres as a reading: all have ids, one meaning, and the radii that somebody set."""
    count = len(spheres)
    return SphereReading(
        spheres,
        warnings=[],
        labelled=np.ones(count, bool),
        radius_source=np.where(np.isfinite(spheres.radii_nm), "explicit", "none").astype("U8"),
        object_number=np.ones(count, np.int64),
        object_names=(VESICLES,),
        emptied_ids=np.empty(0, np.int64),
        grid=grid or _NO_GRID,
        voxel_size_known=grid is not None,
    )


def _begins_as_model(path: Path) -> bool:
    """Whether a file of any name begins as a binary or an ASCII model does."""
    with path.open("rb") as stream:
        return stream.read(4).lower() == b"imod"
