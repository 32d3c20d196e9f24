"""Sphere tables: CSV that opens in any spreadsheet."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from vesimod_imod.core.files import atomic_path, check_writable
from vesimod_imod.core.spheres import Spheres

COLUMNS = ("id", "z", "y", "x", "radius_nm", "score")
# Measures as earlier versions named them; such tables are read with the names of today.
OLD_NAMES = {
    "evidence": "membrane_z",
    "moved_nm": "centre_shift_nm",
    "belief": "core_probability",
    "seen": "visible_fraction",
}


class TableError(ValueError):
    """The file is not a table of spheres."""


def write_spheres_csv(path: Path, spheres: Spheres, *, overwrite: bool = False) -> None:
    """Write spheres as CSV: id, z, y, x (voxels), radius_nm, score, then every measure.

    Raises
    ------
    FileExistsError
        `path` exists and `overwrite` is false.
    """
    path = Path(path)
    check_writable(path, overwrite)
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow([*COLUMNS, *spheres.measures])
        for row in range(len(spheres)):
            z, y, x = spheres.centres[row]
            numbers = [z, y, x, spheres.radii_nm[row], spheres.scores[row]]
            writer.writerow(
                [int(spheres.ids[row]), *(f"{number:.4f}" for number in numbers)]
                + [_cell(column[row]) for column in spheres.measures.values()]
            )


def read_spheres_csv(path: Path) -> Spheres:
    """Read spheres that `write_spheres_csv` or a person wrote.

    The columns z, y, x and radius_nm are required; id and score are filled in where absent
    (1..N and 1). Other columns become measures: numbers where every cell is one, else text.
    Measures of earlier versions get the names of today (`OLD_NAMES`).

    Raises
    ------
    TableError
        A required column is missing or a cell is not a number; the message says which.
    """
    path = Path(path)
    with path.open(newline="", encoding="utf-8-sig") as stream:
        try:
            rows = list(csv.DictReader(stream, strict=True))
            header = rows[0].keys() if rows else _header(path)
        except (csv.Error, UnicodeDecodeError) as error:
            raise TableError(f"{path}: not a CSV table ({error})") from error
    missing = [name for name in COLUMNS[1:5] if name not in header]
    if missing:
        raise TableError(
            f"{path}: no column {', '.join(missing)}; a sphere table begins {','.join(COLUMNS)}"
        )

    def numbers(name: str) -> list[float]:
        try:
            return [float(row[name]) for row in rows]
        except (TypeError, ValueError) as error:
            raise TableError(
                f"{path}: column {name} holds something that is not a number"
            ) from error

    measures = {}
    for name in header:
        if name and name not in COLUMNS:
            cells = [row[name] for row in rows]
            new = OLD_NAMES.get(name, name)
            measure = name if new in header else new
            try:
                measures[measure] = np.array([float(cell) for cell in cells])
            except (TypeError, ValueError):
                measures[measure] = np.array([cell or "" for cell in cells], dtype=str)
    try:
        return Spheres(
            np.array([numbers("z"), numbers("y"), numbers("x")]).T,
            np.array(numbers("radius_nm")),
            np.array(numbers("score") if "score" in header else []),
            np.array(numbers("id") if "id" in header else [], np.int64),
            measures,
        )
    except ValueError as error:
        raise TableError(f"{path}: {error}") from error


def _header(path: Path) -> list[str]:
    """Column names of a table without rows."""
    with path.open(newline="", encoding="utf-8-sig") as stream:
        return next(csv.reader(stream), [])


def _cell(value: object) -> str:
    """Format a measure: numbers short, everything else as it prints."""
    if isinstance(value, (float, np.floating)):
        return f"{value:.6g}"
    return str(value)
