"""Public names that a package imports when they are first used (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make a package's ``__getattr__`` and ``__dir__``, so that importing it loads nothing.

    Parameters
    ----------
    package : str
        Its name.
    homes : mapping of str to str
        Each public name with the module that defines it.
    """

    def get(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version  # takes longer than all the rest

            return version("vesimod")
        if name in homes:
            return getattr(import_module(homes[name]), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def names() -> list[str]:
        return sorted([*homes, "__version__"])

    return get, names
