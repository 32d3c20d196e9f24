"""Errors in words, for reports and logs in which nobody wants a traceback."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from vesimod_imod.core.errors import VesimodError, as_flags

#: What bad input or the surroundings cause; anything else is a bug.
EXPECTED = (VesimodError, OSError, ValueError, ImportError, RuntimeError)
_FULL = (errno.ENOSPC, errno.EDQUOT)
#: Packages that only an extra brings, and which.
EXTRA_OF = {
    "h5py": "eman",
    "jinja2": "report",
    "matplotlib": "figures",
    "onnx": "train",
    "onnxscript": "train",
    "plotly": "report",
    "skimage": "train",
    "tifffile": "tiff",
    "tomli": "train",
    "torch": "train",
    "yaml": "train",
    "zarr": "zarr",
}


def not_installed(package: str) -> str:
    """Say that a package of `EXTRA_OF` is missing, and how it comes, also without internet."""
    return (
        f'{package} is not installed: pip install "vesimod[{EXTRA_OF[package]}]" '
        "(without internet: docs/offline.md)"
    )


def in_words(error: BaseException) -> str:
    """Describe an exception for a microscopist, in one line; options are named as flags."""
    text = str(error)
    if isinstance(error, OSError) and error.filename and error.strerror:
        text = f"{error.filename}: {error.strerror}"
    elif isinstance(error, MemoryError):
        text = "out of memory; run fewer programs or chunks at a time, or bin the tomogram"
    elif isinstance(error, ModuleNotFoundError) and _top_package(error) in EXTRA_OF:
        text = not_installed(_top_package(error))
    elif isinstance(error, EXPECTED):
        text = text or type(error).__name__
    else:
        text = f"{type(error).__name__}: {text} (a bug: --debug of the command line shows where)"
    return " ".join(as_flags(text).split())


def disk_is_full(error: BaseException) -> bool:
    """Whether an exception, or one that led to it, says that the disk or the quota is full."""
    return any(isinstance(each, OSError) and each.errno in _FULL for each in _chain(error))


def _top_package(error: ModuleNotFoundError) -> str:
    return (error.name or "").partition(".")[0]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
