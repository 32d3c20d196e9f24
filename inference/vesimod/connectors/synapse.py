"""A tomogram with its boundaries: what connectors are sought in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from vesimod_imod.core.arrays import BoolArray, Float32Array, IntArray, Triple
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.connectors.distances import distance_volume

ACTIVE_ZONE, FIRST_VESICLE = 1, 2  # boundaries
_ROUNDING_NM = 1e-4  # of a distance
Boundaries: TypeAlias = npt.NDArray[np.uint16]
Box: TypeAlias = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False, repr=False)
class Synapse(ShortRepr):
    """A volume and the boundaries in it.

    Parameters
    ----------
    grey : (z, y, x) array
        Grey values, or any other volume that says how dense it is.
    boundaries : (z, y, x) uint16
        0 for none, 1 for the active zone, 2 + k for vesicle k.
    vesicle_ids : tuple of int
        Ascending.
    region : (z, y, x) bool or None
        Where connectors may be; None for everywhere.
    voxel_size_nm : (float, float, float)
    has_active_zone : bool
    likely : (z, y, x) float32, optional
        How likely a connector is at each voxel, as a network sees it; sought in instead of the grey
        values.
    """

    grey: npt.NDArray[Any]
    boundaries: Boundaries
    vesicle_ids: tuple[int, ...]
    region: BoolArray | None
    voxel_size_nm: Triple
    has_active_zone: bool
    likely: Float32Array | None = None

    def inside(self) -> BoolArray:
        """Where connectors may be: in the region, outside of all boundaries."""
        free: BoolArray = self.boundaries == 0
        if self.region is not None:
            free &= self.region
        return free

    def cut(self, box: Box) -> Synapse:
        """Return a part of it."""
        region = None if self.region is None else self.region[box]
        likely = None if self.likely is None else self.likely[box]
        return replace(
            self,
            grey=self.grey[box],
            boundaries=self.boundaries[box],
            region=region,
            likely=likely,
        )

    def box(self, *, of_boundaries: bool) -> Box:
        """Find the box of all boundaries, or that of boundaries and region."""
        mask = self.boundaries != 0
        if not of_boundaries:
            if self.region is None:
                return (slice(None),) * 3
            np.logical_or(mask, self.region, out=mask)
        ends = (
            np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
            for axis in range(3)
        )
        z, y, x = (slice(int(found[0]), int(found[-1]) + 1) for found in ends)
        return z, y, x


def synapse_of(
    grey: npt.NDArray[Any],
    vesicles: npt.NDArray[Any],
    active_zone: BoolArray | None,
    region: BoolArray | None,
    voxel_size_nm: Triple,
    *,
    dilate_nm: float = 0.0,
) -> tuple[Synapse, list[str]]:
    """Put volumes of vesicles and active zone together.

    Parameters
    ----------
    grey : (z, y, x) array
    vesicles : (z, y, x) array of whole numbers
        Id of the vesicle that each voxel belongs to; 0 for none.
    active_zone, region : (z, y, x) bool, optional
    voxel_size_nm : (float, float, float)
    dilate_nm : float
        How far vesicles and active zone are dilated.

    Returns
    -------
    Synapse
    notes : list of str
        What is doubtful.

    Raises
    ------
    InputError
        Volumes of other shapes; no vesicle; an empty active zone or region.
    """
    for name, volume in (("vesicles", vesicles), ("active zone", active_zone), ("region", region)):
        if volume is not None and volume.shape != grey.shape:
            raise InputError(
                f"the volume of the {name} has {volume.shape} voxels (z, y, x), the tomogram "
                f"{grey.shape}; they must be of the same volume"
            )
        if volume is not None and not volume.any():
            raise InputError(f"the {name}: no voxel of it lies in the tomogram")
    boundaries, ids = _renumbered(vesicles)
    notes = []
    if active_zone is not None:
        notes = _overlaps(boundaries, active_zone, ids)
    if dilate_nm > 0:
        _dilate_vesicles(boundaries, dilate_nm, voxel_size_nm)
    if active_zone is not None:
        boundaries[active_zone] = ACTIVE_ZONE
        if dilate_nm > 0:
            near = distance_volume(active_zone, voxel_size_nm) <= dilate_nm + _ROUNDING_NM
            boundaries[near & (boundaries == 0)] = ACTIVE_ZONE
    synapse = Synapse(grey, boundaries, ids, region, voxel_size_nm, active_zone is not None)
    _check_room(synapse)
    return synapse, notes


def _check_room(synapse: Synapse) -> None:
    """Refuse a synapse in which a vesicle, or all room between them, has vanished."""
    left = set(_values(synapse.boundaries))
    gone = [number for k, number in enumerate(synapse.vesicle_ids) if k + FIRST_VESICLE not in left]
    if gone:
        raise InputError(
            f"vesicles {_listed(gone)} lie within the active zone altogether; "
            "it is the membrane, not the inside of the cell"
        )
    if not synapse.inside().any():
        raise InputError(
            f"the {'tomogram' if synapse.region is None else 'region'}: all of it lies within "
            "vesicles and active zone, and connectors are sought outside of them"
        )


def smoothed(synapse: Synapse, sigma_nm: float) -> Synapse:
    """Return the same with its grey values filtered by a Gaussian."""
    sigma = sigma_nm / np.asarray(synapse.voxel_size_nm)
    grey = ndimage.gaussian_filter(np.asarray(synapse.grey, np.float32), sigma, mode="nearest")
    return replace(synapse, grey=grey)


def centre_voxels(boundaries: Boundaries, count: int) -> IntArray:
    """Voxels (N, 3) at the centroids of vesicles."""
    centres = np.zeros((count, 3), np.int64)
    for number, box in enumerate(ndimage.find_objects(boundaries), 1):
        if box is not None and number >= FIRST_VESICLE:
            places = np.argwhere(boundaries[box] == number).mean(axis=0)
            centres[number - FIRST_VESICLE] = np.rint(places + [side.start for side in box])
    return centres


def _renumbered(vesicles: npt.NDArray[Any]) -> tuple[Boundaries, tuple[int, ...]]:
    """Vesicles as 2, 3, ... in the order of their ids."""
    ids = np.array([value for value in _values(vesicles) if value > 0])
    if len(ids) > np.iinfo(np.uint16).max - FIRST_VESICLE:
        raise InputError(f"{len(ids)} vesicles: at most 65,000 are taken")
    boundaries = np.zeros(vesicles.shape, np.uint16)
    for plane, section in zip(boundaries, vesicles, strict=True):
        found = section > 0
        plane[found] = np.searchsorted(ids, section[found]) + FIRST_VESICLE
    return boundaries, tuple(ids.tolist())


def _values(volume: npt.NDArray[Any]) -> list[int]:
    """Values of a volume, ascending; a section at a time, for all at once need a copy of it."""
    found: set[int] = set()
    for section in volume:
        found.update(np.unique(section).tolist())
    return sorted(found)


def _overlaps(boundaries: Boundaries, active_zone: BoolArray, ids: tuple[int, ...]) -> list[str]:
    numbers = np.unique(boundaries[active_zone]).tolist()
    over = [ids[number - FIRST_VESICLE] for number in numbers if number]
    if not over:
        return []
    return [
        f"vesicles that overlap the active zone: {_listed(over)}; these voxels count as active "
        "zone, and where they touch, no tether can be found"
    ]


def _dilate_vesicles(boundaries: Boundaries, by_nm: float, voxel_size_nm: Triple) -> None:
    """Let vesicles grow into the voxels around, where nothing is; the first one takes them."""
    margin = np.ceil(by_nm / np.asarray(voxel_size_nm)).astype(int)
    grown = boundaries.copy()
    for number, box in enumerate(ndimage.find_objects(boundaries), 1):
        if box is None or number < FIRST_VESICLE:
            continue
        wider = tuple(
            slice(max(part.start - m, 0), part.stop + m)
            for part, m in zip(box, margin, strict=True)
        )
        away = ndimage.distance_transform_edt(boundaries[wider] != number, voxel_size_nm)
        grown[wider][(away <= by_nm + _ROUNDING_NM) & (grown[wider] == 0)] = number
    boundaries[:] = grown


def _listed(ids: list[int], most: int = 8) -> str:
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return ", ".join(map(str, ids[:most])) + more
