"""The numbers of a whole synapse: counts, densities, radii, neighbours, occupancy, links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import KDTree
from vesimod_imod.core.arrays import FloatArray, Triple
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Spheres

from vesimod.measure.neighbours import Chance, against_chance
from vesimod.measure.places import Places
from vesimod.measure.pools import pool_names
from vesimod.measure.vesicle_table import Wishes, measure_vesicles
from vesimod.membranes.surface import Surface, area_nm2
from vesimod.membranes.triangles import sampled

OCCUPANCY_STEP_NM, OCCUPANCY_TO_NM = 5.0, 250.0
_SAMPLED_NM = 2.0
_NM3_PER_UM3, _NM2_PER_UM2 = 1e9, 1e6
Number = float | int


@dataclass(frozen=True, eq=False, repr=False)
class Measured(ShortRepr):
    """What was measured of a synapse.

    Parameters
    ----------
    vesicles : Spheres
        With a column for everything that was measured of each.
    summary : dict
        Numbers of the synapse by name.
    occupancy : (D, 4) float64
        Distance to the active zone in nm from and to, volume of the region in between in um3, and
        the part of it that lies in vesicles. Empty without an active zone.
    chance : Chance or None
    doubts : tuple of str
        What may be wrong, in words for the user.
    """

    vesicles: Spheres
    summary: Mapping[str, Number]
    occupancy: FloatArray
    chance: Chance | None
    doubts: tuple[str, ...] = ()


def measure_synapse(spheres: Spheres, places: Places, wishes: Wishes | None = None) -> Measured:
    """Measure the vesicles of a synapse, and it as a whole.

    Parameters
    ----------
    spheres : Spheres
        Centres in voxels of the grid of `places`.
    places : Places
    wishes : Wishes, optional

    Raises
    ------
    InputError
        See `measure_vesicles`.
    """
    wishes = wishes or Wishes()
    measured, doubts = measure_vesicles(spheres, places, wishes)
    counted = measured
    if "inside" in measured.measures:
        counted = measured.select(measured["inside"] > 0)
    size = np.asarray(places.grid.voxel_size_nm)
    chance = against_chance(
        counted.centres * size, counted.radii_nm, places.sample, wishes.simulations
    )
    notes = [*places.notes, *doubts]
    if places.region is None:
        notes.append(
            "no outline: densities and chance are those of the whole tomogram, not of a cell"
        )
    if chance is None:
        notes.append("too few vesicles, or too crowded ones, to compare neighbours with chance")
    summary = _summary(counted, places, wishes)
    if chance is not None:
        summary |= {
            "neighbour_mean_nm": float(chance.observed_nm.mean()),
            "neighbour_chance_nm": float(chance.simulated_nm.mean()),
            "neighbour_ratio": chance.ratio,
            "neighbour_p": chance.p,
        }
    return Measured(measured, summary, occupancy(counted, places), chance, tuple(notes))


def _summary(vesicles: Spheres, places: Places, wishes: Wishes) -> dict[str, Number]:
    """Numbers of the vesicles that count: those within the outline, where there is one."""
    radii = vesicles.radii_nm[np.isfinite(vesicles.radii_nm)]
    volume = places.sample.volume_nm3
    numbers: dict[str, Number] = {
        "vesicles": len(vesicles),
        "radius_mean_nm": _mean(radii),
        "radius_sd_nm": float(radii.std(ddof=1)) if len(radii) > 1 else float("nan"),
        "radius_median_nm": float(np.median(radii)) if len(radii) else float("nan"),
        "region_um3": volume / _NM3_PER_UM3,
        "density_um3": len(vesicles) * _NM3_PER_UM3 / volume,
        "volume_fraction": float((4 / 3 * np.pi * radii**3).sum() / volume),
    }
    pools: dict[str, int] = {}
    if places.active_zone is not None:
        if not places.az_is_mask:
            area = area_nm2(places.active_zone, places.grid.voxel_size_nm) / _NM2_PER_UM2
            numbers |= {"az_um2": area, "per_um2": len(vesicles) / area}
        numbers["az_distance_mean_nm"] = _mean(vesicles["membrane_az_nm"])
        names = pool_names(wishes.pool_edges_nm)
        pools |= {name: int(np.sum(vesicles["pool"] == name)) for name in names}
    for criterion in wishes.pools:
        name = criterion.partition(":")[0].strip()
        pools[name] = int(vesicles[name].sum())
    for name, count in pools.items():
        word = name.replace("-", "_").replace(" ", "_")
        numbers[f"n_{word}"] = count
        if "az_um2" in numbers:
            numbers[f"per_um2_{word}"] = count / numbers["az_um2"]
    if "connectors" in vesicles.measures:
        tethers, connectors = vesicles["tethers"], vesicles["connectors"]
        numbers |= {
            "tethers_per_vesicle": _mean(tethers),
            "connectors_per_vesicle": _mean(connectors),
            "untethered": _mean(tethers == 0),
            "unconnected": _mean(connectors == 0),
        }
    return numbers


def _mean(values: Any) -> float:
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else float("nan")


def occupancy(vesicles: Spheres, places: Places) -> FloatArray:
    """How much of the region lies in vesicles, by distance to the active zone.

    Returns
    -------
    (D, 4) float64
        See `Measured`; NaN where the region has nothing at that distance.
    """
    if places.active_zone is None or not len(places.sample.points):
        return np.empty((0, 4))
    sample, size = places.sample, places.grid.voxel_size_nm
    edges = np.arange(0.0, OCCUPANCY_TO_NM + OCCUPANCY_STEP_NM, OCCUPANCY_STEP_NM)
    near = _within(sample.points, places.active_zone.vertices, np.asarray(size), edges[-1])
    points = sample.points[near]
    distance = KDTree(_spots(places.active_zone, size)).query(points * np.asarray(size))[0]
    inside = _in_vesicles(points * np.asarray(size), vesicles, np.asarray(size))
    each = sample.volume_nm3 / len(sample.points) / _NM3_PER_UM3
    whole = np.histogram(distance, edges)[0]
    filled = np.histogram(distance[inside], edges)[0]
    part = np.divide(filled, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return np.column_stack([edges[:-1], edges[1:], whole * each, part])


def _spots(surface: Surface, voxel_size_nm: Triple) -> FloatArray:
    """Points (N, 3) in nm of a surface, one in each cell of `_SAMPLED_NM`.

    Exact distances to triangles would take longer than all else, for bins of 5 nm.
    """
    corners = surface.corners_nm(voxel_size_nm)
    spots = np.concatenate([points for points, _ in sampled(corners, _SAMPLED_NM)])
    cells = np.floor(spots / _SAMPLED_NM).astype(np.int64)
    one_in_each: FloatArray = spots[np.unique(cells, axis=0, return_index=True)[1]]
    return one_in_each


def _within(points: Any, vertices: FloatArray, size: FloatArray, reach_nm: float) -> Any:
    """Points that the box around the active zone, wider by the reach, holds."""
    low = vertices.min(axis=0) * size - reach_nm
    high = vertices.max(axis=0) * size + reach_nm
    return np.all((points * size >= low) & (points * size <= high), axis=1)


def _in_vesicles(points_nm: FloatArray, vesicles: Spheres, size: FloatArray) -> Any:
    """Whether each point lies in a vesicle."""
    inside = np.zeros(len(points_nm), bool)
    known = np.isfinite(vesicles.radii_nm)
    if not known.any() or not len(points_nm):
        return inside
    tree = KDTree(points_nm)
    for rows in tree.query_ball_point(vesicles.centres[known] * size, vesicles.radii_nm[known]):
        inside[rows] = True
    return inside
