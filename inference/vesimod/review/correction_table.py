"""The table of corrections: what became of each sphere of a prediction, as CSV and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from vesimod_imod.core.files import check_writable

from vesimod.io.csv_table import TableError, number_of, read_table, write_table
from vesimod.io.sphere_table import ids_of

Verdict = Literal["kept", "moved", "resized", "added", "removed", "ambiguous"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class Correction:
    """One sphere before and after. What does not apply is None, or NaN for numbers.

    Parameters
    ----------
    verdict : str
        One of `VERDICTS`. A moved sphere may have been resized, too.
    predicted_id, corrected_id : int or None
    distance_nm : float
        Between the centres.
    predicted_z, predicted_y, predicted_x, predicted_radius_nm : float
        Before; position in voxels.
    z, y, x, radius_nm : float
        After; the radius is NaN where nobody set one.
    score : float
        As the corrected model has it.
    note : str
        Why, where the verdict does not tell.
    """

    verdict: Verdict
    predicted_id: int | None
    corrected_id: int | None
    distance_nm: float
    predicted_z: float
    predicted_y: float
    predicted_x: float
    predicted_radius_nm: float
    z: float
    y: float
    x: float
    radius_nm: float
    score: float
    note: str = ""

    @property
    def predicted_centre(self) -> tuple[float, float, float]:
        """Position (z, y, x) before, in voxels."""
        return self.predicted_z, self.predicted_y, self.predicted_x

    @property
    def centre(self) -> tuple[float, float, float]:
        """Position (z, y, x) after, in voxels."""
        return self.z, self.y, self.x


def counts(corrections: Sequence[Correction]) -> dict[str, int]:
    """How often each verdict was given."""
    return {name: sum(row.verdict == name for row in corrections) for name in VERDICTS}


def write_corrections(
    path: Path, corrections: Sequence[Correction], *, overwrite: bool = False
) -> None:
    """Write the table as CSV; numbers that do not apply are empty."""
    path = Path(path)
    check_writable(path, overwrite)
    names = [column.name for column in fields(Correction)]
    rows = ([_cell(getattr(row, name)) for name in names] for row in corrections)
    write_table(path, names, rows)


def read_corrections(path: Path) -> list[Correction]:
    """Read a table that `write_corrections` wrote, perhaps edited in a spreadsheet.

    Raises
    ------
    TableError
        A column is missing, there are no rows, or a cell is not what it should be.
    """
    table = read_table(path)
    names = [column.name for column in fields(Correction)]
    table.require(names, "a table of corrections is written by vesimod corrections -o")
    if not table.rows:
        raise TableError(
            f"{path}: has no rows, so there is nothing to carry over; write it again with "
            "vesimod corrections PREDICTED.mod CORRECTED.mod -o"
        )
    return [
        _parse(table.path, number, line)
        for number, line in zip(table.lines, table.rows, strict=True)
    ]


def as_json(corrections: Sequence[Correction]) -> list[dict[str, Any]]:
    """Rows as plain values; NaN as None."""
    return [
        {name: None if value != value else value for name, value in vars(row).items()}
        for row in corrections
    ]


def _cell(value: str | float | None) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _parse(path: Path, number: int, line: dict[str, str]) -> Correction:
    values: dict[str, Any] = {}
    for column in fields(Correction):
        text = line[column.name]
        try:
            if column.name in ("verdict", "note"):
                values[column.name] = text
            elif column.name.endswith("_id"):
                values[column.name] = int(ids_of(path, [number_of(text)])[0]) if text else None
            else:
                values[column.name] = number_of(text) if text else np.nan
        except TableError:
            raise
        except ValueError as error:
            raise TableError(f"{path}: line {number}: {column.name} is {text!r}") from error
    row = Correction(**values)
    if infinite := [name for name, value in values.items() if value in (np.inf, -np.inf)]:
        raise TableError(f"{path}: line {number}: {infinite[0]} is infinite")
    if row.radius_nm <= 0 or row.predicted_radius_nm <= 0:
        radius = np.nanmin([row.radius_nm, row.predicted_radius_nm])
        raise TableError(f"{path}: line {number}: a radius of {radius:g} nm")
    if row.verdict not in VERDICTS:
        raise TableError(f"{path}: line {number}: no verdict {row.verdict!r}; one of {VERDICTS}")
    needed = (row.z, row.y, row.x) if row.verdict != "removed" else row.predicted_centre
    if not np.all(np.isfinite(needed)):
        raise TableError(f"{path}: line {number}: a {row.verdict} sphere needs its position")
    id_name = "predicted_id" if row.verdict == "removed" else "corrected_id"
    if getattr(row, id_name) is None and row.verdict != "ambiguous":
        raise TableError(f"{path}: line {number}: a {row.verdict} sphere needs its {id_name}")
    return row
