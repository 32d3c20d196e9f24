"""``vesimod corrections``: what a person changed in a predicted model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesimod.commands.segment import Overwrite, VoxelSize

if TYPE_CHECKING:
    from vesimod_imod.core.spheres import Grid
    from vesimod_imod.sphere_model.read import SphereReading

    from vesimod.review.correction_table import Correction

Tomogram = Annotated[
    Path | None,
    typer.Option(help="The tomogram; needed where the models state no voxel size."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def corrections(
    predicted: Annotated[
        Path, typer.Argument(help="The model as vesimod wrote it (.mod or .csv).")
    ],
    corrected: Annotated[Path, typer.Argument(help="The model after somebody edited it.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="CSV", help="Write the table.")
    ] = None,
    tomogram: Tomogram = None,
    voxel_size_nm: VoxelSize = None,
    json_output: Json = False,
    overwrite: Overwrite = False,
) -> None:
    """Tell sphere by sphere what somebody kept, moved, resized, added or removed."""
    import json

    from vesimod_imod.core.files import check_writable

    from vesimod.commands.console import say
    from vesimod.review.correction_table import as_json, counts, write_corrections
    from vesimod.review.corrections import find_corrections

    if output is not None:
        check_writable(output, overwrite)
    grid = grid_for([predicted, corrected], tomogram, voxel_size_nm)
    rows = find_corrections(read(predicted, grid), read(corrected, grid), grid.voxel_size_nm)
    if output is not None:
        write_corrections(output, rows, overwrite=overwrite)
    if json_output:
        say(json.dumps({"counts": counts(rows), "corrections": as_json(rows)}, indent=1))
        return
    for row in rows:
        if row.verdict != "kept":
            say(line(row))
    say(", ".join(f"{count} {verdict}" for verdict, count in counts(rows).items()))
    if output is not None:
        say(f"wrote {output}")


def grid_for(models: list[Path], tomogram: Path | None, voxel_size_nm: float | None) -> Grid:
    """Grid of the tomogram, or else the one that the first readable model was saved on.

    Raises
    ------
    ValueError
        No tomogram is given and no model states a voxel size.
    """
    if tomogram is not None:
        from vesimod.io.tomogram import read_tomogram

        return read_tomogram(tomogram, voxel_size_nm).grid
    from dataclasses import replace

    from vesimod_imod.model.coordinates import grid_of
    from vesimod_imod.model.files import read_mod

    for path in models:
        if path.suffix.lower() != ".csv":
            grid, known = grid_of(read_mod(path))
            if voxel_size_nm is not None:
                header = grid.header_voxel_size_nm or grid.voxel_size_nm
                size = (voxel_size_nm,) * 3
                return replace(grid, voxel_size_nm=size, header_voxel_size_nm=header)
            if known:
                return grid
    raise ValueError(f"{models[0]}: states no voxel size; pass --tomogram or --voxel-size-nm")


def read(path: Path, grid: Grid) -> SphereReading:
    """Spheres of a model or a table on a grid; prints what had to be inferred."""
    import numpy as np
    from vesimod_imod.sphere_model.read import SphereReading, read_sphere_model

    from vesimod.commands.console import warn

    if path.suffix.lower() == ".csv":
        from vesimod.io.sphere_table import read_spheres_csv

        spheres = read_spheres_csv(path)
        ones = np.ones(len(spheres), np.int64)
        source = np.where(np.isfinite(spheres.radii_nm), "explicit", "none").astype("U8")
        return SphereReading(
            spheres, [], ones > 0, source, ones, (path.stem,), np.empty(0, np.int64), grid
        )
    reading = read_sphere_model(path, grid)
    for warning in reading.warnings:
        warn(f"{path}: {warning}")
    return reading


def line(row: Correction) -> str:
    """Put one correction in words."""
    from vesimod_imod.model.coordinates import shown_in_3dmod

    number = row.predicted_id if row.corrected_id is None else row.corrected_id
    centre = row.predicted_centre if row.verdict == "removed" else row.centre
    text = f"{row.verdict:<9} {number:>5} at {shown_in_3dmod(centre)}"
    if row.distance_nm == row.distance_nm:
        text += f", {row.distance_nm:.1f} nm from where it was"
    radii = [f"{r:.1f}" for r in (row.predicted_radius_nm, row.radius_nm) if r == r]
    if radii:
        text += f", radius {' -> '.join(radii)} nm"
    return f"{text} ({row.note})" if row.note else text
