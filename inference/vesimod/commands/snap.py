"""``vesimod snap``: points clicked in 3dmod become spheres."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vesimod.commands.options import Invert, Overwrite, Quiet, VoxelSize


def snap(
    tomogram: Annotated[Path, typer.Argument(help="The volume that was clicked on.")],
    points: Annotated[Path, typer.Argument(help="A model with points near vesicle centres.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="MOD", help="Default: <stem of POINTS>_snapped.mod"),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Fit points that have a radius again, too.")
    ] = False,
    voxel_size_nm: VoxelSize = None,
    invert: Invert = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Turn clicks on vesicles into spheres with exact centres and radii.

    Points with a size of their own are kept as they are. Clicks where no vesicle is found
    go to the second object of the model.
    """
    import numpy as np
    from vesimod_imod.core.files import check_distinct, check_writable
    from vesimod_imod.core.object_names import REJECTED, VESICLES
    from vesimod_imod.core.spheres import Spheres
    from vesimod_imod.model.coordinates import shown_in_3dmod
    from vesimod_imod.sphere_model.read import read_sphere_model
    from vesimod_imod.sphere_model.write import ORANGE, SphereObject, write_sphere_objects

    from vesimod.commands import console
    from vesimod.io.tomogram import read_tomogram
    from vesimod.vesicles.snap import snap as snap_clicks

    volume = read_tomogram(tomogram, voxel_size_nm)
    output = output or points.with_name(f"{points.stem}_snapped.mod")
    check_distinct([tomogram, points, output])
    check_writable(output, overwrite)
    if not quiet:
        for note in volume.notes:
            console.say(f"note: {note}")
    reading = read_sphere_model(points, volume.grid)
    for warning in reading.warnings:
        console.warn(warning)
    given = reading.spheres
    if not len(given):
        raise ValueError(f"{points}: holds no points; click on vesicles in 3dmod and save")
    trusted = np.isin(reading.radius_source, ["explicit", "outline"])
    clicked = np.ones(len(given), bool) if every else ~trusted
    kept = given.select(~clicked)
    snapped = snap_clicks(
        volume.voxels,
        volume.grid.voxel_size_nm,
        given.centres[clicked],
        taken=kept,
        invert=invert,
    )
    rows = np.flatnonzero(clicked)
    fitted = Spheres(
        snapped.spheres.centres, snapped.spheres.radii_nm, snapped.spheres.scores, given.ids[rows]
    )
    # With --all, a sphere that a person had sized stays what it was where nothing is found.
    restored = given.select(rows[~snapped.found & trusted[rows]])
    good = Spheres.concatenate([kept, fitted.select(snapped.found), restored])
    lost = fitted.select(~snapped.found & ~trusted[rows])
    write_sphere_objects(
        output,
        [
            SphereObject(VESICLES, good.select(np.argsort(good.ids))),
            SphereObject(REJECTED, lost, ORANGE),
        ],
        volume.grid,
        overwrite=overwrite,
    )
    if quiet:
        return
    for row, reason in zip(rows, snapped.reasons, strict=True):
        if reason:
            console.say(f"point at {shown_in_3dmod(given.centres[row])}: {reason}")
    console.say(
        f"{int(snapped.found.sum())} of {len(rows)} clicks became spheres; "
        f"{len(kept)} spheres kept as they were"
    )
    console.say(f"wrote {output}")
    console.say(f"look at it:  3dmod {tomogram} {output}")
