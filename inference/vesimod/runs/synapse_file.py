"""A synapse from its tomogram to connectors, tethers and measures, in one folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vesimod_imod.core.file_roles import check_files

from vesimod.connectors.find import ConnectSettings
from vesimod.connectors.result import Connections
from vesimod.io.tomogram import Tomogram
from vesimod.measure.synapse import Measured
from vesimod.measure.vesicle_table import Wishes
from vesimod.runs.connect_file import ConnectInputs, ConnectOutputs, connect_file
from vesimod.runs.measure_file import TABLE_ENDING, MeasuredFiles, MeasureInputs, measure_file

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SynapseInputs:
    """What is known of a synapse.

    Parameters
    ----------
    vesicles : Path, optional
        A model, a table or a label volume; default: they are found.
    active_zone, outline : Path, optional
        Models of contours on the membranes.
    """

    vesicles: Path | None = None
    active_zone: Path | None = None
    outline: Path | None = None

    def files(self) -> list[Path | None]:
        """All files that are read."""
        return [self.vesicles, self.active_zone, self.outline]


@dataclass(frozen=True)
class SynapseFiles:
    """Where everything about a synapse lies.

    Parameters
    ----------
    folder : Path
    name : str
        The tomogram's, which the names of all files begin with.
    picture : bool
        Whether a figure is drawn.
    """

    folder: Path
    name: str
    picture: bool = True

    def path(self, ending: str) -> Path:
        """Path of one file."""
        return self.folder / f"{self.name}{ending}"

    @property
    def vesicles(self) -> Path:
        """The sphere model."""
        return self.path("_vesicles.mod")

    @property
    def connect(self) -> ConnectOutputs:
        """What connectors and tethers are written to."""
        endings = (".mod", ".csv", "_refused.csv", "_vesicles.csv", "_layers.csv")
        return ConnectOutputs(*(self.path(f"_connectors{ending}") for ending in endings))

    @property
    def measured(self) -> MeasuredFiles:
        """What measures are written to."""
        picture = self.path("_synapse.png") if self.picture else None
        return MeasuredFiles.beside(self.path(TABLE_ENDING), picture)

    def check(self, tomogram: Path, inputs: SynapseInputs, overwrite: bool) -> None:
        """Refuse to write over what is read, or over anything unless `overwrite`.

        Raises
        ------
        InputError, OSError
            See `vesimod_imod.core.file_roles.check_files`.
        """
        new = [*self.connect.files(), *self.measured.files()]
        if inputs.vesicles is None:
            new.append(self.vesicles)
        check_files([tomogram, *inputs.files()], new, overwrite=overwrite)


def connect_and_measure(
    tomogram: Tomogram,
    inputs: SynapseInputs,
    files: SynapseFiles,
    pools: tuple[str, ...] = (),
    *,
    invert: bool = False,
    overwrite: bool = False,
    progress: Report | None = None,
) -> tuple[Connections, Measured]:
    """Find connectors and tethers, then measure.

    Parameters
    ----------
    tomogram : Tomogram
    inputs : SynapseInputs
    files : SynapseFiles
    pools : tuple of str
        See `vesimod.measure.pools.pools_by_criteria`.
    invert, overwrite : bool
    progress : callable, optional
        Called with (step, done, total).

    Raises
    ------
    InputError
        See `connect_file` and `measure_file`.
    """
    vesicles = inputs.vesicles or files.vesicles
    read = ConnectInputs(vesicles, inputs.active_zone, inputs.outline)
    settings = ConnectSettings(dense_is_high=invert)
    outputs = files.connect
    found = connect_file(tomogram, read, outputs, settings, overwrite=overwrite, progress=progress)
    wishes = Wishes(pools=pools, connectors=outputs.table)
    places = MeasureInputs(vesicles, inputs.active_zone, inputs.outline)
    return found, measure_file(tomogram, places, files.measured, wishes, overwrite=overwrite)
