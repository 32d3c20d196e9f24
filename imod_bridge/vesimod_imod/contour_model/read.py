"""The contours that a model holds, in voxels of a volume, whatever 3dmod did to it since."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vesimod_imod.core.arrays import FloatArray, IntArray
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import FARTHEST, Grid
from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.coordinates import to_voxels
from vesimod_imod.model.files import read_mod
from vesimod_imod.model.objects import OPEN, XYZ, ModelObject, objects_of
from vesimod_imod.sphere_model.misplaced import another_image


@dataclass(frozen=True, eq=False, repr=False)
class Drawing(ShortRepr):
    """The contours of one object.

    Parameters
    ----------
    name : str
    closed : bool
        Whether the last point of each contour joins the first.
    contours : tuple of (N, 3) float64
        Points z, y, x in voxels, in the order in which they were drawn.
    surfaces : (C,) int64
        Surface number of each contour.
    labels : tuple of str
        Label of each contour; empty where it has none. Default: none has.
    colour : (float, float, float)
        Red, green, blue in 0..1.
    values : tuple of (N,) float64
        General value of each contour's points, which 3dmod can colour by; only written. Default:
        they have none.
    """

    name: str
    closed: bool
    contours: tuple[FloatArray, ...]
    surfaces: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    labels: tuple[str, ...] = ()
    colour: XYZ = (0.0, 1.0, 0.0)
    values: tuple[FloatArray, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.surfaces):
            object.__setattr__(self, "surfaces", np.zeros(len(self.contours), np.int64))
        if not self.labels:
            object.__setattr__(self, "labels", ("",) * len(self.contours))


def read_drawings(path: Path | str, grid: Grid | None = None) -> tuple[list[Drawing], list[str]]:
    """Read what was drawn in each object of a model.

    Parameters
    ----------
    path : path
    grid : Grid or None
        The volume in whose voxels the points are wanted, which need not be the one that the model
        was saved on. None: the image file that it was last saved on.

    Returns
    -------
    drawings : list of Drawing
        In the order of the file; objects without a contour of two points are left out.
    warnings : list of str
        What had to be assumed or was left out.

    Raises
    ------
    ModFormatError
        The file is not a model, or it is damaged.
    """
    return drawings_of(read_mod(path), grid)


def drawings_of(model: ModFile, grid: Grid | None = None) -> tuple[list[Drawing], list[str]]:
    """Find the contours of a model already read; see `read_drawings`."""
    objects = objects_of(model)
    points = np.concatenate([np.empty((0, 3), np.float32), *(item.points for item in objects)])
    with np.errstate(all="ignore"):  # a damaged number may overflow; its contour is left out
        positions, warnings = to_voxels(points, model, grid)
    if grid is not None:
        warnings += another_image(model, grid)
    drawings, end = [], 0
    opened = _opened(model)
    for number, item in enumerate(objects, 1):
        start, end = end, end + len(item.points)
        if not len(item.counts):
            continue
        drawing, remarks = _drawing(item, positions[start:end])
        drawings += [drawing] if drawing.contours else []
        if drawing.closed and (count := opened[number - 1]):
            remarks.append(
                f"{count} of its contours are marked as open in 3dmod; taken as closed, as its "
                "type says: put what is open into an object of its own"
            )
        warnings += [f"object {number} {item.name!r}: {remark}" for remark in remarks]
    return drawings, warnings


def _opened(model: ModFile) -> list[int]:
    """Count the contours of each object that are open whatever the object's type says."""
    counts: list[int] = []
    for tag, data in model.chunks:
        if tag == b"OBJT":
            counts.append(0)
        elif tag == b"CONT" and counts:
            counts[-1] += bool(int.from_bytes(data[4:8], "big") & OPEN)
    return counts


def _drawing(item: ModelObject, positions: FloatArray) -> tuple[Drawing, list[str]]:
    """Take the contours of an object that are lines."""
    lines = np.split(positions, np.cumsum(item.counts)[:-1])
    lines = [] if item.kind == "scattered" else lines
    valid = [bool((np.abs(line) < FARTHEST).all()) for line in lines]  # and not NaN
    drawn = [k for k, line in enumerate(lines) if valid[k] and _is_line(line)]
    remarks = []
    if item.kind == "scattered" and len(positions):
        remarks.append("its points are scattered and draw no line: left out")
    if broken := valid.count(False):
        remarks.append(f"{broken} contours have points without a valid position: left out")
    points = sum(len(line) > 0 and good for line, good in zip(lines, valid, strict=True))
    if short := points - len(drawn):
        remarks.append(f"{short} contours of a single point draw no line: left out")
    return (
        Drawing(
            item.name,
            item.kind == "closed",
            tuple(lines[k] for k in drawn),
            item.surfaces[drawn],
            tuple(item.labels[k] for k in drawn),
            item.colour,
        ),
        remarks,
    )


def _is_line(points: FloatArray) -> bool:
    return len(points) > 1 and bool(np.ptp(points, axis=0).any())
