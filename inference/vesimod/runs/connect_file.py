"""Connectors and tethers of one tomogram, from files to files."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from vesimod_imod.core.errors import InputError
from vesimod_imod.core.file_roles import check_files
from vesimod_imod.core.locks import writing

from vesimod.connectors.find import ConnectSettings
from vesimod.connectors.hierarchy import Progress
from vesimod.connectors.inputs import AZ_THICKNESS_NM, read_places
from vesimod.connectors.model import write_model
from vesimod.connectors.result import CONNECTOR, NOT_ABSOLUTE, TETHER, Connections
from vesimod.connectors.synapse import Synapse, synapse_of
from vesimod.connectors.tables import WRITERS
from vesimod.io.provenance import Provenance, fingerprint, write_provenance
from vesimod.io.tomogram import Tomogram, write_mrc
from vesimod.linking import connections_of
from vesimod.network.model import Model
from vesimod.runs.outputs import WantedFiles

_METHOD = "none: hierarchical connectivity"


@dataclass(frozen=True)
class ConnectInputs:
    """What is read besides the tomogram.

    Parameters
    ----------
    vesicles : Path
        A model, a table or a label volume.
    active_zone, region : Path, optional
        See `vesimod.connectors.inputs.read_places`.
    az_name : str, optional
    az_thickness_nm : float
    dilate_nm : float
        How far vesicles and active zone are dilated.
    """

    vesicles: Path
    active_zone: Path | None = None
    region: Path | None = None
    az_name: str | None = None
    az_thickness_nm: float = AZ_THICKNESS_NM
    dilate_nm: float = 0.0

    def files(self) -> list[Path | None]:
        """All files that are read."""
        return [self.vesicles, self.active_zone, self.region]

    def record(self) -> dict[str, Any]:
        """As plain JSON values: files by their content, wherever they lie."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: fingerprint(value) if isinstance(value, Path) else value
            for name, value in values.items()
        }


@dataclass(frozen=True)
class ConnectOutputs(WantedFiles):
    """What is written; None where it is not wanted.

    Parameters
    ----------
    model, table : Path
        Open contours for 3dmod, and a row for each connector and tether.
    refused, vesicle_table, layers : Path, optional
        Tables of refused candidates, of vesicles and of layers.
    labels : Path, optional
        A label volume (MRC) of connectors and tethers.
    """

    model: Path
    table: Path
    refused: Path | None = None
    vesicle_table: Path | None = None
    layers: Path | None = None
    labels: Path | None = None


def connect_file(
    tomogram: Tomogram,
    inputs: ConnectInputs,
    outputs: ConnectOutputs,
    settings: ConnectSettings,
    *,
    network: Model | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Connections:
    """Find connectors and tethers and write what was asked for, each file whole or not at all.

    Parameters
    ----------
    tomogram : Tomogram
        What they are sought in.
    inputs : ConnectInputs
    outputs : ConnectOutputs
    settings : ConnectSettings
    network : Model, optional
        One that tells connectors: its map takes the grey value's place.
    overwrite : bool
    progress : callable, optional
        Called with (step, done, total).

    Raises
    ------
    InputError
        Inputs that cannot be used; see `vesimod.connectors.inputs.read_places`.
    FileExistsError
        An output exists and `overwrite` is false.
    """
    start = time.monotonic()
    read = [tomogram.path, *inputs.files(), *([] if network is None else [network.path])]
    check_files(read, outputs.files(), overwrite=overwrite)
    synapse, doubts = _read(tomogram, inputs)
    made_by = _METHOD, ""
    if network is not None:
        made_by = f"{network.spec.name} {network.spec.version}", network.sha256
    found = connections_of(tomogram, synapse, settings, network, progress).noting(doubts)
    with writing(outputs.model, outputs.files()):
        for name, write in WRITERS.items():
            path = getattr(outputs, name)
            if path is not None:
                write(path, found)
        if outputs.labels is not None:
            write_mrc(outputs.labels, found.labels(), tomogram, overwrite=overwrite)
        write_model(outputs.model, found, tomogram.grid, overwrite=overwrite)
        seconds = time.monotonic() - start
        record = _provenance(tomogram, made_by, inputs, settings, found, seconds)
        write_provenance(outputs.model, record)
    return found


def _read(tomogram: Tomogram, inputs: ConnectInputs) -> tuple[Synapse, list[str]]:
    """Read what lies where in a tomogram, and say what is doubtful about it."""
    grid = tomogram.grid
    places = read_places(
        inputs.vesicles,
        inputs.active_zone,
        inputs.region,
        grid,
        az_name=inputs.az_name,
        az_thickness_nm=inputs.az_thickness_nm,
    )
    try:
        synapse, doubts = synapse_of(
            tomogram.voxels,
            places.vesicles,
            places.active_zone,
            places.region,
            grid.voxel_size_nm,
            dilate_nm=inputs.dilate_nm,
        )
    except InputError as error:  # of no single file, but of how they fit together
        files = ", ".join(str(file) for file in inputs.files() if file is not None)
        raise InputError(f"{files}: {error}") from error
    return synapse, [*places.doubts(), *doubts]


def _provenance(
    tomogram: Tomogram,
    made_by: tuple[str, str],
    inputs: ConnectInputs,
    settings: ConnectSettings,
    found: Connections,
    seconds: float,
) -> Provenance:
    limits = settings.limits
    parameters = {
        **inputs.record(),
        "thresholds": None if settings.thresholds is None else list(settings.thresholds),
        "least_voxels": limits.least_voxels,
        "below_nm3": limits.below_nm3,
        "dense_is_high": settings.dense_is_high,
        "compatible": settings.compatible,
        "layer_nm": settings.layer_nm,
        "cluster_nm": settings.cluster_nm,
        "smooth_nm": settings.smooth_nm,
    }
    results = {
        "voxel_size_nm": list(tomogram.grid.voxel_size_nm),
        "thresholds": list(found.thresholds),
        "region_mean": found.mean,
        "region_sd": found.sd,
        "tethers": len(found.of_kind(TETHER)),
        "connectors": len(found.of_kind(CONNECTOR)),
        "refused": len(found.refused),
        "notes": [*tomogram.warnings, *tomogram.notes, *found.notes, NOT_ABSOLUTE],
        "seconds": seconds,
    }
    name, mark = tomogram.path.name, fingerprint(tomogram.path)
    return Provenance(*made_by, name, mark, parameters, results)
