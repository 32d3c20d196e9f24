"""Connectors and tethers of a synapse: hierarchy, selection, features, clusters, layers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf, nan

import numpy as np
from vesimod_imod.core.arrays import BoolArray, IntArray, Triple
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.connectors.bodies import Bodies, bodies_of
from vesimod.connectors.clusters import connected, near_pairs, shape_of
from vesimod.connectors.distances import distance_volume
from vesimod.connectors.doubts import (
    doubts_about_foreground,
    doubts_about_grey,
    doubts_about_links,
    doubts_about_map,
)
from vesimod.connectors.features import Scene, measure
from vesimod.connectors.hierarchy import Progress, find_hierarchy, levels_of
from vesimod.connectors.layers import Layers, layer_numbers, layers_of
from vesimod.connectors.result import CONNECTOR, TETHER, Connections, Connector, LinkedVesicle
from vesimod.connectors.segments import Hierarchy
from vesimod.connectors.select import VolumeLimits, kind_of, select, vesicles_of
from vesimod.connectors.synapse import (
    ACTIVE_ZONE,
    FIRST_VESICLE,
    Synapse,
    centre_voxels,
    smoothed,
)
from vesimod.connectors.thresholds import (
    checked_thresholds,
    default_thresholds,
    mean_and_sd,
    shares_as_thresholds,
)

MEASURING = "features"
NEAR_NM = 20.0  # of a vesicle lies the middle of the longest connectors


@dataclass(frozen=True, repr=False)
class ConnectSettings(ShortRepr):
    """How connectors and tethers are sought.

    Parameters
    ----------
    thresholds : tuple of float, optional
        Grey values, or values of the network's map; default: from mean and standard deviation of
        the region, or shares of it.
    limits : VolumeLimits
    dense_is_high : bool
        Large grey values are dense: an inverted tomogram.
    compatible : bool
        Seek in the box of all boundaries only, as Pyto does.
    layer_nm : float, optional
        Thickness of the layers; default: a voxel.
    cluster_nm : float
        Vesicles whose voxels are at most so far apart make one cluster by distance.
    smooth_nm : float
        Sigma of a Gaussian that the grey values are filtered with first; 0 for none.
    """

    thresholds: tuple[float, ...] | None = None
    limits: VolumeLimits = field(default_factory=VolumeLimits)
    dense_is_high: bool = False
    compatible: bool = False
    layer_nm: float | None = None
    cluster_nm: float = 15.0
    smooth_nm: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("layer_nm", self.layer_nm), ("cluster_nm", self.cluster_nm)):
            if value is not None and not 0 < value < inf:
                raise InputError(f"`{name}` is {value:g}; a length in nm above 0 is taken")
        if not 0 <= self.smooth_nm < inf:
            raise InputError(f"`smooth_nm` is {self.smooth_nm:g}; 0 or a length in nm is taken")


def find_connectors(
    synapse: Synapse,
    settings: ConnectSettings | None = None,
    progress: Progress | None = None,
) -> Connections:
    """Find connectors and tethers, and how they link vesicles.

    Parameters
    ----------
    synapse : Synapse
    settings : ConnectSettings, optional
    progress : callable, optional
        Called with (step, done, total).

    Raises
    ------
    InputError
        The region has one grey value only; thresholds that are none.
    """
    settings = settings or ConnectSettings()
    if settings.smooth_nm > 0:
        synapse = smoothed(synapse, settings.smooth_nm)
    layers, centre_layers = _layers(synapse, settings)  # first: it needs memory for a while
    box = synapse.box(of_boundaries=settings.compatible)
    part, corner = synapse.cut(box), np.array([side.start or 0 for side in box])
    mean, sd = mean_and_sd(part.grey, part.inside())
    hierarchy, doubts = _hierarchy(part, settings, (mean, sd), progress)
    accepted, refused = select(hierarchy, part, settings.limits)
    bodies = bodies_of(part.boundaries, part.voxel_size_nm)
    doubts += doubts_about_links(part)
    doubts += doubts_about_grey(part, bodies, mean, sd, dense_is_high=settings.dense_is_high)
    zone = ACTIVE_ZONE if part.has_active_zone else None
    scene = Scene(part.grey, part.boundaries, bodies, zone)
    connectors = []
    for row, number in enumerate(accepted, 1):
        found = _connector(row, hierarchy, number, scene, part)
        connectors.append(_moved(found, corner, part.grey.shape, synapse.grey.shape))
        if progress is not None:
            progress(MEASURING, row, len(accepted))
    return Connections(
        synapse.grey.shape,
        synapse.voxel_size_nm,
        hierarchy.thresholds,
        mean,
        sd,
        tuple(connectors),
        tuple(replace(each, place=_sum(each.place, corner)) for each in refused),
        tuple(_linked(synapse, connectors, bodies, centre_layers, settings.cluster_nm)),
        shape_of(synapse.vesicle_ids, _pairs(connectors)),
        layers,
        tuple(doubts),
    )


def _hierarchy(
    part: Synapse,
    settings: ConnectSettings,
    grey: tuple[float, float],
    progress: Progress | None,
) -> tuple[Hierarchy, list[str]]:
    """Segments of the box, and what is doubtful; `grey` are its mean and standard deviation."""
    inside = part.inside()
    thresholds = _thresholds(part, settings, inside, grey)
    values, high = part.grey, settings.dense_is_high
    if part.likely is not None:
        values, high = part.likely, True
    levels = levels_of(values, thresholds, inside, dense_is_high=high)
    doubts = doubts_about_foreground(levels, inside)
    if part.likely is not None and settings.thresholds is None:
        doubts += doubts_about_map(thresholds[0])
    del inside  # a byte a voxel that the hierarchy can use
    return find_hierarchy(levels, part.boundaries, thresholds, progress=progress), doubts


def _thresholds(
    part: Synapse, settings: ConnectSettings, inside: BoolArray, grey: tuple[float, float]
) -> tuple[float, ...]:
    """Those that were given, or as the volume has it in which connectors are sought."""
    high = settings.dense_is_high or part.likely is not None
    if settings.thresholds is not None:
        return checked_thresholds(settings.thresholds, dense_is_high=high)
    if part.likely is None:
        return default_thresholds(*grey, dense_is_high=high)
    away = distance_volume(part.boundaries >= FIRST_VESICLE, part.voxel_size_nm)
    return shares_as_thresholds(part.likely, inside & (away <= NEAR_NM))


def _connector(
    row: int, hierarchy: Hierarchy, number: int, scene: Scene, part: Synapse
) -> Connector:
    segment = hierarchy[number]
    return Connector(
        row,
        kind_of(segment.contacts),
        vesicles_of(segment.contacts, part),
        hierarchy.thresholds[segment.level],
        measure(hierarchy, number, scene),
        hierarchy.voxels(number),
    )


def _moved(
    found: Connector, corner: IntArray, box: tuple[int, ...], whole: tuple[int, ...]
) -> Connector:
    """From the voxels of the box to those of the volume."""
    way, features = found.features.course, found.features
    way = None if way is None else replace(way, points=way.points + corner)
    places = np.stack(np.unravel_index(found.voxels, box)) + corner[:, None]
    return replace(
        found,
        features=replace(features, place=features.place + corner, course=way),
        voxels=np.ravel_multi_index(tuple(places), whole),
    )


def _sum(place: Triple, corner: IntArray) -> Triple:
    z, y, x = (float(a + b) for a, b in zip(place, corner, strict=True))
    return z, y, x


def _pairs(connectors: list[Connector]) -> list[tuple[int, int]]:
    return [(c.vesicles[0], c.vesicles[1]) for c in connectors if c.kind == CONNECTOR]


def _layers(synapse: Synapse, settings: ConnectSettings) -> tuple[Layers | None, IntArray]:
    """Layers by distance from the active zone, and those of the vesicles' centres."""
    boundaries, count = synapse.boundaries, len(synapse.vesicle_ids)
    if not synapse.has_active_zone:
        return None, np.zeros(count, np.int64)
    thickness = settings.layer_nm or min(synapse.voxel_size_nm)
    distance = distance_volume(boundaries == ACTIVE_ZONE, synapse.voxel_size_nm)
    at = layer_numbers(distance[tuple(centre_voxels(boundaries, count).T)], thickness)
    vesicles = boundaries >= FIRST_VESICLE
    if synapse.region is None:
        counted = boundaries != ACTIVE_ZONE
    else:
        counted = synapse.region | vesicles
        counted &= boundaries != ACTIVE_ZONE
    return layers_of(synapse.grey, vesicles, counted, distance, thickness, at), at


def _linked(
    synapse: Synapse,
    connectors: list[Connector],
    bodies: Bodies,
    centre_layers: IntArray,
    cluster_nm: float,
) -> list[LinkedVesicle]:
    """How each vesicle is linked."""
    ids = synapse.vesicle_ids
    pairs = _pairs(connectors)
    numbers = list(range(FIRST_VESICLE, FIRST_VESICLE + len(ids)))
    by_connectors = connected(ids, pairs)
    by_distance = connected(numbers, near_pairs(numbers, bodies, cluster_nm))
    rows = []
    for k, number in enumerate(ids):
        mine = [c for c in connectors if number in c.vesicles]
        linked = {v for c in mine for v in c.vesicles} - {number}
        az = bodies.apart_nm(ACTIVE_ZONE, numbers[k]) if synapse.has_active_zone else nan
        rows.append(
            LinkedVesicle(
                number,
                sum(c.kind == CONNECTOR for c in mine),
                sum(c.kind == TETHER for c in mine),
                tuple(sorted(linked)),
                int(by_connectors[k]),
                int(by_distance[k]),
                az,
                int(centre_layers[k]),
            )
        )
    return rows
