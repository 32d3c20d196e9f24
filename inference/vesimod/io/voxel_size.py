"""Whether a voxel size is believable, and agrees with what somebody states."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vesimod_imod.core.arrays import Triple
from vesimod_imod.core.spheres import Grid

from vesimod.io.mrc_header import ANGSTROM_PER_NM, UNKNOWN_SIZE_NM, TomogramError

VOXEL_SIZE_RANGE_NM = (0.1, 10.0)
_TEN_TIMES = (9.0, 11.0)  # a nominal and a calibrated size differ by a few per cent
_NOTEWORTHY = 1.5
_UNEVEN = 2.0
# Of a tomogram: the smallest vesicle would not fit in; no electron microscope sees that far.
_EXTENT_NM = (24.0, 20_000.0)
_GIVE = "give the true one as `voxel_size_nm`"


class VoxelSizeError(TomogramError):
    """A voxel size is missing, or cannot be true; the remedy is to state the true one."""


def settled_voxel_size(
    path: Path, stated_nm: Sequence[float | None], given_nm: float | None
) -> tuple[Triple, list[str]]:
    """Decide on the voxel size of a file, given what it states and what the user states.

    Parameters
    ----------
    path : Path
        The file, for messages.
    stated_nm : three floats or None
        Along (z, y, x), None where the file states none.
    given_nm : float or None
        What the user states: along all axes, whatever the file says.

    Returns
    -------
    size_nm : (float, float, float)
        Along (z, y, x).
    warnings : list of str
        What is doubtful about it.

    Raises
    ------
    VoxelSizeError
        Neither states one; it is outside 0.1 to 10 nm; or the user's is ten times the file's,
        as when Angstrom are given for nm.
    """
    known = [size if size is not None and not _is_unknown(size) else None for size in stated_nm]
    if given_nm is not None:
        return (given_nm,) * 3, _compare(path, known, given_nm)
    z, y, x = known
    if z is None or y is None or x is None:
        raise VoxelSizeError(f"{path}: {_what_is_missing(known)}; {_GIVE}")
    low, high = VOXEL_SIZE_RANGE_NM
    if min(z, y, x) < low * (1 - 1e-6) or max(z, y, x) > high * (1 + 1e-6):
        shown = " x ".join(f"{ANGSTROM_PER_NM * size:g}" for size in (x, y, z))
        raise VoxelSizeError(
            f"{path}: voxel size {shown} Angstrom is outside {low:g} to {high:g} nm; {_GIVE}"
        )
    if max(z, y, x) > _UNEVEN * min(z, y, x):
        return (z, y, x), [
            f"{path}: its header's voxel size is {_shown((z, y, x))} nm in x, y and z; is that "
            f"true? If not, {_GIVE}"
        ]
    return (z, y, x), []


def doubtful_extent(path: Path, grid: Grid) -> list[str]:
    """Question a volume that is thinner than a vesicle or wider than any microscope's field."""
    extents = [n * size for n, size in zip(grid.shape, grid.voxel_size_nm, strict=True)]
    shown = _shown(grid.voxel_size_nm)
    low, high = _EXTENT_NM
    if min(extents) < low:
        doubt = f"only {min(extents):.3g} nm thin, less than the smallest vesicle"
    elif max(extents) > high:
        doubt = f"{max(extents) / 1000:.3g} micrometres wide"
    else:
        return []
    return [f"{path}: with voxels of {shown} nm this volume is {doubt}; is the voxel size right?"]


def _compare(path: Path, known: Sequence[float | None], given_nm: float) -> list[str]:
    """Hold what the user states against what the file states."""
    low, high = VOXEL_SIZE_RANGE_NM
    stated = [size for size in known if size is not None and low <= size <= high]
    shown = _shown(stated if len(set(stated)) > 1 else stated[:1])
    ratios = [given_nm / size for size in stated]
    if ratios and all(_TEN_TIMES[0] <= ratio <= _TEN_TIMES[1] for ratio in ratios):
        raise VoxelSizeError(
            f"{path}: the header says {shown} nm; {given_nm:g} Angstrom? Voxel sizes are stated "
            "in nm; where the header is wrong, correct it first (IMOD: alterheader -del X,Y,Z "
            "FILE, in Angstrom)"
        )
    if not low <= given_nm <= high:
        raise VoxelSizeError(
            f"{path}: `voxel_size_nm={given_nm:g}` is outside {low:g} to {high:g} nm; it is "
            "stated in nm (10 Angstrom are 1 nm)"
        )
    if any(max(ratio, 1 / ratio) > _NOTEWORTHY for ratio in ratios):
        return [f"{path}: its header says {shown} nm a voxel; {given_nm:g} nm are taken, as stated"]
    return []


def _what_is_missing(known: Sequence[float | None]) -> str:
    """Say which axes have no voxel size, and which have."""
    if not any(known):
        return (
            "its header states no voxel size, or 1 Angstrom, which programs write when they do "
            "not know"
        )
    there = [f"{size:.3g} nm along {axis}" for axis, size in zip("zyx", known, strict=True) if size]
    absent = [axis for axis, size in zip("zyx", known, strict=True) if not size]
    return (
        f"its header states no voxel size along {' and '.join(reversed(absent))}, or 1 Angstrom "
        f"({', '.join(reversed(there))})"
    )


def _is_unknown(size_nm: float) -> bool:
    """Whether a size is the 1 Angstrom that stands for not knowing."""
    return abs(size_nm - UNKNOWN_SIZE_NM) < 1e-5


def _shown(sizes_nm: Sequence[float]) -> str:
    """Sizes given along (z, y, x), in the order IMOD's users know, as short as they are."""
    unique = list(dict.fromkeys(f"{size:.3g}" for size in sizes_nm))
    return unique[0] if len(unique) == 1 else " x ".join(f"{s:.3g}" for s in reversed(sizes_nm))
