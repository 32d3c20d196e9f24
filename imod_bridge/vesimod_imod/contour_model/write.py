"""Contours as a model that 3dmod shows and edits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vesimod_imod.contour_model.read import Drawing
from vesimod_imod.core.spheres import Grid
from vesimod_imod.model.coordinates import to_model
from vesimod_imod.model.files import write_mod
from vesimod_imod.model.new import new_model
from vesimod_imod.model.objects import OPEN, ModelObject


def write_drawings(
    path: Path | str, drawings: Sequence[Drawing], grid: Grid, *, overwrite: bool = False
) -> None:
    """Write an object for each drawing; a file that is replaced is kept as ``<path>~``.

    Parameters
    ----------
    path : path
    drawings : sequence of Drawing
        In voxels of `grid`.
    grid : Grid
        The volume that they lie in.
    overwrite : bool

    Raises
    ------
    FileExistsError
        `path` exists and `overwrite` is false.
    """
    path = Path(path)
    objects = [_object(drawing) for drawing in drawings]
    write_mod(path, new_model(path.stem, objects, grid), overwrite=overwrite)


def _object(drawing: Drawing) -> ModelObject:
    points = np.concatenate([np.empty((0, 3)), *drawing.contours])
    values = np.concatenate(drawing.values) if drawing.values else np.full(len(points), np.nan)
    return ModelObject(
        name=drawing.name,
        flags=0 if drawing.closed else OPEN,
        colour=drawing.colour,
        default_radius=0,
        points_per_contour=0,
        points=to_model(points).astype(np.float32),
        counts=np.array([len(contour) for contour in drawing.contours], np.int64),
        surfaces=drawing.surfaces,
        sizes=np.full(len(points), -1.0, np.float32),
        values=values.astype(np.float32),
        labels=drawing.labels,
    )
