"""MRC headers, interpreted as IMOD interprets them, since that is what the user sees in 3dmod.

The sign of the origin, files older than the ``MAP`` stamp, either byte order: all as in IMOD's
mrc_format description and libiimod's behaviour. mrcfile provides the header's layout; it does not
decide these for us.
"""

from __future__ import annotations

import math
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from mrcfile.dtypes import HEADER_DTYPE
from vesimod_imod.core.arrays import Triple
from vesimod_imod.core.errors import VesimodError

ANGSTROM_PER_NM = 10.0
HEADER_BYTES = 1024
MODES: dict[int, str] = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
UNKNOWN_SIZE_NM = 0.1  # 1 Angstrom: what programs write when they know none
IMOD_STAMP = 1146047817
INVERTED_ORIGIN_FLAG = 4
FIRST_STANDARD_VERSION = 20140
MAP_STAMP = b"MAP"
_FARTHEST_ANGSTROM = 1e8  # a centimetre: no first voxel lies farther from anything


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


def header_voxel_size_nm(header: Any) -> Triple:
    """Voxel size (z, y, x) in nm, as IMOD takes it and writes it into models made on the volume.

    Where the header states none, IMOD takes 1 Angstrom, and for z the size of x.
    """
    z, y, x = stated_voxel_size_nm(header)
    if x is None:
        return (UNKNOWN_SIZE_NM,) * 3
    return x if z is None else z, UNKNOWN_SIZE_NM if y is None else y, x


def stated_voxel_size_nm(header: Any) -> tuple[float | None, float | None, float | None]:
    """Voxel size along (z, y, x) in nm that the header states; None where it states none."""
    z, y, x = (_stated_nm(header, axis) for axis in "zyx")
    return z, y, x


def _stated_nm(header: Any, axis: str) -> float | None:
    """Voxel size along one axis."""
    sampling, length = int(header[f"m{axis}"]), float(header["cella"][axis])
    size = length / sampling / ANGSTROM_PER_NM if sampling > 0 else 0.0
    return size if math.isfinite(size) and size > 0 else None


def header_origin_nm(header: Any) -> Triple:
    """Position of the first voxel (z, y, x) in nm.

    IMOD's own sign is the opposite one: it negates the header's origin when its flag for an
    inverted origin is set or the header follows the 2014 standard, and a subvolume then has
    a negative origin. Headers older than the stamp ``MAP`` have z, x and y where later ones
    have that stamp and what follows it.
    """
    flags = imod_flags(header)
    inverted = flags is not None and bool(flags & INVERTED_ORIGIN_FLAG)
    sign = 1.0 if inverted or standard_version(header) else -1.0
    if origin_is_before_stamp(header):
        z, x, y = _old_origin(header)
    else:
        z, y, x = (float(header["origin"][axis]) for axis in "zyx")
    origin = tuple(sign * value / ANGSTROM_PER_NM + 0.0 for value in (z, y, x))
    known = all(abs(value) <= _FARTHEST_ANGSTROM for value in origin)  # and not NaN
    return (origin[0], origin[1], origin[2]) if known else (0.0, 0.0, 0.0)


def origin_is_before_stamp(header: Any) -> bool:
    """Whether a header is older than the stamp ``MAP``, and has its origin in that place.

    Text there, or a number that no origin has, is a stamp that was damaged.
    """
    stamp = header["map"].tobytes()
    if stamp[:3] == MAP_STAMP or is_text(stamp):
        return False
    return all(abs(value) <= _FARTHEST_ANGSTROM for value in _old_origin(header))


def is_text(raw: bytes) -> bool:
    """Whether bytes are letters, digits and the like."""
    return raw.isascii() and raw.decode("ascii").isprintable()


def _old_origin(header: Any) -> tuple[float, float, float]:
    """Origin z, x, y in Angstrom where headers before the stamp ``MAP`` have it."""
    z, x, y = (float(value) for value in _words(header, 208, "f4", 3))
    return z, x, y


def standard_version(header: Any) -> int:
    """NVERSION (10 * year + revision) of the standard of 2014 or later; 0 for anything else.

    Older programs leave that word to chance, so IMOD believes no year beyond the next.
    """
    version = int(header["nversion"])
    latest = 10 * (datetime.now(tz=timezone.utc).year + 2)
    return version if FIRST_STANDARD_VERSION <= version < latest else 0


def rows_are_inverted(header: Any) -> bool:
    """Whether newer IMOD (not 4.8) shows the last row of each section at the bottom.

    It does so for files of the first form that FEI's programs wrote.
    """
    fei = header["exttyp"].tobytes()[:3] == b"FEI"
    original = standard_version(header) == FIRST_STANDARD_VERSION
    return fei and original and imod_flags(header) is None


def header_tilt_deg(header: Any) -> Triple:
    """Return the current tilt angles (z, y, x) in degrees that IMOD keeps in bytes 184 to 196."""
    if imod_flags(header) is None:
        return 0.0, 0.0, 0.0
    x, y, z = _words(header, 184, "f4", 3)
    angles = (float(z), float(y), float(x))
    return angles if np.all(np.abs(angles) <= 360) else (0.0, 0.0, 0.0)


def xyz(shape: tuple[int, int, int]) -> str:
    """Shape in the order IMOD's users know: x, y, z."""
    return " x ".join(str(n) for n in reversed(shape))


def imod_flags(header: Any) -> int | None:
    """IMOD's header flags (bytes 152 to 160), or None without IMOD's stamp."""
    stamp, flags = (int(word) for word in _words(header, 152, "i4", 2))
    return flags if stamp == IMOD_STAMP else None


def labels(header: Any) -> list[str]:
    """Return the header's text labels that hold something."""
    raw = header.tobytes()[224:HEADER_BYTES]
    texts = [raw[start : start + 80].split(b"\0")[0] for start in range(0, 800, 80)]
    return [text.decode("latin-1").strip() for text in texts if text.strip()]


def _words(header: Any, offset: int, kind: str, count: int) -> npt.NDArray[Any]:
    """Words of the header in its own byte order, by their offset in bytes."""
    dtype = np.dtype(kind).newbyteorder(header.dtype["mode"].byteorder)
    return np.frombuffer(header.tobytes(), dtype, count, offset)
