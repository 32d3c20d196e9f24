"""``vesimod outline``: the cell and its active zone, found by a network."""

from __future__ import annotations

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


def outline(
    tomogram: TomogramArgument,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="MOD", help="Default: <stem>_outline.mod"),
    ] = None,
    vesicles: Annotated[
        Path | None,
        typer.Option(
            metavar="MOD|CSV|MRC",
            help="They say which cell is meant; where several touch is an active zone, too.",
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="MRC", help="A label volume: 1 the outline, 2 the active zone."),
    ] = None,
    model: ModelOption = "outline",
    voxel_size_nm: VoxelSize = None,
    device: Device = DeviceChoice.auto,
    threads: Threads = None,
    memory_gb: MemoryGB = None,
    invert: Invert = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Outline the cell that holds the vesicles, and propose its active zone.

    A network finds both; then the surface on the dark membrane is traced, as by `vesimod membrane`.
    It is a proposal: look at it and correct it in 3dmod. What a person changed is kept when it is
    run again.
    """
    from vesimod.commands import console
    from vesimod.commands.membrane_words import tell_traced
    from vesimod.commands.segmenting import NetworkChoice, describe, start_network
    from vesimod.runs.outline_file import outline_file
    from vesimod.runs.outputs import stem

    volume = console.open_tomogram(tomogram, voxel_size_nm, quiet)
    output = output or tomogram.with_name(f"{stem(tomogram)}_outline.mod")
    network = start_network(NetworkChoice(model, device.value, threads, memory_gb))
    if not quiet:
        console.say(describe(network.spec.name, network.providers))
    with console.progress(quiet) as report:
        found = outline_file(
            volume,
            network,
            output,
            vesicles=vesicles,
            labels=labels,
            invert=invert,
            overwrite=overwrite,
            progress=report,
        )
    note = "outline and active zone are a proposal; correct them in 3dmod"
    tell_traced(found, tomogram, output, labels, quiet, note)
