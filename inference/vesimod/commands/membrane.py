"""``vesimod membrane``: a membrane that was drawn roughly becomes an exact surface."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vesimod.commands.options import Invert, Overwrite, Quiet, TomogramArgument, VoxelSize


def membrane(
    tomogram: TomogramArgument,
    guide: Annotated[
        Path,
        typer.Argument(
            metavar="GUIDE.mod", help="Contours drawn roughly on every 10th to 20th section."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="MOD", help="Default: <stem of GUIDE>_membrane.mod"),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="MRC", help="A label volume: membranes by the number of the object."),
    ] = None,
    reach_nm: Annotated[
        float,
        typer.Option(
            metavar="F", min=5.0, max=100.0, help="How far from the guide membranes are sought."
        ),
    ] = 25.0,
    voxel_size_nm: VoxelSize = None,
    invert: Invert = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Find the surface of a membrane along contours that were drawn roughly in 3dmod.

    Every object of GUIDE is traced for itself and keeps its name. The result has a contour on every
    section between the first and the last that was drawn on. What a person changed in an earlier
    result is kept.
    """
    from vesimod.commands import console
    from vesimod.commands.membrane_words import tell_traced
    from vesimod.runs.membrane_file import trace_file

    volume = console.open_tomogram(tomogram, voxel_size_nm, quiet)
    output = output or guide.with_name(f"{guide.stem}_membrane.mod")
    traced = trace_file(
        volume,
        guide,
        output,
        labels=labels,
        reach_nm=reach_nm,
        invert=invert,
        overwrite=overwrite,
    )
    tell_traced(traced, tomogram, output, labels, quiet)
