"""MRC headers, interpreted as IMOD interprets them, since that is what the user sees in 3dmod.

Signed or unsigned bytes, the sign of the origin, files older than the ``MAP`` stamp, either
byte order: all as in IMOD's mrc_format description and libiimod's behaviour. mrcfile provides
the header's layout; it does not decide these for us, since it always takes bytes as signed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from mrcfile.dtypes import HEADER_DTYPE
from vesimod_imod.core.arrays import Triple
from vesimod_imod.core.errors import VesimodError

ANGSTROM_PER_NM = 10.0
HEADER_BYTES = 1024
MODES: dict[int, str] = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
UNKNOWN_SIZE_NM = 0.1
IMOD_STAMP = 1146047817
SIGNED_BYTES_FLAG = 1
INVERTED_ORIGIN_FLAG = 4
FIRST_STANDARD_VERSION = 20140


class TomogramError(VesimodError, ValueError):
    """The file is not a tomogram that vesimod can use."""


def read_header(path: Path, raw: bytes) -> Any:
    """Header as a numpy record, in the byte order that makes sense of it (as IMOD decides)."""
    if len(raw) < HEADER_BYTES:
        raise TomogramError(f"{path}: not an MRC file: {len(raw)} bytes are fewer than its header")
    for order in ("<", ">"):
        header = np.frombuffer(raw, HEADER_DTYPE.newbyteorder(order), 1)[0]
        sizes = [int(header[name]) for name in ("nx", "ny", "nz")]
        axes = [int(header[name]) for name in ("mapc", "mapr", "maps")]
        mode = int(header["mode"])
        if min(sizes) >= 0 and min(sizes) < 65536 and max(axes) <= 4 and min(axes) >= 0:
            if 0 <= mode <= 101 and mode not in MODES:
                raise TomogramError(
                    f"{path}: MRC mode {mode} is not a grey-value volume; "
                    "vesimod reads modes 0, 1, 2, 6 and 12 (IMOD's newstack -mode converts)"
                )
            if mode in MODES:
                return header
    raise TomogramError(f"{path}: not an MRC file: its first bytes are not an MRC header")


def bytes_are_signed(header: Any, notes: list[str]) -> bool:
    """Decide on mode 0 as IMOD does: environment, stamp, then the header's minimum and maximum."""
    try:
        wish = int(os.environ.get("READ_MODE0_SIGNED") or 0)
    except ValueError:
        wish = 0
    flags = _imod_flags(header)
    if flags is not None and abs(wish) <= 1:
        return bool(flags & SIGNED_BYTES_FLAG)
    low, high = float(header["dmin"]), float(header["dmax"])
    why = f"header minimum {low:g}, maximum {high:g}"
    if wish:
        signed, why = wish > 0, f"READ_MODE0_SIGNED is {wish}"
    elif low < 0 and high >= 128:
        signed = -low > high - 128
    else:
        signed = low < 0
        if not signed and high < 128:
            why += " would fit either"
    notes.append(
        f"bytes taken as {'signed' if signed else 'unsigned'}, as IMOD takes them ({why}; "
        "READ_MODE0_SIGNED=2 or -2 in the environment forces signed or unsigned)"
    )
    return signed


def header_voxel_size_nm(header: Any) -> Triple:
    """Voxel size (z, y, x) in nm that the header states; 1 Angstrom where it states none.

    That is what IMOD takes then, and what it writes into models made on the volume.
    """
    sizes = []
    for axis in "zyx":
        sampling, length = int(header[f"m{axis}"]), float(header["cella"][axis])
        size = length / sampling / ANGSTROM_PER_NM if sampling > 0 else 0.0
        sizes.append(size if np.isfinite(size) and size > 0 else UNKNOWN_SIZE_NM)
    return sizes[0], sizes[1], sizes[2]


def header_origin_nm(header: Any) -> Triple:
    """Position of the first voxel (z, y, x) in nm.

    IMOD's own sign is the opposite one: it negates the header's origin when its flag for an
    inverted origin is set or the header follows the 2014 standard, and a subvolume then has
    a negative origin.
    """
    flags = _imod_flags(header)
    inverted = flags is not None and bool(flags & INVERTED_ORIGIN_FLAG)
    standard = int(header["nversion"]) >= FIRST_STANDARD_VERSION
    sign = 1.0 if inverted or standard else -1.0
    z, y, x = (sign * float(header["origin"][axis]) / ANGSTROM_PER_NM + 0.0 for axis in "zyx")
    return (z, y, x) if np.all(np.isfinite([z, y, x])) else (0.0, 0.0, 0.0)


def header_tilt_deg(header: Any) -> Triple:
    """Return the current tilt angles (z, y, x) in degrees that IMOD keeps in bytes 184 to 196."""
    if _imod_flags(header) is None:
        return 0.0, 0.0, 0.0
    order = header.dtype["mode"].byteorder
    x, y, z = np.frombuffer(header.tobytes()[184:196], np.dtype("f4").newbyteorder(order))
    angles = (float(z), float(y), float(x))
    return angles if np.all(np.abs(angles) <= 360) else (0.0, 0.0, 0.0)


def xyz(shape: tuple[int, int, int]) -> str:
    """Shape in the order IMOD's users know: x, y, z."""
    return " x ".join(str(n) for n in reversed(shape))


def _imod_flags(header: Any) -> int | None:
    """IMOD's header flags (bytes 152 to 160), or None without IMOD's stamp."""
    order = header.dtype["mode"].byteorder
    words = np.frombuffer(header.tobytes()[152:160], np.dtype("i4").newbyteorder(order))
    return int(words[1]) if int(words[0]) == IMOD_STAMP else None
