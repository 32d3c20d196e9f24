"""A synapse from its tomogram to connectors, tethers and measures, in one folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from vesimod_imod.core.file_roles import check_files
from vesimod_imod.core.object_names import ACTIVE_ZONE

from vesimod.connectors.find import ConnectSettings
from vesimod.connectors.result import Connections
from vesimod.io.tomogram import Tomogram
from vesimod.measure.synapse import Measured
from vesimod.measure.vesicle_table import Wishes
from vesimod.network.model import Model
from vesimod.runs.connect_file import ConnectInputs, ConnectOutputs, connect_file
from vesimod.runs.measure_file import TABLE_ENDING, MeasuredFiles, MeasureInputs, measure_file
from vesimod.runs.membrane_file import trace_file
from vesimod.runs.outline_file import outline_file

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SynapseInputs:
    """What is known of a synapse.

    Parameters
    ----------
    vesicles : Path, optional
        A model, a table or a label volume; default: they are found.
    active_zone, outline : Path, optional
        Models of contours along the membranes; the outline may be a mask volume.
    exact : bool
        Those contours lie on the membranes; else they are guides that membranes are traced along.
    """

    vesicles: Path | None = None
    active_zone: Path | None = None
    outline: Path | None = None
    exact: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether nobody said where outline and active zone are."""
        return self.active_zone is None and self.outline is None

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

    @property
    def proposed(self) -> Path:
        """Outline and active zone where nobody gives any."""
        return self.path("_outline.mod")

    def traced(self, inputs: SynapseInputs) -> SynapseInputs:
        """Say where the membranes will lie that are traced along guides, or found."""
        if inputs.exact:
            return inputs
        zone, outline = inputs.active_zone, inputs.outline
        if inputs.is_blank:
            return replace(inputs, active_zone=self.proposed, outline=self.proposed, exact=True)
        if zone is not None and zone == outline:  # one guide of both, which is traced once
            both = self.path("_membranes.mod")
            return replace(inputs, active_zone=both, outline=both, exact=True)
        return replace(
            inputs,
            active_zone=None if zone is None else self.path("_az.mod"),
            outline=self.path("_outline.mod") if _is_model(outline) else outline,
            exact=True,
        )

    def check(self, tomogram: Path, inputs: SynapseInputs, overwrite: bool) -> list[Path]:
        """Refuse to write over what is read, or over anything unless `overwrite`.

        Returns
        -------
        list of Path
            What will be written.

        Raises
        ------
        InputError, OSError
            See `vesimod_imod.core.file_roles.check_files`.
        """
        traced = set(self.traced(inputs).files()) - set(inputs.files())
        made = [path for path in traced if path is not None]
        new = [*made, *self.connect.files(), *self.measured.files()]
        if inputs.vesicles is None:
            new.append(self.vesicles)
        check_files([tomogram, *inputs.files()], new, overwrite=overwrite)
        return new


def _is_model(path: Path | None) -> bool:
    return path is not None and path.suffix.lower() == ".mod"


def trace_membranes(
    tomogram: Tomogram,
    inputs: SynapseInputs,
    files: SynapseFiles,
    *,
    invert: bool = False,
    overwrite: bool = False,
) -> tuple[SynapseInputs, list[str]]:
    """Trace the membranes along guides, unless they are exact.

    Returns
    -------
    inputs : SynapseInputs
        With the membranes in place of the guides.
    doubts : list of str
        What is doubtful about them, a guide whose membrane nobody sees above all.

    Raises
    ------
    NoSurfaceError
        A guide draws nothing in this tomogram.
    """
    membranes = files.traced(inputs)
    doubts: list[str] = []
    pairs = dict(zip(inputs.files(), membranes.files(), strict=True))
    for guide, made in pairs.items():
        if guide is None or made is None or made == guide:
            continue
        traced = trace_file(tomogram, guide, made, invert=invert, overwrite=overwrite)
        doubts += traced.warnings
        doubts += [
            f"{guide}: object {found.drawing.name!r}: no membrane was seen near it; it is followed"
            for found in traced.objects
            if not found.membrane.seen_fraction
        ]
    return membranes, doubts


def propose_membranes(
    tomogram: Tomogram,
    inputs: SynapseInputs,
    files: SynapseFiles,
    model: Model,
    *,
    invert: bool = False,
    overwrite: bool = False,
    progress: Report | None = None,
) -> tuple[SynapseInputs, list[str]]:
    """Let a network outline the cell and propose its active zone, where nobody gave either.

    Returns
    -------
    inputs : SynapseInputs
        With what was found.
    doubts : list of str
        What is doubtful about it; that it is a proposal, above all.

    Raises
    ------
    NoSurfaceError
        There is no cell in the tomogram, as far as the network sees.
    """
    found = outline_file(
        tomogram,
        model,
        files.proposed,
        vesicles=inputs.vesicles,
        invert=invert,
        overwrite=overwrite,
        progress=progress,
    )
    names = {item.drawing.name for item in found.objects if item.drawing.contours}
    zone = files.proposed if ACTIVE_ZONE in names else None
    proposed = replace(inputs, active_zone=zone, outline=files.proposed, exact=True)
    doubt = (
        f"{files.proposed}: outline and active zone are a network's proposal, and so is what is "
        "measured from them: correct them in 3dmod, then give them with `exact`"
    )
    return proposed, [doubt, *found.warnings]


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
