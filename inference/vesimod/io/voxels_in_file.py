"""Voxels that stay in their file, and whose file may be cut short while they are read.

Memory that is mapped to a file ends the process by a bus error, without a word, where the file
has become shorter: another program writes it anew, or a copy of it. Sections are therefore read.
Smaller boxes are copied from mapped memory, which for many of them is 20 times as fast, right after
a look at the file's length.
"""

from __future__ import annotations

import math
import os
import weakref
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from vesimod.io.mrc_header import TomogramError

Shape = tuple[int, int, int]
_seeking = Lock()


@dataclass(frozen=True, eq=False)
class FileReader:
    """Reads sections of a volume from a file that it keeps open.

    Parameters
    ----------
    path : Path
    stream : binary file
        Without a buffer.
    dtype : numpy dtype
    shape : (int, int, int)
        Voxels along (z, y, x).
    offset : int
        Of the first voxel, in bytes.
    """

    path: Path
    stream: BinaryIO
    dtype: np.dtype[Any]
    shape: Shape
    offset: int

    def sections(self, z: slice) -> npt.NDArray[Any]:
        """Read sections (z, y, x), as they lie in the file.

        Raises
        ------
        TomogramError
            The file ends before the last of them.
        """
        read = np.empty((z.stop - z.start, *self.shape[1:]), self.dtype)
        rest = memoryview(read.view(np.uint8).reshape(-1).data)
        with _seeking:
            self.stream.seek(self.offset + z.start * read[:1].nbytes)
            while rest:
                got = self.stream.readinto(rest)  # type: ignore[attr-defined]
                if not got:
                    raise self._cut_short()
                rest = rest[got:]
        return read

    def check_length(self) -> None:
        """Raise TomogramError where the file does not hold all voxels any more."""
        needed = self.offset + math.prod(self.shape) * self.dtype.itemsize
        if os.fstat(self.stream.fileno()).st_size < needed:
            raise self._cut_short()

    def _cut_short(self) -> TomogramError:
        return TomogramError(
            f"{self.path}: was cut short while it was read; wait until the program that writes "
            "it has ended, or copy it again"
        )


class VoxelsInFile(np.memmap[Any, Any]):
    """A memory-mapped volume (z, y, x) whose boxes are arrays of their own."""

    _reader: FileReader | None = None
    _inverted = False

    def __array_finalize__(self, obj: object) -> None:
        super().__array_finalize__(obj)
        self._reader = None  # a view begins elsewhere, or has other steps

    def __getitem__(self, index: Any) -> Any:
        """Return what numpy does, in memory.

        Raises
        ------
        TomogramError
            The file has become shorter.
        """
        if self._reader is None:
            return super().__getitem__(index)
        z = _whole_sections(index, self._reader.shape)
        if z is not None:
            read = self._reader.sections(z)
            return read[:, ::-1] if self._inverted else read
        self._reader.check_length()
        found = super().__getitem__(index)
        return np.array(found) if isinstance(found, np.ndarray) else found


def open_voxels(
    path: Path, dtype: np.dtype[Any], shape: Shape, offset: int, inverted: bool = False
) -> VoxelsInFile:
    """Open the voxels of a file, read-only.

    Parameters
    ----------
    path, dtype, shape, offset
        As in `FileReader`.
    inverted : bool
        The rows lie in the file from the last to the first.
    """
    whole = VoxelsInFile(path, dtype, "r", offset, shape)
    voxels: VoxelsInFile = whole[:, ::-1] if inverted else whole
    stream = path.open("rb", buffering=0)
    voxels._reader = FileReader(path, stream, np.dtype(dtype), shape, offset)
    weakref.finalize(voxels._reader, stream.close)
    voxels._inverted = inverted
    return voxels


def _whole_sections(index: Any, shape: Shape) -> slice | None:
    """Return the sections that an index asks for whole, one after the other; else None."""
    parts = index if isinstance(index, tuple) else (index,)
    if len(parts) > 3 or not all(isinstance(part, slice) for part in parts):
        return None
    spans = [part.indices(n) for part, n in zip(parts, shape, strict=False)]
    if any(span != (0, n, 1) for span, n in zip(spans[1:], shape[1:], strict=False)):
        return None
    low, high, step = spans[0]
    return slice(low, max(low, high)) if step == 1 else None
