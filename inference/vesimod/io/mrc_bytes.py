"""The bytes of a file that may be compressed: never more of them than its header declares."""

from __future__ import annotations

import bz2
import gzip
import math
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.files import check_regular

from vesimod.io.free_memory import GB, free_memory_gb
from vesimod.io.mrc_header import HEADER_BYTES, TomogramError, xyz

_MOST_BYTES = 1 << 48  # beyond any disk: such a header is not one
Shape = tuple[int, int, int]
Opener = Callable[..., IO[bytes]]
_OPENERS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open}
_BLOCK_BYTES = 1 << 22
# Tilt angles of a few hundred sections, as any microscope writes them.
MOST_EXTENDED_BYTES = 1 << 20


def opener_of(path: Path) -> Opener | None:
    """Return what opens a compressed file (gzip or bzip2); None for a plain one.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        There is no such file, or it cannot be read.
    ValueError
        It is a pipe or a device, which might never end.
    """
    check_regular(path)
    with path.open("rb") as stream:
        return _OPENERS.get(stream.read(2))


def read_start(path: Path, opener: Opener | None) -> bytes:
    """Return the header and what follows it, as far as an extended header is looked at."""
    with _in_words(path), (opener or open)(path, "rb") as stream:
        start: bytes = stream.read(HEADER_BYTES)
        return start + stream.read(MOST_EXTENDED_BYTES)


def volume_shape(path: Path, header: Any) -> Shape:
    """Voxels along (z, y, x) that a header declares.

    Raises
    ------
    TomogramError
        There is none, only one section, or more than there can be.
    """
    shape = (int(header["nz"]), int(header["ny"]), int(header["nx"]))
    if min(shape) < 1:
        raise TomogramError(f"{path}: empty volume, {xyz(shape)} voxels; nothing to segment")
    if math.prod(shape) > _MOST_BYTES:
        raise TomogramError(
            f"{path}: its header declares {xyz(shape)} voxels, more than any disk holds; it is "
            "damaged, or the file is not MRC"
        )
    if shape[0] == 1:
        raise TomogramError(
            f"{path}: a single 2D image ({xyz(shape)}); vesimod needs a reconstructed volume"
        )
    return shape


def voxel_bytes(
    path: Path,
    opener: Opener | None,
    announced: int,
    shape: Shape,
    dtype: np.dtype[Any],
) -> tuple[npt.NDArray[np.uint8], bool, int]:
    """Return the voxels of a file as bytes.

    Parameters
    ----------
    path, opener
        See `opener_of`.
    announced : int
        Bytes of the extended header.
    shape : (int, int, int)
    dtype : numpy dtype
        Of a voxel.

    Returns
    -------
    data : (z, y, x * itemsize) uint8
        Read-only; memory-mapped where the file is not compressed.
    missing : bool
        The extended header is not there, and the voxels follow the header.
    surplus : int
        Bytes after the voxels; of a compressed file not all are counted.

    Raises
    ------
    TomogramError
        The file is cut short, does not fit into memory, or cannot be decompressed.
    """
    needed, offset = math.prod(shape) * dtype.itemsize, HEADER_BYTES + announced
    rows = (*shape[:2], shape[2] * dtype.itemsize)
    if opener is None:
        file_bytes = path.stat().st_size
    else:
        data, file_bytes = _unpack(path, opener, offset, needed)
    missing = announced > 0 and file_bytes == HEADER_BYTES + needed
    if file_bytes < offset + needed and not missing:
        raise TomogramError(
            f"{path}: cut short: {file_bytes} bytes where the header's {xyz(shape)} voxels need "
            f"{offset + needed}; copy or reconstruct it again"
        )
    if missing:
        offset = HEADER_BYTES
    surplus = file_bytes - offset - needed
    if opener is None:
        return np.memmap(path, np.uint8, mode="r", offset=offset, shape=rows), missing, surplus
    if missing:
        data, _ = _unpack(path, opener, offset, needed)
    data.flags.writeable = False
    return data.reshape(rows), missing, surplus


def _unpack(
    path: Path, opener: Opener, offset: int, count: int
) -> tuple[npt.NDArray[np.uint8], int]:
    """Read part of a compressed file, and see to it that its checksum is right if it ends there.

    Parameters
    ----------
    path : Path
    opener : callable
        From `opener_of`.
    offset, count : int
        The first byte, and how many.

    Returns
    -------
    data : (count,) uint8
    end : int
        Bytes in the uncompressed file, as far as it was read, a little beyond `data` where it goes
        on; where they are fewer than `offset` + `count`, the last of `data` mean nothing.

    Raises
    ------
    TomogramError
        It does not fit into the memory that is free, or cannot be decompressed.
    """
    free_gb = free_memory_gb()
    try:
        if count > free_gb * GB:
            raise MemoryError
        data = np.empty(count, np.uint8)  # takes memory only where it is filled
    except MemoryError as error:  # numpy's own, where the system limits this process
        raise TomogramError(
            f"{path}: its header declares {count / GB:.3g} GB, and {free_gb:.2g} GB of memory are "
            "free, or fewer are allowed; unpack it first (gunzip, bunzip2): a plain file is read "
            "piece by piece"
        ) from error
    end = 0
    with _in_words(path), opener(path, "rb") as stream:
        while end < offset and (block := stream.read(min(offset - end, _BLOCK_BYTES))):
            end += len(block)
        while end < offset + count and (block := stream.read(_BLOCK_BYTES)):
            part = np.frombuffer(block, np.uint8)[: offset + count - end]
            data[end - offset : end - offset + len(part)] = part
            end += len(block)
        end += len(stream.read(1))  # the end of the file, and its checksum, if this was all
    return data, end


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Turn what decompression raises into words; what the disk says is in words already."""
    try:
        yield
    except (EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise TomogramError(f"{path}: cannot be decompressed ({error}); copy it again") from error
