"""Which part of a cell's membrane is an active zone: what it faces, and what touches it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from vesimod_imod.contour_model.read import Drawing
from vesimod_imod.core.arrays import BoolArray, FloatArray
from vesimod_imod.core.object_names import ACTIVE_ZONE
from vesimod_imod.core.spheres import Grid, Spheres

from vesimod.membranes.clefts import slope_along
from vesimod.membranes.proposal import MembraneMaps, runs
from vesimod.membranes.trace import Membrane, TracedSheet

#: Between the middles of two membranes that face each other across 10 to 35 nm, each 6 nm thick; a
#: ray that runs aslant is longer, and the map's voxels blur where it ends.
FACING_NM = (16.0, 50.0)
_STEP_NM = 1.5
_ASLANT = np.radians(30.0)
_FACES = 0.25  # chance of a membrane across the cleft
_DIP = 0.05  # by which the chance falls between the two
_NORMAL_NM = 15.0  # smoothing of the map that says where outside is
_TOUCHING_NM = 6.0  # from a membrane's middle to a vesicle's surface that touches it
_BESIDE_NM = 15.0  # what lies as near to a vesicle that touches belongs to the zone
_SMOOTH_NM, _ALONG_NM = 15.0, 30.0  # evidence is averaged; shorter pieces are none
_LEAST_NM2 = 60.0**2  # smallest zone
_DRAWN_NM = 6.0  # between sections that are drawn on


def zone_guide(
    outline: Membrane, maps: MembraneMaps, grid: Grid, vesicles: Spheres | None = None
) -> Drawing:
    """Draw along the membrane where it faces another one, or where vesicles touch it.

    Parameters
    ----------
    outline : Membrane
        Of the cell, traced.
    maps : MembraneMaps
    grid : Grid
        Of the tomogram.
    vesicles : Spheres, optional
        Centres in voxels of the tomogram.

    Returns
    -------
    Drawing
        Open contours, perhaps none.
    """
    order = [outline.axis, *(k for k in range(3) if k != outline.axis)]
    size_nm = np.asarray(grid.voxel_size_nm)[order]
    every = max(int(_DRAWN_NM / size_nm[0]), 1)
    pieces = []
    for traced in outline.sheets:
        sheet = traced.sheet
        places_nm = _places_nm(traced, size_nm)[..., np.argsort(order)]
        some = np.minimum(np.arange(0, len(places_nm) + every - 1, every), len(places_nm) - 1)
        found = np.repeat(faces_another(places_nm[some], maps, grid), every, axis=0)
        found = found[: len(places_nm)]
        if vesicles is not None:
            found |= near_touching(places_nm, vesicles, grid)
        zone = _evened(found & ~traced.border, places_nm, outline.closed)
        last = len(sheet.sections) - 1
        for row in sorted({*range(0, last, every), last}):
            for rows in runs(zone[row], outline.closed):
                points = places_nm[row, rows] / grid.voxel_size_nm
                if np.linalg.norm(np.ptp(places_nm[row, rows], axis=0)) >= _ALONG_NM:
                    pieces.append(points)
    return Drawing(ACTIVE_ZONE, False, tuple(pieces), colour=(1.0, 0.5, 0.0))


def _places_nm(traced: TracedSheet, size_nm: FloatArray) -> FloatArray:
    """Places (S, U, 3) of a sheet in nm, section first."""
    paths = traced.sheet.paths_nm
    heights = traced.sheet.sections[:, None] * np.full(paths.shape[:2], size_nm[0])
    return np.concatenate([heights[..., None], paths], axis=2)


def faces_another(places_nm: FloatArray, maps: MembraneMaps, grid: Grid) -> BoolArray:
    """Whether places (S, U, 3) of a membrane face another one across a cleft.

    That is sought straight outwards and, because the two part at a zone's rim, aslant.
    """
    smooth = ndimage.gaussian_filter(maps.cytoplasm, _NORMAL_NM / maps.size_nm)
    voxels = maps.at(places_nm + 0.5 * np.asarray(grid.voxel_size_nm)).reshape(-1, 3)
    slope = [
        -ndimage.map_coordinates(slope_along(smooth, axis), voxels.T, order=1, mode="nearest")
        for axis in range(3)
    ]
    outwards = _unit(np.stack(slope, axis=1))
    along = np.gradient(places_nm, axis=1).reshape(-1, 3)
    along = _unit(along - (along * outwards).sum(axis=1, keepdims=True) * outwards)
    aside = np.cross(outwards, along)
    straight, aslant = np.cos(_ASLANT) * outwards, np.sin(_ASLANT)
    faces = _meets(maps, voxels, outwards)
    for way in (along, -along, aside, -aside):
        faces |= _meets(maps, voxels, straight + aslant * way)
    return faces.reshape(places_nm.shape[:2])


def _meets(maps: MembraneMaps, voxels: FloatArray, way: FloatArray) -> BoolArray:
    """Whether rays from positions (N, 3) of the maps meet another membrane across a cleft."""
    away = np.arange(0.0, FACING_NM[1] + _STEP_NM, _STEP_NM)
    chance = np.stack(
        [
            ndimage.map_coordinates(maps.membrane, (voxels + way * step / maps.size_nm).T, order=1)
            for step in away
        ]
    )
    across = away >= FACING_NM[0]
    best = chance[across].max(axis=0)
    where = chance[across].argmax(axis=0) + np.flatnonzero(across)[0]
    before = np.where(np.arange(len(away))[:, None] <= where, chance, np.inf).min(axis=0)
    return np.asarray((best > _FACES) & (best - before > _DIP))


def _unit(vectors: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9))


def near_touching(places_nm: FloatArray, vesicles: Spheres, grid: Grid) -> BoolArray:
    """Whether places (S, U, 3) lie beside a vesicle that touches the membrane."""
    near = np.zeros(places_nm.shape[:2], bool)
    centres = vesicles.centres * grid.voxel_size_nm
    for centre, radius in zip(centres, vesicles.radii_nm, strict=True):
        gap = np.linalg.norm(places_nm - centre, axis=2) - radius
        if gap.min() < _TOUCHING_NM:
            near |= gap < _BESIDE_NM
    return near


def _evened(found: BoolArray, places_nm: FloatArray, closed: bool) -> BoolArray:
    """Take what most of the surroundings say, and leave small patches out."""
    along = np.linalg.norm(np.diff(places_nm, axis=1), axis=2)
    step_nm = max(float(np.median(along)), 0.1)
    rise_nm = _between(places_nm)
    mode = ("nearest", "wrap" if closed else "nearest")
    sigma = (_SMOOTH_NM / rise_nm, _SMOOTH_NM / step_nm)
    zone: BoolArray = ndimage.gaussian_filter(found.astype(np.float32), sigma, mode=mode) > 0.5
    shown = np.concatenate([zone, zone], axis=1) if closed else zone  # once round, across its start
    labels, count = ndimage.label(shown)
    area = np.bincount(labels.ravel(), minlength=count + 1) * step_nm * rise_nm
    large = (area >= _LEAST_NM2) & (np.arange(count + 1) > 0)
    kept = large[labels]
    width = zone.shape[1]
    return np.asarray(kept[:, :width] | kept[:, width:] if closed else kept)


def _between(places_nm: FloatArray) -> float:
    """Distance between sections in nm; of a single one, as if it were one voxel of 6 nm."""
    if len(places_nm) < 2:
        return _DRAWN_NM
    return max(float(np.linalg.norm(np.diff(places_nm, axis=0), axis=2).min()), 0.1)
