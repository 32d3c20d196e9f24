"""``vesimod synapse``: a synapse from its tomogram to tables and figures, in one go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from vesimod.commands.options import (
    Device,
    DeviceChoice,
    Invert,
    MemoryGB,
    ModelOption,
    Overwrite,
    Quiet,
    Threads,
    TomogramArgument,
    VoxelSize,
)


def synapse(
    tomogram: TomogramArgument,
    active_zone: Annotated[
        Path | None,
        typer.Option(metavar="MOD", help="Open contours roughly along the active zone."),
    ] = None,
    outline: Annotated[
        Path | None,
        typer.Option(metavar="MOD|MRC", help="The cell: rough closed contours, or a mask."),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Contours lie on the membranes: do not trace them.")
    ] = False,
    vesicles: Annotated[
        Path | None,
        typer.Option(metavar="MOD|CSV|MRC", help="Vesicles, e.g. corrected ones; else found."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Default: <stem>_synapse"),
    ] = None,
    pool: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME:CRITERION", help='E.g. "docked: membrane_az_nm < 5".'),
    ] = None,
    model: ModelOption = "fast",
    voxel_size_nm: VoxelSize = None,
    device: Device = DeviceChoice.auto,
    threads: Threads = None,
    memory_gb: MemoryGB = None,
    invert: Invert = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Find membranes, vesicles, connectors and tethers of a synapse, and measure them.

    What `vesimod membrane`, `segment`, `connect` and `measure` do, one after the other. Without
    `active_zone` and `outline`, what `vesimod outline` proposes takes their place.
    """
    from vesimod_imod.core.files import make_folder, marked_unfinished

    from vesimod.commands import console
    from vesimod.commands.segmenting import NetworkChoice, run, start_network
    from vesimod.connectors.result import NOT_ABSOLUTE
    from vesimod.figures.canvas import NO_FIGURE, can_draw
    from vesimod.io.read_spheres import read_spheres
    from vesimod.measure.places import read_places
    from vesimod.measure.pools import check_criteria
    from vesimod.runs.outputs import Outputs, Settings, stem
    from vesimod.runs.synapse_file import (
        SynapseFiles,
        SynapseInputs,
        connect_and_measure,
        propose_membranes,
        trace_membranes,
    )

    choice = NetworkChoice(model, device.value, threads, memory_gb)
    volume = console.open_tomogram(tomogram, voxel_size_nm, quiet)
    name = stem(tomogram)
    folder = output or tomogram.with_name(f"{name}_synapse")
    files = SynapseFiles(folder, name, can_draw())
    inputs = SynapseInputs(vesicles, active_zone, outline, exact)
    # What cannot be used is refused before hours pass.
    check_criteria(pool or ())
    read_places(volume.grid, active_zone, outline)
    if vesicles is not None and not len(read_spheres(vesicles, volume.grid).spheres):
        raise ValueError(f"{vesicles}: holds no vesicles: nothing to connect or to measure")
    make_folder(folder)
    written = files.check(tomogram, inputs, overwrite)
    if not files.picture:
        console.warn(NO_FIGURE)
    with marked_unfinished(files.measured.vesicles, written):
        if inputs.is_blank:
            network = start_network(replace(choice, model="outline"))
            with console.progress(quiet) as report:
                inputs, doubts = propose_membranes(
                    volume,
                    inputs,
                    files,
                    network,
                    invert=invert,
                    overwrite=overwrite,
                    progress=report,
                )
        else:
            inputs, doubts = trace_membranes(
                volume, inputs, files, invert=invert, overwrite=overwrite
            )
        for doubt in doubts:
            console.warn(doubt)
        if vesicles is None:
            settings = Settings(voxel_size_nm, invert=invert, region=inputs.outline)
            result = run(
                tomogram,
                Outputs(files.vesicles),
                settings,
                choice,
                overwrite=overwrite,
                quiet=quiet,
            )
            if not len(result.spheres):
                raise ValueError(
                    f"{tomogram}: no vesicle was found: nothing to connect or to measure"
                )
        with console.progress(quiet) as report:
            found, measured = connect_and_measure(
                volume,
                inputs,
                files,
                tuple(pool or ()),
                invert=invert,
                overwrite=overwrite,
                progress=report,
            )
    # What connect calls region is the outline here.
    notes = [note.replace("`region`", "`outline`") for note in found.notes]
    for note in dict.fromkeys([*notes, *measured.doubts]):
        console.warn(note)
    if quiet:
        return
    for key, value in measured.summary.items():
        console.say(f"{key:<24} {value:>12.5g}")
    console.say(f"note: {NOT_ABSOLUTE}")
    console.say(f"wrote {folder}")
    console.suggest_3dmod(tomogram, files.measured.model)
