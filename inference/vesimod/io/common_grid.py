"""The grid on which vesicles of several files are compared, and what is doubtful about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vesimod_imod.core.arrays import Triple
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.spheres import Grid
from vesimod_imod.model.coordinates import grid_of
from vesimod_imod.model.files import read_mod

from vesimod.io.read_spheres import FileKind, kind_of
from vesimod.io.tomogram import read_tomogram, read_volume
from vesimod.io.voxel_size import VoxelSizeError, settled_voxel_size


def common_grid(
    files: Sequence[Path], tomogram: Path | None, voxel_size_nm: float | None
) -> tuple[Grid, list[str]]:
    """Return the grid of the tomogram, or else of a label volume, or that of a model.

    Parameters
    ----------
    files : sequence of Path
        Files of vesicles; the first of each kind counts.
    tomogram : Path, optional
        What they lie on.
    voxel_size_nm : float, optional
        What somebody states; of tables nothing else is known, and their grid has no shape.

    Returns
    -------
    grid : Grid
    warnings : list of str
        What is doubtful about it, in words for the user.

    Raises
    ------
    InputError, VoxelSizeError
        No file states a voxel size and nobody does; see `settled_voxel_size`.
    """
    if tomogram is not None:
        volume = read_tomogram(tomogram, voxel_size_nm)
        return volume.grid, list(volume.warnings)
    kinds = [kind_of(file) for file in files]
    labels = [file for file, kind in zip(files, kinds, strict=True) if kind is FileKind.LABELS]
    models = [file for file, kind in zip(files, kinds, strict=True) if kind is FileKind.MODEL]
    if labels:
        try:
            volume = read_tomogram(labels[0], voxel_size_nm)
        except VoxelSizeError:
            size_nm, warnings = _size_of_models(models, voxel_size_nm)
            if size_nm is None or voxel_size_nm is not None:
                raise
            return replace(read_volume(labels[0]).grid, voxel_size_nm=size_nm), warnings
        return volume.grid, list(volume.warnings)
    if models:
        grid = grid_of(read_mod(models[0]))[0]
        size_nm, warnings = _size_of_models(models, voxel_size_nm)
        if size_nm is not None:
            stated_nm = None if voxel_size_nm is None else grid.voxel_size_nm
            return replace(grid, voxel_size_nm=size_nm, header_voxel_size_nm=stated_nm), warnings
    elif voxel_size_nm is not None:
        return Grid((0, 0, 0), settled_voxel_size(files[0], (None,) * 3, voxel_size_nm)[0]), []
    raise InputError(f"{files[0]}: states no voxel size; give `tomogram` or `voxel_size_nm`")


def _size_of_models(
    models: Sequence[Path], given_nm: float | None
) -> tuple[Triple | None, list[str]]:
    """Voxel size that the first model states that states one, or that somebody states."""
    for path in models:
        grid, known = grid_of(read_mod(path))
        if known or given_nm is not None:
            stated = grid.voxel_size_nm if known else (None,) * 3
            return settled_voxel_size(path, stated, given_nm)
    return None, []
