"""What is measured of each segment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import FloatArray, IntArray
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.connectors.bodies import Bodies
from vesimod.connectors.course import Course, Ends, course
from vesimod.connectors.segments import Hierarchy
from vesimod.connectors.shape import box_of, euler_number, hollows, surface_voxels


@dataclass(frozen=True, eq=False, repr=False)
class Features(ShortRepr):
    """Features of one segment.

    Parameters
    ----------
    voxels : int
        How many it has.
    surface_voxels : int
        How many of them have a face outside of it; the volume's end is not outside.
    place : (3,) float64
        Centroid z, y, x in voxels.
    grey_mean, grey_sd, grey_min, grey_max : float
        Of the volume that the hierarchy was made of; the standard deviation is the population's.
    course : Course or None
        The way between its boundaries; None unless it touches just two.
    boundary_distance_nm : float
        Least distance of its two boundaries; NaN unless it touches just two.
    az_nm : float
        Mean distance of its voxels to the active zone; NaN without one.
    euler, loops, hollows : int
        Euler number, tunnels and hollows.
    """

    voxels: int
    surface_voxels: int
    place: FloatArray
    grey_mean: float
    grey_sd: float
    grey_min: float
    grey_max: float
    course: Course | None
    boundary_distance_nm: float
    az_nm: float
    euler: int
    loops: int
    hollows: int


@dataclass(frozen=True, eq=False, repr=False)
class Scene(ShortRepr):
    """What segments lie in.

    Parameters
    ----------
    grey : (z, y, x) array
    boundaries : (z, y, x) array of whole numbers
        Id of the boundary that each voxel belongs to; 0 for none.
    bodies : Bodies
        Of the boundaries.
    active_zone : int or None
        Id of the boundary that is the active zone.
    """

    grey: npt.NDArray[Any]
    boundaries: npt.NDArray[Any]
    bodies: Bodies
    active_zone: int | None = None

    def places(self, voxels: IntArray) -> IntArray:
        """Flat indices to z, y, x (N, 3)."""
        return np.stack(np.unravel_index(voxels, self.boundaries.shape), axis=1)


def measure(hierarchy: Hierarchy, number: int, scene: Scene, ends: Ends | None = None) -> Features:
    """Measure a segment of a hierarchy.

    Parameters
    ----------
    hierarchy : Hierarchy
    number : int
        Its id.
    scene : Scene
        That the hierarchy was found in.
    ends : Ends, optional
        Between what its length is measured.
    """
    contacts = hierarchy[number].contacts
    voxels = scene.places(hierarchy.voxels(number))
    grey = np.asarray(scene.grey[tuple(voxels.T)], np.float64)
    body = box_of(voxels)
    euler, inside = euler_number(body), hollows(body)
    way, apart, az = None, np.nan, np.nan
    if len(contacts) == 2:
        one, other = contacts
        way = course(voxels, scene.boundaries, scene.bodies.voxel_size_nm, (one, other), ends)
        apart = scene.bodies.apart_nm(one, other)
    if scene.active_zone is not None:
        az = float(scene.bodies.distance_nm(scene.active_zone, voxels).mean())
    return Features(
        voxels=len(voxels),
        surface_voxels=surface_voxels(voxels, scene.grey.shape),
        place=voxels.mean(axis=0),
        grey_mean=float(grey.mean()),
        grey_sd=float(grey.std()),
        grey_min=float(grey.min()),
        grey_max=float(grey.max()),
        course=way,
        boundary_distance_nm=apart,
        az_nm=az,
        euler=euler,
        loops=1 - euler + inside,
        hollows=inside,
    )
