"""Tomograms in files, MRC above all. Only the modules that read MRC know Angstrom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import mrcfile
import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import Triple
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.files import atomic_path, check_writable
from vesimod_imod.core.spheres import Grid

from vesimod.io.byte_sign import byte_sign
from vesimod.io.foreign_volumes import ForeignVolume, is_foreign, read_foreign
from vesimod.io.header_doubts import check_axes, header_doubts, surplus_doubt
from vesimod.io.mrc_bytes import opener_of, read_start, volume_shape, voxel_bytes
from vesimod.io.mrc_header import (
    ANGSTROM_PER_NM,
    HEADER_BYTES,
    MODES,
    UNKNOWN_SIZE_NM,
    TomogramError,
    header_origin_nm,
    header_tilt_deg,
    header_voxel_size_nm,
    read_header,
    rows_are_inverted,
    stated_voxel_size_nm,
    xyz,
)
from vesimod.io.other_formats import name_other_format
from vesimod.io.padding import Unpadded, fill_values
from vesimod.io.tilt_series import tilt_series_signs
from vesimod.io.voxel_size import doubtful_extent, settled_voxel_size
from vesimod.io.voxels_in_file import open_voxels

__all__ = [
    "Tomogram",
    "TomogramError",
    "read_tomogram",
    "read_volume",
    "volume_on",
    "write_mrc",
    "write_volume",
]


@dataclass(frozen=True, eq=False, repr=False)
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
        Where it came from; ``<array>`` where that was no file.
    start : (int, int, int)
        The header's nzstart, nystart, nxstart: carried into volumes written beside it.
    notes : tuple of str
        What had to be decided about the header, in words for the user.
    warnings : tuple of str
        What may make a result wrong, the same way.
    """

    voxels: npt.NDArray[Any]
    grid: Grid
    path: Path
    start: tuple[int, int, int] = (0, 0, 0)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Tomogram({self.path.name}, {self.grid.in_words})"

    @property
    def voxel_size_nm(self) -> Triple:
        """Spacing along (z, y, x) in nm."""
        return self.grid.voxel_size_nm

    @cached_property
    def fill_values(self) -> tuple[float, ...]:
        """Values that it was padded with; see `vesimod.io.padding.fill_values`."""
        return fill_values(self.voxels)

    @cached_property
    def grey(self) -> npt.NDArray[Any]:
        """The voxels (z, y, x) as they are searched: padding is as grey as the data."""
        if not self.fill_values:
            return self.voxels
        # It has what is asked of a volume that is read in boxes.
        return cast("npt.NDArray[Any]", Unpadded.of(self.voxels, self.fill_values))


def read_tomogram(path: Path | str, voxel_size_nm: float | None = None) -> Tomogram:
    """Open an MRC volume (modes 0, 1, 2, 6, 12; plain, .gz or .bz2), or TIFF, EMAN2 HDF, OME-Zarr.

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
        or outside 0.1 to 10 nm and `voxel_size_nm` is not given; or that is ten times the
        header's.
    """
    if is_foreign(Path(path)):
        return _foreign_tomogram(Path(path), voxel_size_nm)
    volume, header, extended = _open(Path(path))
    path, grid = volume.path, volume.grid
    size_nm, warnings = settled_voxel_size(path, stated_voxel_size_nm(header), voxel_size_nm)
    stated_nm = None if voxel_size_nm is None else grid.voxel_size_nm
    grid = replace(grid, voxel_size_nm=size_nm, header_voxel_size_nm=stated_nm)
    if signs := tilt_series_signs(path, header, extended):
        warnings.append(
            f"{path}: looks like a tilt series ({'; '.join(signs)}), not like a reconstructed "
            "volume, in which vesicles are found"
        )
    warnings += doubtful_extent(path, grid)
    return replace(volume, grid=grid, warnings=(*volume.warnings, *warnings))


def read_volume(path: Path | str) -> Tomogram:
    """Open an MRC volume as `read_tomogram` does, whatever its header says of the voxel size.

    For masks, labels and maps, which lie on a tomogram voxel by voxel. Where the header states no
    voxel size, it is that which IMOD takes then: 1 Angstrom.
    """
    if is_foreign(Path(path)):
        return _foreign(Path(path))[0]
    return _open(Path(path))[0]


def _foreign(path: Path) -> tuple[Tomogram, ForeignVolume]:
    """Return a volume of another format, 1 Angstrom for a voxel size that is not stated."""
    volume = read_foreign(path)
    z, y, x = (size or UNKNOWN_SIZE_NM for size in volume.stated_nm)
    grid = Grid(tuple(volume.voxels.shape), (z, y, x), volume.origin_nm)
    return Tomogram(volume.voxels, grid, path, notes=volume.notes), volume


def _foreign_tomogram(path: Path, voxel_size_nm: float | None) -> Tomogram:
    tomogram, volume = _foreign(path)
    size_nm, warnings = settled_voxel_size(path, volume.stated_nm, voxel_size_nm)
    stated_nm = None if voxel_size_nm is None else tomogram.grid.voxel_size_nm
    grid = replace(tomogram.grid, voxel_size_nm=size_nm, header_voxel_size_nm=stated_nm)
    return replace(tomogram, grid=grid, warnings=(*warnings, *doubtful_extent(path, grid)))


def volume_on(path: Path, grid: Grid) -> Tomogram:
    """Open a volume that lies on a grid voxel by voxel, whatever its own header says of that.

    Parameters
    ----------
    path : Path
    grid : Grid
        Where it has no shape, only the voxel size of it counts.

    Raises
    ------
    TomogramError
        The volume has another shape; see also `read_tomogram`.
    """
    volume = read_volume(path)
    if not any(grid.shape):
        return replace(volume, grid=replace(volume.grid, voxel_size_nm=grid.voxel_size_nm))
    if volume.grid.shape != grid.shape:
        raise TomogramError(
            f"{path}: {xyz(volume.grid.shape)} voxels where the tomogram has {xyz(grid.shape)}; it "
            "must have been made on the same volume"
        )
    return replace(volume, grid=grid)


def _open(path: Path) -> tuple[Tomogram, Any, bytes]:
    """Return a volume, its header, and what is read of its extended header."""
    opener = opener_of(path)
    start = read_start(path, opener)
    file_bytes = path.stat().st_size if opener is None else None
    other = name_other_format(start, file_bytes)
    if other is not None:
        raise TomogramError(f"{path}: {other}")
    header = read_header(path, start)
    check_axes(path, header)
    mode, shape = int(header["mode"]), volume_shape(path, header)
    dtype = np.dtype(MODES[mode]).newbyteorder(header.dtype["mode"].byteorder)
    announced = max(0, int(header["nsymbt"]))
    raw, missing, surplus = voxel_bytes(path, opener, announced, shape, dtype)
    notes, warnings = [], [f"{path}: {doubt}" for doubt in header_doubts(header)]
    if surplus:
        counted = surplus if opener is None else None
        warnings.append(f"{path}: {surplus_doubt(header, counted)}")
    if missing:
        warnings.append(
            f"{path}: its header announces an extended header of {announced} bytes that is not "
            "there; the voxels are read from where it would be, which other programs may not do"
        )
    if mode == 0:
        sign = byte_sign(header, raw)
        dtype = np.dtype("i1" if sign.signed else "u1")
        notes += [sign.note] if sign.note else []
        warnings += [f"{path}: {sign.warning}"] if sign.warning else []
    inverted = rows_are_inverted(header)
    if isinstance(raw, np.memmap):
        voxels: npt.NDArray[Any] = open_voxels(path, dtype, shape, raw.offset, inverted)
    else:
        voxels = raw.view(dtype)[:, ::-1] if inverted else raw.view(dtype)
    if inverted:
        notes.append(
            "the rows are taken from top to bottom, as newer versions of IMOD show such a file "
            f"(extended header {header['exttyp'].tobytes().decode('latin-1')}, version 20140, no "
            "IMOD stamp); IMOD 4.8 shows it the other way up, and models mirrored in y"
        )
    grid = Grid(
        shape, header_voxel_size_nm(header), header_origin_nm(header), header_tilt_deg(header)
    )
    first = (int(header["nzstart"]), int(header["nystart"]), int(header["nxstart"]))
    return (
        Tomogram(voxels, grid, path, first, tuple(notes), tuple(warnings)),
        header,
        b"" if missing else start[HEADER_BYTES:],
    )


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
        raise InputError(f"{path}: volume {volume.shape} does not fit its grid {grid.shape}")
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
