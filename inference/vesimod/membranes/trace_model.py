"""A model of guides becomes one of membranes: what ``vesimod membrane`` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.contour_model.read import Drawing, read_drawings
from vesimod_imod.core.arrays import BoolArray, FloatArray
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Grid

from vesimod.membranes.edits import BY_HAND, Edits, edits_of, label_of, rounded
from vesimod.membranes.joining import Line, sections_of
from vesimod.membranes.surface import NoSurfaceError
from vesimod.membranes.trace import Membrane, trace

SEEN, NOT_SEEN = 1.0, 0.0  # general values of points
_MANY = 0.3  # of a guide's points outside of the volume
_OUTLINE = "outline"

#: Objects by their name and how many of that name come before.
Key = tuple[str, int]


@dataclass(frozen=True, eq=False, repr=False)
class TracedObject(ShortRepr):
    """One object of a guide and what was found along it.

    Parameters
    ----------
    membrane : Membrane
    drawing : Drawing
        Its contours on every section, as they are written.
    kept, deleted : int
        Contours that a person had set, and sections that a person had cleared: both stay so.
    sections : tuple of int
        All that it runs through, cleared ones included.
    """

    membrane: Membrane
    drawing: Drawing
    kept: int
    deleted: int
    sections: tuple[int, ...]


def read_guide(path: Path, grid: Grid) -> tuple[list[Drawing], list[str]]:
    """Read what somebody drew along membranes, and say what is doubtful about it.

    Raises
    ------
    NoSurfaceError
        There are no contours, or an object lies outside of the volume altogether.
    ModFormatError
        The file is not a model, or it is damaged.
    """
    drawings, notes = read_drawings(path, grid)
    if not drawings:
        raise NoSurfaceError(
            f"{path}: no open or closed contours; draw the membrane on every 10th to 20th section"
            f"{_listed(notes)}"
        )
    names = [drawing.name for drawing in drawings]
    for drawing in drawings:
        notes += _doubts(path, drawing, grid)
    for name in sorted({name for name in names if names.count(name) > 1}):
        notes.append(f"{names.count(name)} objects are named {name!r}: each is traced by itself")
    return drawings, [f"{path}: {note}" for note in notes]


def _listed(notes: list[str]) -> str:
    return f" ({'; '.join(notes)})" if notes else ""


def _doubts(path: Path, drawing: Drawing, grid: Grid) -> list[str]:
    """Say what is doubtful about one object; refuse one that lies elsewhere."""
    points = np.concatenate(drawing.contours)
    axis, flat = sections_of(drawing.contours)
    if not flat.any():
        raise NoSurfaceError(
            f"{path}: no contour of object {drawing.name!r} lies in one section; draw each in one"
        )
    outside = np.any((points < -1) | (points > grid.shape), axis=1)
    if outside.all():
        raise NoSurfaceError(
            f"{path}: object {drawing.name!r} lies outside of the tomogram of {grid.in_words}; is "
            "it a guide of another one?"
        )
    notes = []
    if outside.mean() > _MANY:
        notes.append(f"{outside.sum()} of {len(points)} points lie outside of the tomogram")
    if _OUTLINE in drawing.name.casefold() and not drawing.closed:
        notes.append(
            "its contours are open and enclose nothing, so that no command takes it for a region; "
            "close them in 3dmod (Edit > Object > Type)"
        )
    heights = {round(float(contour[:, axis].mean())) for contour in drawing.contours}
    if len(heights) == 1:
        notes.append("it is drawn on one section only, and traced on that alone")
    return [f"object {drawing.name!r}: {note}" for note in notes]


def keyed(drawings: Sequence[Drawing]) -> dict[Key, Drawing]:
    """Tell objects apart by name and, of one name, by their order."""
    names = [drawing.name for drawing in drawings]
    return {(d.name, names[:k].count(d.name)): d for k, d in enumerate(drawings)}


def trace_model(
    volume: npt.NDArray[Any],
    grid: Grid,
    guides: Sequence[Drawing],
    *,
    earlier: Sequence[Drawing] = (),
    written: Mapping[Key, Sequence[int]] | None = None,
    reach_nm: float = 25.0,
    invert: bool = False,
) -> list[TracedObject]:
    """Trace every object of a guide; keep what a person changed of an earlier result.

    Parameters
    ----------
    volume : (z, y, x) array of any real type
    grid : Grid
        Of the volume.
    guides : sequence of Drawing
    earlier : sequence of Drawing
        The objects of the result that is replaced, with a person's changes.
    written : mapping of Key to sections
        What was written there.
    reach_nm, invert
        See `vesimod.membranes.trace.trace`.
    """
    found = []
    before = keyed(earlier)
    for key, guide in keyed(guides).items():
        edits, known = Edits(), (written or {}).get(key, ())
        if key in before:
            edits = edits_of(before[key], sections_of(guide.contours)[0], known)
        elif earlier:  # somebody deleted the object
            edits = Edits(deleted=frozenset(known))
        merged, fixed = _with_edits(guide, edits, grid, reach_nm)
        membrane = trace(
            volume, grid.voxel_size_nm, merged, fixed=fixed, reach_nm=reach_nm, invert=invert
        )
        found.append(_traced(membrane, merged, edits, grid))
    return found


def doubts_about(objects: Sequence[TracedObject]) -> list[str]:
    """Say what was doubtful about each object."""
    return [f"object {f.drawing.name!r}: {note}" for f in objects for note in f.membrane.notes]


def left_by_hand(earlier: Sequence[Drawing], now: Sequence[Drawing]) -> list[Drawing]:
    """Objects of an earlier result that nothing takes the place of, if a person drew in them."""
    made = keyed(now)
    return [
        drawing
        for key, drawing in keyed(earlier).items()
        if key not in made and edits_of(drawing, sections_of(drawing.contours)[0], ()).contours
    ]


def _with_edits(
    guide: Drawing, edits: Edits, grid: Grid, reach_nm: float
) -> tuple[Drawing, BoolArray]:
    """Put a person's contours in the place of those of the guide beside them."""
    if not edits.contours:
        return guide, np.zeros(len(guide.contours), bool)
    axis = sections_of(guide.contours)[0]
    size_nm = np.asarray(grid.voxel_size_nm)

    def replaced(contour: FloatArray) -> bool:
        line = Line(contour * size_nm, guide.closed, axis)
        height = round(float(contour[:, axis].mean()))
        return any(
            round(float(other[:, axis].mean())) == height
            and line.distance_to(Line(other * size_nm, guide.closed, axis)) < reach_nm
            for other in edits.contours
        )

    left = [contour for contour in guide.contours if not replaced(contour)]
    merged = Drawing(guide.name, guide.closed, (*left, *edits.contours), colour=guide.colour)
    return merged, np.arange(len(merged.contours)) >= len(left)


def _traced(membrane: Membrane, merged: Drawing, edits: Edits, grid: Grid) -> TracedObject:
    """Draw the contours of every section, but those that a person had cleared."""
    order = [membrane.axis, *(k for k in range(3) if k != membrane.axis)]
    size_nm = np.asarray(grid.voxel_size_nm)[order]
    contours, labels, values = [], [], []
    sections, cleared, kept = set(), set(), 0
    for traced in membrane.sheets:
        sheet = traced.sheet
        rows = sheet.sections.tolist(), sheet.paths_nm, sheet.kept.tolist(), traced.seen
        for section, path, number, seen in zip(*rows, strict=True):
            sections.add(section)
            if number >= 0:
                kept += 1
                points = merged.contours[number]
                labels.append(BY_HAND)
                values.append(np.full(len(points), SEEN))
            elif section in edits.deleted:
                cleared.add(section)
                continue
            else:
                plane = np.column_stack([np.full(len(path), float(section)), path / size_nm[1:]])
                points = rounded(plane[:, np.argsort(order)])
                labels.append(label_of(points, float(seen.mean())))
                values.append(np.where(seen, SEEN, NOT_SEEN))
            contours.append(points)
    drawing = Drawing(
        merged.name, merged.closed, tuple(contours), np.zeros(len(contours), np.int64),
        tuple(labels), merged.colour, tuple(values),
    )  # fmt: skip
    return TracedObject(membrane, drawing, kept, len(cleared), tuple(sorted(sections)))
