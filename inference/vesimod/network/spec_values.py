"""What the entries of a model's metadata may be: in a file may stand anything."""

from __future__ import annotations

import math
from typing import Any

LONGEST_TEXT = 20_000  # letters: what a network was trained on may be told at length
MOST_OUTPUTS = 16
VESICLE_OUTPUT, MEMBRANE_OUTPUTS = "probability", ("membrane", "cytoplasm")
CONNECTOR_OUTPUT = "connector"
#: A network gives one of these, all of its names.
KNOWN_OUTPUTS = ((VESICLE_OUTPUT,), MEMBRANE_OUTPUTS, (CONNECTOR_OUTPUT,))
#: Those are all chances, from 0 to 1.
CHANCES = tuple(name for names in KNOWN_OUTPUTS for name in names)
#: What outputs mean that vesimod knows by their names.
MEANINGS = {
    VESICLE_OUTPUT: "Probability of lying in a vesicle, 0 to 1.",
    "distance": "Signed distance to the vesicle's outer surface in nm, positive inside.",
    "membrane": "Probability of lying on a plasma membrane of any cell, 0 to 1.",
    "cytoplasm": "Probability of lying inside of the cell that holds the vesicles, 0 to 1.",
    CONNECTOR_OUTPUT: "Probability of lying in a connector or a tether, 0 to 1.",
}


def in_few_letters(value: object) -> str:
    """Return a value of any type and size in a few letters."""
    try:
        return repr(value)[:80]
    except (RecursionError, ValueError):  # nested too deep; a number of too many digits
        return f"of type {type(value).__name__}"


def is_number(value: Any, low: float, high: float) -> bool:
    """Whether a value is a finite number from `low` to `high`; true and false are none."""
    numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    return numeric and low <= value <= high and math.isfinite(value)


def is_whole(value: Any, low: int, high: int) -> bool:
    """Whether a value is a whole number, written as one, from `low` to `high`."""
    return isinstance(value, int) and is_number(value, low, high)


def is_text(value: Any) -> bool:
    """Whether a value is text of a sensible length."""
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def is_tile(value: Any) -> bool:
    """Whether a value is the edges (z, y, x) of a tile."""
    return (
        isinstance(value, tuple) and len(value) == 3 and all(is_whole(e, 1, 1 << 14) for e in value)
    )


def are_meanings(value: Any) -> bool:
    """Whether a value gives some outputs a meaning in words."""
    return isinstance(value, dict) and all(map(is_text, (*value, *value.values())))


def are_outputs(value: Any) -> bool:
    """Whether a value is a few names, each different."""
    if not isinstance(value, tuple) or not 1 <= len(value) <= MOST_OUTPUTS:
        return False
    return all(map(is_text, value)) and len(set(value)) == len(value)
