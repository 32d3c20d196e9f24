"""Connectors, vesicles and layers as tables; see docs/connectors.md for what each column means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vesimod.connectors.result import TETHER, Connections, Connector, LinkedVesicle, Refused
from vesimod.io.csv_table import write_table

COLUMNS = (
    *("id", "kind", "vesicle_1", "vesicle_2", "z", "y", "x"),
    *("start_z", "start_y", "start_x", "end_z", "end_y", "end_x"),
    *("length_nm", "straight_nm", "boundary_distance_nm", "az_nm"),
    *("volume_nm3", "voxels", "surface_nm2", "threshold"),
    *("grey_mean", "grey_sd", "grey_min", "grey_max", "euler", "loops", "cluster"),
)
REFUSED_COLUMNS = (
    *("kind", "vesicle_1", "vesicle_2", "other_vesicles", "z", "y", "x"),
    *("volume_nm3", "voxels", "threshold", "reason"),
)
VESICLE_COLUMNS = (
    *("id", "connectors", "tethers", "linked", "cluster", "distance_cluster", "az_nm", "layer"),
)
LAYER_COLUMNS = (
    *("layer", "from_nm", "to_nm", "volume_nm3", "voxels", "occupancy", "centres"),
    *("grey_mean", "grey_sd", "grey_min", "grey_max"),
)


def write_connectors(path: Path, found: Connections) -> None:
    """Write a row for each connector and tether; an existing file is replaced."""
    cluster = {vesicle.number: vesicle.cluster for vesicle in found.vesicles}
    voxel_nm3 = float(np.prod(found.voxel_size_nm))
    rows = [_row(each, voxel_nm3, cluster[each.vesicles[0]]) for each in found.connectors]
    write_table(path, COLUMNS, rows)


def write_refused(path: Path, found: Connections) -> None:
    """Write a row for each candidate that was not accepted, with the reason."""
    voxel_nm3 = float(np.prod(found.voxel_size_nm))
    write_table(path, REFUSED_COLUMNS, [_refused(each, voxel_nm3) for each in found.refused])


def write_vesicles(path: Path, found: Connections) -> None:
    """Write a row for each vesicle: how it is linked."""
    write_table(path, VESICLE_COLUMNS, [_vesicle(each) for each in found.vesicles])


def write_layers(path: Path, found: Connections) -> None:
    """Write a row for each layer by distance from the active zone; none without one."""
    layers, rows = found.layers, []
    if layers is not None:
        voxel_nm3, thick = float(np.prod(found.voxel_size_nm)), layers.thickness_nm
        for k, voxels in enumerate(layers.voxels.tolist()):
            values = (layers.grey_mean, layers.grey_sd, layers.grey_min, layers.grey_max)
            place = (k + 1, (k + 0.5) * thick, (k + 1.5) * thick, voxels * voxel_nm3)
            cells = (*map(_cell, place), voxels, _cell(layers.occupancy[k]), layers.centres[k])
            rows.append((*cells, *(_cell(value[k]) for value in values)))
    write_table(path, LAYER_COLUMNS, rows)


#: Tables that a run may write, by what they are called in a command.
WRITERS: dict[str, Callable[[Path, Connections], None]] = {
    "table": write_connectors,
    "refused": write_refused,
    "vesicle_table": write_vesicles,
    "layers": write_layers,
}


def _row(each: Connector, voxel_nm3: float, cluster: int) -> Sequence[object]:
    features, way = each.features, each.features.course
    assert way is not None  # segments that are accepted touch two boundaries
    first, last = (2, 0) if each.kind == TETHER else (0, 2)  # a tether starts at its vesicle
    return (
        each.number,
        each.kind,
        each.vesicles[0],
        each.vesicles[1] if len(each.vesicles) > 1 else "",
        *map(_cell, features.place),
        *map(_cell, way.points[first]),
        *map(_cell, way.points[last]),
        _cell(way.length_nm),
        _cell(way.straight_nm),
        _cell(features.boundary_distance_nm),
        _cell(features.az_nm),
        _cell(features.voxels * voxel_nm3),
        features.voxels,
        _cell(features.surface_voxels * voxel_nm3 ** (2 / 3)),
        _cell(each.threshold),
        _cell(features.grey_mean),
        _cell(features.grey_sd),
        _cell(features.grey_min),
        _cell(features.grey_max),
        features.euler,
        features.loops,
        cluster,
    )


def _refused(each: Refused, voxel_nm3: float) -> Sequence[object]:
    first, second, *others = (*each.vesicles, "", "")
    return (
        each.kind,
        first,
        second,
        " ".join(str(number) for number in others if number != ""),
        *map(_cell, each.place),
        _cell(each.voxels * voxel_nm3),
        each.voxels,
        _cell(each.threshold),
        each.reason,
    )


def _vesicle(each: LinkedVesicle) -> Sequence[object]:
    return (
        each.number,
        each.connectors,
        each.tethers,
        " ".join(map(str, each.linked)),
        each.cluster,
        each.distance_cluster,
        _cell(each.az_nm),
        each.layer or "",
    )


def _cell(value: Any) -> str:
    """Format a number; empty where there is none."""
    return "" if np.isnan(value) else f"{value:.6g}"
