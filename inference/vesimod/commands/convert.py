"""``vesimod convert``: vesicles from and to the files of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesimod.commands.options import Overwrite, Quiet, VoxelSize

if TYPE_CHECKING:
    from vesimod_imod.core.spheres import Grid, Spheres

    from vesimod.handoff.pyto import PytoInput
    from vesimod.io.tomogram import Tomogram

_MEMBRANE_NM = 6.0  # how thick an active zone is painted: a membrane


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="Vesicles in any form: see docs/hand-offs.md.")
    ],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Its ending says what it becomes.")],
    tomogram: Annotated[
        Path | None, typer.Option(help="The tomogram; needed where IN does not state its size.")
    ] = None,
    voxel_size_nm: VoxelSize = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="ENDING", help="Form of OUT whatever its name, e.g. relion4.star."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="The tomogram's name in files that hold several; default: its file's."),
    ] = None,
    radius_nm: Annotated[
        float | None, typer.Option(metavar="F", help="Radius of vesicles for which IN has none.")
    ] = None,
    tilt_pixel_nm: Annotated[
        float | None,
        typer.Option(metavar="F", help="Pixel size of the unbinned tilt series, for RELION."),
    ] = None,
    outline: Annotated[
        Path | None,
        typer.Option(metavar="MOD|MRC", help="The cell's inside, for Pyto: contours or a mask."),
    ] = None,
    active_zone: Annotated[
        Path | None, typer.Option(metavar="MOD", help="The active zone, for Pyto: contours.")
    ] = None,
    az_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Object of its model; needed if several.")
    ] = None,
    first_vesicle_id: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Labels below are regions, not vesicles."),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Turn vesicles into the files of other programs, and back into a model."""
    from dataclasses import replace

    import numpy as np

    from vesimod.commands.console import say, warn
    from vesimod.handoff.formats import PYTO, UNSIZED, Frame, reader_of, writer_of

    ending, write = writer_of(output, to)
    _check([source, tomogram, outline, active_zone], output, ending, overwrite)
    if write is not None and (outline or active_zone):
        raise ValueError(f"--outline and --active-zone are for Pyto ({PYTO})")
    reader = reader_of(source)
    grid = _grid(source, tomogram, voxel_size_nm, reader is not None)
    title = name or (tomogram or source).name.split(".")[0]
    frame = Frame(grid, title, tilt_pixel_nm)
    if reader is None:
        from vesimod.commands.console import read

        spheres = read(source, grid, first_vesicle_id).spheres
    else:
        spheres = reader(source, frame)
    if radius_nm is not None:
        spheres = _with_radius(spheres, radius_nm)
    if ending not in UNSIZED and (unsized := (~np.isfinite(spheres.radii_nm)).sum()):
        warn(f"{source}: {unsized} vesicles have no radius; `radius_nm` gives them one")
    if write is None:
        from vesimod.handoff.pyto import write_pyto
        from vesimod.io.tomogram import read_tomogram

        if tomogram is None:
            raise ValueError(f"{output}: Pyto works on a tomogram; give --tomogram")
        volume = read_tomogram(tomogram, voxel_size_nm)
        given, doubts = _for_pyto(source, spheres, volume, outline, active_zone, az_name)
        for doubt in doubts:
            warn(doubt)
        write_pyto(output, given, overwrite=overwrite)
    else:
        write(output, spheres, replace(frame, grid=grid))
    if quiet:
        return
    if ending in UNSIZED and len(spheres):
        say(f"note: {ending} has no place for radii; they stay in {source.name}")
    say(f"wrote {len(spheres)} vesicles: {output}")


def _check(inputs: list[Path | None], output: Path, ending: str, overwrite: bool) -> None:
    """Refuse outputs that would cost something, before anything is read."""
    from vesimod_imod.core.file_roles import check_files

    from vesimod.handoff import ome_zarr, pyto
    from vesimod.handoff.folders import check_folder
    from vesimod.handoff.formats import FOLDERS

    if ending in FOLDERS:
        ours = ome_zarr.CONTENT if ending == ".zarr" else pyto.CONTENT
        check_folder(output, overwrite, ours, inputs)
    else:
        check_files(inputs, [output], overwrite=overwrite, records=ending != ".json")


def _grid(source: Path, tomogram: Path | None, voxel_size_nm: float | None, foreign: bool) -> Grid:
    """Find the volume that the vesicles lie in."""
    from vesimod_imod.core.spheres import Grid

    from vesimod.commands.console import grid_for, warn
    from vesimod.io.voxel_size import settled_voxel_size

    if not foreign or tomogram is not None:
        return grid_for([source], tomogram, voxel_size_nm)
    if voxel_size_nm is None:
        raise ValueError(f"{source}: does not state its volume; give --tomogram")
    size_nm, doubts = settled_voxel_size(source, (None,) * 3, voxel_size_nm)
    for doubt in doubts:
        warn(doubt)
    return Grid((0, 0, 0), size_nm)


def _with_radius(spheres: Spheres, radius_nm: float) -> Spheres:
    """Give spheres without a radius this one."""
    import numpy as np

    if not 1 <= radius_nm <= 1000:
        raise ValueError(
            f"--radius-nm {radius_nm:g}: a vesicle's radius lies between 1 and 1000 nm"
        )
    radii = spheres.radii_nm
    return spheres.with_columns(radius_nm=np.where(np.isfinite(radii), radii, radius_nm))


def _for_pyto(
    source: Path,
    spheres: Spheres,
    volume: Tomogram,
    outline: Path | None,
    active_zone: Path | None,
    az_name: str | None,
) -> tuple[PytoInput, list[str]]:
    """Paint what Pyto's labels are made of; return it with what is doubtful about it."""
    import numpy as np
    from vesimod_imod.core.object_names import ACTIVE_ZONE

    from vesimod.handoff.drawn_vesicles import paint_model
    from vesimod.handoff.pyto import PytoInput
    from vesimod.io.label_volume import paint_spheres
    from vesimod.io.read_spheres import FileKind, kind_of
    from vesimod.io.region import read_region
    from vesimod.membranes.surface import mask, read_surface

    grid = volume.grid
    doubts = []
    if outline is None:
        region = np.ones(grid.shape, bool)
        doubts.append("no --outline: Pyto's connectors may run anywhere in the tomogram")
    else:
        region, notes = read_region(outline, grid)
        doubts += notes
    zone = None
    if active_zone is None:
        doubts.append("no --active-zone: Pyto finds no tethers")
    else:
        surface = read_surface(active_zone, grid, az_name, usual=ACTIVE_ZONE)
        doubts += surface.notes
        zone = mask(surface, grid.shape, grid.voxel_size_nm, _MEMBRANE_NM)
    is_model = source.suffix.lower() == ".mod" or kind_of(source) is FileKind.MODEL
    painted = paint_model(source, spheres, grid) if is_model else paint_spheres(spheres, grid)
    return PytoInput(volume, painted, region, zone), doubts
