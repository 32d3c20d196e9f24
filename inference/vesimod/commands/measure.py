"""``vesimod measure``: distances, pools, neighbours and densities of a synapse, or of many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesimod.commands.options import Overwrite, Quiet, VoxelSize

if TYPE_CHECKING:
    from vesimod.measure.groups import Effect

ActiveZone = Annotated[
    Path | None,
    typer.Option(metavar="MOD|MRC", help="Contours along the active zone's membrane, or a mask."),
]
Outline = Annotated[
    Path | None,
    typer.Option(metavar="MOD|MRC", help="The cell's inside: closed contours, or a mask above 0."),
]
Pool = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME:CRITERION", help='E.g. "docked: membrane_az_nm < 5"; repeatable.'),
]
PoolEdges = Annotated[
    str, typer.Option(metavar="NM,NM,...", help="Edges of the pools by distance, in nm.")
]
_SHOWN = 12  # effects in the terminal


def measure(
    source: Annotated[
        Path,
        typer.Argument(metavar="TOMOGRAM|DIR", help="A tomogram, or a folder of measured ones."),
    ],
    vesicles: Annotated[
        Path | None, typer.Argument(metavar="VESICLES", help="Its vesicles: .mod, .csv or labels.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="CSV|DIR",
            help="Default: <stem of TOMOGRAM>_measured.csv beside VESICLES; with --groups DIR.",
        ),
    ] = None,
    active_zone: ActiveZone = None,
    outline: Outline = None,
    az_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Object of its model; needed if several.")
    ] = None,
    connectors: Annotated[
        Path | None, typer.Option(metavar="CSV", help="The table that vesimod connect wrote.")
    ] = None,
    pool: Pool = None,
    pool_edges: PoolEdges = "0,45,75,150,250",
    colour: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="What colours the model; default the pool.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Also draw it (extra: figures).")
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Columns synapse and group: compare measured synapses."),
    ] = None,
    control: Annotated[
        str | None, typer.Option(metavar="GROUP", help="Compared with; default the first group.")
    ] = None,
    voxel_size_nm: VoxelSize = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Measure the vesicles of a synapse; or compare groups of measured synapses."""
    if groups is not None:
        _compare(source, vesicles, groups, output, control, overwrite=overwrite, quiet=quiet)
        return
    if vesicles is None:
        raise ValueError("name the vesicles after the tomogram; a folder needs --groups")
    from vesimod.commands.console import open_tomogram, say, suggest_3dmod, warn
    from vesimod.measure.vesicle_table import Wishes
    from vesimod.runs.measure_file import TABLE_ENDING, MeasuredFiles, MeasureInputs, measure_file
    from vesimod.runs.outputs import stem

    volume = open_tomogram(source, voxel_size_nm, quiet)
    table = output or vesicles.with_name(stem(source) + TABLE_ENDING)
    files = MeasuredFiles.beside(table, picture)
    wishes = Wishes(edges_of(pool_edges), tuple(pool or ()), connectors)
    inputs = MeasureInputs(vesicles, active_zone, outline, az_name)
    measured = measure_file(volume, inputs, files, wishes, colour=colour, overwrite=overwrite)
    for doubt in measured.doubts:
        warn(doubt)
    if not quiet:
        for name, value in measured.summary.items():
            say(f"{name:<24} {value:>12.5g}")
        tables = files.summary, files.occupancy, files.neighbours
        say(f"wrote {files.vesicles}, {', '.join(table.name for table in tables)}")
        suggest_3dmod(source, files.model)


def edges_of(text: str) -> tuple[float, ...]:
    """Edges of pools from numbers with commas between."""
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError as error:
        raise ValueError(f"--pool-edges {text}: numbers in nm with commas between") from error


def _compare(
    folder: Path,
    vesicles: Path | None,
    groups: Path,
    output: Path | None,
    control: str | None,
    *,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Compare groups of synapses."""
    from vesimod_imod.core.file_roles import check_files

    from vesimod.commands.console import say, warn
    from vesimod.figures.canvas import NO_FIGURE, can_draw
    from vesimod.runs.compare_groups import GroupFiles, compare_groups

    if vesicles is not None:
        raise ValueError(f"{vesicles}: --groups compares what is measured already; name its folder")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder}: is no folder; name the one with the measured synapses")
    files = GroupFiles(output or folder, can_draw())
    check_files([groups], files.files(), overwrite=overwrite)
    if not files.has_picture:
        warn(NO_FIGURE)
    found, doubts = compare_groups(folder, groups, files, control)
    for doubt in doubts:
        warn(doubt)
    if quiet:
        return
    _tell_effects(found)
    say(f"wrote {', '.join(str(file) for file in files.files())}")


def _tell_effects(found: list[Effect]) -> None:
    """Print the largest effects, measured in standard deviations."""
    from math import isfinite

    from vesimod.commands.console import say

    known = [effect for effect in found if isfinite(effect.hedges_g)]
    known.sort(key=lambda effect: -abs(effect.hedges_g))
    say(f"{'':<26} {'group - control':<24} {'difference [95 %]':<34} Hedges' g [95 %]")
    for e in known[:_SHOWN]:
        pair = f"{e.group} ({e.n_group}) - {e.control} ({e.n_control})"
        shown = f"{e.difference:.4g} [{e.difference_low:.4g}, {e.difference_high:.4g}]"
        size = f"{e.hedges_g:.2f} [{e.hedges_g_low:.2f}, {e.hedges_g_high:.2f}]"
        say(f"{e.measure:<26} {pair:<24} {shown:<34} {size}")
