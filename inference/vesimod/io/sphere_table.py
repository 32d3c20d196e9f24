"""Sphere tables: CSV that opens in any spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from vesimod_imod.core.arrays import FloatArray, IntArray
from vesimod_imod.core.files import check_writable
from vesimod_imod.core.spheres import COLUMNS, FARTHEST, NM_COLUMNS, HasVoxelSize, Spheres

from vesimod.io.csv_table import TableError, number_of, read_table, write_table

# Measures as earlier versions named them; such tables are read with the names of today.
OLD_NAMES = {
    "evidence": "membrane_z",
    "moved_nm": "centre_shift_nm",
    "belief": "core_probability",
    "seen": "visible_fraction",
}


def write_spheres_csv(
    path: Path, spheres: Spheres, grid: HasVoxelSize | None = None, *, overwrite: bool = False
) -> None:
    """Write spheres as CSV: id, z, y, x (voxels), radius_nm, score, then every measure.

    With a `grid`, the centres in nm (z_nm, y_nm, x_nm) follow x.

    Raises
    ------
    FileExistsError
        `path` exists and `overwrite` is false.
    """
    path = Path(path)
    check_writable(path, overwrite)
    columns = spheres.as_columns(grid)
    cells = [
        [_fixed(value) if name in (*COLUMNS, *NM_COLUMNS) else _cell(value) for value in column]
        for name, column in columns.items()
    ]
    write_table(path, list(columns), zip(*cells, strict=True))


def read_spheres_csv(path: Path) -> Spheres:
    """Read spheres that `write_spheres_csv` or a person wrote.

    The columns z, y, x and radius_nm are required; id and score are filled in where absent
    (1..N and 1). Other columns become measures: numbers where every cell is one, else text.
    Measures of earlier versions get the names of today (`OLD_NAMES`). Centres in nm are left out:
    they follow from those in voxels.

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
            return [number_of(row[name]) for row in rows]
        except ValueError as error:
            raise TableError(
                f"{path}: column {name} holds something that is not a number"
            ) from error

    measures = {}
    for name in header:
        if name and name not in (*COLUMNS, *NM_COLUMNS):
            cells = [row[name] for row in rows]
            new = OLD_NAMES.get(name, name)
            measure = name if new in header else new
            try:
                measures[measure] = np.array([float(cell) for cell in cells])
            except ValueError:
                measures[measure] = np.array(cells, dtype=str)
    centres = np.array([numbers("z"), numbers("y"), numbers("x")]).T
    if not (np.abs(centres) < FARTHEST).all():
        raise TableError(f"{path}: a position is not a number of voxels below {FARTHEST:g}")
    try:
        return Spheres(
            centres,
            _checked_radii(path, numbers("radius_nm")),
            np.array(numbers("score") if "score" in header else []),
            ids_of(path, numbers("id")) if "id" in header else np.empty(0, np.int64),
            measures,
        )
    except TableError:
        raise
    except ValueError as error:
        raise TableError(f"{path}: {error}") from error


def _checked_radii(path: Path, radii: list[float]) -> FloatArray:
    """Radii (N,) in nm; `TableError` names one that no sphere has."""
    for radius in radii:
        if radius <= 0 or radius == np.inf:
            raise TableError(f"{path}: a radius of {radius:g} nm; write nan where it is not known")
    return np.array(radii)


def ids_of(path: Path, numbers: Iterable[float]) -> IntArray:
    """Ids as whole numbers (N,) that fit into 32 bits; `TableError` names one that is none."""
    for number in numbers:
        if not (abs(number) < 1 << 31 and number == int(number)):
            raise TableError(f"{path}: id {number:g} is no whole number that fits into 32 bits")
    return np.array(list(map(int, numbers)), np.int64)


def _fixed(value: np.generic) -> str:
    """Format a column that every table has."""
    return f"{value:.4f}" if isinstance(value, np.floating) else str(value)


def _cell(value: object) -> str:
    """Format a measure: numbers short, everything else as it prints."""
    if isinstance(value, (float, np.floating)):
        return f"{value:.6g}"
    return str(value)
