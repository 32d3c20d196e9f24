"""Arrays that are too large for memory and live in a temporary file while they are used."""

from __future__ import annotations

import math
import os
import tempfile
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import Volume
from vesimod_imod.core.files import FULL

from vesimod.io.free_memory import GB

_BLOCK = bytes(1 << 22)


def new_volume(shape: tuple[int, int, int], in_file: bool) -> Volume:
    """Return zeros (z, y, x) float32, in a temporary file where memory is short.

    Raises
    ------
    OSError
        The disk for temporary files has no space for it. Mapped memory without space behind it
        would end the process by a bus error once it is written to.
    """
    return new_array(shape, np.dtype(np.float32)) if in_file else np.zeros(shape, np.float32)


def new_array(shape: tuple[int, int, int], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return zeros (z, y, x) of any type in a temporary file; see `new_volume`."""
    bytes_needed = math.prod(shape) * dtype.itemsize
    try:
        with tempfile.TemporaryFile() as file:  # lives on until the array is gone
            _reserve(file, bytes_needed)
            return np.memmap(file, dtype, "r+", shape=shape)
    except OSError as error:
        if error.errno not in FULL:
            raise
        reason = (
            f"{os.strerror(error.errno)}: {bytes_needed / GB:.2g} GB are needed there for a "
            "while; set TMPDIR to a folder on another disk, or allow more memory"
        )
        raise OSError(error.errno, reason, tempfile.gettempdir()) from error


def _reserve(file: BinaryIO, count: int) -> None:
    """Make a file `count` zero bytes long, with space on the disk for all of them."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, count)
        except OSError as error:
            if error.errno in FULL:
                raise
        else:
            return
    for first in range(0, count, len(_BLOCK)):
        file.write(_BLOCK[: count - first])
    file.flush()
