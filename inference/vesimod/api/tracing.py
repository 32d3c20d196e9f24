"""Membranes, traced along a guide or found by a network."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.contour_model.read import Drawing
from vesimod_imod.contour_model.write import write_drawings
from vesimod_imod.core.arrays import BoolArray
from vesimod_imod.core.errors import InputError, InputTypeError
from vesimod_imod.core.object_names import OUTLINE
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Grid

from vesimod.api.inputs import File, Vesicles, Volume, as_model, as_reading, as_tomogram, warn
from vesimod.io.region import fill_body
from vesimod.membranes.labels import paint_traced
from vesimod.membranes.trace_model import TracedObject, doubts_about, read_guide, trace_model
from vesimod.network.model import Model
from vesimod.outlining import MODEL, outline_cell


@dataclass(frozen=True, eq=False, repr=False)
class Membranes(ShortRepr):
    """Membranes of a tomogram.

    Parameters
    ----------
    objects : tuple of TracedObject
        Each with its ``drawing``, contours in voxels on every section, and its ``membrane``:
        thickness, and where it was seen.
    grid : Grid
        Of the tomogram.
    notes : tuple of str
        What may be wrong, in words.
    """

    objects: tuple[TracedObject, ...]
    grid: Grid
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Drawing:
        """Contours of the object of a name."""
        for found in self.objects:
            if found.drawing.name == name:
                return found.drawing
        names = ", ".join(repr(found.drawing.name) for found in self.objects)
        raise InputError(f"no membrane is named {name!r}; there are {names}")

    def inside(self, name: str = OUTLINE) -> BoolArray:
        """Voxels (z, y, x) that the closed contours of an object enclose."""
        drawing = self[name]
        if not drawing.closed:
            raise InputError(f"the contours of {name!r} are open and enclose nothing")
        return fill_body(list(drawing.contours), self.grid.shape)

    def labels(self) -> npt.NDArray[np.integer[Any]]:
        """Each membrane by its number from 1, as thick as it was measured; (z, y, x)."""
        return paint_traced(self.objects, self.grid)

    def write(self, path: File, *, overwrite: bool = False) -> None:
        """Write a model that 3dmod shows and edits."""
        drawings = [found.drawing for found in self.objects]
        write_drawings(Path(path), drawings, self.grid, overwrite=overwrite)


def membrane(
    tomogram: Volume,
    guide: File,
    *,
    voxel_size_nm: float | None = None,
    reach_nm: float = 25.0,
    invert: bool = False,
) -> Membranes:
    """Find the surface of membranes along contours that were drawn roughly.

    Parameters
    ----------
    tomogram : path, Tomogram or (z, y, x) array
    guide : path
        A model of open or closed contours on every 10th to 20th section; every object of it is
        traced for itself.
    voxel_size_nm : float, optional
        Of an array; of a file, instead of what its header states.
    reach_nm : float
        How far from the guide the membrane is sought.
    invert : bool
        Membranes are bright.

    Raises
    ------
    NoSurfaceError
        The guide draws nothing in this tomogram.
    """
    if not isinstance(guide, (str, os.PathLike)):
        kind = type(guide).__name__
        raise InputTypeError(f"a guide is taken as the path of a model, not as {kind}")
    volume = as_tomogram(tomogram, voxel_size_nm)
    guides, doubts = read_guide(Path(guide), volume.grid)
    found = trace_model(volume.grey, volume.grid, guides, reach_nm=reach_nm, invert=invert)
    notes = (*doubts, *doubts_about(found))
    warn(notes)
    return Membranes(tuple(found), volume.grid, notes)


def outline(
    tomogram: Volume,
    model: File | Model = MODEL,
    vesicles: Vesicles | None = None,
    *,
    voxel_size_nm: float | None = None,
    invert: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Membranes:
    """Outline the cell that holds the vesicles, and propose its active zone.

    Parameters
    ----------
    tomogram : path, Tomogram or (z, y, x) array
    model : str, path or Model
        A network that tells membranes.
    vesicles : Spheres or path, optional
        They say which cell is meant; where several touch its membrane is an active zone, too.
    voxel_size_nm : float, optional
        Of an array; of a file, instead of what its header states.
    invert : bool
        Membranes are bright.
    progress : callable, optional
        Called with (step, done, total).

    Returns
    -------
    Membranes
        A proposal: ``"outline"``, closed, and perhaps ``"active zone"``, open. Its ``notes`` say
        what may be wrong, and are issued as warnings, too.

    Raises
    ------
    NoSurfaceError
        There is no cell in the tomogram, as far as the network sees.
    ModelError
        The network cannot tell membranes.
    """
    volume = as_tomogram(tomogram, voxel_size_nm)
    spheres = None if vesicles is None else as_reading(vesicles, volume.grid).spheres
    found = outline_cell(volume, as_model(model), spheres, invert=invert, progress=progress)
    warn(f"{volume.path}: {note}" for note in found.notes)
    return Membranes(found.objects, volume.grid, found.notes)
