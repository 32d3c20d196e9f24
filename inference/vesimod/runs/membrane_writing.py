"""Traced membranes written as a model, whose changes by a person are kept when it is made again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from vesimod_imod.contour_model.read import Drawing, read_drawings
from vesimod_imod.contour_model.write import write_drawings
from vesimod_imod.core.errors import VesimodError
from vesimod_imod.core.locks import writing
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.io.provenance import Provenance, fingerprint, read_provenance, write_provenance
from vesimod.io.tomogram import Tomogram, write_mrc
from vesimod.membranes.labels import paint_traced
from vesimod.membranes.trace_model import Key, TracedObject, left_by_hand


@dataclass(frozen=True, eq=False, repr=False)
class Earlier(ShortRepr):
    """A result that is replaced, with a person's changes.

    Parameters
    ----------
    drawings : tuple of Drawing
    written : dict of Key to list of int
        Sections on which each object had contours when it was written.
    notes : tuple of str
        What cannot be kept of it.
    """

    drawings: tuple[Drawing, ...] = ()
    written: dict[Key, list[int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class MadeBy:
    """How membranes were found, for the record.

    Parameters
    ----------
    method, weights_sha256 : str
        Name of the network and SHA-256 of its file; or the method that needs none.
    parameters : dict
        What the user could set, as plain JSON values.
    """

    method: str
    weights_sha256: str
    parameters: dict[str, Any]


def read_earlier(output: Path, tomogram: Tomogram) -> Earlier:
    """Read the result that is replaced, and which sections it had when it was written."""
    if not output.exists():
        return Earlier()
    try:
        drawings, _ = read_drawings(output, tomogram.grid)
    except VesimodError as error:
        return Earlier(
            notes=(f"{error}: nothing of it is kept; the file itself is, as {output.name}~",)
        )
    record, _ = read_provenance(output)
    if record is None:
        unknown = (
            f"{output}: no record beside it, so that sections cleared by hand are filled again"
        )
        return Earlier(tuple(drawings), notes=(unknown,) if drawings else ())
    written: dict[Key, list[int]] = {}
    objects = record.results.get("objects")
    for item in objects if isinstance(objects, list) else []:
        name, sections = item.get("name"), item.get("sections")
        if isinstance(name, str) and isinstance(sections, list):
            place = sum(key[0] == name for key in written)
            written[name, place] = [int(section) for section in sections]
    return Earlier(tuple(drawings), written)


def write_traced(
    output: Path,
    tomogram: Tomogram,
    objects: Sequence[TracedObject],
    earlier: Earlier,
    made_by: MadeBy,
    *,
    labels: Path | None = None,
    overwrite: bool = False,
) -> list[str]:
    """Write the model, its record and perhaps a label volume; return what was kept besides.

    Parameters
    ----------
    output : Path
        The model.
    tomogram : Tomogram
    objects : sequence of TracedObject
    earlier : Earlier
        What is replaced; objects that a person drew in it are carried over.
    made_by : MadeBy
    labels : Path, optional
        A label volume: each membrane by the number of its object, as thick as it was measured.
    overwrite : bool
    """
    grid = tomogram.grid
    own = left_by_hand(earlier.drawings, [found.drawing for found in objects])
    drawings = [*(found.drawing for found in objects), *own]
    results = {
        "voxel_size_nm": list(grid.voxel_size_nm),
        "objects": [_told(found) for found in objects],
    }
    source = tomogram.path.name, fingerprint(tomogram.path)
    made = made_by.method, made_by.weights_sha256
    with writing(output, [labels]):
        if labels is not None:
            write_mrc(labels, paint_traced(objects, grid), tomogram, overwrite=overwrite)
        write_drawings(output, drawings, grid, overwrite=overwrite)
        write_provenance(output, Provenance(*made, *source, made_by.parameters, results))
    return [f"object {drawing.name!r}: kept as a person drew it" for drawing in own]


def _told(found: TracedObject) -> dict[str, Any]:
    """Put what was found along one object into plain JSON values."""
    measured = found.membrane.thickness_nm
    return {
        "name": found.drawing.name,
        "thickness_nm": round(measured, 2) if np.isfinite(measured) else None,
        "seen_fraction": round(found.membrane.seen_fraction, 4),
        "sections": list(found.sections),
    }
