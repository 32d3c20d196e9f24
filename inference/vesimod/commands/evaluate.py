"""`vesimod evaluate`: how well found vesicles agree with true ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

if TYPE_CHECKING:
    from vesimod_imod.core.arrays import Triple
    from vesimod_imod.core.spheres import Grid, Spheres


def evaluate(
    found: Annotated[Path, typer.Argument(help="Vesicles to judge: .mod, .csv or label .mrc.")],
    truth: Annotated[Path, typer.Argument(help="True vesicles: .mod, .csv or label .mrc.")],
    tomogram: Annotated[
        Optional[Path],  # noqa: UP045, typer reads it at run time
        typer.Option(help="The tomogram; needed where neither file is a .mod with a voxel size."),
    ] = None,
    voxel_size_nm: Annotated[
        Optional[float],  # noqa: UP045, typer reads it at run time
        typer.Option(help="Voxel size in nm, instead of --tomogram."),
    ] = None,
    probability: Annotated[
        Optional[Path],  # noqa: UP045, typer reads it at run time
        typer.Option(metavar="MRC", help="The network's map, for the soft mask Dice."),
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    picture: Annotated[
        Optional[Path],  # noqa: UP045, typer reads it at run time
        typer.Option(metavar="PNG", help="Also draw errors and scores (needs matplotlib)."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the picture.")] = False,
) -> None:
    """Compare found vesicles with true ones: precision, recall, F1, errors in nm."""
    import json
    from dataclasses import replace

    from vesimod.commands.console import read
    from vesimod.commands.evaluation_table import table
    from vesimod.measure.agreement import evaluate as compare

    if picture is not None:
        from vesimod_imod.core.files import check_writable

        check_writable(picture, overwrite)
    grid, sizes = _grid(tomogram, voxel_size_nm)
    found_reading, true_reading = read(found, grid), read(truth, grid)
    found_spheres, true_spheres = found_reading.spheres, true_reading.spheres
    stated = [each for each in (true_reading, found_reading) if each.voxel_size_known]
    known = sizes or (stated[0].grid.voxel_size_nm if stated else None)
    if known is None:
        raise ValueError(f"{found}: tables hold no voxel size; pass --tomogram or --voxel-size-nm")
    result = compare(found_spheres, true_spheres, known)
    if probability is not None:
        result = replace(result, soft_mask_dice=_soft_dice(probability, true_spheres, known))
    if picture is not None:
        from vesimod.figures.plots import draw_evaluation

        draw_evaluation(picture, found_spheres, true_spheres, known)
    typer.echo(json.dumps(result.as_dict(), indent=1) if json_output else table(result))


def _soft_dice(path: Path, truth: Spheres, sizes: Triple) -> float:
    """Soft Dice of a map that lies on the tomogram voxel by voxel, whatever its header says."""
    from vesimod.io.tomogram import read_tomogram
    from vesimod.measure.agreement import soft_dice

    volume = read_tomogram(path, sizes[2])
    if volume.voxels.dtype.kind != "f":
        raise ValueError(
            f"{path}: holds {volume.voxels.dtype}; a probability map holds floating point numbers"
        )
    return soft_dice(volume.voxels, truth, volume.grid)


def _grid(tomogram: Path | None, size: float | None) -> tuple[Grid | None, Triple | None]:
    """Grid that the options state, and its voxel size."""
    if tomogram is not None:
        from vesimod.io.tomogram import read_tomogram

        grid = read_tomogram(tomogram, size).grid
        return grid, grid.voxel_size_nm
    if size is not None and not size > 0:
        raise ValueError(f"--voxel-size-nm {size}: must be positive")
    return None, None if size is None else (size, size, size)
