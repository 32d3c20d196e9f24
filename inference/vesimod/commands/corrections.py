"""``vesimod corrections``: what a person changed in a predicted model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesimod.commands.options import GridTomogram, Json, Overwrite, VoxelSize

if TYPE_CHECKING:
    from vesimod_imod.model.screen import Screen

    from vesimod.review.correction_table import Correction


def corrections(
    predicted: Annotated[
        Path, typer.Argument(help="The model as vesimod wrote it (.mod or .csv).")
    ],
    corrected: Annotated[Path, typer.Argument(help="The model after somebody edited it.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="CSV", help="Write the table.")
    ] = None,
    tomogram: GridTomogram = None,
    voxel_size_nm: VoxelSize = None,
    json_output: Json = False,
    overwrite: Overwrite = False,
) -> None:
    """Tell sphere by sphere what somebody kept, moved, resized, added or removed."""
    import json

    from vesimod_imod.core.file_roles import check_files, check_kind

    from vesimod.commands.console import UNBINNED, grid_for, read, say, say_lines
    from vesimod.review.correction_table import as_json, counts, write_corrections
    from vesimod.review.corrections import find_corrections

    check_files([predicted, corrected, tomogram], [output], overwrite=overwrite)
    check_kind(output, "a table")
    grid = grid_for([predicted, corrected], tomogram, voxel_size_nm)
    edited = read(corrected, grid)
    rows = find_corrections(read(predicted, grid), edited, grid.voxel_size_nm)
    if output is not None:
        write_corrections(output, rows, overwrite=overwrite)
    if json_output:
        say_lines(json.dumps({"counts": counts(rows), "corrections": as_json(rows)}, indent=1))
        return
    changed = [row for row in rows if row.verdict != "kept"]
    for row in changed:
        say(line(row, edited.screen))
    if changed:
        say(f"note: {UNBINNED}")
    say(", ".join(f"{count} {verdict}" for verdict, count in counts(rows).items()))
    if output is not None:
        say(f"wrote {output}")


def line(row: Correction, screen: Screen) -> str:
    """Put one correction in words, with its place on the screen of whoever corrected."""
    number = row.predicted_id if row.corrected_id is None else row.corrected_id
    centre = row.predicted_centre if row.verdict == "removed" else row.centre
    text = f"{row.verdict:<9} {number:>5} at {screen.position(centre)}"
    if row.distance_nm == row.distance_nm:
        text += f", {row.distance_nm:.1f} nm from where it was"
    radii = [f"{r:.1f}" for r in (row.predicted_radius_nm, row.radius_nm) if r == r]
    if radii:
        text += f", radius {' -> '.join(radii)} nm"
    return f"{text} ({row.note})" if row.note else text
