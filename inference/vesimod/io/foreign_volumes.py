"""Volumes in other formats than MRC: TIFF, EMAN2's HDF5 and OME-Zarr.

Each needs a package of its own, which is an extra and imported where it is used. Voxels stay in
their file where they lie there as they are; else they are unpacked into a temporary file, a piece
at a time, so that memory holds no more of them than for MRC.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import Triple
from vesimod_imod.core.errors import MissingPackageError
from vesimod_imod.core.files import check_regular
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.errors import not_installed
from vesimod.io.mrc_header import TomogramError
from vesimod.io.scratch import new_array

_NM_PER_UNIT = {
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1.0),
    **dict.fromkeys(("angstrom", "a", "å", "\u212b"), 0.1),
    **dict.fromkeys(("micrometer", "micrometre", "micron", "um", "µm", "μm", "\\u00b5m"), 1e3),
    **dict.fromkeys(("mm", "millimeter", "millimetre"), 1e6),
}
Sizes = Sequence[float | None]
_UNSTATED: Sizes = (None,) * 3
_ZARR_FILES = (".zgroup", ".zarray", "zarr.json")
_CENTIMETRE = 3  # of TIFF's tag ResolutionUnit
_NM_PER_CM = 1e7


@dataclass(frozen=True, eq=False, repr=False)
class ForeignVolume(ShortRepr):
    """What a file of another format holds.

    Parameters
    ----------
    voxels : (z, y, x) array
        In the file's own type; doubles become float32.
    stated_nm : three floats or None
        Voxel size along (z, y, x) as the file states it.
    origin_nm : (float, float, float)
        Position (z, y, x) of the first voxel.
    notes : tuple of str
        What had to be decided, in words for the user.
    """

    voxels: npt.NDArray[Any]
    stated_nm: Sizes
    origin_nm: Triple = (0.0, 0.0, 0.0)
    notes: tuple[str, ...] = ()


def is_foreign(path: Path) -> bool:
    """Whether a path names a volume that `read_foreign` reads."""
    return _reader(path) is not None


def read_foreign(path: Path) -> ForeignVolume:
    """Open a TIFF, an EMAN2 HDF5 file or an OME-Zarr folder.

    Raises
    ------
    TomogramError
        It is damaged, or holds no volume of real grey values.
    MissingPackageError
        The package that reads it is not installed.
    """
    reader = _reader(path)
    if reader is None:
        raise TomogramError(f"{path}: is neither TIFF, HDF5 nor OME-Zarr")
    if not path.is_dir():
        check_regular(path)
    try:
        volume = reader(path)
    except ImportError as error:
        raise MissingPackageError(f"{path}: {not_installed(_PACKAGES[reader])}") from error
    except (TomogramError, FileNotFoundError, MemoryError):
        raise
    except Exception as error:  # the packages raise whatever they meet in a damaged file
        raise TomogramError(f"{path}: cannot be read as {path.suffix} ({error})") from error
    shape, kind = volume.voxels.shape, volume.voxels.dtype.kind
    if len(shape) != 3 or 0 in shape or shape[0] == 1 or kind not in "iuf":
        raise TomogramError(
            f"{path}: holds {volume.voxels.dtype} of shape {shape}; a tomogram has three axes, "
            "more than one section and real grey values"
        )
    return volume


def _reader(path: Path) -> Callable[[Path], ForeignVolume] | None:
    if path.is_dir() and any((path / name).exists() for name in _ZARR_FILES):
        return _read_zarr
    return READERS.get(path.suffix.lower())


def _read_tiff(path: Path) -> ForeignVolume:
    """Read a TIFF stack; rows from bottom to top, as IMOD and 3dmod take them."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        sides = [(n, axis) for n, axis in zip(series.shape, series.axes, strict=True) if n > 1]
        if len(sides) != 3 or sides[2][1] != "X" or series.dtype is None:
            raise TomogramError(f"{path}: a TIFF of {series.axes} {series.shape}, not one volume")
        shape = (sides[0][0], sides[1][0], sides[2][0])
        size, notes = _tiff_size_nm(file)
        if series.dataoffset is not None:
            stored = tifffile.memmap(path, series=0, mode="r").reshape(shape)
        else:
            stored = new_array(shape, series.dtype)
            series.asarray(out=stored.reshape(series.shape))
    if len(file.series) > 1:
        notes.append(f"the first of its {len(file.series)} images is taken")
    notes.append("its rows are taken from bottom to top, as 3dmod shows TIFF files")
    return ForeignVolume(_plain(stored)[:, ::-1], size, notes=tuple(notes))


def _tiff_size_nm(file: Any) -> tuple[list[float | None], list[str]]:
    """Voxel size (z, y, x) in nm by OME's, ImageJ's or the resolution tags."""
    if file.is_ome:
        from xml.etree import ElementTree

        tree = ElementTree.fromstring(file.ome_metadata)
        pixels = next(element for element in tree.iter() if element.tag.endswith("Pixels"))
        sizes = []
        for axis in "ZYX":
            value, unit = pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit")
            sizes.append(_in_nm(value, unit or "µm"))
        return sizes, []
    tags = file.pages[0].tags
    across = [_per_unit(tags, name) for name in ("YResolution", "XResolution")]
    if file.is_imagej:
        known = file.imagej_metadata or {}
        unit = str(known.get("unit", ""))
        sides = [None if per is None else _in_nm(1 / per, unit) for per in across]
        return [_in_nm(known.get("spacing"), unit), *sides], []
    unit_tag = tags.get("ResolutionUnit")
    if None in across or unit_tag is None or int(unit_tag.value) != _CENTIMETRE:
        return [None] * 3, []
    y, x = (None if per is None else _NM_PER_CM / per for per in across)
    return [x, y, x], ["it states no spacing of its sections: that along x is taken"]


def _per_unit(tags: Any, name: str) -> float | None:
    """Pixels a unit, or None where that is not stated."""
    tag = tags.get(name)
    top, bottom = (0, 0) if tag is None else tag.value
    return top / bottom if top and bottom else None


def _read_eman(path: Path) -> ForeignVolume:
    """Read the first image of an EMAN2 HDF5 file: ``/MDF/images/0/image``, sizes in Angstrom."""
    import h5py

    with h5py.File(path, "r") as file:
        images = file.get("MDF/images")
        if images is None or "0" not in images or "image" not in images["0"]:
            raise TomogramError(
                f"{path}: is HDF5, but not of EMAN2, which has MDF/images/0/image; export it as MRC"
            )
        image, stated = images["0/image"], images["0"].attrs
        notes = [f"the first of its {len(images)} images is taken"] if len(images) > 1 else []
        offset = image.id.get_offset() if image.chunks is None else None
        if offset is not None:
            voxels: Any = np.memmap(path, image.dtype, "r", offset, image.shape)
        else:
            voxels = _unpacked(image, image.shape)
        size = [_in_nm(stated.get(f"EMAN.apix_{axis}"), "angstrom") for axis in "zyx"]
        z, y, x = (_in_nm(stated.get(f"EMAN.origin_{axis}"), "angstrom") or 0.0 for axis in "zyx")
    return ForeignVolume(_plain(voxels), size, (z, y, x), tuple(notes))


def _read_zarr(path: Path) -> ForeignVolume:
    """Read an OME-Zarr image, versions 0.1 to 0.5, at its finest level, or a bare Zarr array."""
    import zarr

    node: Any = zarr.open(str(path), mode="r")
    attributes: dict[str, Any] = dict(node.attrs)
    scales = attributes.get("ome", attributes).get("multiscales")
    if hasattr(node, "shape"):
        array, axes = node, ["z", "y", "x"]
        size, origin = _UNSTATED, _UNSTATED
    elif not scales:
        raise TomogramError(f"{path}: is Zarr, but not an OME-Zarr image: name the image in it")
    else:
        level = scales[0]["datasets"][0]
        array = node[level["path"]]
        axes, size, origin = _zarr_axes(scales[0], level, array.ndim)
    kept = [k for k in range(array.ndim) if axes[k] in "zyx"]
    if [axes[k] for k in kept] != ["z", "y", "x"] or any(
        n > 1 for k, n in enumerate(array.shape) if k not in kept
    ):
        raise TomogramError(f"{path}: has axes {', '.join(axes)} of {array.shape}, not one volume")
    shape = tuple(int(array.shape[k]) for k in kept)
    first = tuple(slice(None) if k in kept else 0 for k in range(array.ndim))
    voxels = _unpacked(array, shape, first)
    z, y, x = (origin[k] or 0.0 for k in kept)
    return ForeignVolume(_plain(voxels), [size[k] for k in kept], (z, y, x))


def _zarr_axes(
    scale: dict[str, Any], level: dict[str, Any], ndim: int
) -> tuple[list[str], Sizes, Sizes]:
    """Names of the axes, voxel size and origin in nm along each."""
    axes: list[dict[str, Any]] = [
        axis if isinstance(axis, dict) else {"name": axis}
        for axis in scale.get("axes") or ["t", "c", "z", "y", "x"][-ndim:]
    ]
    factor, shift = np.ones(ndim), np.zeros(ndim)
    known = False
    for step in (
        *level.get("coordinateTransformations", ()),
        *scale.get("coordinateTransformations", ()),
    ):
        if step.get("type") == "scale":
            factor, shift, known = factor * step["scale"], shift * step["scale"], True
        elif step.get("type") == "translation":
            shift = shift + step["translation"]
    units = [str(axis.get("unit", "")) for axis in axes]
    pairs = list(zip(factor, shift, units, strict=True))
    sizes = [_in_nm(f, unit) if known else None for f, _, unit in pairs]
    return [str(axis["name"]) for axis in axes], sizes, [_in_nm(s, unit) for _, s, unit in pairs]


def _unpacked(stored: Any, shape: tuple[int, ...], first: tuple[Any, ...] | None = None) -> Any:
    """Copy an array in pieces along its first side into a temporary file."""
    if len(shape) != 3:
        raise TomogramError(f"an array of shape {tuple(shape)} is no volume")
    out = new_array((shape[0], shape[1], shape[2]), np.dtype(stored.dtype))
    first = (slice(None),) * 3 if first is None else first
    side = first.index(slice(None))
    chunk = int((stored.chunks or (1,) * len(first))[side])
    for low in range(0, shape[0], chunk):
        piece = slice(low, min(low + chunk, shape[0]))
        out[piece] = stored[(*first[:side], piece, *first[side + 1 :])]
    return out


def _plain(voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Doubles as float32, truths as bytes; read-only, as voxels of MRC files are."""
    if voxels.dtype.kind == "f" and voxels.dtype.itemsize > 4:
        voxels = voxels.astype(np.float32)
    if voxels.dtype.kind == "b":
        voxels = voxels.view(np.uint8)
    voxels.flags.writeable = False
    return voxels


def _in_nm(value: Any, unit: str) -> float | None:
    """Return a length in nm; None where there is none, or its unit is not known."""
    factor = _NM_PER_UNIT.get(unit.strip().lower())
    if value is None or factor is None:
        return None
    length = float(np.asarray(value).reshape(-1)[0]) * factor
    return length if np.isfinite(length) else None


READERS: dict[str, Callable[[Path], ForeignVolume]] = {
    ".tif": _read_tiff,
    ".tiff": _read_tiff,
    ".hdf": _read_eman,
    ".h5": _read_eman,
    ".zarr": _read_zarr,
}
_PACKAGES: dict[Callable[[Path], ForeignVolume], str] = {
    _read_tiff: "tifffile",
    _read_eman: "h5py",
    _read_zarr: "zarr",
}
