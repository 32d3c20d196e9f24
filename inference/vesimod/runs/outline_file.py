"""A cell's outline and active zone from a tomogram's file to a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vesimod_imod.core.file_roles import check_files

from vesimod.io.provenance import fingerprint
from vesimod.io.read_spheres import read_spheres
from vesimod.io.tomogram import Tomogram
from vesimod.network.model import Model
from vesimod.outlining import outline_cell
from vesimod.runs.membrane_file import TracedFile
from vesimod.runs.membrane_writing import MadeBy, read_earlier, write_traced


def outline_file(
    tomogram: Tomogram,
    model: Model,
    output: Path,
    *,
    vesicles: Path | None = None,
    labels: Path | None = None,
    invert: bool = False,
    overwrite: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> TracedFile:
    """Outline the cell, propose its active zone and write both.

    Where `output` exists and may be replaced, what a person changed in it is kept, as
    `vesimod.runs.membrane_file.trace_file` does.

    Parameters
    ----------
    tomogram : Tomogram
    model : Model
    output : Path
        A model of an object with closed and perhaps one with open contours.
    vesicles : Path, optional
        Vesicles: see `vesimod.outlining.outline_cell`.
    labels : Path, optional
        A label volume: 1 the outline's membrane, 2 the active zone.
    invert : bool
        Membranes are bright.
    overwrite : bool
    progress : callable, optional
        Called with (step, done, total).

    Raises
    ------
    NoSurfaceError
        The network sees no cell in the tomogram; nothing is written.
    FileExistsError
        An output exists and `overwrite` is false.
    """
    read = [tomogram.path, model.path, vesicles]
    check_files(read, [output, labels], overwrite=overwrite)
    reading = None if vesicles is None else read_spheres(vesicles, tomogram.grid)
    earlier = read_earlier(output, tomogram)
    found = outline_cell(
        tomogram,
        model,
        None if reading is None else reading.spheres,
        invert=invert,
        earlier=earlier.drawings,
        written=earlier.written,
        progress=progress,
    )
    mark = None if vesicles is None else fingerprint(vesicles)
    network = f"{model.spec.name} {model.spec.version}"
    made_by = MadeBy(network, model.sha256, {"invert": invert, "vesicles": mark})
    kept = write_traced(
        output, tomogram, found.objects, earlier, made_by, labels=labels, overwrite=overwrite
    )
    doubts = () if reading is None else tuple(f"{vesicles}: {note}" for note in reading.warnings)
    return TracedFile(found.objects, (*doubts, *found.notes, *earlier.notes, *kept))
