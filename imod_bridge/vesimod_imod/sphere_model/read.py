"""The spheres that a model holds, whoever made it and whatever 3dmod did to it since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray
from vesimod_imod.core.object_names import REJECTED, claims_vesicles
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import FARTHEST, Grid, Spheres
from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.coordinates import grid_of, radius_unit_nm, to_voxels
from vesimod_imod.model.files import read_mod
from vesimod_imod.model.objects import ModelObject, objects_of
from vesimod_imod.model.screen import WHOLE_SCREEN, Screen
from vesimod_imod.sphere_model.clicks import find_outlines
from vesimod_imod.sphere_model.in_few_lines import remarks_in_lines
from vesimod_imod.sphere_model.labels import (
    emptied_ids,
    is_membrane,
    is_radius,
    label_data,
    parse_label,
)
from vesimod_imod.sphere_model.misplaced import another_image, misplaced
from vesimod_imod.sphere_model.outlines import Outline

_REMEDY = "if they are clicks, make the object scattered in 3dmod (Edit > Object > Type)"
_ROW = np.dtype(
    [
        ("position", "f8", 3),  # z, y, x in voxels
        ("radius", "f8"),  # pixels of the model, of outlines nm; NaN where unknown
        ("source", "U8"),
        ("score", "f8"),
        ("id", "i8"),  # by the label; -1 without one
        ("written_nm", "f8"),  # by the label; NaN without one
        ("object", "i8"),
        ("contour", "i8"),
    ]
)
Rows = npt.NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class SphereReading(ShortRepr):
    """What a model says about spheres.

    Parameters
    ----------
    spheres : Spheres
        Radii are NaN where the model states none. Spheres without a label of ours have
        new ids above all others, in the order of the file.
    warnings : list of str
        What had to be inferred or was left out.
    labelled : (N,) bool
        Whether the id comes from the contour's label.
    radius_source : (N,) array of str
        "explicit": a size of its own; "default": the object's sphere radius, which nobody
        chose for this point; "outline": fitted to contours; "none".
    object_number : (N,) int64
        Number of the object in the model, from 1 as in 3dmod.
    contour_number : (N,) int64
        Number of the contour in its object, from 1; the first where several outline a sphere. 0
        for spheres of no model.
    object_names : tuple of str
        Names of all objects of the model.
    emptied_ids : (M,) int64
        Ids on labels of contours whose points a person deleted.
    grid : Grid
        What the positions refer to: the volume asked for, or the image that the model was
        last saved on.
    voxel_size_known : bool
        Whether the voxel size of `grid` is stated anywhere.
    screen : Screen
        Says positions as the person sees them who edits the model.
    """

    spheres: Spheres
    warnings: list[str]
    labelled: BoolArray
    radius_source: npt.NDArray[np.str_]
    object_number: IntArray
    contour_number: IntArray
    object_names: tuple[str, ...]
    emptied_ids: IntArray
    grid: Grid
    voxel_size_known: bool = True
    screen: Screen = WHOLE_SCREEN

    @property
    def names(self) -> npt.NDArray[np.str_]:
        """Name of the object that each sphere lies in (N,)."""
        return np.array(["", *self.object_names])[self.object_number]

    def select(self, which: BoolArray) -> SphereReading:
        """Return the part that a mask (N,) picks."""
        return replace(
            self,
            spheres=self.spheres.select(which),
            labelled=self.labelled[which],
            radius_source=self.radius_source[which],
            object_number=self.object_number[which],
            contour_number=self.contour_number[which],
        )

    def vesicles(self) -> SphereReading:
        """Return the part that claims to be vesicles by the names of its objects."""
        return self.select(np.array([claims_vesicles(name) for name in self.names], bool))


def read_sphere_model(path: Path | str, grid: Grid | None = None) -> SphereReading:
    """Read the spheres of a model.

    Points of scattered objects are spheres, and so are points with a size of their own,
    lone points and, by a fit, closed contours that outline something round.

    Parameters
    ----------
    path : path
    grid : Grid or None
        The volume in whose voxels the positions are wanted, which need not be the one that
        the model was saved on. None: the image file it was last saved on.

    Raises
    ------
    ModFormatError
        The file is not a model, or it is damaged.
    """
    return spheres_of(read_mod(path), grid)


def spheres_of(model: ModFile, grid: Grid | None = None) -> SphereReading:
    """Find the spheres of a model already read; see `read_sphere_model`."""
    objects = objects_of(model)
    points = np.concatenate([np.empty((0, 3), np.float32), *(item.points for item in objects)])
    with np.errstate(all="ignore"):  # a damaged number may overflow; such points go below
        positions, warnings = to_voxels(points, model, grid)
    shown, size_known = grid_of(model) if grid is None else (grid, True)
    parts, emptied = [np.empty(0, _ROW)], [np.empty(0, np.int64)]
    remarks: list[tuple[int, str, str]] = []
    end = 0
    for number, item in enumerate(objects, 1):
        start, end = end, end + len(item.points)
        if not len(item.counts):  # a file may have thousands of them
            continue
        rows, said = _rows(item, positions[start:end], shown)
        rows["object"] = number
        parts.append(rows)
        emptied.append(emptied_ids(item))
        remarks += [(number, item.name, remark) for remark in said]
    warnings += remarks_in_lines(remarks)
    rows = np.concatenate(parts)
    valid = (np.abs(rows["position"]) < FARTHEST).all(axis=1)  # and not NaN
    if not valid.all():
        warnings.append(f"{(~valid).sum()} points without a valid position are left out")
        rows = rows[valid]
    radii_nm, doubts = _radii_nm(rows, model, grid, size_known)
    ids, labelled, repeated = _unique_ids(rows["id"], np.concatenate(emptied))
    if repeated:
        doubts.append(f"{repeated} contours repeat the label of another: taken as new spheres")
    doubts += misplaced(rows["position"], radii_nm, shown)
    if grid is not None:
        doubts += another_image(model, grid)
    return SphereReading(
        Spheres(rows["position"], radii_nm, rows["score"], ids),
        warnings + doubts,
        labelled,
        rows["source"],
        rows["object"],
        rows["contour"],
        tuple(item.name for item in objects),
        np.setdiff1d(np.concatenate(emptied), ids[labelled]),
        shown,
        size_known,
        Screen(model, grid),
    )


def _rows(item: ModelObject, positions: FloatArray, grid: Grid) -> tuple[Rows, list[str]]:
    """Find the spheres of one object, and put in words what had to be inferred."""
    if is_membrane(item):
        return np.empty(0, _ROW), ["its contours lie along a membrane: not taken for vesicles"]
    rows = np.empty(len(item.points), _ROW)
    rows["position"] = positions
    rows["contour"] = item.contour_of_point + 1
    rows["id"], rows["written_nm"], scores = label_data(item)
    sizes = item.sizes.astype(np.float64)
    explicit = is_radius(sizes, rows["id"])
    remarks = []
    rows["source"], rows["radius"] = "none", np.nan
    if item.default_radius > 0 and item.name != REJECTED:  # which has one to be seen by
        rows["source"], rows["radius"] = "default", item.default_radius
    if (sizes >= 0).any():
        if n := np.count_nonzero((sizes >= 0) & ~explicit):
            remarks.append(f"{n} points have a size of at most a pixel, which is not a radius")
        rows["source"][explicit], rows["radius"][explicit] = "explicit", sizes[explicit]
        rows["source"][sizes == 0], rows["radius"][sizes == 0] = "none", np.nan
    # Where labels have no scores, values are probabilities, as earlier versions wrote them.
    unscored = np.isnan(scores)
    values = np.where(unscored, item.values.astype(np.float64), np.nan)
    if np.any((values < 0) | (values > 1)):
        remarks.append("its values are not scores in 0..1 and are ignored")
        values[:] = np.nan
    scores = np.where(unscored, values, scores)
    rows["score"] = np.where(np.isnan(scores), 1.0, scores)
    if item.kind != "scattered":
        sized = np.zeros(len(item.counts), bool)
        sized[item.contour_of_point[explicit]] = True
        # Beside outlines a lone point is their cap, else a click.
        lone = (item.counts == 1) & (item.counts.max(initial=0) == 1)
        outlined = ~(sized | lone)[item.contour_of_point]
        if not outlined.all():
            remarks.append(f"its contours are {item.kind}: lone or sized points taken as spheres")
        stretch = np.array(grid.voxel_size_nm)
        found, are_clicks = find_outlines(item, positions * stretch, outlined)
        if are_clicks:
            why = "with a sphere radius" if item.default_radius else "that outline nothing"
            number = len(np.unique(item.contour_of_point[outlined]))
            remarks.append(
                f"{outlined.sum()} points in {number} {item.kind} contours {why}: "
                "taken for single points"
            )
            outlined[:] = False
        fitted, more = _outlined(item, found, outlined, stretch)
        if outlined.any():
            rows = np.concatenate([rows[~outlined], fitted])
        remarks += more
    if n := np.count_nonzero(rows["source"] == "default"):
        remarks.append(f"{n} points have no size: the object's {item.default_radius} pixels taken")
    if item.name == REJECTED:
        return rows, []  # nobody takes these for vesicles
    if n := np.count_nonzero(rows["source"] == "none"):
        remarks.append(f"{n} points have neither a size nor a default radius")
    return rows, remarks


def _outlined(
    item: ModelObject, found: list[Outline], which: BoolArray, stretch: FloatArray
) -> tuple[Rows, list[str]]:
    """Take the spheres that fit the contours of the points picked by `which`."""
    if not which.any():
        return np.empty(0, _ROW), []
    left = which & ~np.isin(
        item.contour_of_point, [k for fit in found if fit.is_vesicle for k in fit.contours]
    )
    seen = f"{left.sum()} points in {len(np.unique(item.contour_of_point[left]))} {item.kind}"
    if item.kind == "open":
        return np.empty(0, _ROW), [f"{seen} contours are not spheres and are left out; {_REMEDY}"]
    fits = [fit for fit in found if fit.is_vesicle]
    remarks = []
    if fits:
        flat = sum(fit.shape == "circle" for fit in fits)
        note = f", {flat} of them from a single section" if flat else ""
        remarks.append(f"{len(fits)} spheres fitted to closed contours{note}")
    if left.any():
        remarks.append(f"{seen} contours outline nothing round and are left out; {_REMEDY}")
    rows = np.empty(len(fits), _ROW)
    for row, fit in zip(rows, fits, strict=True):
        label = next((item.labels[k] for k in fit.contours if item.labels[k]), "")
        stated = parse_label(label)
        row["position"] = fit.centre / stretch
        row["radius"], row["source"], row["score"] = fit.radius, "outline", 1.0  # radius in nm
        row["id"], row["written_nm"] = stated.number, stated.radius_nm
        row["contour"] = min(fit.contours) + 1
    return rows, remarks


def _radii_nm(
    rows: Rows, model: ModFile, grid: Grid | None, size_known: bool
) -> tuple[FloatArray, list[str]]:
    """Radii in nm: fitted ones are, others are in the model's pixels."""
    explicit = np.where(rows["source"] == "explicit", rows["radius"], np.nan)
    unit, doubts = radius_unit_nm(model, grid, explicit, rows["written_nm"])
    outline = rows["source"] == "outline"
    factor = np.where(outline, 1.0 if size_known else np.nan, unit or np.nan)
    return rows["radius"] * factor, doubts if np.isfinite(rows["radius"]).any() else []


def _unique_ids(ids: IntArray, emptied: IntArray) -> tuple[IntArray, BoolArray, int]:
    """Give new ids, above all others, to points without a label or with a repeated one."""
    first = np.zeros(len(ids), bool)
    first[np.unique(ids, return_index=True)[1]] = True
    labelled = first & (ids >= 0)
    repeated = int(np.sum((ids >= 0) & ~labelled))
    result = ids.copy()
    highest = max(ids.max(initial=0), emptied.max(initial=0))
    result[~labelled] = highest + 1 + np.arange(np.sum(~labelled))
    return result, labelled, repeated
