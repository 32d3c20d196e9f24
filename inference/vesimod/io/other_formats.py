"""Files of other formats, named by their first bytes, and what converts them to MRC."""

from __future__ import annotations

import math
import struct

FIRST_BYTES = 1024  # that are enough to tell
_EXPORT = "export it as MRC there"
_EMAN2 = "EMAN2's e2proc3d.py converts it (e2proc3d.py IN OUT.mrc)"
_TIFF = "an image in TIFF format", "IMOD's tif2mrc converts it (tif2mrc IN... OUT.mrc)"
_DM = "a DigitalMicrograph file", "IMOD's dm2mrc converts it (dm2mrc IN OUT.mrc)"
_PACKED = "a compressed file that is not read"
# Where in the file, which bytes, what it is, what to do.
_SIGNATURES: tuple[tuple[int, bytes, tuple[str, str]], ...] = (
    (0, b"II*\0", _TIFF),
    (0, b"MM\0*", _TIFF),
    (0, b"II+\0", _TIFF),
    (0, b"MM\0+", _TIFF),
    (0, b"\x89HDF\r\n\x1a\n", ("an HDF5 file (.hdf, .h5, .ims)", f"{_EMAN2} if EMAN2 wrote it")),
    (0, b"# AmiraMesh", ("an Amira file", f"{_EXPORT} (Save Data As), or {_EMAN2}")),
    (0, b"# Avizo", ("an Avizo file", f"{_EXPORT} (Save Data As)")),
    (0, b"# HyperSurface", ("an Amira surface, not a volume", "name the tomogram")),
    (0, b"II\x97\x01", ("a TIA file (.ser)", "EMAN2's e2proc2d.py converts it")),
    (0, b"\x89PNG", ("a PNG picture", "name the reconstructed volume")),
    (0, b"\xff\xd8\xff", ("a JPEG picture", "name the reconstructed volume")),
    (0, b"\x93NUMPY", ("a numpy array", "mrcfile writes it as MRC (mrcfile.write)")),
    (0, b"NRRD", ("an NRRD file", f"{_EXPORT}, or use a program that reads NRRD to do so")),
    (344, b"n+1\0", ("a NIfTI file", f"{_EXPORT}, or use a program that reads NIfTI to do so")),
    (0, b"IMOD", ("an IMOD model, not a volume", "name the tomogram; are two files swapped?")),
    (0, b"PK\x03\x04", ("a zip archive", "unpack it (unzip)")),
    (0, b"\xfd7zXZ\0", (_PACKED, "unpack it (unxz), or pack it with gzip")),
    (0, b"\x28\xb5\x2f\xfd", (_PACKED, "unpack it (unzstd), or pack it with gzip")),
    (0, b"7z\xbc\xaf\x27\x1c", (_PACKED, "unpack it (7z x), or pack it with gzip")),
    (257, b"ustar", ("a tar archive", "unpack it (tar xf)")),
)
# The EM format of TOM, Dynamo and others has no signature: machine, type, then three sizes.
_EM_HEADER_BYTES = 512
_EM_LARGEST_SIZE = 65535
_EM_MACHINES = {0: ">", 3: ">", 5: ">", 1: "<", 2: "<", 6: "<"}
_EM_TYPE_BYTES = {1: 1, 2: 2, 4: 4, 5: 4, 8: 8, 9: 8}


def name_other_format(start: bytes, file_bytes: int | None) -> str | None:
    """Say what a file is that is not MRC, and how to convert it.

    Parameters
    ----------
    start : bytes
        Its first bytes, `FIRST_BYTES` of them where there are as many.
    file_bytes : int or None
        Its length; None where that is not known.

    Returns
    -------
    str or None
        ``"is ...; remedy"``; None where it may be MRC.
    """
    for offset, signature, (kind, remedy) in _SIGNATURES:
        if start[offset : offset + len(signature)] == signature:
            return f"is {kind}; {remedy}"
    if _is_dm(start):
        return f"is {_DM[0]}; {_DM[1]}"
    if _is_em(start, file_bytes):
        return f"is in the EM format (.em) of TOM and Dynamo; {_EMAN2}"
    return None


def _is_dm(start: bytes) -> bool:
    """Whether it starts as DigitalMicrograph's versions 3 and 4: version, length, byte order."""
    orders = (b"\0\0\0\0", b"\0\0\0\x01")
    third = start[:4] == b"\0\0\0\x03" and start[8:12] in orders
    # Read as MRC, either would have no section, or one.
    return third or (start[:8] == b"\0\0\0\x04\0\0\0\0" and start[12:16] in orders)


def _is_em(start: bytes, file_bytes: int | None) -> bool:
    """Whether it starts with a machine, a type and the sizes that an EM header may state."""
    if len(start) < _EM_HEADER_BYTES or start[0] not in _EM_MACHINES:
        return False
    if start[3] not in _EM_TYPE_BYTES:
        return False
    sizes = struct.unpack_from(f"{_EM_MACHINES[start[0]]}3i", start, 4)
    if min(sizes) < 1 or max(sizes) > _EM_LARGEST_SIZE:
        return False
    # Machine 0 may as well be the first byte of a big-endian MRC header.
    whole = _EM_HEADER_BYTES + math.prod(sizes) * _EM_TYPE_BYTES[start[3]]
    return start[0] > 0 or file_bytes == whole
