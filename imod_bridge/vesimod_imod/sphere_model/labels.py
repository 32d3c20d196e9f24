"""What marks a point as a sphere of ours: its contour's label, and its size."""

from __future__ import annotations

import re

import numpy as np

from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray

_ID = re.compile(r"\bid=(\d{1,18})\b")
_WRITTEN = re.compile(r"\br=(\d+\.\d+)nm\b")
#: Pixels. No vesicle is that small, but 3dmod's plugins mark points as checked by a size.
MARKER_SIZE = 1.0


def sphere_label(number: int, radius_nm: float) -> str:
    """Return the contour label of a sphere; `parse_label` reads it."""
    return f"vesimod id={number} r={radius_nm:.3f}nm" if radius_nm > 0 else f"vesimod id={number}"


def parse_label(label: str) -> tuple[int, float]:
    """Id and radius in nm that a label of ours states; -1 and NaN where it does not."""
    number, radius = _ID.search(label), _WRITTEN.search(label)
    return int(number[1]) if number else -1, float(radius[1]) if radius else np.nan


def is_radius(sizes: FloatArray, ids: IntArray) -> BoolArray:
    """Which sizes (N,) in pixels are radii: large ones, and those of spheres with an id of ours.

    Ids are -1 where there is none.
    """
    radius: BoolArray = (sizes > MARKER_SIZE) | ((sizes > 0) & (ids >= 0))
    return radius
