"""Sphere tables: CSV that opens in any spreadsheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from vesimod_imod.core.files import check_writable
from vesimod_imod.core.spheres import Spheres

from vesimod.io.csv_table import TableError, read_table, write_table

COLUMNS = ("id", "z", "y", "x", "radius_nm", "score")
# Measures as earlier versions named them; such tables are read with the names of today.
OLD_NAMES = {
    "evidence": "membrane_z",
    "moved_nm": "centre_shift_nm",
    "belief": "core_probability",
    "seen": "visible_fraction",
}


def write_spheres_csv(path: Path, spheres: Spheres, *, overwrite: bool = False) -> None:
    """Write spheres as CSV: id, z, y, x (voxels), radius_nm, score, then every measure.

    Raises
    ------
    FileExistsError
        `path` exists and `overwrite` is false.
    """
    path = Path(path)
    check_writable(path, overwrite)
    rows = (_cells(spheres, row) for row in range(len(spheres)))
    write_table(path, [*COLUMNS, *spheres.measures], rows)


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
    table = read_table(path)
    header, rows = table.header, table.rows
    table.require(COLUMNS[1:5], f"a sphere table begins {','.join(COLUMNS)}")

    def numbers(name: str) -> list[float]:
        try:
            return [float(row[name]) for row in rows]
        except ValueError as error:
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
            except ValueError:
                measures[measure] = np.array(cells, dtype=str)
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


def _cells(spheres: Spheres, row: int) -> list[str]:
    """Format a sphere as a row."""
    numbers = [*spheres.centres[row], spheres.radii_nm[row], spheres.scores[row]]
    own = [str(int(spheres.ids[row])), *(f"{number:.4f}" for number in numbers)]
    return own + [_cell(column[row]) for column in spheres.measures.values()]


def _cell(value: object) -> str:
    """Format a measure: numbers short, everything else as it prints."""
    if isinstance(value, (float, np.floating)):
        return f"{value:.6g}"
    return str(value)
