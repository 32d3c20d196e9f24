"""Membranes as a label volume, slab by slab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.spheres import Grid

from vesimod.membranes.surface import Surface, mask, surface_of
from vesimod.membranes.trace_model import TracedObject

USUAL_THICKNESS_NM = 7.0  # of a membrane that was seen nowhere
_SECTIONS = 64  # painted at once


def paint_membranes(
    surfaces: Sequence[Surface], thicknesses_nm: Sequence[float], grid: Grid
) -> npt.NDArray[np.int8] | npt.NDArray[np.int16]:
    """Paint each membrane with its number, from 1; an earlier one stays where two overlap.

    Parameters
    ----------
    surfaces : sequence of Surface
    thicknesses_nm : sequence of float
    grid : Grid

    Returns
    -------
    (z, y, x) int8, or int16 where there are more than 127
    """
    labels = np.zeros(grid.shape, np.int8 if len(surfaces) <= np.iinfo(np.int8).max else np.int16)
    for number, (surface, thickness_nm) in enumerate(zip(surfaces, thicknesses_nm, strict=True), 1):
        heights = surface.vertices[surface.faces][..., 0]
        margin = 1 + 0.5 * thickness_nm / grid.voxel_size_nm[0]
        for start in range(0, grid.shape[0], _SECTIONS):
            slab = labels[start : start + _SECTIONS]
            near = (heights.max(axis=1) > start - margin) & (
                heights.min(axis=1) < start + len(slab) + margin
            )
            if near.any():
                shifted = surface.vertices - np.array([start, 0.0, 0.0])
                part = replace(surface, vertices=shifted, faces=surface.faces[near])
                inside = mask(part, slab.shape, grid.voxel_size_nm, thickness_nm)
                slab[inside & (slab == 0)] = number
    return labels


def thickness_nm(found: TracedObject) -> float:
    """Thickness that a membrane is painted with."""
    measured = found.membrane.thickness_nm
    return measured if np.isfinite(measured) else USUAL_THICKNESS_NM


def paint_traced(
    objects: Sequence[TracedObject], grid: Grid
) -> npt.NDArray[np.int8] | npt.NDArray[np.int16]:
    """Paint membranes as `paint_membranes` does, each as thick as it was measured."""
    surfaces = [surface_of(found.drawing, grid.voxel_size_nm) for found in objects]
    return paint_membranes(surfaces, [thickness_nm(found) for found in objects], grid)
