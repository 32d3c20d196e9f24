"""The table of corrections: what became of each sphere of a prediction, as CSV and JSON."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from vesimod_imod.core.files import atomic_path, check_writable

from vesimod.io.sphere_table import TableError

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
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(names)
        writer.writerows([_cell(getattr(row, name)) for name in names] for row in corrections)


def read_corrections(path: Path) -> list[Correction]:
    """Read a table that `write_corrections` wrote, perhaps edited in a spreadsheet.

    Raises
    ------
    TableError
        A column is missing, or a cell is not what it should be.
    """
    path = Path(path)
    with path.open(newline="", encoding="utf-8-sig") as stream:
        try:
            lines = list(csv.DictReader(stream, strict=True))
        except (csv.Error, UnicodeDecodeError) as error:
            raise TableError(f"{path}: not a CSV table ({error})") from error
    return [_parse(path, number, line) for number, line in enumerate(lines, 2)]


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


def _parse(path: Path, number: int, line: dict[str, str | None]) -> Correction:
    values: dict[str, Any] = {}
    for column in fields(Correction):
        text = line.get(column.name)
        if text is None:
            raise TableError(f"{path}: line {number}: no column {column.name}")
        try:
            if column.name in ("verdict", "note"):
                values[column.name] = text
            elif column.name.endswith("_id"):
                values[column.name] = int(text) if text else None
            else:
                values[column.name] = float(text) if text else np.nan
        except ValueError as error:
            raise TableError(f"{path}: line {number}: {column.name} is {text!r}") from error
    row = Correction(**values)
    if row.verdict not in VERDICTS:
        raise TableError(f"{path}: line {number}: no verdict {row.verdict!r}; one of {VERDICTS}")
    needed = (row.z, row.y, row.x) if row.verdict != "removed" else row.predicted_centre
    if not np.all(np.isfinite(needed)):
        raise TableError(f"{path}: line {number}: a {row.verdict} sphere needs its position")
    return row
