"""Tables as CSV: written in one way, read as spreadsheets of any country save them."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vesimod_imod.core.clean_text import csv_cell, from_csv_cell
from vesimod_imod.core.errors import VesimodError
from vesimod_imod.core.files import atomic_path, check_regular
from vesimod_imod.core.short_repr import ShortRepr

_SEPARATORS = (",", ";", "\t")
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d*,\d+([eE][-+]?\d+)?\s*")
_SEPARATOR_NOTE = re.compile(r"sep=.\s*", re.IGNORECASE)  # a first line that Excel understands


class TableError(VesimodError, ValueError):
    """The file is not a table of what is wanted."""


@dataclass(frozen=True, repr=False)
class Table(ShortRepr):
    """A table that was read.

    Parameters
    ----------
    path : Path
    header : tuple of str
        Names of the columns, each different.
    rows : list of dict
        Cells by column; empty text where a line ends early.
    lines : list of int
        Line of the file in which each row ends, for messages.
    """

    path: Path
    header: tuple[str, ...]
    rows: list[dict[str, str]]
    lines: list[int]

    def require(self, columns: Iterable[str], what: str) -> None:
        """Refuse a table that lacks some of the columns, with or without rows.

        Raises
        ------
        TableError
            The message names them, and `what` says what such a table is.
        """
        missing = [name for name in columns if name not in self.header]
        if missing:
            raise TableError(f"{self.path}: no column {', '.join(missing)}; {what}")


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table, whole or not at all; an existing file is replaced.

    Texts that a spreadsheet would take for formulas get an apostrophe in front.
    """
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(header)
        writer.writerows([csv_cell(c) if isinstance(c, str) else c for c in row] for row in rows)


def read_table(path: Path) -> Table:
    """Read a table; semicolons or tabs may separate its cells, with decimal commas in them.

    Raises
    ------
    TableError
        The file is empty or not text, a column is there twice, the header is repeated, or a line
        has more cells than the header.
    """
    path = Path(path)
    check_regular(path)
    try:
        with path.open(newline="", encoding=_encoding(path)) as stream:
            first = stream.readline()
            start = 1
            if _SEPARATOR_NOTE.fullmatch(first):
                first, start = stream.readline(), 2
            separator = max(_SEPARATORS, key=first.count)
            header = next(csv.reader([first], delimiter=separator, strict=True), [])
            names = tuple(name.strip() for name in header)
            _check_header(path, names)
            reader = csv.reader(stream, delimiter=separator, strict=True)
            rows, lines = [], []
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                line = start + reader.line_num
                _check_row(path, names, cells, line)
                padded = [*cells, *[""] * len(names)][: len(names)]
                if separator != ",":
                    padded = list(_with_points(padded))
                padded = [from_csv_cell(c) for c in padded]
                rows.append(dict(zip(names, padded, strict=True)))
                lines.append(line)
    except UnicodeError as error:
        raise TableError(
            f"{path}: not a CSV table, or its letters are not UTF-8 ({error}); save it as CSV UTF-8"
        ) from error
    except csv.Error as error:
        raise TableError(f"{path}: not a CSV table ({error})") from error
    return Table(path, names, rows, lines)


def number_of(cell: str) -> float:
    """Return a cell's number; `ValueError` where it is none, also of what only Python reads."""
    if "_" in cell:
        raise ValueError(f"{cell!r} is no number")
    return float(cell)


def _encoding(path: Path) -> str:
    """UTF-8, or UTF-16 where it says so, as spreadsheets save "Unicode text"."""
    with path.open("rb") as stream:
        start = stream.read(2)
    return "utf-16" if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def _check_header(path: Path, names: tuple[str, ...]) -> None:
    named = [name for name in names if name]
    if not named:
        raise TableError(f"{path}: is empty: its first line has no names of columns")
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise TableError(f"{path}: column {', '.join(twice)} is there twice; leave one")


def _check_row(path: Path, names: tuple[str, ...], cells: list[str], line: int) -> None:
    if tuple(cell.strip() for cell in cells) == names:
        raise TableError(f"{path}: line {line} repeats the header; put one table into a file")
    if any(cell.strip() for cell in cells[len(names) :]):
        raise TableError(
            f"{path}: line {line} has {len(cells)} cells, the header {len(names)}; save decimal "
            "commas with semicolons between the cells"
        )


def _with_points(cells: Iterable[str]) -> Iterator[str]:
    """Numbers with a decimal point; all else as it is."""
    for cell in cells:
        yield cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell
