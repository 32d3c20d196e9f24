"""MRC files written byte by byte, for tests of what reads them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

IMOD_STAMP = 1146047817


def write_header(
    path: Path,
    voxels: np.ndarray[Any, Any],
    mode: int,
    *,
    order: str = "<",
    angstrom: tuple[float, float, float] = (20.0, 20.0, 20.0),
    minmax: tuple[float, float] = (0.0, 0.0),
    stamp_flags: int | None = None,
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
    start: tuple[int, int, int] = (0, 0, 0),
    version: int = 0,
    tilt: tuple[float, float, float] = (0.0, 0.0, 0.0),
    has_map: bool = True,
    extended: bytes = b"",
    extended_type: bytes = b"",
    label: bytes = b"",
    space_group: int = 0,
) -> Path:
    """Write an MRC file byte by byte: x, y, z order as in the format's description."""
    nz, ny, nx = voxels.shape
    header = bytearray(1024)
    struct.pack_into(order + "10i", header, 0, nx, ny, nz, mode, *start, nx, ny, nz)
    lengths = [n * a for n, a in zip((nx, ny, nz), angstrom, strict=True)]
    struct.pack_into(order + "6f", header, 40, *lengths, 90, 90, 90)
    struct.pack_into(order + "3i", header, 64, 1, 2, 3)
    struct.pack_into(order + "3f", header, 76, *minmax, 0.0)
    struct.pack_into(order + "2i", header, 88, space_group, len(extended))
    header[104 : 104 + len(extended_type)] = extended_type
    struct.pack_into(order + "i", header, 108, version)
    header[224 : 224 + len(label)] = label
    if stamp_flags is not None:
        struct.pack_into(order + "2i", header, 152, IMOD_STAMP, stamp_flags)
        struct.pack_into(order + "3f", header, 184, *tilt)
    struct.pack_into(order + "3f", header, 196, *origin)
    if has_map:
        header[208:212] = b"MAP "
        header[212:214] = b"\x44\x44" if order == "<" else b"\x11\x11"
    path.write_bytes(bytes(header) + extended + voxels.tobytes())
    return path


def ramp(dtype: str) -> np.ndarray[Any, Any]:
    return np.arange(2 * 3 * 4).reshape(2, 3, 4).astype(dtype)
