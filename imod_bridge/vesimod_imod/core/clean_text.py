"""Text from files, made fit to be shown or written: it may be there to deceive.

Escape codes in a name can repaint a terminal or set its title, a line end forges a line of a log,
and a spreadsheet takes a cell that begins with ``=`` for a formula.
"""

from __future__ import annotations

import re

# Control characters (C0, C1), separators of lines, what turns the direction of writing, and halves
# of surrogate pairs, which undecodable file names have. Tabs and line ends may stay.
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")


def printable(text: str) -> str:
    r"""Return text with control characters as ``\x1b``, for a terminal or a log."""
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


def one_line(text: str) -> str:
    r"""Return text on one line: with line ends and tabs, too, as ``\n`` and ``\t``."""
    return printable(text).replace("\n", r"\n").replace("\t", r"\t")


def is_printable(text: str) -> bool:
    """Whether text is on one line and free of control characters."""
    return not _CONTROL.search(text) and not re.search(r"[\t\r\n]", text)


def csv_cell(text: str) -> str:
    """Return text for a cell of a table that no spreadsheet takes for a formula.

    An apostrophe is put before what would be one, as spreadsheets themselves do; numbers stay.
    Source: OWASP, "CSV Injection".
    """
    clean = printable(text)
    if not _FORMULA.match(clean):
        return clean
    try:
        float(clean)
    except ValueError:
        return "'" + clean
    return clean


def from_csv_cell(cell: str) -> str:
    """Return the text that `csv_cell` made a cell of."""
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell, 1) else cell
