"""Clefts: what lies narrowly between a cell's membrane and another cell's, inside of neither."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray, Volume

_SMOOTH_VOXELS = 0.5  # of the map whose bends say which way is across
_BEND = 0.01  # least bend of a valley, in chance per squared voxel
_REACH_NM = 25.0  # from a place in a cleft to either membrane
_WIDTH_NM = (10.0, 45.0)  # between the middles of the two
_MEMBRANE, _DIP = 0.2, 0.03  # chance of both, and by how much it is less between them
_UPRIGHT = 0.6  # height of the direction across: flat ones lie in the blind cap, and mislead
_BEYOND_NM, _ANOTHER = 40.0, 0.25  # so far across, on one side, it is hardly our cell
_GAP_NM = 20.0  # a gap in a cleft up to twice as wide, where a membrane was not seen, is closed
_LEAST_NM3 = 22.0**3  # less is chance
_STEP_VOXELS = 0.25


def clefts(membrane: Volume, cytoplasm: Volume, size_nm: float, among: BoolArray) -> BoolArray:
    """Find voxels that have a membrane on either side and another cell beyond one of them.

    A network may say of a narrow cleft that it is a part of the cell, and see the membrane opposite
    better than the cell's own, so that the outline would run there.

    Parameters
    ----------
    membrane, cytoplasm : (z, y, x)
        Chance of lying on a plasma membrane, and inside of the cell.
    size_nm : float
        Of their voxels.
    among : (z, y, x) bool
        Where clefts are sought.

    Returns
    -------
    (z, y, x) bool
    """
    found = np.zeros(among.shape, bool)
    near = ndimage.maximum_filter(membrane, 2 * int(_REACH_NM / size_nm) + 1)
    voxels = np.argwhere(among & (near > _MEMBRANE))
    bends, ways = _across(membrane, voxels)
    valley = (bends > _BEND) & (np.abs(ways[:, 0]) < _UPRIGHT)
    voxels, ways = voxels[valley], ways[valley]
    away = np.arange(_STEP_VOXELS, _REACH_NM / size_nm + 0.01, _STEP_VOXELS)
    highest, distances = zip(
        *(_highest(membrane, voxels, side * ways, away) for side in (1, -1)), strict=True
    )
    between = membrane[tuple(voxels.T)] < np.minimum(*highest) - _DIP
    between &= np.minimum(*highest) > _MEMBRANE
    width_nm = sum(distances) * size_nm
    between &= (width_nm >= _WIDTH_NM[0]) & (width_nm <= _WIDTH_NM[1])
    beyond = [_at(cytoplasm, voxels + side * _BEYOND_NM / size_nm * ways) for side in (1, -1)]
    between &= np.minimum(*beyond) < _ANOTHER
    found[tuple(voxels[between].T)] = True
    gap = max(round(_GAP_NM / size_nm), 1)
    closed = ndimage.binary_closing(np.pad(found, gap), iterations=gap)
    found = closed[(slice(gap, -gap),) * 3] & among
    labels, count = ndimage.label(found, np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    kept = (sizes >= _LEAST_NM3 / size_nm**3) & (np.arange(count + 1) > 0)
    return np.asarray(kept[labels])


def _across(chance: Volume, voxels: IntArray) -> tuple[FloatArray, FloatArray]:
    """How much a map bends upwards most at voxels (N, 3), and along which direction (N, 3)."""
    smooth = ndimage.gaussian_filter(chance, _SMOOTH_VOXELS)
    hessian = np.empty((len(voxels), 3, 3))
    for one in range(3):
        slope = slope_along(smooth, one)
        for other in range(one, 3):
            bend = slope_along(slope, other)[tuple(voxels.T)]
            hessian[:, one, other] = hessian[:, other, one] = bend
    values, directions = np.linalg.eigh(hessian)
    return values[:, 2], directions[:, :, 2]


def slope_along(volume: Volume, axis: int) -> Volume:
    """Slope of a volume (z, y, x) in a voxel along an axis; 0 where it is one voxel thin."""
    if volume.shape[axis] == 1:
        return np.zeros_like(volume)
    return np.asarray(np.gradient(volume, axis=axis))


def _highest(
    chance: Volume, voxels: IntArray, ways: FloatArray, away: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Highest value along rays from voxels (N, 3), and how far away in voxels it is."""
    along = np.stack([_at(chance, voxels + step * ways) for step in away])
    return along.max(axis=0), away[along.argmax(axis=0)]


def _at(volume: Volume, places: FloatArray) -> FloatArray:
    """Values at places (N, 3); beyond the border those at it."""
    return np.asarray(ndimage.map_coordinates(volume, places.T, order=1, mode="nearest"))
