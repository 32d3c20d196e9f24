"""One table of many tomograms: what was found in each, for a spreadsheet and for the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from vesimod_imod.core.clean_text import one_line
from vesimod_imod.core.errors import as_flags
from vesimod_imod.core.files import check_regular
from vesimod_imod.sphere_model.read import read_sphere_model

from vesimod.io.csv_table import write_table
from vesimod.io.provenance import read_provenance

MODEL_ENDING = "_vesicles.mod"
MOST_COLUMNS = 80  # of the table, so that it fits a terminal


@dataclass(frozen=True)
class Row:
    """One tomogram; None is what is not known.

    Parameters
    ----------
    model : Path
        The sphere model.
    state : str
        ``done``, ``kept`` (finished before) or ``failed``.
    tomogram : Path, optional
        Its file, or the name alone where no more is known.
    voxel_size_nm : float, optional
        In x and y.
    vesicles : int, optional
        How many the model holds now, whoever put them there.
    radius_mean_nm, radius_sd_nm : float, optional
        Of their radii.
    density_per_um3 : float, optional
        Vesicles in a cubic micrometre of the volume that was searched: the whole file, or the
        region.
    seconds : float, optional
        What finding them took.
    notes : tuple of str
        What may be wrong with the result, or why there is none.
    """

    model: Path
    state: str
    tomogram: Path | None = None
    voxel_size_nm: float | None = None
    vesicles: int | None = None
    radius_mean_nm: float | None = None
    radius_sd_nm: float | None = None
    density_per_um3: float | None = None
    seconds: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the tomogram's result files begin with."""
        return self.model.name.removesuffix(MODEL_ENDING)

    def line(self) -> str:
        """Return the row in words."""
        found = "" if self.vesicles is None else f", {self.vesicles} vesicles"
        if self.radius_mean_nm is not None:
            found += f", radius {self.radius_mean_nm:.1f} +- {self.radius_sd_nm:.1f} nm"
        return "; ".join([f"{self.name}: {self.state}{found}", *self.notes])


COLUMNS = tuple(field.name for field in fields(Row))


def row_of(model: Path, state: str) -> Row:
    """Sum up a sphere model as it is now, with what its provenance record tells.

    Raises
    ------
    OSError, ValueError
        The model cannot be read.
    """
    radii = read_sphere_model(model).vesicles().spheres.radii_nm
    known = radii[np.isfinite(radii)]
    provenance, notes = read_provenance(model)
    results: dict[str, Any] = {} if provenance is None else provenance.results
    size, searched = results.get("voxel_size_nm"), results.get("searched_um3")
    return Row(
        model,
        state,
        None if provenance is None else Path(provenance.tomogram),
        voxel_size_nm=0.5 * (size[1] + size[2]) if size else None,
        vesicles=len(radii),
        radius_mean_nm=float(known.mean()) if len(known) else None,
        radius_sd_nm=float(known.std()) if len(known) else None,
        density_per_um3=len(radii) / searched if searched else None,
        seconds=results.get("seconds"),
        notes=tuple(as_flags(note) for note in (*results.get("notes", ()), *notes)),
    )


def check_summary(path: Path) -> None:
    """Refuse to replace a file that is not a summary of ours.

    Raises
    ------
    FileExistsError
        There is a file of this name with other columns.
    """
    if not path.exists():
        return
    check_regular(path)
    if not path.read_bytes().startswith(",".join(COLUMNS).encode()):
        raise FileExistsError(f"{path}: is not a summary of vesimod's; move it away")


def write_summary(path: Path, rows: Iterable[Row]) -> None:
    """Write the table as CSV, whole or not at all; an old one is replaced."""
    cells = (asdict(row) | {"notes": "; ".join(row.notes)} for row in rows)
    write_table(path, COLUMNS, ([_cell(each[name], ".6g") for name in COLUMNS] for each in cells))


def markdown(rows: Sequence[Row]) -> str:
    """Return the table as Markdown that also reads well on a screen, and the notes below it."""
    head = ("tomogram", "nm", "vesicles", "radius nm", "SD", "per um^3", "time s", "state")
    lines = [
        [
            one_line(row.name),
            _cell(row.voxel_size_nm, ".3g"),
            _cell(row.vesicles, "d"),
            _cell(row.radius_mean_nm, ".1f"),
            _cell(row.radius_sd_nm, ".1f"),
            _cell(row.density_per_um3, ".0f"),
            _cell(row.seconds, ".0f"),
            row.state + ("*" if row.notes else ""),
        ]
        for row in rows
    ]
    widths = [max(len(line[column]) for line in [head, *lines]) for column in range(len(head))]
    widths[0] = min(widths[0], MOST_COLUMNS - sum(widths[1:]) - 3 * len(widths) - 1)
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    table = [_line(line, widths) for line in (head, rule, *lines)]
    notes = [one_line(f"* {row.name}: {note}") for row in rows for note in row.notes]
    return "\n".join([*table, *notes])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return one line of a Markdown table: names to the left, the rest to the right."""
    padded = [
        cell.rjust(width) if column else _shortened(cell, width).ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "| " + " | ".join(padded) + " |"


def _shortened(name: str, width: int) -> str:
    """Leave out a name's middle where it is too long: beginnings and ends tell names apart."""
    if len(name) <= width:
        return name
    end = (width - 2) // 2
    return f"{name[: width - 2 - end]}..{name[-end:]}"


def _cell(value: object, form: str) -> str:
    """Format a number, leave what is not known empty."""
    if isinstance(value, (int, float)):
        return format(value, form)
    return "" if value is None else str(value)
