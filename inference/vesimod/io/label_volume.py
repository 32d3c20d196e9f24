"""Spheres to label volumes, and back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from vesimod_imod.core.arrays import BoolArray, FloatArray, Labels, Triple
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.sphere_fit import fit_round
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
    InputError
        An id is above 65535, the largest that an MRC volume of mode 6 holds.
    """
    if len(spheres) and spheres.ids.max() > np.iinfo(np.uint16).max:
        raise InputError(f"id {spheres.ids.max()} does not fit a label volume (at most 65535)")
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


def spheres_of_labels(labels: Labels, voxel_size_nm: Triple) -> Spheres:
    """Sphere of the same volume and centroid as each label.

    Where the border of the volume cuts a label, the sphere through the rest of its surface.

    Returns
    -------
    Spheres
        Ids are the labels; centres in voxels of `labels`.
    """
    boxes = ndimage.find_objects(labels)
    ids = [number for number, box in enumerate(boxes, 1) if box is not None]
    centres = np.empty((len(ids), 3))
    radii = np.empty(len(ids))
    size, voxel_nm3 = np.asarray(voxel_size_nm), float(np.prod(voxel_size_nm))
    for row, number in enumerate(ids):
        box = boxes[number - 1]
        inside = labels[box] == number
        points = np.argwhere(inside)
        centres[row] = points.mean(axis=0) + [part.start for part in box]
        radii[row] = np.cbrt(len(points) * voxel_nm3 * 3 / (4 * np.pi))
        if any(p.start == 0 or p.stop == n for p, n in zip(box, labels.shape, strict=True)):
            corner = np.array([part.start for part in box])
            surface = np.argwhere(_surface(inside, box, labels.shape)) + corner
            sphere = _sphere_through(surface * size, centres[row] * size, radii[row])
            centres[row], radii[row] = sphere[0] / size, sphere[1]
    return Spheres(centres, radii, ids=np.array(ids, np.int64))


def _surface(inside: BoolArray, box: tuple[slice, ...], shape: tuple[int, ...]) -> BoolArray:
    """Voxels of a label that touch its outside, the border of the volume not counting."""
    pad = [(int(part.start > 0), int(part.stop < n)) for part, n in zip(box, shape, strict=True)]
    core = tuple(slice(low, low + n) for (low, _), n in zip(pad, inside.shape, strict=True))
    eroded = ndimage.binary_erosion(np.pad(inside, pad), border_value=1)[core]
    surface: BoolArray = inside & ~eroded
    return surface


def _sphere_through(
    points_nm: FloatArray, centroid_nm: FloatArray, radius_nm: float
) -> tuple[FloatArray, float]:
    """Least-squares sphere through points (N, 3); the given one where they define none."""
    if len(points_nm) < 10:
        return centroid_nm, radius_nm
    centre, squared = fit_round(points_nm - centroid_nm)
    # A shallow cap says little about its sphere: no more than twice the size is believed.
    if not radius_nm**2 <= squared <= 4 * radius_nm**2:
        return centroid_nm, radius_nm
    return centroid_nm + centre, float(np.sqrt(squared))
