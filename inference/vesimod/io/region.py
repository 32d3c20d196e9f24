"""Where vesicles may be: closed contours, drawn section by section, or a mask volume."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy import ndimage
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray
from vesimod_imod.core.errors import VesimodError
from vesimod_imod.core.object_names import ACTIVE_ZONE, plain
from vesimod_imod.core.spheres import Grid
from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.coordinates import to_voxels
from vesimod_imod.model.files import read_mod
from vesimod_imod.model.objects import objects_of
from vesimod_imod.sphere_model.outlines import encloses, section_axis

from vesimod.io.tomogram import volume_on

_FLATNESS = 0.5  # voxels that a contour's points may leave its section


class NoRegionError(VesimodError, ValueError):
    """The model or the mask holds no region."""


def read_region(path: Path, grid: Grid) -> tuple[BoolArray, tuple[str, ...]]:
    """Where vesicles may be, from closed contours or from a mask volume.

    Returns
    -------
    mask : (z, y, x) bool
        On `grid`, the tomogram's.
    notes : tuple of str
        What is doubtful about the contours, or the volume.

    Raises
    ------
    InputError
        A mask volume of another shape; a model without closed contours; see `read_tomogram`.
    """
    if path.suffix.lower() == ".mod":
        mask, notes = region_mask(read_mod(path), grid)
        return mask, tuple(f"{path}: {note}" for note in notes)
    # A mask's own header may say anything: it lies on the tomogram voxel by voxel.
    volume = volume_on(path, grid)
    mask = np.asarray(volume.voxels) > 0
    check_region(mask, mask.shape, f"{path}: ")
    return mask, volume.warnings


def check_region(mask: BoolArray, shape: tuple[int, int, int], where: str = "") -> None:
    """Refuse a region of another shape, or one without a voxel, in which nothing can be found.

    Parameters
    ----------
    mask : (z, y, x) bool
    shape : (int, int, int)
        Of the tomogram.
    where : str
        What a message begins with.
    """
    if mask.shape != shape:
        raise NoRegionError(
            f"{where}the region has {mask.shape} voxels (z, y, x), the tomogram {shape}"
        )
    if not mask.any():
        raise NoRegionError(
            f"{where}the region is empty: no voxel of it is above 0, so nothing could be found"
        )


def region_mask(model: ModFile, grid: Grid) -> tuple[BoolArray, list[str]]:
    """Voxels inside the closed contours of a model.

    A voxel is inside when its centre is, as in IMOD's imodmop; contours within contours
    make holes. Sections between drawn ones are interpolated by shape: the signed distance
    to the outline changes linearly from one to the next (Raya and Udupa 1990). Nothing is
    added beyond the first and the last section of a region.

    Parameters
    ----------
    model : ModFile
    grid : Grid
        The volume, which need not be the one that the model was saved on.

    Returns
    -------
    mask : (z, y, x) bool
    notes : list of str
        What was left out, interpolated, or ends open.

    Raises
    ------
    NoRegionError
        The model holds no closed contour, or none of them encloses a voxel.
    """
    mask = np.zeros(grid.shape, np.bool_)
    objects = objects_of(model)
    points = np.concatenate([np.empty((0, 3), np.float32), *(item.points for item in objects)])
    with np.errstate(all="ignore"):  # a damaged number may overflow; its contour is left out
        positions, notes = to_voxels(points, model, grid)
    end = 0
    used = False
    for number, item in enumerate(objects, 1):
        start, end = end, end + len(item.points)
        name = f"object {number} {item.name!r}"
        if item.kind == "open" and plain(item.name) == ACTIVE_ZONE:
            continue  # a model of both membranes, as ours are: no doubt what is meant
        if item.kind != "closed":
            notes.append(f"{name} has {item.kind} contours, which enclose nothing: left out")
        else:
            contours = np.split(positions[start:end], np.cumsum(item.counts)[:-1])
            drawn = [k for k, contour in enumerate(contours) if encloses(contour)]
            if drawn:
                used = True
                found = _fill([contours[k] for k in drawn], item.surfaces[drawn], mask)
                notes += [f"{name}: {text}" for text in found]
    if not used:
        open_ones = any(item.kind == "open" for item in objects)
        but = ", but open ones, which enclose nothing; close them in 3dmod (Edit > Object > Type)"
        remedy = f"{but} or" if open_ones else ";"
        raise NoRegionError(f"{model.path}: no closed contours{remedy} draw some around the region")
    if not mask.any():
        raise NoRegionError(
            f"{model.path}: its closed contours enclose no voxel of the tomogram "
            f"({'; '.join(notes) or 'they are smaller than a voxel'}); draw each in one section "
            "of this tomogram"
        )
    return mask, notes


def _fill(contours: list[FloatArray], surfaces: IntArray, mask: BoolArray) -> list[str]:
    """Fill the contours of one object into the mask."""
    # Sections are xy planes, or xz where somebody drew with y and z exchanged.
    axis = section_axis(contours)
    flat = np.array([np.ptp(contour[:, axis]) <= 2 * _FLATNESS for contour in contours])
    notes = []
    if not flat.all():
        notes.append(f"{(~flat).sum()} contours do not lie in one section: left out")
    volume = np.moveaxis(mask, axis, 0)  # a view: filling it fills the mask
    in_plane = [k for k in range(3) if k != axis]
    for surface in np.unique(surfaces[flat]):
        here = [contours[k] for k in np.flatnonzero(flat & (surfaces == surface))]
        planes = [(float(contour[:, axis].mean()), contour[:, in_plane]) for contour in here]
        boxes = np.array([[*xy.min(axis=0), *xy.max(axis=0)] for _, xy in planes])
        label = _touching(boxes)
        for part in np.unique(label):
            notes += _fill_part([planes[k] for k in np.flatnonzero(label == part)], volume)
    return notes


def _touching(boxes: FloatArray) -> IntArray:
    """Label boxes (N, 4), least y and x and largest, by what they touch, over others or not.

    Pairs are not listed: contours of one body all touch, and there may be thousands.
    """
    label = np.full(len(boxes), -1)
    for start in range(len(boxes)):
        todo = [start] if label[start] < 0 else []
        label[todo] = start
        while todo:
            this = boxes[todo.pop()]
            free = np.flatnonzero(label < 0)
            apart = (boxes[free, :2] > this[2:]) | (boxes[free, 2:] < this[:2])
            near = free[~apart.any(axis=1)]
            label[near] = start
            todo += near.tolist()
    return label


def fill_body(contours: list[FloatArray], shape: tuple[int, int, int]) -> BoolArray:
    """Voxels inside the contours of one body, filled as `region_mask` fills a region.

    Parameters
    ----------
    contours : list of (N, 3) float64
        Closed contours z, y, x in voxels, each in one section.
    shape : (int, int, int)
        Voxels (z, y, x).
    """
    mask = np.zeros(shape, np.bool_)
    axis = section_axis(contours)
    in_plane = [k for k in range(3) if k != axis]
    planes = [(float(contour[:, axis].mean()), contour[:, in_plane]) for contour in contours]
    _fill_part(planes, np.moveaxis(mask, axis, 0))  # a view: filling it fills the mask
    return mask


def _fill_part(planes: list[tuple[float, FloatArray]], volume: BoolArray) -> list[str]:
    """Fill one connected region given as (height, contour) pairs; interpolate between them."""
    far = 2.0 * len(volume)  # nothing beyond matters
    planes = [(min(max(height, -far), far), contour) for height, contour in planes]
    heights = np.array([height for height, _ in planes])
    sections = np.floor(heights + 0.5).astype(int)
    vertices = np.concatenate([contour for _, contour in planes])
    low = np.clip(np.floor(vertices.min(axis=0)) - 1, 0, volume.shape[1:]).astype(int)
    high = np.clip(np.ceil(vertices.max(axis=0)) + 2, low, volume.shape[1:]).astype(int)
    if np.any(high == low):
        return ["a region lies outside the volume"]
    box = (slice(low[0], high[0]), slice(low[1], high[1]))
    filled = {}
    for section in sorted(set(sections.tolist())):
        # A model of a finer volume has several sections here: take the one in the middle.
        here = heights[sections == section]
        nearest = here[np.argmin(np.abs(here - section))]
        contours = [contour - low for height, contour in planes if abs(height - nearest) < 0.05]
        filled[section] = polygon_mask(contours, tuple(high - low))
    stack = dict(filled)
    for below, above in pairwise(filled):
        if above > below + 1:
            first, last = _signed_distance(filled[below]), _signed_distance(filled[above])
        for section in range(below + 1, above):
            part = (section - below) / (above - below)
            stack[section] = (1 - part) * first + part * last > 0
    for section, inside in stack.items():
        if 0 <= section < len(volume):
            volume[section][box] |= inside
    between = len(stack) - len(filled)
    notes = [f"{between} sections between drawn ones are interpolated"] if between else []
    ends = sorted({min(filled), max(filled)} - {0, len(volume) - 1})
    if ends:
        notes.append(f"it ends open at section {' and '.join(str(end + 1) for end in ends)}")
    return notes


def polygon_mask(polygons: list[FloatArray], shape: tuple[int, ...]) -> BoolArray:
    """Pixels whose centres lie inside an odd number of polygons.

    Parameters
    ----------
    polygons : list of (N, 2) arrays
        Vertices (row, column) in pixels, pixel centres at whole numbers; closed by themselves.
    shape : (rows, columns)
    """
    start = np.concatenate(polygons)
    end = np.concatenate([np.roll(polygon, -1, axis=0) for polygon in polygons])
    upward = start[:, :1] <= end[:, :1]
    low, high = np.where(upward, start, end), np.where(upward, end, start)
    # Each edge crosses the rows from its lower end up to, but not with, its upper end.
    first = np.clip(np.ceil(low[:, 0]), 0, shape[0]).astype(int)
    last = np.clip(np.ceil(high[:, 0]), 0, shape[0]).astype(int)
    edge = np.repeat(np.arange(len(low)), last - first)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(last - first) - last, last - first)
    slope = (high - low)[edge]
    column = low[edge, 1] + (row - low[edge, 0]) * slope[:, 1] / slope[:, 0]
    crossings = np.zeros((shape[0], shape[1] + 1), np.int64)
    np.add.at(crossings, (row, np.clip(np.ceil(column), 0, shape[1]).astype(int)), 1)
    inside: BoolArray = np.cumsum(crossings, axis=1)[:, :-1] % 2 == 1
    return inside


def _signed_distance(inside: BoolArray) -> FloatArray:
    """Distance to the outline in pixels, positive inside."""
    return np.where(inside, _distance_to(~inside) - 0.5, 0.5 - _distance_to(inside))


def _distance_to(target: BoolArray) -> FloatArray:
    """Euclidean distance of each pixel to the nearest pixel of the target."""
    if not target.any():  # there is none: further than any
        return np.full(target.shape, float(sum(target.shape)))
    distance: FloatArray = ndimage.distance_transform_edt(~target)
    return distance
