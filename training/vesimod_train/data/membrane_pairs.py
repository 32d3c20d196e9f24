"""Training pairs for networks that tell membranes: a tomogram, and models of its outline.

Closed contours go round the cell that holds the vesicles; open ones, such as the active zone's,
lie on plasma membranes. Contours in an object whose name has "reviewed" or "region" in it say what
was looked at; without one, it is the sections that the outline was drawn on. Of membranes outside
of the cell nobody said where they are: nothing is learned about them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial import KDTree
from vesimod.io.region import fill_body
from vesimod.io.tomogram import Tomogram, read_tomogram
from vesimod.membranes.surface import surface_of
from vesimod.membranes.triangles import sampled
from vesimod.network.resample import resample, volume_to_model
from vesimod.network.spec import Normalisation
from vesimod_imod.contour_model.read import Drawing, drawings_of
from vesimod_imod.core.arrays import BoolArray, Float32Array, FloatArray
from vesimod_imod.core.object_names import is_region
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.files import read_mod
from vesimod_imod.model.objects import objects_of

from vesimod_train.data.examples import Example, make_example
from vesimod_train.data.membranes import REACH_NM, with_membranes
from vesimod_train.data.pairs import PairError, cut_out, reviewed_mask

_KNOWN_NM = 8.0  # around what was drawn: nothing but that membrane lies there
_BORDER_NM = 5.0  # an outline this near to the border of the sections follows that
_SPACING_NM = 2.0  # of the points that stand for a surface


def read_membrane_pair(
    tomogram_path: Path,
    model_paths: Sequence[Path],
    voxel_size_nm: float,
    normalisation: Normalisation,
) -> tuple[Example, list[str]]:
    """Make an example of a tomogram and models of the cell's outline and its active zone.

    Parameters
    ----------
    tomogram_path : Path
    model_paths : sequence of Path
    voxel_size_nm, normalisation
        The network's.

    Returns
    -------
    example : Example, of what counts and a margin around it
    notes : list of str, what was found in the models and what had to be assumed

    Raises
    ------
    PairError
        There are no closed contours, or none of them lies in the tomogram.
    """
    tomogram = read_tomogram(tomogram_path)
    grid = tomogram.grid
    models = [read_mod(path) for path in model_paths]
    drawings, notes = [], list(tomogram.warnings)
    for model in models:
        found, doubts = drawings_of(model, grid)
        drawings += [drawing for drawing in found if not is_region(drawing.name)]
        notes += doubts
    outlines = [drawing for drawing in drawings if drawing.closed]
    named = ", ".join(map(str, model_paths))
    if not outlines:
        raise PairError(f"{named}: no closed contours; draw the outline of the cell")
    inside = np.zeros(grid.shape, bool)
    for drawing in outlines:
        inside |= fill_body(list(drawing.contours), grid.shape)
    if not inside.any():
        raise PairError(f"{named}: its closed contours enclose no voxel of {tomogram_path}")
    size_nm = grid.voxel_size_nm
    empty = Spheres.empty()
    example = make_example(tomogram.voxels, grid, empty, voxel_size_nm, normalisation)
    target = Grid(example.distance_nm.shape, (voxel_size_nm,) * 3)
    within = resample(inside, size_nm, target.voxel_size_nm, target.shape) > 0.5
    rim_nm = _distances(outlines, tomogram, target)
    membrane_nm = np.minimum(rim_nm, _distances(drawings, tomogram, target))
    unknown = ~within & (membrane_nm > _KNOWN_NM)
    membrane_nm[unknown] = np.nan
    example = with_membranes(example, np.where(within, rim_nm, -rim_nm), membrane_nm)
    weight = _weight(models, outlines, tomogram, target)
    if not weight.any():
        raise PairError(f"{named}: nothing of {tomogram_path} was reviewed")
    if not any(map(_regions, models)):
        notes.append("sections that the outline was drawn on, and between, count as reviewed")
    lines = sum(len(drawing.contours) for drawing in drawings)
    example = cut_out(replace(example, weight=weight))
    return example, [f"{lines} contours of {len(drawings)} objects", *notes, *_polarity(example)]


def _distances(drawings: Sequence[Drawing], tomogram: Tomogram, target: Grid) -> Float32Array:
    """Distance in nm of each voxel of `target` from surfaces, up to `REACH_NM`, but the border."""
    size_nm = np.asarray(tomogram.grid.voxel_size_nm)
    extent_nm = np.asarray(tomogram.grid.shape) * size_nm
    points = [np.empty((0, 3))]
    for drawing in drawings:
        voxel_size_nm = tomogram.grid.voxel_size_nm
        corners = surface_of(drawing, voxel_size_nm).corners_nm(voxel_size_nm)
        for samples, _ in sampled(corners, _SPACING_NM):
            from_edge = np.minimum(samples + 0.5 * size_nm, extent_nm - samples - 0.5 * size_nm)
            points.append(samples[from_edge[:, 1:].min(axis=1) > _BORDER_NM])
    known = np.concatenate(points)
    far: Float32Array = np.full(target.shape, REACH_NM, np.float32)
    if not len(known):
        return far
    tree = KDTree(known + 0.5 * size_nm)  # from the corner of the volume
    edge = target.voxel_size_nm[0]
    for row in range(target.shape[0]):
        plane = np.stack(np.meshgrid(*map(np.arange, target.shape[1:]), indexing="ij"), axis=-1)
        centres = np.concatenate([np.full((*plane.shape[:2], 1), row), plane], axis=2)
        found = tree.query((centres.reshape(-1, 3) + 0.5) * edge, distance_upper_bound=REACH_NM)[0]
        far[row] = np.minimum(found, REACH_NM).reshape(plane.shape[:2])
    return far


def _weight(
    models: Sequence[ModFile], outlines: Sequence[Drawing], tomogram: Tomogram, target: Grid
) -> Float32Array:
    """Say how much each voxel of `target` counts: 1 where somebody looked."""
    weight: Float32Array = np.zeros(target.shape, np.float32)
    reviewed = [model for model in models if _regions(model)]
    for model in reviewed:
        weight[reviewed_mask(model, tomogram, target)[0]] = 1
    if not reviewed:
        weight[_drawn(outlines, tomogram.grid, target)] = 1
    return weight


def _regions(model: ModFile) -> bool:
    return any(is_region(item.name) and item.kind == "closed" for item in objects_of(model))


def _drawn(outlines: Sequence[Drawing], grid: Grid, target: Grid) -> tuple[slice, slice, slice]:
    """Part of `target` from the first to the last section that was drawn on."""
    heights: FloatArray = np.concatenate([c[:, 0] for d in outlines for c in d.contours])
    ends = np.array([[heights.min() - 0.5, 0, 0], [heights.max() + 0.5, 0, 0]])
    low, high = volume_to_model(ends, grid.voxel_size_nm, target.voxel_size_nm)[:, 0]
    return slice(max(0, int(np.ceil(low))), int(np.floor(high)) + 1), slice(None), slice(None)


def _polarity(example: Example) -> list[str]:
    """Say if the membranes are brighter than what is beside them."""
    assert example.membrane_nm is not None
    counted = example.weight > 0
    with np.errstate(invalid="ignore"):
        on: BoolArray = counted & (example.membrane_nm < 4)
        beside = counted & (example.membrane_nm > 10) & (example.membrane_nm < REACH_NM)
    if not (on.any() and beside.any()):
        return []
    if example.volume[on].mean() < example.volume[beside].mean():
        return []
    return [
        "the membranes are not darker than what is beside them: if they are white in 3dmod, "
        "invert the tomogram (newstack -multadd -1,0); else the model lies elsewhere"
    ]
