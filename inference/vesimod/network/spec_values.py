"""What the entries of a model's metadata may be: in a file may stand anything."""

from __future__ import annotations

import math
from typing import Any

LONGEST_TEXT = 20_000  # letters: what a network was trained on may be told at length
MOST_OUTPUTS = 16


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


def are_outputs(value: Any) -> bool:
    """Whether a value is a few names, each different."""
    if not isinstance(value, tuple) or not 1 <= len(value) <= MOST_OUTPUTS:
        return False
    return all(map(is_text, value)) and len(set(value)) == len(value)
