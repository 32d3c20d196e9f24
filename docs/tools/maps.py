"""Maps of boxes and arrows: the workflow, Etomo's files, the packages."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

TEAL, ORANGE, GREY = "#00796b", "#ef6c00", "#546e7a"
WIDTH, HEIGHT = 0.8, 0.62  # of a box
Boxes = dict[str, tuple[float, float, str, str]]  # column, row, words, colour


def workflow() -> Figure:
    """Draw the map of the workflow: what goes from which command to which."""
    boxes = {
        "tomogram": (0, 4, "tomogram\nTS_01_rec.mrc", GREY),
        "segment": (1, 4, "segment, batch\nvesicles", TEAL),
        "report": (2, 5, "report\ndoubtful ones first", TEAL),
        "correct": (2, 4, "edit, snap, 3dmod\ncorrect", TEAL),
        "merge": (3, 4, "corrections, merge\nkeep what you did", TEAL),
        "train": (4, 5, "vesimod-train\nfinetune, adapt", ORANGE),
        "guide": (0, 2.5, "guide in 3dmod\noutline, active zone", GREY),
        "membrane": (1, 2.5, "membrane, outline\nsurfaces", TEAL),
        "connect": (2, 2.5, "connect\nconnectors, tethers", TEAL),
        "measure": (3, 2.5, "measure\ndistances, pools", TEAL),
        "convert": (4, 4, "convert\nPyto, RELION, napari", TEAL),
        "synapse": (2, 1.5, "synapse: the row above, with segment, in one go", TEAL),
    }
    arrows = (
        ("tomogram", "segment"),
        ("segment", "correct"),
        ("segment", "report"),
        ("report", "correct"),
        ("correct", "merge"),
        ("merge", "train"),
        ("guide", "membrane"),
        ("membrane", "connect"),
        ("segment", "connect"),
        ("connect", "measure"),
        ("merge", "measure"),
        ("membrane", "segment"),
        ("merge", "convert"),
    )
    figure = Figure((9.6, 4.4))
    axis = figure.add_axes((0, 0, 1, 1))
    _draw(axis, boxes, arrows, wide={"synapse": 2.8})
    axis.set(xlim=(-0.5, 4.5), ylim=(1.05, 5.45))
    return figure


def etomo() -> Figure:
    """Draw which files `vesimod etomo` writes, and what runs them."""
    boxes = {
        "data": (0, 2, "Etomo's data sets\nTS_01.edf, TS_02.edf", GREY),
        "etomo": (1, 2, "vesimod etomo", TEAL),
        "all": (2, 3, "vesimod.com\nall, in turn", TEAL),
        "chunks": (2, 2, "vesimod-001.com\nvesimod-002.com", TEAL),
        "finish": (2, 1, "vesimod-finish.com", TEAL),
        "submfg": (3, 3, "submfg", GREY),
        "run": (3, 1.5, "Etomo, processchunks\nor a queue", GREY),
        "models": (4, 2.4, "TS_01_vesicles.mod\nTS_01_vesicles.csv", ORANGE),
        "table": (4, 1.2, "a table of all", ORANGE),
    }
    arrows = (
        ("data", "etomo"),
        ("etomo", "all"),
        ("etomo", "chunks"),
        ("etomo", "finish"),
        ("all", "submfg"),
        ("chunks", "run"),
        ("finish", "run"),
        ("submfg", "models"),
        ("run", "models"),
        ("run", "table"),
    )
    figure = Figure((9.6, 3.1))
    axis = figure.add_axes((0, 0, 1, 1))
    _draw(axis, boxes, arrows, wide={})
    axis.set(xlim=(-0.5, 4.5), ylim=(0.55, 3.45))
    return figure


def _draw(
    axis: Any, boxes: Boxes, arrows: tuple[tuple[str, str], ...], wide: dict[str, float]
) -> None:
    """Draw boxes, and arrows from the one's edge to the other's."""
    for start, end in arrows:
        (ax, ay), (bx, by) = boxes[start][:2], boxes[end][:2]
        if ax == bx:
            up = np.sign(by - ay) * HEIGHT / 2
            tail, tip = (ax, ay + up), (bx, by - up)
        else:
            tail, tip = (ax + WIDTH / 2, ay), (bx - WIDTH / 2, by)
        axis.annotate("", tip, tail, arrowprops={"arrowstyle": "-|>", "color": GREY, "lw": 1.3})
    for name, (x, y, words, colour) in boxes.items():
        width = wide.get(name, WIDTH)
        axis.add_patch(
            FancyBboxPatch(
                (x - width / 2, y - HEIGHT / 2),
                width,
                HEIGHT,
                ec=colour,
                lw=1.6,
                boxstyle="round,pad=0.02,rounding_size=0.06",
                fc="white",
                zorder=2,
            )
        )
        axis.text(x, y, words, ha="center", va="center", size=8.5, color="black", zorder=3)
    axis.set_axis_off()


def layers() -> Figure:
    """Draw the three packages, and what a tomogram becomes on its way."""
    figure = Figure((9.6, 2.7))
    axis = figure.add_axes((0, 0, 1, 1))
    rows = (
        ("vesimod_imod  (numpy)", ("IMOD models", "live 3dmod", "Etomo"), GREY),
        (
            "vesimod  (+ onnxruntime, scipy ...)",
            ("tomogram", "map", "labels", "spheres", "model, tables", "corrections", "numbers"),
            TEAL,
        ),
        ("vesimod_train  (+ torch, onnx)", ("simulation", "pairs", "network", ".onnx"), ORANGE),
    )
    for row, (name, steps, colour) in enumerate(rows):
        y = 2 - row
        axis.text(0.02, y, name, va="center", size=9.5, color=colour, weight="bold")
        for k, step in enumerate(steps):
            x = 3.9 + 1.12 * k
            axis.add_patch(
                FancyBboxPatch(
                    (x - 0.49, y - 0.24),
                    0.98,
                    0.48,
                    ec=colour,
                    fc="white",
                    boxstyle="round,pad=0,rounding_size=0.08",
                    lw=1.4,
                )
            )
            axis.text(x, y, step, ha="center", va="center", size=7.5)
            if row and k:
                axis.annotate(
                    "",
                    (x - 0.49, y),
                    (x - 0.65, y),
                    arrowprops={"arrowstyle": "-|>", "color": colour},
                )
        if row:
            axis.annotate(
                "",
                (1.2, y + 0.72),
                (1.2, y + 0.2),
                arrowprops={"arrowstyle": "-|>", "color": "black"},
            )
            axis.text(1.28, y + 0.46, "imports", size=8, va="center")
    axis.set(xlim=(0, 11.3), ylim=(-0.5, 2.5))
    axis.set_axis_off()
    return figure
