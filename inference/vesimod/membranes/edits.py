"""What a person changed of contours that vesimod wrote: labels tell, and the record beside."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from vesimod_imod.contour_model.read import Drawing
from vesimod_imod.core.arrays import FloatArray
from vesimod_imod.core.short_repr import ShortRepr

#: Points are written as whole numbers of this part of a voxel, so that they come back the same
#: whatever image 3dmod showed them on.
GRAIN = 1 / 64
BY_HAND = "membrane, by hand"
_LABEL = re.compile(r"membrane ([0-9a-f]{8})\b")


@dataclass(frozen=True, eq=False, repr=False)
class Edits(ShortRepr):
    """What a person did to the contours of one object.

    Parameters
    ----------
    contours : tuple of (N, 3) float64
        Changed or new ones.
    deleted : frozenset of int
        Sections on which there were contours, and now is none.
    """

    contours: tuple[FloatArray, ...] = ()
    deleted: frozenset[int] = field(default_factory=frozenset)


def rounded(points: FloatArray) -> FloatArray:
    """Points as they are written."""
    return np.asarray(np.round(points / GRAIN) * GRAIN)


def label_of(points: FloatArray, seen: float) -> str:
    """Label of a contour (N, 3) that tells later whether it was changed."""
    return f"membrane {_checksum(points)}, seen on {100 * seen:.0f} %"


def edits_of(drawing: Drawing, axis: int, written: Sequence[int]) -> Edits:
    """Find what was changed in an object since it was written.

    Parameters
    ----------
    drawing : Drawing
        The object as it is now.
    axis : int
        That its sections are stacked along.
    written : sequence of int
        Sections on which vesimod wrote contours; empty where that is not known.
    """
    changed, left = [], set()
    for contour, label in zip(drawing.contours, drawing.labels, strict=True):
        left.add(round(float(contour[:, axis].mean())))
        known = _LABEL.match(label)
        if known is None or known[1] != _checksum(contour):
            changed.append(contour)
    return Edits(tuple(changed), frozenset(written) - left)


def _checksum(points: FloatArray) -> str:
    whole = np.rint(points / GRAIN).astype(">i4")
    return f"{zlib.crc32(whole.tobytes()):08x}"
