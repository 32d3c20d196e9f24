"""Vesicles that somebody drew as closed contours, voxel by voxel, beside those that are spheres."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from vesimod_imod.contour_model.read import read_drawings
from vesimod_imod.core.arrays import IntArray
from vesimod_imod.core.object_names import claims_vesicles
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.outlines import Outline, fit_outlines

from vesimod.io.label_volume import paint_spheres
from vesimod.io.region import fill_body

_SAME_NM = 0.5  # between a sphere and the outline that it was fitted to


def paint_model(path: Path, spheres: Spheres, grid: Grid) -> IntArray:
    """Ids of a model's vesicles, voxel by voxel.

    Vesicles that were drawn as closed contours in several sections are filled as they were drawn;
    all others, and those outlined in one section only, are painted as spheres.

    Parameters
    ----------
    path : Path
        The model.
    spheres : Spheres
        Its vesicles, as `vesimod.io.read_spheres` gives them.
    grid : Grid

    Returns
    -------
    (z, y, x) int64
        0 outside of vesicles.
    """
    labels = np.zeros(grid.shape, np.int64)
    size = np.asarray(grid.voxel_size_nm)
    filled = np.zeros(len(spheres), bool)
    bodies = []
    for drawing in read_drawings(path, grid)[0]:
        if not drawing.closed or not claims_vesicles(drawing.name):
            continue
        points = np.concatenate(drawing.contours)
        number = np.repeat(np.arange(len(drawing.contours)), list(map(len, drawing.contours)))
        for outline in fit_outlines(points * size, number, drawing.surfaces):
            row = _row_of(outline, spheres, grid)
            if row is not None and outline.shape != "circle":
                bodies.append((row, [drawing.contours[k] for k in outline.contours]))
                filled[row] = True
    labels += paint_spheres(spheres.select(~filled), grid)
    for row, contours in bodies:
        body = fill_body(contours, grid.shape)
        labels[body & (labels == 0)] = spheres.ids[row]
    return labels


def _row_of(outline: Outline, spheres: Spheres, grid: Grid) -> int | None:
    """Which sphere was fitted to an outline."""
    if not len(spheres):
        return None
    offset = spheres.centres * np.asarray(grid.voxel_size_nm) - outline.centre
    distance = np.linalg.norm(offset, axis=1)
    row = int(np.argmin(distance))
    return row if distance[row] <= _SAME_NM else None
