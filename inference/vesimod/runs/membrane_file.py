"""Membranes along a guide, from files to files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vesimod_imod.core.file_roles import check_files
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.io.provenance import fingerprint
from vesimod.io.tomogram import Tomogram
from vesimod.membranes.trace_model import TracedObject, doubts_about, read_guide, trace_model
from vesimod.runs.membrane_writing import MadeBy, read_earlier, write_traced

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
    earlier = read_earlier(output, tomogram)
    objects = trace_model(
        tomogram.grey,
        grid,
        guides,
        earlier=earlier.drawings,
        written=earlier.written,
        reach_nm=reach_nm,
        invert=invert,
    )
    parameters = {
        "reach_nm": reach_nm,
        "invert": invert,
        "guide": guide.name,
        "guide_fingerprint": fingerprint(guide),
    }
    made_by = MadeBy(_METHOD, "", parameters)
    kept = write_traced(
        output, tomogram, objects, earlier, made_by, labels=labels, overwrite=overwrite
    )
    doubts = (f"{guide}: {doubt}" for doubt in doubts_about(objects))
    return TracedFile(tuple(objects), (*warnings, *earlier.notes, *doubts, *kept))
