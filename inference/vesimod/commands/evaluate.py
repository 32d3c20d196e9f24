"""`vesimod evaluate`: how well found vesicles agree with true ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesimod.commands.options import Json

if TYPE_CHECKING:
    from vesimod_imod.core.arrays import BoolArray
    from vesimod_imod.core.spheres import Grid

    from vesimod.io.tomogram import Tomogram

USUAL_THRESHOLD = 0.5  # of a map about which nothing is known
_ROUNDING = 1e-3  # of a probability, in whatever precision it was stored
Region = Annotated[
    Path | None,
    typer.Option(
        metavar="MOD|MRC",
        help="Count only here, e.g. in the cytoplasm: closed contours, or a mask above 0.",
    ),
]
FirstVesicleId = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Labels below are regions, not vesicles; default 10 for Pyto's, else 1.",
    ),
]
Probability = Annotated[
    Path | None, typer.Option(metavar="MRC", help="The network's map, for the Dice of each stage.")
]
MapThreshold = Annotated[
    float | None,
    typer.Option(metavar="F", help="Of that map; default: the one that FOUND was made with."),
]


def evaluate(
    found: Annotated[Path, typer.Argument(help="Vesicles to judge: .mod, .csv or label .mrc.")],
    truth: Annotated[Path, typer.Argument(help="True vesicles: .mod, .csv or label .mrc.")],
    tomogram: Annotated[
        Path | None,
        typer.Option(help="The tomogram; needed where neither file states a voxel size."),
    ] = None,
    voxel_size_nm: Annotated[
        float | None, typer.Option(help="Voxel size in nm, where no file states the true one.")
    ] = None,
    region: Region = None,
    first_vesicle_id: FirstVesicleId = None,
    probability: Probability = None,
    threshold: MapThreshold = None,
    json_output: Json = False,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="PNG", help="Also draw errors and scores (extra: figures)."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the picture.")] = False,
) -> None:
    """Compare found vesicles with true ones: precision, recall, F1, errors in nm."""
    import json

    from vesimod_imod.core.file_roles import check_files, check_kind

    from vesimod.commands.console import grid_for, read
    from vesimod.commands.evaluation_table import table
    from vesimod.measure.agreement import evaluate as compare
    from vesimod.measure.stages import stage_dice, true_voxels
    from vesimod.measure.within import within_region

    check_files([found, truth, tomogram, probability, region], [picture], overwrite=overwrite)
    check_kind(picture, "a picture")
    grid = grid_for([truth, found], tomogram, voxel_size_nm)
    found_spheres, true_spheres = (
        read(file, grid, first_vesicle_id).spheres for file in (found, truth)
    )
    counted = None
    if region is not None:
        counted, grid = _region(region, grid)
    pair = within_region(found_spheres, true_spheres, counted, grid.voxel_size_nm)
    result = compare(*pair, grid.voxel_size_nm)
    if probability is not None:
        volume = _map(probability, grid)
        inside = true_voxels(truth, true_spheres, volume.grid, first_vesicle_id)
        cut = _threshold(found, threshold)
        stages = stage_dice(volume.voxels, cut, found_spheres, inside, volume.grid, counted)
        result = result.with_stages(stages)
    if picture is not None:
        from vesimod.figures.plots import draw_evaluation

        draw_evaluation(picture, *pair, grid.voxel_size_nm)
    typer.echo(json.dumps(result.as_dict(), indent=1) if json_output else table(result))


def _region(path: Path, grid: Grid) -> tuple[BoolArray, Grid]:
    """Read a region, and the grid it lies on where tables alone said nothing of that."""
    from vesimod_imod.core.errors import InputError

    from vesimod.commands.console import warn
    from vesimod.io.region import read_region
    from vesimod.io.tomogram import volume_on

    if not any(grid.shape):
        if path.suffix.lower() == ".mod":
            raise InputError(f"{path}: contours lie on a tomogram; give `tomogram`")
        grid = volume_on(path, grid).grid
    mask, notes = read_region(path, grid)
    for note in notes:
        warn(note)
    return mask, grid


def _map(path: Path, grid: Grid) -> Tomogram:
    """Open a network's map, which lies on the tomogram voxel by voxel."""
    from vesimod_imod.core.errors import InputError

    from vesimod.io.tomogram import volume_on

    volume = volume_on(path, grid)
    if volume.voxels.dtype.kind != "f":
        raise InputError(
            f"{path}: holds {volume.voxels.dtype}; a probability map holds floating point numbers"
        )
    low, high = float(volume.voxels.min()), float(volume.voxels.max())
    if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):  # nor with NaN
        raise InputError(f"{path}: reaches from {low:g} to {high:g}; a probability map from 0 to 1")
    return volume


def _threshold(found: Path, stated: float | None) -> float:
    """Threshold that is stated, or that a model was made with by the record beside it."""
    from vesimod_imod.core.errors import InputError

    from vesimod.commands.console import warn
    from vesimod.io.provenance import read_provenance

    if stated is not None:
        if not 0 < stated < 1:
            raise InputError(f"`threshold={stated:g}`: must lie between 0 and 1")
        return stated
    record, _ = read_provenance(found)
    value = None if record is None else record.results.get("threshold")
    if isinstance(value, float) and 0 < value < 1:
        return value
    warn(
        f"{found}: no record of the threshold it was made with; {USUAL_THRESHOLD} is taken for the "
        "network's map (`threshold` states another)"
    )
    return USUAL_THRESHOLD
