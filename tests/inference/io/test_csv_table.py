"""Tables as people's spreadsheets save them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vesimod.io.csv_table import TableError, read_table, write_table
from vesimod.io.sphere_table import read_spheres_csv, write_spheres_csv
from vesimod.review.correction_table import Correction, read_corrections, write_corrections
from vesimod_imod.core.clean_text import printable
from vesimod_imod.core.spheres import Spheres

SPHERES = Spheres([[1.25, 2.5, 3.75], [10, 20, 30]], [20.5, 21.25], [0.5, 0.125], [4, 7])
HEADER = "id,z,y,x,radius_nm,score"


def as_in_a_spreadsheet(text: str) -> str:
    """Semicolons between cells and decimal commas in them."""
    return text.replace(",", ";").replace(".", ",")


@pytest.mark.parametrize("note", ["", "sep=;\r\n"])
def test_semicolons_and_decimal_commas(tmp_path, note: str) -> None:
    path = tmp_path / "a.csv"
    write_spheres_csv(path, SPHERES.with_measures(kind=np.array(["a,b", "c"])))
    text = path.read_text().replace('"a,b"', "a b")
    path.write_text("\ufeff" + note + as_in_a_spreadsheet(text) + ";;;;;;\r\n", encoding="utf-8")
    read = read_spheres_csv(path)
    np.testing.assert_array_equal(read.centres, SPHERES.centres)
    np.testing.assert_array_equal(read.radii_nm, SPHERES.radii_nm)
    np.testing.assert_array_equal(read.ids, SPHERES.ids)
    assert read.measures["kind"].tolist() == ["a b", "c"]


def test_corrections_saved_with_semicolons(tmp_path) -> None:
    path = tmp_path / "c.csv"
    nan = float("nan")
    row = Correction("added", None, 3, nan, nan, nan, nan, nan, 4.5, 5.5, 6.25, 20.5, 1.0, "a note")
    write_corrections(path, [row])
    path.write_text(as_in_a_spreadsheet(path.read_text()))
    (read,) = read_corrections(path)
    assert (read.centre, read.radius_nm, read.note) == (row.centre, row.radius_nm, row.note)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (f"{HEADER},z\n", "column z is there twice"),
        (f"{HEADER}\n1,2,3,4,5,6\n{HEADER}\n", "line 3 repeats the header"),
        (f"{HEADER}\n1,2,5,3,5,4,5,20,0,1\n", "line 2 has 10 cells, the header 6"),
        ("1,2,3,4,5\n", "no column z, y, x, radius_nm"),
        (f"{HEADER}\n1,2,3,4,,1\n", "column radius_nm holds something that is not a number"),
    ],
)
def test_tables_that_are_none(tmp_path, text: str, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(TableError, match=message):
        read_spheres_csv(path)


def test_a_table_without_corrections_is_refused(tmp_path) -> None:
    path = tmp_path / "c.csv"
    write_corrections(path, [])
    with pytest.raises(TableError, match="has no rows, so there is nothing to carry over"):
        read_corrections(path)
    write_spheres_csv(path, Spheres.empty(), overwrite=True)
    with pytest.raises(TableError, match="no column verdict"):
        read_corrections(path)
    assert len(read_spheres_csv(path)) == 0  # no vesicle was found: that is a result


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)


@pytest.mark.slow
@given(st.lists(st.tuples(CELLS, CELLS), max_size=5))
def test_what_is_written_is_read(tmp_path_factory, rows: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("t") / "a.csv"
    rows = [row for row in rows if any(cell.strip() for cell in row) and row != ("a", "b")]
    write_table(path, ["a", "b"], rows)
    assert [(row["a"], row["b"]) for row in read_table(path).rows] == [
        (printable(a), printable(b)) for a, b in rows
    ]


def test_empty_cells_beyond_the_header_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2,,\n3\n", encoding="utf-8")
    assert read_table(path).rows == [{"a": "1", "b": "2"}, {"a": "3", "b": ""}]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    os.mkfifo(path)
    with pytest.raises(OSError, match="is a pipe"):
        read_table(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_spreadsheets_call_unicode_text(tmp_path: Path, encoding: str, separator: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("a,\u00fc\n1,\u00e4\n".replace(",", separator).encode(encoding))
    assert read_table(path).rows == [{"a": "1", "\u00fc": "\u00e4"}]


@pytest.mark.parametrize("content", ["a,\u00e4\n".encode("latin-1"), b"\xff\xfea"])
def test_other_letters_are_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(TableError, match="save it as CSV UTF-8"):
        read_table(path)
