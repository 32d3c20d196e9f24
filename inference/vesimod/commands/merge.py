"""``vesimod merge``: a new prediction that keeps what a person decided."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vesimod.commands.options import GridTomogram, Json, Overwrite, VoxelSize


def merge(
    table: Annotated[Path, typer.Argument(help="Table that vesimod corrections -o wrote.")],
    new: Annotated[Path, typer.Argument(help="New prediction of the same tomogram: .mod or .csv.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="MOD", help="Merged model.")],
    tomogram: GridTomogram = None,
    voxel_size_nm: VoxelSize = None,
    json_output: Json = False,
    overwrite: Overwrite = False,
) -> None:
    """Apply corrections to a new prediction: the person's word holds, conflicts are listed."""
    import json
    from dataclasses import asdict

    from vesimod_imod.core.file_roles import check_files, check_kind
    from vesimod_imod.core.object_names import NEW, VESICLES
    from vesimod_imod.model.coordinates import shown_in_3dmod
    from vesimod_imod.sphere_model.write import ORANGE, SphereObject, write_sphere_objects

    from vesimod.commands.console import UNBINNED, grid_for, read, say, say_lines, warn
    from vesimod.review.correction_table import read_corrections
    from vesimod.review.merge import merge as apply

    check_files([table, new, tomogram], [output], overwrite=overwrite)
    check_kind(output, "a model")
    corrections = read_corrections(table)
    grid = grid_for([new], tomogram, voxel_size_nm)
    found = read(new, grid).spheres
    merged = apply(corrections, found, grid.voxel_size_nm)
    if len(merged.decided) and len(merged.new) == len(found):
        warn(f"{new}: none of its spheres is in {table}: are both of the same tomogram?")
    objects = [SphereObject(VESICLES, merged.decided)]
    if len(merged.new):
        objects.append(SphereObject(NEW, merged.new, ORANGE))
    write_sphere_objects(output, objects, grid, overwrite=overwrite)
    if json_output:
        conflicts = [asdict(conflict) for conflict in merged.conflicts]
        content = {
            "decided": len(merged.decided),
            "new": len(merged.new),
            "conflicts": conflicts,
        }
        say_lines(json.dumps(content, indent=1))
        return
    for conflict in merged.conflicts:
        at = shown_in_3dmod(conflict.centre)
        say(f"conflict  {conflict.id:>5} at {at}: {conflict.text}")
    if merged.conflicts:
        say(f"note: {UNBINNED}")
    say(
        f"{len(merged.decided)} spheres as the corrections have them, {len(merged.new)} new ones "
        f"(orange), {len(merged.conflicts)} conflicts"
    )
    say(f"wrote {output}")
