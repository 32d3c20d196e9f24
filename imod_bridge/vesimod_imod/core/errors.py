"""What all errors of the three packages have in common, and how their texts name an option.

Texts are written for Python: an option stands there as the keyword that it is, in backticks, as
in "exists already; `overwrite=True` replaces it". The command line shows flags (`as_flags`).
"""

from __future__ import annotations

import re

_KEYWORD = re.compile(r"`([a-z]\w*)(?:=(['\"]?)([^`]*?)\2)?`")


class VesimodError(Exception):
    """Anything that vesimod refuses; each class derives from a builtin exception, too.

    Files that are absent or cannot be written raise Python's own `OSError` instead.
    """


class InputError(VesimodError, ValueError):
    """An argument, or what a file holds, cannot be used."""


class InputTypeError(VesimodError, TypeError):
    """An argument is of a type that is not taken."""


class MissingPackageError(VesimodError, ImportError):
    """An optional package is not installed."""


def as_flags(text: str) -> str:
    """Name options as the command line does: "--device cpu" for "`device='cpu'`".

    What stands in backticks and is not one keyword stays as it is.
    """
    return _KEYWORD.sub(_flag, text)


def _flag(match: re.Match[str]) -> str:
    """Return the flag for a keyword, with its value unless that only switches it on."""
    flag = "--" + match[1].replace("_", "-")
    return flag if match[3] in (None, "True") else f"{flag} {match[3]}"


class VesimodWarning(UserWarning):
    """Something about a result, or about what was read, may be wrong."""
