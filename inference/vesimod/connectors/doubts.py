"""What makes connectors doubtful: said with the result, for nothing else shows it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray

from vesimod.connectors.bodies import Bodies
from vesimod.connectors.hierarchy import NEVER, Levels, slabs
from vesimod.connectors.synapse import FIRST_VESICLE, Synapse

_LIGHTER_SD = 0.1  # membranes of real vesicles are darker than this side of the mean
_HARDLY_SURE = -4.3  # log odds that hardly a voxel exceeds where the network sees noise alone
_MOST = 0.9  # of the region as foreground: then it is one component


def doubts_about_links(synapse: Synapse) -> list[str]:
    """Say what of the bodies themselves is doubtful."""
    doubts = []
    if len(synapse.vesicle_ids) == 1 and not synapse.has_active_zone:
        doubts.append("there is one vesicle and no active zone: nothing that could be linked")
    if touching := touching_pairs(synapse.boundaries):
        doubts.append(
            f"{len(touching)} pairs of vesicles touch each other: what is found in the crevices "
            "around may be their membranes"
        )
    return doubts


def touching_pairs(boundaries: npt.NDArray[Any]) -> set[tuple[int, int]]:
    """Pairs of vesicles whose voxels have a face in common."""
    found: set[tuple[int, int]] = set()
    for axis in range(3):
        along = np.moveaxis(boundaries, axis, 0)
        for one, other in pairwise(along):
            meet = (one != other) & (one >= FIRST_VESICLE) & (other >= FIRST_VESICLE)
            if meet.any():
                pairs = np.sort(np.stack([one[meet], other[meet]], axis=1), axis=1)
                found.update(map(tuple, np.unique(pairs, axis=0).tolist()))
    return found


def doubts_about_grey(
    synapse: Synapse, bodies: Bodies, mean: float, sd: float, *, dense_is_high: bool
) -> list[str]:
    """Say what of the grey values is doubtful: membranes that are light, and what is no number.

    Parameters
    ----------
    synapse : Synapse
    bodies : Bodies
        Of its boundaries.
    mean, sd : float
        Of the grey values between the boundaries.
    dense_is_high : bool
    """
    doubts = []
    if lost := _not_numbers(synapse.grey, synapse.inside()):
        doubts.append(f"{lost} voxels of the region are no number: nothing is found there")
    places = [points for number, points in bodies.surfaces.items() if number >= FIRST_VESICLE]
    at = np.concatenate(places).astype(np.int64)
    values = np.asarray(synapse.grey[tuple(at.T)], np.float64)
    lighter = (np.nanmean(values) - mean) * (-1.0 if dense_is_high else 1.0)
    if lighter > _LIGHTER_SD * sd:
        here, turned = ("darker", "leave out") if dense_is_high else ("brighter", "add")
        doubts.append(
            f"the membranes of the vesicles are {here} than what lies around them: is dense "
            f"{'dark' if dense_is_high else 'bright'} in this tomogram? Then {turned} `invert`"
        )
    return doubts


def doubts_about_foreground(levels: Levels, inside: BoolArray) -> list[str]:
    """Say that the thresholds leave nothing, or all of the region, as foreground."""
    share = np.count_nonzero(levels != NEVER) / np.count_nonzero(inside)
    if share == 0:
        return ["no voxel of the region is as dense as the lightest of the `thresholds`"]
    if share > _MOST:
        return [
            f"{100 * share:.0f} % of the region are as dense as the lightest of the `thresholds`: "
            "all of it hangs together"
        ]
    return []


def doubts_about_map(surest: float) -> list[str]:
    """Say that a network sees hardly anything.

    Parameters
    ----------
    surest : float
        Log odds that a share `vesimod.connectors.thresholds.FEWEST` of the voxels near vesicles
        exceeds. In simulations it fell from -0.3 at an SNR of 0.5 to -3 at 0.1 and -4.7 at 0.03,
        where the smoothed grey value found more.
    """
    if surest >= _HARDLY_SURE:
        return []
    percent = 100 / (1 + np.exp(-surest))
    return [
        f"the network is hardly anywhere surer of a connector than {percent:.1f} %: with so much "
        "noise, `smooth_nm=2.2` without a network finds more"
    ]


def _not_numbers(grey: npt.NDArray[Any], inside: BoolArray) -> int:
    """Count the voxels of a mask that are no finite number."""
    if grey.dtype.kind != "f":
        return 0
    return sum(int(np.count_nonzero(~np.isfinite(grey[r][inside[r]]))) for r in slabs(grey.shape))
