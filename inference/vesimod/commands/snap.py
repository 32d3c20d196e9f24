"""``vesimod snap``: points clicked in 3dmod become spheres."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesimod.commands.options import Invert, Overwrite, Quiet, VoxelSize

if TYPE_CHECKING:
    from vesimod.vesicles.snap_model import SnappedModel


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
    from vesimod_imod.core.file_roles import check_files, check_kind
    from vesimod_imod.core.object_names import REJECTED, VESICLES
    from vesimod_imod.sphere_model.read import read_sphere_model
    from vesimod_imod.sphere_model.write import (
        ORANGE,
        REJECTED_SHOWN_NM,
        SphereObject,
        write_sphere_objects,
    )

    from vesimod.commands import console
    from vesimod.vesicles.snap_model import snap_model

    volume = console.open_tomogram(tomogram, voxel_size_nm, quiet)
    output = output or points.with_name(f"{points.stem}_snapped.mod")
    check_files([tomogram, points], [output], overwrite=overwrite)
    check_kind(output, "a model")
    reading = read_sphere_model(points, volume.grid)
    for warning in reading.warnings:
        console.warn(warning)
    if not len(reading.spheres):
        others = ", but see the warning" if reading.warnings else ""
        raise ValueError(
            f"{points}: holds no clicks and no spheres{others}; click on vesicles in 3dmod and save"
        )
    size_nm = volume.grid.voxel_size_nm
    snapped = snap_model(volume.grey, size_nm, reading, every=every, invert=invert)
    objects = [
        SphereObject(VESICLES, snapped.vesicles),
        SphereObject(REJECTED, snapped.lost, ORANGE, REJECTED_SHOWN_NM),
    ]
    write_sphere_objects(output, objects, volume.grid, overwrite=overwrite)
    if not quiet:
        _tell(snapped)
        console.say(f"wrote {output}")
        console.suggest_3dmod(tomogram, output)


def _tell(snapped: SnappedModel) -> None:
    """Say what became of the clicks."""
    from vesimod_imod.model.coordinates import shown_in_3dmod

    from vesimod.commands import console

    for click, reason in zip(snapped.clicks, snapped.reasons, strict=True):
        if reason:
            console.say(f"point at {shown_in_3dmod(click)}: {reason}")
    if (snapped.reasons != "").any():
        console.say(f"note: {console.UNBINNED}")
    console.say(
        f"{int((snapped.reasons == '').sum())} of {len(snapped.clicks)} clicks became spheres; "
        f"{snapped.kept} spheres kept as they were"
    )
