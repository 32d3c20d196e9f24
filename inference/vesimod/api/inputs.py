"""What people have at hand, turned into what the rooms take; a wrong type says what is taken."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray
from vesimod_imod.core.errors import InputError, InputTypeError, VesimodWarning
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.read import SphereReading

from vesimod.io.array_volume import checked_size_nm, tomogram_of_array
from vesimod.io.common_grid import common_grid
from vesimod.io.read_spheres import read_spheres, reading_of
from vesimod.io.region import read_region
from vesimod.io.tomogram import Tomogram, read_tomogram
from vesimod.network.model import Model, load_model

File: TypeAlias = str | os.PathLike[str]
#: A path, what `read_tomogram` returned, or an array (z, y, x).
Volume: TypeAlias = File | Tomogram | npt.NDArray[Any]
#: What says where voxels lie: a tomogram, its path, or its grid alone.
Place: TypeAlias = File | Tomogram | Grid
#: Spheres, or the path of a model, a table or a label volume.
Vesicles: TypeAlias = File | Spheres
STATED = "this tomogram has a voxel size already; `voxel_size_nm` is for files and arrays"


def open_tomogram(path: File, voxel_size_nm: float | None = None) -> Tomogram:
    """Open a volume, and warn of what is doubtful about it."""
    tomogram = read_tomogram(Path(path), voxel_size_nm)
    warn(tomogram.warnings)
    return tomogram


def as_tomogram(volume: Volume, voxel_size_nm: float | None) -> Tomogram:
    """Open or wrap a volume; the voxel size is needed for an array and overrides a file's."""
    if isinstance(volume, (str, os.PathLike)):
        return open_tomogram(volume, voxel_size_nm)
    if isinstance(volume, Tomogram):
        if voxel_size_nm is not None:
            raise InputError(STATED)
        return volume
    if not hasattr(volume, "__array__"):
        taken = "a path, an array (z, y, x) or what read_tomogram returned"
        raise InputTypeError(f"a tomogram is taken as {taken}, not as {_kind(volume)}")
    if voxel_size_nm is None:
        raise InputError("an array states no voxel size: give `voxel_size_nm`")
    wrapped = tomogram_of_array(np.asarray(volume), voxel_size_nm)
    warn(wrapped.warnings)
    return wrapped


def as_model(model: File | Model) -> Model:
    """Start a network, unless it is one that runs already."""
    if isinstance(model, Model):
        return model
    if isinstance(model, (str, os.PathLike)):
        network = load_model(Path(model))
        warn(network.notes)
        return network
    taken = "the name of a shipped one, an .onnx file or what load_model returned"
    raise InputTypeError(f"a model is taken as {taken}, not as {_kind(model)}")


def as_region(region: File | npt.ArrayLike | None, grid: Grid) -> BoolArray | None:
    """Read where vesicles may be from contours or a mask, or check a mask at hand."""
    if region is None:
        return None
    if not any(grid.shape):
        raise InputError("`region`: nothing states where it lies; give `tomogram`")
    if isinstance(region, (str, os.PathLike)):
        inside, notes = read_region(Path(region), grid)
        warn(notes)
        return inside
    mask = np.asarray(region)
    if mask.shape != grid.shape or mask.dtype.kind not in "biuf":
        raise InputError(
            f"`region`: a mask {mask.shape} of {mask.dtype} does not fit the tomogram's voxels "
            f"{grid.shape} (z, y, x); make it on the same volume"
        )
    return mask if mask.dtype == bool else mask > 0


def as_place(place: Place, voxel_size_nm: float | None = None) -> Tomogram | Grid:
    """Open a tomogram's file; a tomogram or a grid is one already."""
    if isinstance(place, (str, os.PathLike)):
        return open_tomogram(place, voxel_size_nm)
    if not isinstance(place, (Tomogram, Grid)):
        taken = "a path, what read_tomogram returned or a Grid"
        raise InputTypeError(f"the volume of spheres is taken as {taken}, not as {_kind(place)}")
    if voxel_size_nm is not None:
        raise InputError(STATED)
    return place


def as_grid(place: Place, voxel_size_nm: float | None = None) -> Grid:
    """Return the grid of a tomogram, of its file, or the grid itself."""
    opened = as_place(place, voxel_size_nm)
    return opened if isinstance(opened, Grid) else opened.grid


def as_reading(vesicles: Vesicles, grid: Grid | None) -> SphereReading:
    """Read a file of vesicles on a grid, and warn of what had to be inferred."""
    if isinstance(vesicles, Spheres):
        return reading_of(vesicles, grid)
    if not isinstance(vesicles, (str, os.PathLike)):
        taken = "Spheres or the path of a .mod, a .csv or a label .mrc"
        raise InputTypeError(f"vesicles are taken as {taken}, not as {_kind(vesicles)}")
    reading = read_spheres(Path(vesicles), grid)
    warn(f"{vesicles}: {warning}" for warning in reading.warnings)
    return reading


def shared_grid(
    vesicles: Sequence[Vesicles], place: Place | None, voxel_size_nm: float | None
) -> Grid:
    """Grid on which sets of vesicles are compared: of the tomogram, or of the files themselves.

    Raises
    ------
    InputError
        Nothing states a voxel size.
    """
    if place is not None:
        return as_grid(place, voxel_size_nm)
    files = [Path(each) for each in vesicles if isinstance(each, (str, os.PathLike))]
    if files:
        grid, doubts = common_grid(files, None, voxel_size_nm)
        warn(doubts)
        return grid
    if voxel_size_nm is None:
        raise InputError("spheres: no voxel size stated; give `tomogram` or `voxel_size_nm`")
    # Nothing else is asked of the grid where no file says where its voxels lie.
    return Grid((0, 0, 0), checked_size_nm(voxel_size_nm))


def warn(notes: Iterable[str]) -> None:
    """Issue each note as a warning about the line that called this package."""
    frame, depth = sys._getframe(), 1
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("vesimod."):
        frame, depth = frame.f_back, depth + 1
    for note in notes:
        warnings.warn(note, VesimodWarning, stacklevel=depth)


def _kind(thing: object) -> str:
    """Name of a thing's type, as a message says it."""
    return type(thing).__name__
