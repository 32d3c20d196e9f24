"""Spheres to a model that 3dmod shows and edits, and back with all that a person changed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vesimod_imod.chunks import ModFile
from vesimod_imod.coordinates import image_reference, radius_unit_nm, to_model, to_voxels
from vesimod_imod.files import check_writable
from vesimod_imod.model import (
    MATERIAL_IN_BYTES,
    MULTIPLE_CLIP_PLANES,
    NANOMETRES,
    OPEN,
    ORIGIN_VALID,
    SCATTERED,
    TILT_VALID,
    XYZ,
    Header,
    ModelObject,
    build_mod,
    objects_of,
    read_mod,
    write_mod,
)
from vesimod_imod.spheres import BoolArray, FloatArray, Grid, IntArray, Spheres

GREEN, ORANGE, RED = (0.0, 1.0, 0.0), (1.0, 0.6, 0.0), (1.0, 0.0, 0.0)
_MODEL_FLAGS = MULTIPLE_CLIP_PLANES | MATERIAL_IN_BYTES | ORIGIN_VALID | TILT_VALID
_ID = re.compile(r"\bid=(\d{1,18})\b")


@dataclass(frozen=True, eq=False)
class SphereObject:
    """Spheres that 3dmod shows as one object: one name, one colour.

    Parameters
    ----------
    name : str
        At most 63 bytes of it are kept.
    spheres : Spheres
    colour : (float, float, float)
        Red, green, blue in 0..1.
    """

    name: str
    spheres: Spheres
    colour: XYZ = GREEN


def write_sphere_model(
    path: Path | str,
    spheres: Spheres,
    grid: Grid,
    *,
    name: str = "vesicles",
    overwrite: bool = False,
) -> None:
    """Write one object of spheres; see `write_sphere_objects`."""
    write_sphere_objects(path, [SphereObject(name, spheres)], grid, overwrite=overwrite)


def write_sphere_objects(
    path: Path | str, objects: Sequence[SphereObject], grid: Grid, *, overwrite: bool = False
) -> None:
    """Write spheres as an IMOD model of scattered points, one point per contour.

    Each contour's label carries the sphere's id and its general value the score, so both
    survive editing in 3dmod. A file that is replaced is kept as ``<path>~``, as 3dmod does.

    Parameters
    ----------
    path : path
    objects : sequence of SphereObject
        Ids must differ across objects. Radii are written in pixels, NaN as "no size set".
    grid : Grid
        The volume that the spheres lie in.
    overwrite : bool

    Raises
    ------
    FileExistsError
        `path` exists and `overwrite` is false.
    ValueError
        Two spheres share an id.
    """
    path = Path(path)
    check_writable(path, overwrite)
    Spheres.concatenate([item.spheres for item in objects])  # refuses an id that occurs twice
    header = Header(
        name=path.stem,
        size=(grid.shape[2], grid.shape[1], grid.shape[0]),
        flags=_MODEL_FLAGS,
        scale=(1.0, 1.0, grid.voxel_size_nm[0] / grid.xy_voxel_size_nm),
        pixel_size=grid.xy_voxel_size_nm,
        units=NANOMETRES,
    )
    model = build_mod(header, [_to_object(item, grid) for item in objects], image_reference(grid))
    if path.exists():
        shutil.copy2(path, path.with_name(path.name + "~"))
    write_mod(path, model)


def by_score(spheres: Spheres, name: str = "vesicles") -> list[SphereObject]:
    """Sort spheres into five objects of equal ranges of score, coloured from red to yellow-white.

    The best come last and brightest, as in the colours of glowing metal.
    """
    classes = np.clip((spheres.scores * len(_HEAT)).astype(int), 0, len(_HEAT) - 1)
    step = 1 / len(_HEAT)
    return [
        SphereObject(f"{name} score {k * step:.1f}-{(k + 1) * step:.1f}", part, colour)
        for k, colour in enumerate(_HEAT)
        for part in [spheres.select(classes == k)]
    ]


_HEAT: tuple[XYZ, ...] = (
    (0.5, 0.0, 0.0),
    (1.0, 0.0, 0.0),
    (1.0, 0.5, 0.0),
    (1.0, 1.0, 0.0),
    (1.0, 1.0, 0.8),
)


def _to_object(item: SphereObject, grid: Grid) -> ModelObject:
    spheres = item.spheres
    n = len(spheres)
    unit = float(np.float32(grid.xy_voxel_size_nm))  # as the header rounds it
    radii = spheres.radii_nm / unit
    known = radii[np.isfinite(radii)]
    return ModelObject(
        name=item.name,
        flags=SCATTERED | OPEN,
        colour=item.colour,
        default_radius=max(1, round(float(np.median(known)))) if len(known) else 1,
        points_per_contour=1,
        points=to_model(spheres.centres).astype(np.float32),
        counts=np.ones(n, np.int64),
        surfaces=np.zeros(n, np.int64),
        sizes=np.where(np.isfinite(radii), radii, -1.0).astype(np.float32),
        values=spheres.scores.astype(np.float32),
        labels=tuple(f"vesimod id={number}" for number in spheres.ids),
    )


@dataclass(frozen=True, eq=False)
class SphereReading:
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
    object_names : tuple of str
        Names of all objects of the model.
    emptied_ids : (M,) int64
        Ids on labels of contours whose points a person deleted.
    """

    spheres: Spheres
    warnings: list[str]
    labelled: BoolArray
    radius_source: npt.NDArray[np.str_]
    object_number: IntArray
    object_names: tuple[str, ...]
    emptied_ids: IntArray


def read_sphere_model(path: Path | str, grid: Grid | None = None) -> SphereReading:
    """Read the spheres of a model.

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
    unit, warnings = radius_unit_nm(model, grid)
    picks = [_picks(item) for item in objects]
    points = np.concatenate([np.empty((0, 3), np.float32), *(p.points for p in picks)])
    source = np.concatenate([np.empty(0, "U8"), *(p.radius_source for p in picks)])
    ids = np.concatenate([np.empty(0, np.int64), *(p.ids for p in picks)])
    emptied = np.concatenate([np.empty(0, np.int64), *(p.emptied_ids for p in picks)])
    radii = np.concatenate([np.empty(0), *(p.radii for p in picks)])
    scores = np.concatenate([np.empty(0), *(p.scores for p in picks)])
    number = np.repeat(np.arange(1, len(objects) + 1), [len(p.ids) for p in picks])
    for item, pick in zip(objects, picks, strict=True):
        warnings += [f"object {item.name!r}: {text}" for text in pick.warnings]
    positions, placed = to_voxels(points, model, grid)
    warnings += placed
    ids, labelled, repeated = _unique_ids(ids, emptied)
    if repeated:
        warnings.append(f"{repeated} contours repeat the label of another: taken as new spheres")
    if grid is not None:
        outside = np.any((positions < -0.5) | (positions > np.array(grid.shape) - 0.5), axis=1)
        if outside.any():
            warnings.append(f"{outside.sum()} of {len(ids)} points lie outside the volume")
    return SphereReading(
        Spheres(positions, radii * (np.nan if unit is None else unit), scores, ids),
        warnings,
        labelled,
        source,
        number,
        tuple(item.name for item in objects),
        np.setdiff1d(emptied, ids[labelled]),
    )


@dataclass(frozen=True, eq=False)
class _Picks:
    """Points of one object that stand for spheres: columns of equal length, radii in pixels."""

    points: npt.NDArray[np.float32]
    radii: FloatArray
    radius_source: npt.NDArray[np.str_]
    scores: FloatArray
    ids: IntArray  # -1 without a label
    emptied_ids: IntArray
    warnings: list[str]


def _picks(item: ModelObject) -> _Picks:
    warnings = []
    ids, emptied = _label_ids(item)
    scores = item.values.astype(np.float64)
    if np.any((scores < 0) | (scores > 1)):
        warnings.append("its values are not scores in 0..1 and are ignored")
        scores[:] = np.nan
    sizes = item.sizes.astype(np.float64)
    explicit = sizes > 0
    radii = np.where(explicit, sizes, np.nan)
    use_default = (sizes < 0) & (item.default_radius > 0)
    radii[use_default] = item.default_radius
    source = np.where(explicit, "explicit", np.where(use_default, "default", "none"))
    keep = np.isfinite(item.points).all(axis=1)
    if not keep.all():
        warnings.append(f"{(~keep).sum()} points without a valid position are left out")
    if item.kind != "scattered":
        # Sizes that a person set make spheres of any point, and so does a lone click.
        sized = np.zeros(len(item.counts), bool)
        sized[item.contour_of_point[explicit]] = True
        is_sphere = (sized | (item.counts == 1))[item.contour_of_point]
        if np.any(keep & is_sphere):
            warnings.append(f"is of {item.kind} contours, not of scattered points")
        keep &= is_sphere
    if n := int((use_default & keep).sum()):
        warnings.append(f"{n} points have no size: the object's radius, {item.default_radius} px")
    if n := int((~explicit & ~use_default & keep).sum()):
        warnings.append(f"{n} points have neither a size nor a default radius")
    return _Picks(
        item.points[keep],
        radii[keep],
        source[keep].astype("U8"),
        np.where(np.isnan(scores), 1.0, scores)[keep],
        ids[keep],
        emptied,
        warnings,
    )


def _label_ids(item: ModelObject) -> tuple[IntArray, IntArray]:
    """Ids of the points by their contours' labels, -1 for none; and those of empty contours.

    Of several points in a contour the label belongs to the first with a size of its own,
    since points that 3dmod appends to a contour have none.
    """
    matches = (_ID.search(label) for label in item.labels)
    of_contour = np.array([int(m[1]) if m else -1 for m in matches], np.int64)
    first = np.cumsum(item.counts) - item.counts
    owner = first.copy()
    for contour in np.flatnonzero(item.counts > 1):
        own = item.sizes[first[contour] : first[contour] + item.counts[contour]] > 0
        owner[contour] += np.argmax(own)
    filled = item.counts > 0
    ids = np.full(len(item.points), -1, np.int64)
    ids[owner[filled]] = of_contour[filled]
    return ids, of_contour[~filled & (of_contour >= 0)]


def _unique_ids(ids: IntArray, emptied: IntArray) -> tuple[IntArray, BoolArray, int]:
    """Give new ids, above all others, to points without a label or with a repeated one."""
    first = np.zeros(len(ids), bool)
    first[np.unique(ids, return_index=True)[1]] = True
    labelled = first & (ids >= 0)
    repeated = int(np.sum((ids >= 0) & ~labelled))
    highest = max(ids.max(initial=0), emptied.max(initial=0))
    result = ids.copy()
    result[~labelled] = highest + 1 + np.arange(np.sum(~labelled))
    return result, labelled, repeated
