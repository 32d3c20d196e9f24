"""Membranes along a guide, from files to files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from vesimod_imod.contour_model.read import read_drawings
from vesimod_imod.contour_model.write import write_drawings
from vesimod_imod.core.errors import VesimodError
from vesimod_imod.core.file_roles import check_files
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.io.provenance import Provenance, fingerprint, read_provenance, write_provenance
from vesimod.io.tomogram import Tomogram, write_mrc
from vesimod.membranes.labels import paint_membranes
from vesimod.membranes.surface import surface_of
from vesimod.membranes.trace_model import Key, TracedObject, read_guide, trace_model

USUAL_THICKNESS_NM = 7.0  # of a membrane that was seen nowhere
_METHOD = "none: traced along a guide"


@dataclass(frozen=True, eq=False, repr=False)
class TracedFile(ShortRepr):
    """What became of a guide.

    Parameters
    ----------
    objects : tuple of TracedObject
    warnings : tuple of str
        What is doubtful.
    """

    objects: tuple[TracedObject, ...]
    warnings: tuple[str, ...]


def trace_file(
    tomogram: Tomogram,
    guide: Path,
    output: Path,
    *,
    labels: Path | None = None,
    reach_nm: float = 25.0,
    invert: bool = False,
    overwrite: bool = False,
) -> TracedFile:
    """Trace every object of a guide and write what was found.

    Where `output` exists and may be replaced, contours that a person changed or added in it stay
    as they are and guide their neighbours, and sections that a person cleared stay clear.

    Parameters
    ----------
    tomogram : Tomogram
    guide, output : Path
        Models.
    labels : Path, optional
        A label volume: each membrane by the number of its object, as thick as it was measured.
    reach_nm : float
        How far from the guide membranes are sought.
    invert : bool
        Membranes are bright.
    overwrite : bool

    Raises
    ------
    NoSurfaceError
        The guide draws nothing in this tomogram.
    FileExistsError
        An output exists and `overwrite` is false.
    """
    check_files([tomogram.path, guide], [output, labels], overwrite=overwrite)
    grid = tomogram.grid
    guides, warnings = read_guide(guide, grid)
    earlier, written, more = _earlier(output, tomogram)
    objects = trace_model(
        tomogram.grey,
        grid,
        guides,
        earlier=earlier,
        written=written,
        reach_nm=reach_nm,
        invert=invert,
    )
    if labels is not None:
        _write_labels(labels, tomogram, objects, overwrite)
    write_drawings(output, [found.drawing for found in objects], grid, overwrite=overwrite)
    _write_record(output, tomogram, guide, objects, {"reach_nm": reach_nm, "invert": invert})
    doubts = [f"object {f.drawing.name!r}: {note}" for f in objects for note in f.membrane.notes]
    return TracedFile(tuple(objects), (*warnings, *more, *doubts))


def _write_record(
    output: Path,
    tomogram: Tomogram,
    guide: Path,
    objects: list[TracedObject],
    parameters: dict[str, Any],
) -> None:
    """Write beside the model how it was made."""
    parameters |= {"guide": guide.name, "guide_fingerprint": fingerprint(guide)}
    results = {
        "voxel_size_nm": list(tomogram.grid.voxel_size_nm),
        "objects": [_told(found) for found in objects],
    }
    source = tomogram.path.name, fingerprint(tomogram.path)
    write_provenance(output, Provenance(_METHOD, "", *source, parameters, results))


def _write_labels(
    path: Path, tomogram: Tomogram, objects: list[TracedObject], overwrite: bool
) -> None:
    """Write each membrane with the number of its object."""
    grid = tomogram.grid
    surfaces = [surface_of(found.drawing, grid.voxel_size_nm) for found in objects]
    volume = paint_membranes(surfaces, [thickness_nm(found) for found in objects], grid)
    write_mrc(path, volume, tomogram, overwrite=overwrite)


def thickness_nm(found: TracedObject) -> float:
    """Thickness that a membrane is painted with."""
    measured = found.membrane.thickness_nm
    return measured if np.isfinite(measured) else USUAL_THICKNESS_NM


def _told(found: TracedObject) -> dict[str, Any]:
    """Put what was found along one object into plain JSON values."""
    measured = found.membrane.thickness_nm
    return {
        "name": found.drawing.name,
        "thickness_nm": round(measured, 2) if np.isfinite(measured) else None,
        "seen_fraction": round(found.membrane.seen_fraction, 4),
        "sections": list(found.sections),
    }


def _earlier(output: Path, tomogram: Tomogram) -> tuple[list[Any], dict[Key, list[int]], list[str]]:
    """Read the result that is replaced, and which sections it had when it was written."""
    if not output.exists():
        return [], {}, []
    try:
        drawings, _ = read_drawings(output, tomogram.grid)
    except VesimodError as error:
        return [], {}, [f"{error}: nothing of it is kept; the file itself is, as {output.name}~"]
    record, _ = read_provenance(output)
    if record is None:
        unknown = (
            f"{output}: no record beside it, so that sections cleared by hand are filled again"
        )
        return drawings, {}, [unknown] if drawings else []
    written: dict[Key, list[int]] = {}
    objects = record.results.get("objects")
    for item in objects if isinstance(objects, list) else []:
        name, sections = item.get("name"), item.get("sections")
        if isinstance(name, str) and isinstance(sections, list):
            place = sum(key[0] == name for key in written)
            written[name, place] = [int(section) for section in sections]
    return drawings, written, []
