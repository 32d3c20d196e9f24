"""Text from files can neither drive a terminal nor a spreadsheet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vesimod_imod.core.clean_text import csv_cell, from_csv_cell, is_printable, one_line, printable


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    shown = printable(text)
    assert printable(shown) == shown
    assert is_printable(shown.replace("\n", " ").replace("\t", " "))
    assert is_printable(one_line(text))
    assert one_line(one_line(text)) == one_line(text)


@given(st.text())
def test_a_cell_is_no_formula_and_is_read_back(text: str) -> None:
    cell = csv_cell(text)
    if cell[:1] in ("=", "+", "-", "@"):
        float(cell)  # a number
    assert from_csv_cell(cell) == printable(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("TS_\u00fc 1", "TS_\u00fc 1"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\rb", r"a\rb"),
        ("\x9b2J", r"\x9b2J"),
        ("\u202egnp", r"\u202egnp"),
        ("\udcff", r"\udcff"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "@SUM(A1)", "+1+1", "-2+3", "\t=1"])
def test_formulas_are_texts(text: str) -> None:
    assert csv_cell(text).startswith("'")


@pytest.mark.parametrize("text", ["-1.5", "+2", "-1e-5", "done", ""])
def test_numbers_and_words_stay(text: str) -> None:
    assert csv_cell(text) == text
