"""Signed or unsigned bytes: as IMOD decides, unless the voxels themselves say otherwise."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vesimod.io.mrc_header import imod_flags

SIGNED_BYTES_FLAG = 1
_SECTIONS, _ROWS = 8, 64  # that are looked at
_ENOUGH_PAIRS = 0.01  # of neighbouring voxels, the share that must lie on both sides of a seam
_CLEAR_RATIO = 3.0  # of such pairs, to doubt a header that may be right
_FORCE = "READ_MODE0_SIGNED=2 or -2 in the environment forces signed or unsigned"


@dataclass(frozen=True)
class ByteSign:
    """How bytes (mode 0) are taken.

    Parameters
    ----------
    signed : bool
    note : str
        Why, where the header has no stamp that says so; else empty.
    warning : str
        What is shown otherwise by IMOD; else empty.
    """

    signed: bool
    note: str = ""
    warning: str = ""


def byte_sign(header: Any, voxels: npt.NDArray[np.uint8]) -> ByteSign:
    """Decide on mode 0 as IMOD does: environment, stamp, then the header's minimum and maximum.

    Where that minimum and maximum cannot be, they say nothing; then the voxels decide, if they
    can. What may be is believed, as 3dmod does; if the voxels clearly say otherwise, that is said.

    Parameters
    ----------
    header : numpy record
        From `vesimod.io.mrc_header.read_header`.
    voxels : (z, y, x) uint8 array
        As they are in the file; a part of them is looked at.
    """
    try:
        wish = int(os.environ.get("READ_MODE0_SIGNED") or 0)
    except ValueError:
        wish = 0
    flags = imod_flags(header)
    if abs(wish) > 1 or (wish and flags is None):
        return ByteSign(wish > 0, _note(wish > 0, f"READ_MODE0_SIGNED is {wish}"))
    sample = _sample(voxels)
    if flags is not None:
        return _believed(bool(flags & SIGNED_BYTES_FLAG), sample, "IMOD's stamp says")
    low, high = float(header["dmin"]), float(header["dmax"])
    signed = low < 0 and (high < 128 or -low > high - 128)
    if _are_possible(low, high, sample, signed):
        return _believed(signed, sample, f"the header's {low:g} to {high:g} say")
    seen = _seen_sign(sample)
    if seen is None or seen == signed:
        return ByteSign(signed, _note(signed, "the header does not tell"))
    return ByteSign(
        seen,
        warning=f"bytes taken as {_name(seen)}, by the voxels: the header's minimum {low:g} and "
        f"maximum {high:g} are not true of them. IMOD goes by the header and takes them as "
        f"{_name(signed)}; {_FORCE} in both",
    )


def _believed(signed: bool, sample: npt.NDArray[np.uint8], why: str) -> ByteSign:
    """Take bytes as a header says that may be right; doubt it where the voxels clearly do."""
    if _seen_sign(sample, _CLEAR_RATIO) != (not signed):
        return ByteSign(signed)
    return ByteSign(
        signed,
        warning=f"bytes taken as {_name(signed)}, as {why} and as IMOD does, but by the voxels "
        f"they are {_name(not signed)}: if 3dmod shows black and white torn into each other, set "
        f"READ_MODE0_SIGNED={-2 if signed else 2} in the environment and run again",
    )


def _name(signed: bool) -> str:
    return "signed" if signed else "unsigned"


def _note(signed: bool, why: str) -> str:
    """Say how bytes are taken where that agrees with IMOD."""
    other = f"READ_MODE0_SIGNED={-2 if signed else 2} takes them as {_name(not signed)}"
    return f"bytes taken as {_name(signed)}, as IMOD does: {why} ({other})"


def _sample(voxels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Whole rows (N, x) from all over the volume."""
    nz, ny, nx = voxels.shape
    part = voxels[:: max(1, nz // _SECTIONS), :: max(1, ny // _ROWS)]
    return np.ascontiguousarray(part).reshape(-1, nx)


def _are_possible(low: float, high: float, sample: npt.NDArray[np.uint8], signed: bool) -> bool:
    """Whether voxels lie between a minimum and a maximum, give or take a rounding."""
    values = sample.view(np.int8) if signed else sample
    return bool(low - 1 <= values.min() and values.max() <= high + 1)


def _seen_sign(sample: npt.NDArray[np.uint8], ratio: float = 1.0) -> bool | None:
    """Whether bytes are signed, by the seam that their grey values pass; None if they pass none.

    Grey values change little from one voxel to the next. Where one byte of a pair is below 128
    and the other is not, they are near each other either as unsigned (127 and 128) or as
    signed numbers (255 and 1, which are -1 and 1). Pairs with a 0 do not count: margins, and the
    background of label volumes, lie beside anything. One kind must be `ratio` times the other:
    white noise that fills all values has as many of both.
    """
    one, other = sample[:, :-1].astype(np.int16), sample[:, 1:].astype(np.int16)
    across = ((one < 128) != (other < 128)) & (one != 0) & (other != 0)
    far = int(np.sum(across & (np.abs(one - other) > 128)))
    near = int(np.sum(across)) - far
    if max(near, far) <= max(_ENOUGH_PAIRS * one.size, ratio * min(near, far)):
        return None
    return far > near
