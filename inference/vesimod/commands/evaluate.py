"""`vesimod evaluate`: how well found vesicles agree with true ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

if TYPE_CHECKING:
    from vesimod_imod.core.arrays import Triple
    from vesimod_imod.core.spheres import Grid, Spheres

    from vesimod.measure.agreement import Evaluation

ROWS = (
    ("true positives", "true_positives", "d"),
    ("false positives", "false_positives", "d"),
    ("false negatives", "false_negatives", "d"),
    ("precision", "precision", ".3f"),
    ("recall", "recall", ".3f"),
    ("F1", "f1", ".3f"),
    ("centre error, mean (nm)", "centre_error_nm_mean", ".2f"),
    ("centre error, SD (nm)", "centre_error_nm_sd", ".2f"),
    ("centre error, median (nm)", "centre_error_nm_median", ".2f"),
    ("radius error, mean (nm)", "radius_error_nm_mean", ".2f"),
    ("radius error, median (nm)", "radius_error_nm_median", ".2f"),
    ("radius error, SD (nm)", "radius_error_nm_sd", ".2f"),
    ("radius bias, found - true (nm)", "radius_bias_nm", "+.2f"),
    ("diameter error delta_d", "diameter_error", ".3f"),
    ("mask Dice", "mask_dice", ".3f"),
    ("mask Dice, soft", "soft_mask_dice", ".3f"),
    ("label Dice", "label_dice", ".3f"),
    ("precision, IoU >= 0.5", "iou_precision", ".3f"),
    ("recall, IoU >= 0.5", "iou_recall", ".3f"),
    ("F1, IoU >= 0.5", "iou_f1", ".3f"),
    ("average precision by score", "average_precision", ".3f"),
)


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

    from vesimod.measure.agreement import evaluate as compare

    if picture is not None:
        from vesimod_imod.core.files import check_writable

        check_writable(picture, overwrite)
    grid, sizes = _grid(tomogram, voxel_size_nm)
    found_spheres, found_sizes = _read(found, grid)
    true_spheres, true_sizes = _read(truth, grid)
    known = sizes or true_sizes or found_sizes
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


def print_evaluation(found: Spheres, truth: Spheres, tomogram: Path) -> None:
    """Print the comparison of two sets of spheres on a tomogram."""
    from vesimod.io.tomogram import read_tomogram
    from vesimod.measure.agreement import evaluate as compare

    typer.echo(table(compare(found, truth, read_tomogram(tomogram).grid.voxel_size_nm)))


def table(result: Evaluation) -> str:
    """Format an evaluation as a Markdown table."""
    values = result.as_dict()
    lines = ["| measure | value |", "|---|---:|"]
    for title, name, form in ROWS:
        value = values[name]
        lines.append(f"| {title} | {'-' if value is None else format(value, form)} |")
    return "\n".join(lines)


def _grid(tomogram: Path | None, size: float | None) -> tuple[Grid | None, Triple | None]:
    """Grid that the options state, and its voxel size."""
    if tomogram is not None:
        from vesimod.io.tomogram import read_tomogram

        grid = read_tomogram(tomogram, size).grid
        return grid, grid.voxel_size_nm
    if size is not None and not size > 0:
        raise ValueError(f"--voxel-size-nm {size}: must be positive")
    return None, None if size is None else (size, size, size)


def _read(path: Path, grid: Grid | None) -> tuple[Spheres, Triple | None]:
    """Spheres of a file, and the voxel size if the file states one."""
    if path.suffix.lower() == ".csv":
        from vesimod.io.sphere_table import read_spheres_csv

        return read_spheres_csv(path), None
    if path.suffix.lower() == ".mod":
        import numpy as np
        from vesimod_imod.live.point_edits import REJECTED
        from vesimod_imod.sphere_model.read import read_sphere_model

        reading = read_sphere_model(path, grid)
        # Clicks on nothing, kept for the person to look at, claim no vesicle.
        claimed = np.array(reading.object_names)[reading.object_number - 1] != REJECTED
        for warning in reading.warnings:
            typer.echo(f"WARNING: vesimod - {path}: {warning}", err=True)
        spheres = reading.spheres.select(claimed)
        return spheres, reading.grid.voxel_size_nm if reading.voxel_size_known else None
    if path.suffix.lower() in (".mrc", ".rec"):
        import numpy as np

        from vesimod.io.tomogram import read_tomogram
        from vesimod.vesicles.instances import spheres_of_labels

        volume = read_tomogram(path, None if grid is None else grid.voxel_size_nm[0])
        labels = np.rint(volume.voxels).astype(np.int32)
        if labels.min() < 0:
            raise ValueError(f"{path}: holds negative values; a label volume has 0 and ids")
        return spheres_of_labels(labels, volume.grid.voxel_size_nm), volume.grid.voxel_size_nm
    raise ValueError(f"{path}: vesicles are read from .mod, .csv and label .mrc files")
