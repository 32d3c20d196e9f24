"""Connectors and tethers between vesicles and the active zone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.spheres import Grid, Spheres

from vesimod.api.inputs import (
    File,
    Vesicles,
    Volume,
    as_model,
    as_region,
    as_tomogram,
    warn,
)
from vesimod.connectors.find import ConnectSettings
from vesimod.connectors.hierarchy import Progress
from vesimod.connectors.inputs import (
    AZ_THICKNESS_NM,
    Places,
    painted,
    read_active_zone,
    read_places,
)
from vesimod.connectors.result import Connections
from vesimod.connectors.select import VolumeLimits
from vesimod.connectors.synapse import synapse_of
from vesimod.linking import connections_of
from vesimod.network.model import Model


def connect(
    tomogram: Volume,
    vesicles: Vesicles | npt.NDArray[np.integer],
    active_zone: File | npt.ArrayLike | None = None,
    region: File | npt.ArrayLike | None = None,
    *,
    voxel_size_nm: float | None = None,
    thresholds: Sequence[float] | None = None,
    volume_nm3: float = 2650.0,
    min_voxels: int = 3,
    dilate_nm: float = 0.0,
    az_thickness_nm: float = AZ_THICKNESS_NM,
    layer_nm: float | None = None,
    cluster_nm: float = 15.0,
    smooth_nm: float = 0.0,
    compatible: bool = False,
    network: File | Model | None = None,
    invert: bool = False,
    progress: Progress | None = None,
) -> Connections:
    """Find connectors between vesicles and tethers to the active zone.

    Parameters
    ----------
    tomogram : path, Tomogram or (z, y, x) array
        Dense is dark, unless `invert`.
    vesicles : Spheres, path or (z, y, x) array of ids
        A label volume is taken as it is drawn. One in a file may be of Pyto's form, and then holds
        region and active zone, too.
    active_zone : path or (z, y, x) array, optional
        Open contours along its membrane, closed ones around it, or a mask.
    region : path or (z, y, x) array, optional
        The cytoplasm; connectors are sought nowhere else.
    voxel_size_nm : float, optional
        Of an array; of a file, instead of what its header states.
    thresholds : sequence of float, optional
        Grey values; default: 15 by mean and standard deviation of the region.
    volume_nm3, min_voxels : float, int
        A connector's volume is below the one and it has as many voxels as the other, or more.
    dilate_nm : float
        How far vesicles and active zone are dilated.
    az_thickness_nm : float
        Of the membrane on open contours.
    layer_nm, cluster_nm : float
        Thickness of layers (default: a voxel); how near vesicles make a cluster by distance.
    smooth_nm : float
        Sigma of a Gaussian that the grey values are filtered with first; 0 for none.
    compatible : bool
        Seek in the box of all boundaries only, as Pyto does.
    network : str, path or Model, optional
        One that tells connectors: its map takes the grey value's place, and `thresholds` are values
        of that map, logarithms of odds.
    invert : bool
        Large values are dense.
    progress : callable, optional
        Called with (step, done, total).

    Returns
    -------
    Connections
        Counts compare groups that were treated alike; they are not absolute. What may be wrong is
        issued as warnings, too.
    """
    volume = as_tomogram(tomogram, voxel_size_nm)
    places = _places(vesicles, active_zone, region, volume.grid, az_thickness_nm)
    synapse, doubts = synapse_of(
        volume.voxels,
        places.vesicles,
        places.active_zone,
        places.region,
        volume.grid.voxel_size_nm,
        dilate_nm=dilate_nm,
    )
    settings = ConnectSettings(
        None if thresholds is None else tuple(thresholds),
        VolumeLimits(min_voxels, volume_nm3),
        invert,
        compatible,
        layer_nm,
        cluster_nm,
        smooth_nm,
    )
    model = None if network is None else as_model(network)
    found = connections_of(volume, synapse, settings, model, progress)
    found = found.noting([*places.doubts(), *doubts])
    warn(found.notes)
    return found


def _places(
    vesicles: Vesicles | npt.NDArray[np.integer],
    active_zone: File | npt.ArrayLike | None,
    region: File | npt.ArrayLike | None,
    grid: Grid,
    az_thickness_nm: float,
) -> Places:
    """Vesicles, active zone and region from paths, spheres and arrays."""
    if isinstance(vesicles, Spheres):
        labels, doubts = painted(vesicles, grid)
        places = Places(labels, None, None, tuple(doubts))
    elif isinstance(vesicles, (str, os.PathLike)):
        places = read_places(Path(vesicles), None, None, grid)
    else:
        places = Places(np.asarray(vesicles), None, None)
    if isinstance(active_zone, (str, os.PathLike)):
        zone, notes = read_active_zone(Path(active_zone), grid, thickness_nm=az_thickness_nm)
        places = replace(places, active_zone=zone, notes=(*places.notes, *notes))
    elif active_zone is not None:
        mask = np.asarray(active_zone)
        places = replace(places, active_zone=mask if mask.dtype == bool else mask > 0)
    if region is not None:
        places = replace(places, region=as_region(region, grid))
    return places
