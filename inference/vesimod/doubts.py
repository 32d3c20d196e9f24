"""Whether a doubtful result is one of membranes that are bright: looked into, not guessed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import spatial
from vesimod_imod.core.arrays import FloatArray, IntArray

from vesimod.io.tomogram import Tomogram
from vesimod.network.model import Model
from vesimod.network.polarity import bright_structures
from vesimod.pipeline import Segmentation, find_in_maps, maps_of_scales
from vesimod.settings import EVERYWHERE, SearchSettings

LEAST_BRIGHT = 5  # vesicles in a part of the negated tomogram: 3 were seen in clear ice
FEW = 48  # candidates; a network sees something, but not much, in a tomogram that is negated
PART_NM = (220.0, 350.0, 350.0)  # along (z, y, x): seconds of a network's work


def question_polarity(
    tomogram: Tomogram, model: Model, result: Segmentation, settings: SearchSettings = EVERYWHERE
) -> Segmentation:
    """Note it where bright membranes are found although dark ones were looked for.

    Only a doubtful result is looked into: few vesicles, or few of the candidates, and what
    stands out of the tomogram is bright, which clear ice and padding may cause, too. Then the
    network is asked about a part of it, negated.

    Parameters
    ----------
    tomogram, model
        As in `vesimod.pipeline.segment`.
    result : Segmentation
        What came of them.
    settings : SearchSettings
        With which it came.
    """
    few = 2 * len(result.spheres) <= max(len(result.dropped), FEW)
    if settings.invert or not few or not bright_structures(tomogram, model.spec.voxel_size_nm):
        return result
    candidates = np.concatenate([result.spheres.centres, result.dropped.centres])
    part, low = _crowded_part(tomogram, candidates)
    if part.voxels.min() == part.voxels.max():
        return result
    negated = replace(settings, invert=True, region=None)
    maps = maps_of_scales(part, model, negated)
    bright = len(find_in_maps(part, maps, model.spec, negated).spheres)
    at = result.spheres.centres - low
    dark = int(np.all((at >= 0) & (at < part.grid.shape), axis=1).sum())
    if bright < max(LEAST_BRIGHT, 2 * dark + 1):
        return result
    note = (
        f"in a part of this tomogram {bright} vesicles have bright membranes and {dark} dark ones: "
        "if 3dmod shows white membranes, run again with `invert=True`"
    )
    return replace(result, notes=(*result.notes, note))


def _crowded_part(tomogram: Tomogram, centres: FloatArray) -> tuple[Tomogram, IntArray]:
    """Cut out the part of a tomogram where candidates are most crowded.

    Parameters
    ----------
    tomogram : Tomogram
    centres : (N, 3) float64
        Of candidates, in voxels; where there are none, the middle is cut out.

    Returns
    -------
    part : Tomogram
        At most `PART_NM` large.
    low : (3,) int64
        Its first voxel.
    """
    shape = np.array(tomogram.grid.shape)
    half = np.asarray(PART_NM) / np.asarray(tomogram.grid.voxel_size_nm) / 2
    middle = shape / 2
    if len(centres):
        tree = spatial.cKDTree(centres / half)
        near = tree.query_ball_point(centres / half, 1.0, p=np.inf, return_length=True)
        middle = centres[np.argmax(near)]
    low = np.clip(middle - half, 0, np.maximum(shape - 2 * half, 0)).astype(np.int64)
    high = np.minimum(low + np.ceil(2 * half), shape).astype(np.int64)
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    voxels = tomogram.voxels[z, y, x]
    grid = replace(tomogram.grid, shape=(voxels.shape[0], voxels.shape[1], voxels.shape[2]))
    return replace(tomogram, voxels=voxels, grid=grid), low
