"""Spheres to label volumes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.spheres import Grid, Spheres

Box = tuple[slice, slice, slice]


def paint_spheres(spheres: Spheres, grid: Grid) -> npt.NDArray[np.uint16]:
    """Paint spheres into a label volume: 0 background, else the sphere's id.

    A voxel belongs to a sphere when its centre lies within the radius. Larger spheres are
    painted first, so that a small one stays whole where two overlap; spheres without a
    radius are left out.

    Parameters
    ----------
    spheres : Spheres
        Centres in voxels of `grid`.
    grid : Grid
        The volume to paint.

    Returns
    -------
    (z, y, x) uint16 array

    Raises
    ------
    ValueError
        An id is above 65535, the largest that an MRC volume of mode 6 holds.
    """
    if len(spheres) and spheres.ids.max() > np.iinfo(np.uint16).max:
        raise ValueError(f"id {spheres.ids.max()} does not fit a label volume (at most 65535)")
    labels = np.zeros(grid.shape, np.uint16)
    radii = np.nan_to_num(spheres.radii_nm, nan=-1.0)
    for row in np.argsort(-radii, kind="stable"):
        box, distance_nm = distance_box(spheres.centres[row], radii[row], grid)
        labels[box][distance_nm <= radii[row]] = spheres.ids[row]
    return labels


def distance_box(
    centre: npt.NDArray[np.float64], reach_nm: float, grid: Grid
) -> tuple[Box, npt.NDArray[np.float64]]:
    """Distances to a point within a box around it.

    Parameters
    ----------
    centre : (3,) float64
        Point (z, y, x) in voxels.
    reach_nm : float
        The box holds every voxel that lies this near, as far as the volume goes.
    grid : Grid
        The volume.

    Returns
    -------
    box : three slices
        May be empty.
    distance_nm : array of the box's shape
        Distance of each voxel's centre in nm.
    """
    size_nm = np.asarray(grid.voxel_size_nm)
    low = np.maximum(np.ceil(centre - reach_nm / size_nm), 0).astype(int)
    high = np.minimum(np.floor(centre + reach_nm / size_nm) + 1, grid.shape).astype(int)
    z, y, x = (slice(int(a), int(max(a, b))) for a, b in zip(low, high, strict=True))
    squares = [
        ((np.arange(side.start, side.stop) - c) * size) ** 2
        for side, c, size in zip((z, y, x), centre, size_nm, strict=True)
    ]
    distance_nm = np.sqrt(squares[0][:, None, None] + squares[1][:, None] + squares[2])
    return (z, y, x), distance_nm
