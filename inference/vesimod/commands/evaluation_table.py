"""An evaluation as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vesimod_imod.core.spheres import Spheres

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
    ("Dice of the network from the threshold on", "network_dice", ".3f"),
    ("Dice of its instances that were accepted", "instances_dice", ".3f"),
    ("Dice of the spheres", "spheres_dice", ".3f"),
    ("label Dice", "label_dice", ".3f"),
    ("precision, IoU >= 0.5", "iou_precision", ".3f"),
    ("recall, IoU >= 0.5", "iou_recall", ".3f"),
    ("F1, IoU >= 0.5", "iou_f1", ".3f"),
    ("average precision by score", "average_precision", ".3f"),
)


def print_evaluation(found: Spheres, truth: Spheres, tomogram: Path) -> None:
    """Print the comparison of two sets of spheres on a tomogram."""
    from vesimod.commands.console import say_lines
    from vesimod.io.tomogram import read_tomogram
    from vesimod.measure.agreement import evaluate as compare

    say_lines(table(compare(found, truth, read_tomogram(tomogram).grid.voxel_size_nm)))


def table(result: Evaluation) -> str:
    """Format an evaluation as a Markdown table; what is not known or not defined has no row."""
    known = {name: value for name, value in result.as_dict().items() if value is not None}
    lines = ["| measure | value |", "|---|---:|"]
    rows = [f"| {title} | {known[name]:{form}} |" for title, name, form in ROWS if name in known]
    return "\n".join([*lines, *rows])
