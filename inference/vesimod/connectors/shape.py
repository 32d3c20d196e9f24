"""Shape of a body of voxels: surface, tunnels and hollows."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from vesimod_imod.core.arrays import BoolArray, IntArray

from vesimod.connectors.touching import FACES

_ALL_ROUND = ndimage.generate_binary_structure(3, 3)


def box_of(voxels: IntArray) -> BoolArray:
    """Voxels (N, 3) in a box of their own, with a layer of nothing around them."""
    body = np.zeros(np.ptp(voxels, axis=0) + 3, bool)
    body[tuple((voxels - voxels.min(axis=0) + 1).T)] = True
    return body


def surface_voxels(voxels: IntArray, shape: tuple[int, ...]) -> int:
    """Count the voxels (N, 3) that have a face outside of their body; the volume's end is none."""
    body = box_of(voxels)
    inner = body.copy()
    start = voxels.min(axis=0) - 1
    for axis, (first, size) in enumerate(zip(start, shape, strict=True)):
        for edge, beyond in ((0, first < 0), (-1, first + body.shape[axis] > size)):
            if beyond:
                plane: list[slice | int] = [slice(None)] * 3
                plane[axis] = edge
                inner[tuple(plane)] = True
    return int(np.count_nonzero(body & ~ndimage.binary_erosion(inner, FACES)))


def euler_number(body: BoolArray) -> int:
    """Bodies less tunnels plus hollows, where voxels join by faces.

    Each voxel is a point, each common face an edge between two, each two by two of them a face, and
    each two by two by two a solid: points less edges plus faces less solids.
    """
    number = int(np.count_nonzero(body))
    for axes, sign in (
        ((0,), -1),
        ((1,), -1),
        ((2,), -1),
        ((0, 1), 1),
        ((0, 2), 1),
        ((1, 2), 1),
        ((0, 1, 2), -1),
    ):
        joined = body
        for axis in axes:
            low, high = [slice(None)] * 3, [slice(None)] * 3
            low[axis], high[axis] = slice(None, -1), slice(1, None)
            joined = joined[tuple(low)] & joined[tuple(high)]
        number += sign * int(np.count_nonzero(joined))
    return number


def hollows(body: BoolArray) -> int:
    """Count the parts of the outside that a body encloses; the box has nothing at its border."""
    return int(ndimage.label(~body, _ALL_ROUND)[1]) - 1
