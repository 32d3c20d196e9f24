"""``vesimod segment``: a tomogram to an IMOD sphere model."""

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
    RadiusRange,
    Threads,
    Threshold,
    VoxelSize,
)
from vesimod.limits import RADIUS_NM

EXAMPLES = """\b
Examples:
  vesimod segment TS_01_rec.mrc --report TS_01_report.html
  vesimod segment TS_01_rec.mrc -o TS_01.mod --table TS_01.csv --region cell.mod
Every option: README.md; how vesicles are found: docs/post-processing.md"""


def segment(
    tomogram: Annotated[Path, typer.Argument(help="Reconstructed volume, e.g. TS_01_rec.mrc.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="MOD", help="Default: <stem>_vesicles.mod."),
    ] = None,
    table: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Also write the spheres as a table.")
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="MRC", help="Also write a label volume: each sphere's id."),
    ] = None,
    probability: Annotated[
        Path | None, typer.Option(metavar="MRC", help="Also write the network's output, 0 to 1.")
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="PNG", help="Also draw a sheet of slabs with the spheres."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="HTML", help="Also write a page to judge it by.")
    ] = None,
    dropped: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Also write the candidates not accepted, with reasons."),
    ] = None,
    region: Annotated[
        Path | None,
        typer.Option(
            metavar="MOD|MRC", help="Where vesicles may be: closed contours, or a mask above 0."
        ),
    ] = None,
    score_classes: Annotated[
        bool, typer.Option("--score-classes", help="Five objects by score, in heat colours.")
    ] = False,
    model: ModelOption = "fast",
    voxel_size_nm: VoxelSize = None,
    threshold: Threshold = None,
    radius_nm: RadiusRange = RADIUS_NM,
    device: Device = DeviceChoice.auto,
    threads: Threads = None,
    memory_gb: MemoryGB = None,
    invert: Invert = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Find the vesicles of a tomogram and write them as an IMOD sphere model."""
    from vesimod.commands.segmenting import NetworkChoice, run
    from vesimod.runs.outputs import Outputs, Settings, default_output

    files = (table, labels, probability, picture, dropped, report)
    run(
        tomogram,
        Outputs(output or default_output(tomogram), *files),
        Settings(voxel_size_nm, threshold, invert, region, score_classes, radius_nm),
        NetworkChoice(model, device.value, threads, memory_gb),
        overwrite=overwrite,
        quiet=quiet,
    )
