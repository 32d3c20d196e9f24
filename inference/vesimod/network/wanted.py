"""Which part of the network's grid is worth computing, given a region or a slab."""

from __future__ import annotations

import numpy as np
from vesimod_imod.core.arrays import BoolArray, Triple

from vesimod.network.tiling import Box, Shape

REGION_MARGIN_NM = 100.0  # a vesicle whose centre lies within is seen whole


def wanted_box(
    shape: Shape,
    nm: float,
    rows: tuple[int, int] | None,
    region: BoolArray | None,
    size_nm: Triple,
) -> Box:
    """Return the part of the network's grid that it is asked about.

    Parameters
    ----------
    shape : (int, int, int)
        Of the network's grid (z, y, x).
    nm : float
        Its voxel size.
    rows : (int, int) or None
        First row in z, and one beyond the last; None for all.
    region : (z, y, x) bool or None
        Where vesicles may be, on the tomogram's grid; None for anywhere.
    size_nm : (float, float, float)
        The tomogram's voxel size.
    """
    spans = [(0, n) for n in shape]
    if region is not None and region.any():
        for axis in range(3):
            others = tuple(other for other in range(3) if other != axis)
            inside = np.flatnonzero(region.any(axis=others)) * size_nm[axis]
            low = int((inside[0] - REGION_MARGIN_NM) // nm)
            high = int((inside[-1] + REGION_MARGIN_NM) // nm) + 1
            spans[axis] = (min(max(0, low), shape[axis] - 1), min(high, shape[axis]))
    if rows is not None:
        low, high = max(rows[0], spans[0][0]), min(rows[1], spans[0][1])
        spans[0] = (low, high) if low < high else (rows[0], rows[0] + 1)
    return (spans[0], spans[1], spans[2])


def is_near(box: Box, nm: float, region: BoolArray, size_nm: Triple) -> bool:
    """Whether anything of the region lies as near to a box as a large vesicle reaches.

    Parameters are those of `wanted_box`; the box is one of the network's grid.
    """
    part = []
    for (first, last), size in zip(box, size_nm, strict=True):
        low = int((first * nm - REGION_MARGIN_NM) // size)
        high = int((last * nm + REGION_MARGIN_NM) // size) + 1
        part.append(slice(max(0, low), high))
    return bool(region[tuple(part)].any())
