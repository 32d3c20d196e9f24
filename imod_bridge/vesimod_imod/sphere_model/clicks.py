"""Telling clicks from outlines: 3dmod's new objects are closed contours, and people click in them.

A closed contour that was drawn lies in a plane, goes round without crossing itself and has its
points close together, or at least outlines something round. One that collects clicks jumps from
vesicle to vesicle.
"""

from __future__ import annotations

import numpy as np

from vesimod_imod.core.arrays import BoolArray, FloatArray
from vesimod_imod.model.objects import ModelObject
from vesimod_imod.sphere_model.outlines import Outline, fit_outlines

_FLAT = 1e-3  # of its extent that a drawn contour may leave its plane by (rms)
_DENSE = 0.2  # of its extent: lines of a contour that was traced are shorter


def find_outlines(
    item: ModelObject, positions: FloatArray, which: BoolArray
) -> tuple[list[Outline], bool]:
    """Fit spheres to what an object's contours outline, unless they are clicks.

    Parameters
    ----------
    item : ModelObject
        Of open or closed contours.
    positions : (P, 3) float64
        Its points z, y, x in a unit that is the same along all axes.
    which : (P,) bool
        Points of contours that may be outlines.

    Returns
    -------
    outlines : list of Outline
        Empty where the object holds clicks.
    are_clicks : bool
        Whether each of these points stands for itself.
    """
    if not which.any():
        return [], False
    # 3dmod draws a sphere at each point where the object has a radius; a mesh is of a tube.
    drawn_as_spheres = item.default_radius > 0 and not item.mesh_count
    if item.kind == "open":
        return [], drawn_as_spheres
    points, contour = positions[which], item.contour_of_point[which]
    numbers, starts = np.unique(contour, return_index=True)
    contours = dict(zip(numbers.tolist(), np.split(points, starts[1:]), strict=True))
    # Three points are no outline of a vesicle, though once perhaps of something else.
    few = 3 if len(contours) > 1 else 2
    scattered = {
        number: own
        for number, own in contours.items()
        if 2 <= len(own) <= few or _leaves_its_plane(own)
    }
    clicked = sum(map(len, scattered.values()))
    if 2 * clicked > len(points):  # whatever the others are; of thousands, none needs a fit
        return [], True
    found = fit_outlines(points, contour, item.surfaces)
    outlining = {int(k) for fit in found if fit.is_vesicle for k in fit.contours}
    drawn = 0
    for number in contours.keys() - scattered.keys():
        own = contours[number]
        if number in outlining or _is_traced(own):
            drawn += len(own)
        elif _crosses_itself(own):
            clicked += len(own)
    if clicked > drawn or (drawn_as_spheres and not drawn):
        return [], True
    return found, False


def _is_traced(points: FloatArray) -> bool:
    """Whether the points of a contour lie close together along it."""
    extent = float(np.ptp(points, axis=0).max())
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return len(points) > 2 and float(np.median(steps)) <= _DENSE * extent


def _leaves_its_plane(points: FloatArray) -> bool:
    """Whether the points of a contour lie in no plane: nobody draws so."""
    if len(points) < 4 or not np.isfinite(points).all():
        return False
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    extent = float(np.ptp(points, axis=0).max())
    return bool(spread[2] > _FLAT * extent * np.sqrt(len(points)))


def _crosses_itself(points: FloatArray) -> bool:
    """Whether lines of a closed contour cross each other, seen from above its plane."""
    if len(points) < 4 or not np.isfinite(points).all():
        return False
    start = points @ _axes(points)[:2].T
    way = np.roll(start, -1, axis=0) - start

    def side(points: FloatArray) -> FloatArray:
        """Side of each line (row) on which points (column) lie: 1, -1, or 0 for on it."""
        to = points[None] - start[:, None]
        sides: FloatArray = np.sign(way[:, :1] * to[..., 1] - way[:, 1:] * to[..., 0])
        return sides

    parted = side(start) * side(np.roll(start, -1, axis=0)) < 0
    return bool((parted & parted.T).any())


def _axes(points: FloatArray) -> FloatArray:
    """Return the principal axes (3, 3) of points, that of the least extent last."""
    axes: FloatArray = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2]
    return axes
