"""Tomograms in MRC files. Only this module and `mrc_header` know Angstrom."""

from __future__ import annotations

import bz2
import gzip
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import Triple
from vesimod_imod.core.files import atomic_path, check_writable
from vesimod_imod.core.spheres import Grid

from vesimod.io.mrc_header import (
    ANGSTROM_PER_NM,
    HEADER_BYTES,
    MODES,
    UNKNOWN_SIZE_NM,
    TomogramError,
    bytes_are_signed,
    header_origin_nm,
    header_tilt_deg,
    header_voxel_size_nm,
    read_header,
    xyz,
)

__all__ = ["Tomogram", "TomogramError", "read_tomogram", "write_mrc", "write_volume"]

VOXEL_SIZE_RANGE_NM = (0.1, 10.0)


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
        It is not an MRC file, is cut short, has one section only, or its voxel size is absent
        or outside 0.1 to 10 nm and `voxel_size_nm` is not given.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder; name an MRC file")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    compressed, raw, file_bytes = _open_bytes(path)
    header = read_header(path, raw)
    mode = int(header["mode"])
    shape = (int(header["nz"]), int(header["ny"]), int(header["nx"]))
    if min(shape) < 1:
        raise TomogramError(f"{path}: empty volume, {xyz(shape)} voxels; nothing to segment")
    if shape[0] == 1:
        raise TomogramError(
            f"{path}: a single 2D image ({xyz(shape)}); vesimod needs a reconstructed volume"
        )
    dtype = np.dtype(MODES[mode]).newbyteorder(header.dtype["mode"].byteorder)
    notes: list[str] = []
    if mode == 0 and not bytes_are_signed(header, notes):
        dtype = np.dtype("u1")
    offset = HEADER_BYTES + max(0, int(header["nsymbt"]))
    expected = offset + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if file_bytes < expected:
        raise TomogramError(
            f"{path}: cut short: {file_bytes} bytes where the header's {xyz(shape)} voxels of "
            f"mode {mode} need {expected}; copy or reconstruct it again"
        )
    voxels: npt.NDArray[Any]
    if compressed:
        count = int(np.prod(shape, dtype=np.int64))
        voxels = np.frombuffer(raw, dtype, count, offset).reshape(shape)
    else:
        voxels = np.memmap(path, dtype, mode="r", offset=offset, shape=shape)
    stated_nm = header_voxel_size_nm(header)
    if voxel_size_nm is None:
        _check_voxel_size(path, stated_nm)
        grid = Grid(shape, stated_nm, header_origin_nm(header), header_tilt_deg(header))
    else:
        size_nm = _override_nm(voxel_size_nm)
        grid = Grid(shape, size_nm, header_origin_nm(header), header_tilt_deg(header), stated_nm)
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


def _override_nm(size_nm: float) -> Triple:
    """Voxel size that the user states, checked."""
    low, high = VOXEL_SIZE_RANGE_NM
    if not low <= size_nm <= high:
        raise TomogramError(
            f"--voxel-size-nm {size_nm:g} is outside {low:g} to {high:g} nm; "
            "give the voxel size in nm (10 Angstrom are 1 nm)"
        )
    return size_nm, size_nm, size_nm


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
