"""What an MRC header says that cannot be so, in words: it may be damaged, or the file may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vesimod.io.mrc_header import MAP_STAMP, TomogramError, is_text, origin_is_before_stamp

_AXES = ("mapc", "mapr", "maps")
_MOST_LABELS = 10
_LITTLE, _BIG = 0x44, 0x11  # the first byte of the machine stamp
_VOLUME_STACK = 401


def check_axes(path: Path, header: Any) -> None:
    """Refuse a volume whose columns, rows and sections do not lie along x, y and z.

    IMOD shows it as it lies in the file, other programs as its header says: whatever we did, the
    spheres would lie wrong in one of them.

    Raises
    ------
    TomogramError
    """
    axes = _axes(header)
    if sorted(axes) == [1, 2, 3] and axes != [1, 2, 3]:
        along = ", ".join(
            f"{what} along {'xyz'[axis - 1]}"
            for what, axis in zip(("columns", "rows", "sections"), axes, strict=True)
        )
        raise TomogramError(
            f"{path}: its axes are exchanged ({along}; mapc mapr maps {_listed(axes)}); write it "
            "anew in the order 1 2 3, or, if 3dmod shows it right, set that order in the header "
            "(IMOD: alterheader, entry map)"
        )


def header_doubts(header: Any) -> list[str]:
    """Say what in a header contradicts itself or means nothing, and how it was taken.

    Parameters
    ----------
    header : numpy record
        See `vesimod.io.mrc_header.read_header`.
    """
    doubts = []
    axes = _axes(header)
    if any(axes) and sorted(axes) != [1, 2, 3]:
        doubts.append(f"names its axes {_listed(axes)}, which is no order; 1 2 3 is taken")
    if (extended := int(header["nsymbt"])) < 0:
        doubts.append(f"states an extended header of {extended} bytes; none is taken to be there")
    if not 0 <= (count := int(header["nlabl"])) <= _MOST_LABELS:
        doubts.append(f"counts {count} labels where {_MOST_LABELS} have a place")
    doubts += _stamp_doubts(header)
    sections, each = int(header["nz"]), int(header["mz"])
    if int(header["ispg"]) >= _VOLUME_STACK and 0 < each < sections:
        doubts.append(
            f"declares a stack of volumes of {each} sections; the {sections} sections are taken "
            "for one volume"
        )
    return [f"its header {doubt}; it may be damaged" for doubt in doubts]


def surplus_doubt(header: Any, surplus: int | None) -> str:
    """Say that a file goes on after its last voxel.

    Parameters
    ----------
    header : numpy record
    surplus : int or None
        Bytes after the voxels; None where they were not counted.
    """
    declared = " x ".join(str(int(header[name])) for name in ("nx", "ny", "nz"))
    number = "bytes" if surplus is None else f"{surplus} bytes"
    return (
        f"{number} follow the {declared} voxels that its header declares, and are left out; if "
        "sections are missing, the header is wrong, or the file was not written to its end"
    )


def _stamp_doubts(header: Any) -> list[str]:
    """Say what is wrong about the stamp ``MAP`` and that of the machine behind it."""
    stamp, machine = header["map"].tobytes(), header["machst"].tobytes()
    if stamp[:3] != MAP_STAMP:
        if origin_is_before_stamp(header):
            return []
        shown = stamp.decode("latin-1") if is_text(stamp) else stamp.hex(" ")
        return [f"has the stamp {shown!r} in the place of 'MAP '; its origin is taken to be whole"]
    is_little = header.dtype["mode"] == np.dtype("<i4")
    if any(machine) and machine[0] != (_LITTLE if is_little else _BIG):
        order = "little" if is_little else "big"
        return [
            f"has the machine stamp {machine.hex(' ')}, but its numbers are {order}-endian; "
            "all are taken so"
        ]
    return []


def _axes(header: Any) -> list[int]:
    return [int(header[name]) for name in _AXES]


def _listed(axes: list[int]) -> str:
    return " ".join(map(str, axes))
