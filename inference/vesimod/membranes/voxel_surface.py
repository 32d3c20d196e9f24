"""The surface of a mask, for those whose membranes are voxels and not contours."""

from __future__ import annotations

import numpy as np
from vesimod_imod.core.arrays import BoolArray

from vesimod.membranes.surface import Surface

_CORNERS = ((-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5))


def surface_of_voxels(inside: BoolArray) -> Surface:
    """Take the faces of voxels that part a mask from what is outside of it, two triangles each.

    Faces at the volume's border are left out: the body goes on there, for all that is known.

    Parameters
    ----------
    inside : (z, y, x) bool

    Returns
    -------
    Surface
        Open. Its steps add to its area, which has no meaning.
    """
    squares = []
    for axis in range(3):
        voxels = np.moveaxis(inside, axis, 0)
        places = np.argwhere(voxels[:-1] != voxels[1:])  # of the lower voxel, `axis` first
        around = np.zeros((4, 3))
        around[:, 0] = 0.5
        around[:, 1:] = _CORNERS
        corners = places[:, None] + around
        squares.append(np.insert(corners[..., 1:], axis, corners[..., 0], axis=2))
    vertices = np.concatenate(squares).reshape(-1, 3)
    first = 4 * np.arange(len(vertices) // 4)
    faces = np.concatenate([np.column_stack([first, first + k, first + k + 1]) for k in (1, 2)])
    return Surface(vertices, faces)
