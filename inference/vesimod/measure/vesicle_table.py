"""What is measured of each vesicle of a synapse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.spheres import Spheres

from vesimod.measure.links import read_links
from vesimod.measure.neighbours import density_around_um3, nearest_neighbours
from vesimod.measure.places import Places
from vesimod.measure.pools import POOL_EDGES_NM, pools_by_criteria, pools_by_distance
from vesimod.measure.within import lie_in
from vesimod.membranes.surface import distance_nm

_OVERLAP_NM = 5.0  # of a vesicle with a membrane, above which one of them is drawn wrong


@dataclass(frozen=True)
class Wishes:
    """What is measured and how.

    Parameters
    ----------
    pool_edges_nm : tuple of float
        Of the pools by distance from the vesicle's membrane to the active zone.
    pools : tuple of str
        Further ones, "name: criterion".
    connectors : Path, optional
        Table of connectors and tethers.
    layer_nm : float, optional
        Thickness of a layer; default: a voxel.
    reach_nm : float
        How far around a vesicle others count for its density.
    simulations : int
        Of chance.
    """

    pool_edges_nm: tuple[float, ...] = POOL_EDGES_NM
    pools: tuple[str, ...] = ()
    connectors: Path | None = None
    layer_nm: float | None = None
    reach_nm: float = 100.0
    simulations: int = 99


def measure_vesicles(
    spheres: Spheres, places: Places, wishes: Wishes
) -> tuple[Spheres, tuple[str, ...]]:
    """Measure each vesicle; docs/measuring.md says what every column means.

    Parameters
    ----------
    spheres : Spheres
        Centres in voxels of the grid of `places`.
    places : Places
    wishes : Wishes

    Returns
    -------
    spheres : Spheres
        The same, with what was measured as columns.
    doubts : tuple of str
        What may be wrong, in words for the user.

    Raises
    ------
    InputError
        There is no vesicle; see also `pools_by_criteria` and `read_links`.
    """
    if not len(spheres):
        raise InputError("there is no vesicle to measure")
    size = places.grid.voxel_size_nm
    centres_nm = spheres.centres * np.asarray(size)
    radii = spheres.radii_nm
    columns, doubts = _to_membranes(spheres, places)
    if places.region is not None:
        inside = lie_in(spheres, places.region)
        columns["inside"] = inside.astype(np.int64)
        doubts += _listed(spheres, ~inside, "lie outside of the outline")
    near = nearest_neighbours(centres_nm, radii)
    columns |= {"neighbour_nm": near.centre_nm, "membrane_neighbour_nm": near.membrane_nm}
    columns["neighbour_id"] = np.where(near.row < 0, 0, spheres.ids[near.row])
    columns["density_um3"] = density_around_um3(centres_nm, places.sample, wishes.reach_nm)
    if places.active_zone is not None:
        layer_nm = wishes.layer_nm or places.grid.xy_voxel_size_nm
        columns["layer"] = np.floor(columns["az_nm"] / layer_nm).astype(np.int64) + 1
        columns["pool"] = pools_by_distance(columns["membrane_az_nm"], wishes.pool_edges_nm)
    if wishes.connectors is not None:
        links = read_links(wishes.connectors, spheres.ids)
        columns |= {
            "tethers": links.tethers,
            "connectors": links.connectors,
            "linked": links.linked,
            "linked_ids": links.linked_ids,
            "cluster": links.cluster,
        }
    measured = spheres.with_measures(**columns)
    pools = pools_by_criteria(wishes.pools, measured.as_columns(places.grid))
    members = {name: which.astype(np.int64) for name, which in pools.items()}
    return measured.with_measures(**members), tuple(doubts)


def _to_membranes(
    spheres: Spheres, places: Places
) -> tuple[dict[str, npt.NDArray[Any]], list[str]]:
    """Distances to the active zone and the outline; vesicles that overlap them are doubtful."""
    columns: dict[str, npt.NDArray[Any]] = {}
    doubts: list[str] = []
    for name, surface, words in (
        ("az", places.active_zone, "active zone"),
        ("outline", places.outline, "outline"),
    ):
        if surface is not None:
            distance = distance_nm(surface, spheres.centres, places.grid.voxel_size_nm)
            columns[f"{name}_nm"] = distance
            columns[f"membrane_{name}_nm"] = distance - spheres.radii_nm
            overlapping = distance - spheres.radii_nm < -_OVERLAP_NM
            doubts += _listed(spheres, overlapping, f"overlap the {words}")
    return columns, doubts


def _listed(spheres: Spheres, which: BoolArray, what: str, most: int = 8) -> Sequence[str]:
    """Name vesicles of which something is doubtful."""
    ids = spheres.ids[which]
    if not len(ids):
        return []
    shown = ", ".join(map(str, ids[:most])) + (" ..." if len(ids) > most else "")
    return [f"{len(ids)} of {len(spheres)} vesicles {what} (id {shown}): look at them in 3dmod"]
