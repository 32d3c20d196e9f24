"""A repr that tells what an object holds without printing arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

_LONGEST = 6  # values of a tuple or an array that are still printed


class ShortRepr:
    """Gives a dataclass (declared with ``repr=False``) a repr of one line."""

    def __repr__(self) -> str:
        shown = (f"{f.name}={short(getattr(self, f.name))}" for f in fields(self) if f.repr)  # type: ignore[arg-type]
        return f"{type(self).__name__}({', '.join(shown)})"


def short(value: Any) -> str:
    """Return the repr of a value; of what is long, its kind and size."""
    if isinstance(value, np.ndarray) and value.size > _LONGEST:
        return f"<{' x '.join(map(str, value.shape))} {value.dtype}>"
    if isinstance(value, np.ndarray):
        return str(value.tolist())
    if isinstance(value, (bytes, bytearray)) and len(value) > _LONGEST:
        return f"<{len(value)} bytes>"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name!r}: {short(entry)}" for name, entry in value.items()) + "}"
    if isinstance(value, (tuple, list)):
        if len(value) > _LONGEST:
            return f"<{len(value)} entries>"
        shown = ", ".join(short(entry) for entry in value)
        if isinstance(value, list):
            return f"[{shown}]"
        return f"({shown},)" if len(value) == 1 else f"({shown})"
    return repr(value)
