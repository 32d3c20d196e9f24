"""Tomograms in MRC files: the only place that knows Angstrom.

Headers are interpreted as IMOD interprets them (its mrc_format description and libiimod's
behaviour), because that is what the user sees in 3dmod: signed or unsigned bytes, the sign
of the origin, files older than the ``MAP`` stamp, either byte order. mrcfile provides the
header's layout and writes our files; it does not read here since it always takes bytes as
signed.
"""

from __future__ import annotations

import bz2
import gzip
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import numpy.typing as npt
from mrcfile.dtypes import HEADER_DTYPE
from vesimod_imod.files import atomic_path, check_writable
from vesimod_imod.spheres import Grid, Triple

ANGSTROM_PER_NM = 10.0
HEADER_BYTES = 1024
MODES: dict[int, str] = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
VOXEL_SIZE_RANGE_NM = (0.1, 10.0)
UNKNOWN_SIZE_NM = 0.1
IMOD_STAMP = 1146047817
SIGNED_BYTES_FLAG = 1
INVERTED_ORIGIN_FLAG = 4
FIRST_STANDARD_VERSION = 20140


class TomogramError(ValueError):
    """The file is no tomogram that vesimod can use."""


@dataclass(frozen=True, eq=False)
class Tomogram:
    """A volume and where it lies.

    Parameters
    ----------
    voxels : (z, y, x) array
        Grey values in the file's own type, memory-mapped unless the file is compressed.
        Read-only.
    grid : Grid
        Shape, voxel size, origin.
    path : Path
        Where it came from.
    start : (int, int, int)
        The header's nzstart, nystart, nxstart: carried into volumes written beside it.
    notes : tuple of str
        What had to be decided about the header, in words for the user.
    """

    voxels: npt.NDArray[Any]
    grid: Grid
    path: Path
    start: tuple[int, int, int] = (0, 0, 0)
    notes: tuple[str, ...] = ()


def read_tomogram(path: Path | str, voxel_size_nm: float | None = None) -> Tomogram:
    """Open an MRC volume (modes 0, 1, 2, 6, 12; plain, .gz or .bz2).

    Parameters
    ----------
    path : path
        The file. Plain files are memory-mapped, compressed ones are read whole.
    voxel_size_nm : float, optional
        Overrides the header's voxel size along all axes.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        There is no such file, or it cannot be read.
    TomogramError
        It is no MRC file, is cut short, has one section only, or its voxel size is absent
        or outside 0.1 to 10 nm and `voxel_size_nm` is not given.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder; name an MRC file")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    compressed, raw, file_bytes = _open_bytes(path)
    header = _read_header(path, raw)
    mode = int(header["mode"])
    shape = (int(header["nz"]), int(header["ny"]), int(header["nx"]))
    if min(shape) < 1:
        raise TomogramError(f"{path}: empty volume, {_xyz(shape)} voxels; nothing to segment")
    if shape[0] == 1:
        raise TomogramError(
            f"{path}: a single 2D image ({_xyz(shape)}); vesimod needs a reconstructed volume"
        )
    dtype = np.dtype(MODES[mode]).newbyteorder(header.dtype["mode"].byteorder)
    notes: list[str] = []
    if mode == 0 and not _bytes_are_signed(header, notes):
        dtype = np.dtype("u1")
    offset = HEADER_BYTES + max(0, int(header["nsymbt"]))
    expected = offset + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if file_bytes < expected:
        raise TomogramError(
            f"{path}: cut short: {file_bytes} bytes where the header's {_xyz(shape)} voxels of "
            f"mode {mode} need {expected}; copy or reconstruct it again"
        )
    voxels: npt.NDArray[Any]
    if compressed:
        count = int(np.prod(shape, dtype=np.int64))
        voxels = np.frombuffer(raw, dtype, count, offset).reshape(shape)
    else:
        voxels = np.memmap(path, dtype, mode="r", offset=offset, shape=shape)
    stated_nm = _header_voxel_size_nm(header)
    if voxel_size_nm is None:
        _check_voxel_size(path, stated_nm)
        grid = Grid(shape, stated_nm, _origin_nm(header), _tilt(header))
    else:
        size_nm = _override_nm(voxel_size_nm)
        grid = Grid(shape, size_nm, _origin_nm(header), _tilt(header), stated_nm)
    start = (int(header["nzstart"]), int(header["nystart"]), int(header["nxstart"]))
    return Tomogram(voxels, grid, path, start, tuple(notes))


def write_mrc(
    path: Path | str,
    volume: npt.NDArray[Any],
    like: Tomogram,
    *,
    overwrite: bool = False,
) -> None:
    """Write a volume that lies on a tomogram's grid, so that 3dmod overlays the two.

    Parameters
    ----------
    path : path
        Output file, written under a temporary name first.
    volume : (z, y, x) array
        int8, int16, uint16, float16 or float32.
    like : Tomogram
        Gives voxel size, origin and start.

    Raises
    ------
    FileExistsError
        `path` exists and `overwrite` is false.
    """
    stated_nm = like.grid.header_voxel_size_nm or like.grid.voxel_size_nm
    # The tomogram's own header, right or wrong: 3dmod then fits one model to both volumes.
    grid = replace(like.grid, voxel_size_nm=stated_nm)
    write_volume(path, volume, grid, start=like.start, overwrite=overwrite)


def write_volume(
    path: Path | str,
    volume: npt.NDArray[Any],
    grid: Grid,
    *,
    start: tuple[int, int, int] = (0, 0, 0),
    overwrite: bool = False,
) -> None:
    """Write a volume with the voxel size and origin of `grid`; see `write_mrc`."""
    path = Path(path)
    check_writable(path, overwrite)
    if volume.shape != grid.shape:
        raise ValueError(f"{path}: volume {volume.shape} does not fit its grid {grid.shape}")
    with atomic_path(path) as temporary, mrcfile.new(temporary, overwrite=True) as out:
        out.set_data(volume)
        out.set_volume()
        size = [ANGSTROM_PER_NM * s for s in reversed(grid.voxel_size_nm)]
        out.voxel_size = tuple(size)
        # mrcfile writes the 2014 standard, in which the origin is the position of the
        # first voxel; IMOD reads it so from the version number.
        origin = [ANGSTROM_PER_NM * o for o in reversed(grid.origin_nm)]
        for name, value in zip("xyz", origin, strict=True):
            out.header.origin[name] = value
        out.nstart = tuple(reversed(start))


def _open_bytes(path: Path) -> tuple[bool, bytes, int]:
    """Return (compressed, header or whole file, bytes in the uncompressed file)."""
    with path.open("rb") as stream:
        head = stream.read(HEADER_BYTES)
    opener: Any = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open}.get(head[:2])
    if opener is None:
        return False, head, path.stat().st_size
    try:
        with opener(path, "rb") as stream:
            whole = stream.read()
    except (OSError, EOFError) as error:
        raise TomogramError(f"{path}: cannot be decompressed ({error}); copy it again") from error
    return True, whole, len(whole)


def _read_header(path: Path, raw: bytes) -> Any:
    """Header as a numpy record, in the byte order that makes sense of it (as IMOD decides)."""
    if len(raw) < HEADER_BYTES:
        raise TomogramError(f"{path}: no MRC file: {len(raw)} bytes are fewer than its header")
    for order in ("<", ">"):
        header = np.frombuffer(raw, HEADER_DTYPE.newbyteorder(order), 1)[0]
        sizes = [int(header[name]) for name in ("nx", "ny", "nz")]
        axes = [int(header[name]) for name in ("mapc", "mapr", "maps")]
        mode = int(header["mode"])
        if min(sizes) >= 0 and min(sizes) < 65536 and max(axes) <= 4 and min(axes) >= 0:
            if 0 <= mode <= 101 and mode not in MODES:
                raise TomogramError(
                    f"{path}: MRC mode {mode} is no grey-value volume; "
                    "vesimod reads modes 0, 1, 2, 6 and 12 (IMOD's newstack -mode converts)"
                )
            if mode in MODES:
                return header
    raise TomogramError(f"{path}: no MRC file: its first bytes are not an MRC header")


def _imod_flags(header: Any) -> int | None:
    """IMOD's header flags (bytes 152 to 160), or None without IMOD's stamp."""
    order = header.dtype["mode"].byteorder
    words = np.frombuffer(header.tobytes()[152:160], np.dtype("i4").newbyteorder(order))
    return int(words[1]) if int(words[0]) == IMOD_STAMP else None


def _bytes_are_signed(header: Any, notes: list[str]) -> bool:
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


def _override_nm(size_nm: float) -> Triple:
    """Voxel size that the user states, checked."""
    low, high = VOXEL_SIZE_RANGE_NM
    if not low <= size_nm <= high:
        raise TomogramError(
            f"--voxel-size-nm {size_nm:g} is outside {low:g} to {high:g} nm; "
            "give the voxel size in nm (10 Angstrom are 1 nm)"
        )
    return size_nm, size_nm, size_nm


def _header_voxel_size_nm(header: Any) -> Triple:
    """Voxel size (z, y, x) in nm that the header states; 1 Angstrom where it states none.

    That is what IMOD takes then, and what it writes into models made on the volume.
    """
    sizes = []
    for axis in "zyx":
        sampling, length = int(header[f"m{axis}"]), float(header["cella"][axis])
        size = length / sampling / ANGSTROM_PER_NM if sampling > 0 else 0.0
        sizes.append(size if np.isfinite(size) and size > 0 else UNKNOWN_SIZE_NM)
    return sizes[0], sizes[1], sizes[2]


def _check_voxel_size(path: Path, sizes: Triple) -> None:
    """Refuse a header's voxel size that cannot be true, and name the remedy."""
    low, high = VOXEL_SIZE_RANGE_NM
    remedy = "give the true one with --voxel-size-nm"
    if all(abs(size - UNKNOWN_SIZE_NM) < 1e-5 for size in sizes):
        raise TomogramError(
            f"{path}: its header states no voxel size, or 1 Angstrom, which programs write when "
            f"they do not know; {remedy}"
        )
    if min(sizes) < low * (1 - 1e-6) or max(sizes) > high * (1 + 1e-6):
        shown = " x ".join(f"{ANGSTROM_PER_NM * size:g}" for size in reversed(sizes))
        raise TomogramError(
            f"{path}: voxel size {shown} Angstrom is outside {low:g} to {high:g} nm; {remedy}"
        )


def _origin_nm(header: Any) -> Triple:
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


def _tilt(header: Any) -> Triple:
    """Return the current tilt angles (z, y, x) in degrees that IMOD keeps in bytes 184 to 196."""
    if _imod_flags(header) is None:
        return 0.0, 0.0, 0.0
    order = header.dtype["mode"].byteorder
    x, y, z = np.frombuffer(header.tobytes()[184:196], np.dtype("f4").newbyteorder(order))
    angles = (float(z), float(y), float(x))
    return angles if np.all(np.abs(angles) <= 360) else (0.0, 0.0, 0.0)


def _xyz(shape: tuple[int, int, int]) -> str:
    """Shape in the order IMOD's users know: x, y, z."""
    return " x ".join(str(n) for n in reversed(shape))
