"""Training pairs: a tomogram (.mrc) and an IMOD model (.mod) of its vesicles.

The names of the model's objects (`vesimod_imod.core.object_names`) say what its contents mean:

* closed contours in an object whose name has "reviewed" or "region" in it outline what a person
  looked at; without such an object, the whole tomogram counts as reviewed;
* spheres in `NOT_VESICLES` look like vesicles and are not, and spheres in `CORRECTED` are
  vesicles: somebody said so, and they count outside of what was reviewed, too;
* spheres in one of `NOT_JUDGED` may be either, and nothing is learned there;
* all other spheres are vesicles, where they were reviewed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from vesimod.io.label_volume import distance_box
from vesimod.io.region import NoRegionError, region_mask
from vesimod.io.tomogram import Tomogram, read_tomogram
from vesimod.network.resample import model_to_volume, volume_to_model
from vesimod.network.spec import Normalisation
from vesimod_imod.core.arrays import BoolArray
from vesimod_imod.core.errors import VesimodError
from vesimod_imod.core.object_names import CORRECTED, NOT_JUDGED, NOT_VESICLES, is_region
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.files import read_mod
from vesimod_imod.model.objects import objects_of
from vesimod_imod.sphere_model.read import spheres_of

from vesimod_train.data.examples import Example, make_example

#: How much more than others a voxel counts where a person said that there is no vesicle.
NOT_VESICLES_WEIGHT = 4.0
#: Radius in nm around points without one within which nothing is learned.
UNKNOWN_REACH_NM = 35.0
#: Nm around a corrected vesicle that are learned with it, for its edge.
RIM_NM = 4.0
#: Voxels kept around what was reviewed: what the network sees of its surroundings.
MARGIN = 24


class PairError(VesimodError, ValueError):
    """A tomogram and a model that nothing can be learned from."""


def read_pair(
    tomogram_path: Path, model_path: Path, voxel_size_nm: float, normalisation: Normalisation
) -> tuple[Example, list[str]]:
    """Make an example of a tomogram and the model of its vesicles.

    Parameters
    ----------
    tomogram_path, model_path : Path
    voxel_size_nm, normalisation
        The network's.

    Returns
    -------
    example : Example
        Only of what counts and a margin around it.
    notes : list of str
        What was found in the model and what had to be assumed, in words.

    Raises
    ------
    PairError
        Nothing in the model counts.
    """
    tomogram = read_tomogram(tomogram_path)
    model = read_mod(model_path)
    spheres, corrected, rejected, uncertain, notes = sorted_spheres(model, tomogram.grid)
    example = make_example(tomogram.voxels, tomogram.grid, spheres, voxel_size_nm, normalisation)
    target_nm = (voxel_size_nm,) * 3
    grid = Grid(example.distance_nm.shape, target_nm)
    reviewed, more = reviewed_mask(model, tomogram, grid)
    weight = reviewed.astype(np.float32)
    size_nm = tomogram.grid.voxel_size_nm
    for part, value, rim_nm in (
        (corrected, 1.0, RIM_NM),
        (uncertain, 0.0, 0.0),
        (rejected, NOT_VESICLES_WEIGHT, 0.0),
    ):
        radii = np.where(np.isfinite(part.radii_nm), part.radii_nm, UNKNOWN_REACH_NM) + rim_nm
        centres = volume_to_model(part.centres, size_nm, target_nm)
        for centre, radius in zip(centres, radii, strict=True):
            box, way_nm = distance_box(centre, radius, grid)
            # Where two overlap, the vesicle is there and the other is not.
            free = value == 1.0 or example.distance_nm[box] < 0
            weight[box][(way_nm < radius) & free] = value
    if not weight.any():
        raise PairError(
            f"{model_path}: nothing of {tomogram_path} was reviewed; draw the region around "
            "vesicles that you checked"
        )
    moved = replace(rejected, centres=volume_to_model(rejected.centres, size_nm, target_nm))
    example = cut_out(replace(example, weight=weight, rejected=moved))
    if (doubt := _polarity(example)) is not None:
        more.append(doubt)
    return example, [*tomogram.warnings, *notes, *more]


def sorted_spheres(
    model: ModFile, grid: Grid
) -> tuple[Spheres, Spheres, Spheres, Spheres, list[str]]:
    """Spheres of a model by what they mean, with centres in voxels of `grid`.

    Returns
    -------
    vesicles, corrected, rejected, uncertain : Spheres
        Corrected ones are among the vesicles, too. Vesicles have radii; the radii of the others
        may be NaN.
    notes : list of str
    """
    reading = spheres_of(model, grid)
    names = reading.names
    rejected = names == NOT_VESICLES
    region = np.array([is_region(name) for name in names], bool)
    uncertain = np.isin(names, NOT_JUDGED)
    unsized = ~np.isfinite(reading.spheres.radii_nm) & ~(rejected | region | uncertain)
    vesicles = ~(rejected | region | uncertain | unsized)
    counts = f"{vesicles.sum()} vesicles, {rejected.sum()} lookalikes that are not"
    notes = [counts, *reading.warnings]
    if uncertain.any():
        notes.append(f"{uncertain.sum()} uncertain spheres: nothing is learned there")
    if unsized.any():
        notes.append(
            f"{unsized.sum()} points without a radius: nothing is learned there; "
            "vesimod snap measures them"
        )
    corrected = vesicles & (names == CORRECTED)
    masks = (vesicles, corrected, rejected, uncertain | unsized)
    a, b, c, d = (reading.spheres.select(mask) for mask in masks)
    return a, b, c, d, notes


def reviewed_mask(model: ModFile, tomogram: Tomogram, grid: Grid) -> tuple[BoolArray, list[str]]:
    """Voxels of `grid`, which covers the tomogram at the network's voxel size, that count."""
    objects = objects_of(model)
    if not any(is_region(item.name) and item.kind == "closed" for item in objects):
        note = "no closed contours in an object named 'reviewed': all of it counts as reviewed"
        return np.ones(grid.shape, bool), [note]
    try:
        mask, notes = region_mask(model, tomogram.grid)
    except NoRegionError as error:  # corrected spheres count nevertheless
        return np.zeros(grid.shape, bool), [str(error)]
    rows: list[npt.NDArray[np.intp]] = []
    for axis in range(3):
        points = np.zeros((grid.shape[axis], 3))
        points[:, axis] = np.arange(grid.shape[axis])
        at = model_to_volume(points, tomogram.grid.voxel_size_nm, grid.voxel_size_nm)[:, axis]
        rows.append(np.clip(np.rint(at), 0, mask.shape[axis] - 1).astype(int))
    return mask[np.ix_(*rows)], notes


def cut_out(example: Example) -> Example:
    """Leave out what is further than `MARGIN` voxels from all that counts.

    Spheres whose centre does not count go, too: crops are cut around those that stay.
    """
    counted = np.nonzero(example.weight)
    low = np.array([max(0, int(at.min()) - MARGIN) for at in counted])
    box = tuple(
        slice(int(a), int(at.max()) + MARGIN + 1) for a, at in zip(low, counted, strict=True)
    )
    last = np.array(example.weight.shape) - 1
    at = np.clip(np.rint(example.spheres.centres).astype(int), 0, last)
    spheres = example.spheres.select(example.weight[tuple(at.T)] > 0)
    membrane_nm = example.membrane_nm
    return Example(
        example.volume[box],
        example.distance_nm[box],
        replace(spheres, centres=spheres.centres - low),
        example.weight[box],
        replace(example.rejected, centres=example.rejected.centres - low),
        None if membrane_nm is None else membrane_nm[box],
    )


def _polarity(example: Example) -> str | None:
    """Say if the membranes are brighter than what is around the vesicles."""
    counted, distance = example.weight > 0, example.distance_nm
    membrane = counted & (distance > 0) & (distance < 7)
    around = counted & (distance > -8) & (distance < -3)
    if not (membrane.any() and around.any()):
        return None
    if example.volume[membrane].mean() < example.volume[around].mean():
        return None
    return (
        "the membranes are not darker than what is around them: if they are white in 3dmod, "
        "invert the tomogram (newstack -multadd -1,0); else the model lies elsewhere"
    )
