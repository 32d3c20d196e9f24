"""Which segments are connectors and tethers, and why the others are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from vesimod_imod.core.errors import InputError

from vesimod.connectors.result import CONNECTOR, TETHER, Refused
from vesimod.connectors.segments import Hierarchy
from vesimod.connectors.synapse import ACTIVE_ZONE, FIRST_VESICLE, Synapse


@dataclass(frozen=True)
class VolumeLimits:
    """How large a connector or a tether may be.

    Parameters
    ----------
    least_voxels : int
        It has as many, or more.
    below_nm3 : float
        Its volume is less. Published studies took 2,100 to 3,200 nm^3.
    """

    least_voxels: int = 3
    below_nm3: float = 2650.0

    def __post_init__(self) -> None:
        if not (self.least_voxels >= 1 and self.below_nm3 > 0):
            raise InputError(
                f"volumes from {self.least_voxels} voxels to {self.below_nm3:g} nm^3: both are "
                "above 0"
            )

    def reason_against(self, voxels: int, voxel_nm3: float) -> str:
        """Why a segment of so many voxels is refused; empty where it is not."""
        if voxels < self.least_voxels:
            return f"fewer than {self.least_voxels} voxels"
        if voxels * voxel_nm3 >= self.below_nm3:
            return f"{voxels * voxel_nm3:.0f} nm3, not below {self.below_nm3:g} nm3"
        return ""


def kind_of(contacts: tuple[int, ...]) -> str:
    """Tell what a segment with these boundaries is."""
    return TETHER if ACTIVE_ZONE in contacts else CONNECTOR


def vesicles_of(contacts: tuple[int, ...], synapse: Synapse) -> tuple[int, ...]:
    """Ids of the vesicles among boundaries."""
    return tuple(
        synapse.vesicle_ids[number - FIRST_VESICLE] for number in contacts if number != ACTIVE_ZONE
    )


def select(
    hierarchy: Hierarchy, synapse: Synapse, limits: VolumeLimits
) -> tuple[list[int], list[Refused]]:
    """Choose the segments that contain no other one and are neither too small nor too large.

    Returns
    -------
    accepted : list of int
        Ids of segments.
    refused : list of Refused
        Others that contain none, and components that touched three boundaries or more before they
        could have been one.
    """
    voxel_nm3 = float(np.prod(synapse.voxel_size_nm))
    accepted, refused = [], []
    for number in hierarchy.leaves():
        segment, voxels = hierarchy[number], hierarchy.voxels(number)
        reason = limits.reason_against(len(voxels), voxel_nm3)
        if not reason:
            accepted.append(number)
            continue
        z, y, x = (float(np.mean(p)) for p in np.unravel_index(voxels, hierarchy.shape))
        refused.append(
            Refused(
                kind_of(segment.contacts),
                vesicles_of(segment.contacts, synapse),
                hierarchy.thresholds[segment.level],
                len(voxels),
                (z, y, x),
                reason,
            )
        )
    for ended in hierarchy.ended:
        refused.append(
            Refused(
                kind_of(ended.contacts),
                vesicles_of(ended.contacts, synapse),
                hierarchy.thresholds[ended.level],
                ended.voxels,
                ended.place,
                f"touches {len(ended.contacts)} boundaries at once",
            )
        )
    return accepted, refused
