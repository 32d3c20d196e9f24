"""Which function writes or reads a file, by the ending of its name."""

from __future__ import annotations

from pathlib import Path

from vesimod.handoff.chimerax import read_cmm, write_cmm
from vesimod.handoff.dynamo import read_dynamo, write_dynamo
from vesimod.handoff.frame import Frame, HandoffError, Reader, Writer
from vesimod.handoff.ome_zarr import write_ome_zarr
from vesimod.handoff.point_tables import (
    read_imod_points,
    read_napari,
    read_nm,
    write_imod_points,
    write_napari,
    write_nm,
)
from vesimod.handoff.portal import read_copick, read_ndjson, write_copick, write_ndjson
from vesimod.handoff.pyto import read_pyto
from vesimod.handoff.star import read_star, write_relion4, write_relion5
from vesimod.handoff.vesimod_files import write_labels, write_model, write_sphere_table
from vesimod.io.csv_table import read_table

__all__ = ["FOLDERS", "PYTO", "READERS", "UNSIZED", "WRITERS", "Frame", "reader_of", "writer_of"]

#: A folder for Pyto, which takes more than spheres: see `vesimod.handoff.pyto`.
PYTO = ".pyto"
WRITERS: dict[str, Writer] = {
    ".mod": write_model,
    ".csv": write_sphere_table,
    ".mrc": write_labels,
    ".star": write_relion5,
    ".relion4.star": write_relion4,
    ".tbl": write_dynamo,
    ".cmm": write_cmm,
    ".napari.csv": write_napari,
    ".nm.csv": write_nm,
    ".zarr": write_ome_zarr,
    ".ndjson": write_ndjson,
    ".json": write_copick,
    ".txt": write_imod_points,
}
READERS: dict[str, Reader] = {
    ".star": read_star,
    ".tbl": read_dynamo,
    ".cmm": read_cmm,
    ".napari.csv": read_napari,
    ".nm.csv": read_nm,
    ".ndjson": read_ndjson,
    ".json": read_copick,
    ".txt": read_imod_points,
    ".dat": read_pyto,
}
#: Endings of files that have no place for radii.
UNSIZED = (".tbl", ".txt", ".json")
#: Endings of outputs that are folders.
FOLDERS = (".zarr", PYTO)


def writer_of(path: Path, form: str | None = None) -> tuple[str, Writer | None]:
    """Return the ending by which a file is written, and the function; none for Pyto's folder.

    Parameters
    ----------
    path : Path
    form : str, optional
        An ending that counts instead of that of `path`, e.g. "relion4.star".

    Raises
    ------
    HandoffError
        No format has that ending.
    """
    name = path.name if form is None else f"x.{form.lstrip('.')}"
    ending = _longest(name, (*WRITERS, PYTO))
    if ending is None:
        raise HandoffError(
            f"{name if form is None else form}: vesicles are written as "
            f"{', '.join(sorted((*WRITERS, PYTO)))}; name one of these endings"
        )
    return ending, WRITERS.get(ending)


def reader_of(path: Path) -> Reader | None:
    """Return the function that reads a file of another program.

    None for models, our own tables and label volumes, which `vesimod.io.read_spheres` reads. What
    a table (.csv) is, its header says.
    """
    if path.suffix.lower() == ".csv":
        header = read_table(path).header
        if {"axis-0", "axis-1", "axis-2"} <= set(header):
            return read_napari
        own = {"z", "y", "x"} <= set(header)
        return read_nm if not own and {"x_nm", "y_nm", "z_nm"} <= set(header) else None
    ending = _longest(path.name, tuple(READERS))
    return None if ending is None else READERS[ending]


def _longest(name: str, endings: tuple[str, ...]) -> str | None:
    """Longest of the endings that a name has."""
    fitting = [ending for ending in endings if name.lower().endswith(ending)]
    return max(fitting, key=len, default=None)
