"""Draw the pictures of docs/images that code can draw: `python docs/tools/drawings.py`.

They show the tomograms that ship with vesimod, or nothing measured at all.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from importlib import resources
from itertools import zip_longest
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import vesimod
from maps import GREY, ORANGE, TEAL, etomo, layers, workflow
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from vesimod.io.region import read_region
from vesimod.io.tomogram import read_tomogram
from vesimod.outlining import membrane_maps, outline_cell
from vesimod.runs.membrane_file import trace_file
from vesimod_imod.contour_model.read import Drawing, read_drawings

IMAGES = Path(__file__).resolve().parents[1] / "images"
DEMO = Path(str(resources.files("vesimod"))) / "demo"


def sections() -> Figure:
    """Draw three thin slabs of the demo tomogram, with circles where the spheres are cut."""
    tomogram = read_tomogram(DEMO / "demo.mrc")
    spheres = vesimod.segment(tomogram).spheres
    figure = Figure((9.6, 3.4), layout="constrained")
    axes = figure.subplots(1, 3)
    for axis, z in zip(axes, (30, 56, 82), strict=True):
        _show(axis, np.mean(tomogram.voxels[z - 2 : z + 3], axis=0), f"sections {z - 1} to {z + 3}")
        radii = spheres.radii_nm / tomogram.grid.xy_voxel_size_nm
        for (centre_z, y, x), radius in zip(spheres.centres, radii, strict=True):
            if abs(centre_z - z) < radius:
                cut = np.sqrt(radius**2 - (centre_z - z) ** 2)
                axis.add_patch(Circle((x, y), cut, fill=False, color="#00e676", lw=1.2))
    return figure


def region() -> Figure:
    """Draw a section of the demo synapse with the inside of its outline, and the vesicles there."""
    tomogram = read_tomogram(DEMO / "synapse.mrc")
    with tempfile.TemporaryDirectory() as folder:
        traced = Path(folder) / "membranes.mod"
        trace_file(tomogram, DEMO / "synapse_guide.mod", traced)
        inside, _ = read_region(traced, tomogram.grid)
    z = 31
    figure = Figure((7.2, 3.7), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axis in (left, right):
        _show(axis, tomogram.voxels[z], "")
    left.set_title("a section of synapse_rec.mrc", fontsize=9)
    right.set_title("searched: the inside of the contours", fontsize=9)
    tint = np.zeros((*inside[z].shape, 4))
    tint[inside[z]] = (0.0, 0.9, 0.45, 0.28)
    right.imshow(tint, origin="lower")
    right.contour(inside[z], [0.5], colors=["#00e676"], linewidths=1.2)
    return figure


def membranes() -> Figure:
    """Draw what is found along a guide, on a section that was drawn on and on one that was not."""
    tomogram = read_tomogram(DEMO / "synapse.mrc")
    guide = DEMO / "synapse_guide.mod"
    found = [each.drawing for each in vesimod.membrane(tomogram, guide).objects]
    figure = Figure((9.6, 5.1), layout="constrained")
    left, right = figure.subplots(1, 2)
    drawn, between = 30, 37
    _show(left, tomogram.voxels[drawn], f"section {drawn + 1}, which was drawn on")
    _show(right, tomogram.voxels[between], f"section {between + 1}, between two that were drawn on")
    for axis, z in ((left, drawn), (right, between)):
        for drawing, colour, width in zip(found, ("#56b4e9", "#ff7043"), (4.0, 1.8), strict=True):
            _contour(axis, drawing, z, color=colour, lw=width, label=drawing.name)
    for drawing in read_drawings(guide, tomogram.grid)[0]:
        _contour(left, drawing, drawn, color="#ffee58", lw=1.2, label="guide")
    named = dict(zip(*left.get_legend_handles_labels()[::-1], strict=True))
    figure.legend(named.values(), named, loc="outside lower center", ncols=3)
    return figure


def proposed() -> Figure:
    """Draw what the network says of a section, and the outline that becomes of it."""
    tomogram = read_tomogram(DEMO / "synapse.mrc")
    model = vesimod.load_model("outline", device="cpu")
    maps = membrane_maps(tomogram, model)
    found = [each.drawing for each in outline_cell(tomogram, model).objects]
    z, scale = 30, maps.size_nm / tomogram.grid.xy_voxel_size_nm
    figure = Figure((9.6, 3.7), layout="constrained")
    *chances, right = figure.subplots(1, 3)
    shown = (maps.membrane, "chance of a membrane"), (maps.cytoplasm, "chance of the cell's inside")
    for axis, (chance, title) in zip(chances, shown, strict=True):
        height, width = (scale * n - 0.5 for n in chance.shape[1:])
        row = chance[int((z + 0.5) / scale)]
        edges = (-0.5, width, -0.5, height)
        axis.imshow(row, cmap="magma", vmin=0, vmax=1, origin="lower", extent=edges)
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    _show(right, tomogram.voxels[z], "outline and active zone")
    for drawing, colour, width in zip(found, ("#56b4e9", "#ff7043"), (4.0, 1.8), strict=False):
        _contour(right, drawing, z, color=colour, lw=width, label=drawing.name)
    figure.legend(loc="outside lower right", ncols=2, fontsize=9)
    return figure


def _contour(axis: Any, drawing: Drawing, z: int, *, label: str, **look: Any) -> None:
    """Draw the contours on a section, dotted where no membrane was seen."""
    for line, values in zip_longest(drawing.contours, drawing.values):
        if round(line[0, 0]) != z:
            continue
        seen = np.ones(len(line), bool) if values is None else values > 0
        if drawing.closed:
            line, seen = np.vstack([line, line[:1]]), np.append(seen, seen[0])
        for these, style in ((seen, "-"), (~seen, ":")):
            # A piece goes on to its next point, where the other style begins.
            shown = these | np.roll(these, 1) if style == ":" else these
            y, x = np.where(shown[:, None], line[:, 1:], np.nan).T
            axis.plot(x, y, ls=style, label=label if style == "-" else None, **look)


def look() -> Figure:
    """Show what a tomogram should look like, and what else there is."""
    voxels = np.asarray(read_tomogram(DEMO / "synapse.mrc").voxels[31], np.float32)
    blank = voxels.copy()
    blank[:, :44] = 0
    shaded = voxels - np.linspace(90, 0, voxels.shape[1])[None, :]
    figure = Figure((9.6, 2.9), layout="constrained")
    shown = (
        (voxels, "dark membranes: as it should be"),
        (-voxels, "bright membranes: --invert"),
        (blank, "blank border: taken for padding"),
        (shaded, "a darker side"),
    )
    for axis, (image, title) in zip(figure.subplots(1, 4), shown, strict=True):
        _show(axis, image, title)
    return figure


def _show(axis: Any, image: Any, title: str) -> None:
    """Show a section as 3dmod does: its first row at the bottom."""
    low, high = np.percentile(image, (1, 99))
    axis.imshow(image, cmap="gray", vmin=low, vmax=high, origin="lower")
    axis.set_title(title, fontsize=9)
    axis.set_axis_off()


def coordinates() -> Figure:
    """Draw the corner of a section: where the same place is for vesimod and for IMOD."""
    figure = Figure((7.6, 3.9), layout="constrained")
    axis = figure.subplots()
    axis.imshow(
        np.array([[0.95, 0.86, 0.95], [0.86, 0.95, 0.86]]),
        cmap="gray",
        vmin=0,
        vmax=1,
        origin="lower",
    )
    for y in range(2):
        for x in range(3):
            axis.plot(x, y, "o", color=TEAL, ms=6)
            axis.text(x, y + 0.13, f"(z, y, x) = (0, {y}, {x})", ha="center", color=TEAL, size=8.5)
            axis.text(
                x,
                y - 0.22,
                f"model x, y, z =\n{x + 0.5}, {y + 0.5}, 0",
                ha="center",
                va="center",
                color=ORANGE,
                size=8.5,
            )
    axis.plot(-0.5, -0.5, "s", color=ORANGE, ms=9, clip_on=False)
    axis.text(-0.4, -0.62, "from this corner IMOD counts x and y", color=ORANGE, size=9, va="top")
    axis.text(
        -0.4,
        -0.8,
        "from the centre of the first voxel vesimod counts z, y and x",
        color=TEAL,
        size=9,
        va="top",
    )
    axis.set(xlim=(-0.6, 2.6), ylim=(-0.98, 1.6))
    axis.set_title("The first section, its first row at the bottom as 3dmod shows it", fontsize=10)
    axis.set_axis_off()
    return figure


def radius() -> Figure:
    """Draw the radial profile of a membrane, with the radii of the table."""
    r = np.linspace(0, 36, 400)
    middle, half = 20.0, 3.4
    profile = 0.125 * (1 - np.tanh((r - middle) / 2)) - np.exp(-0.5 * ((r - middle) / 2.3) ** 2)
    profile += 0.16 * np.exp(-0.5 * ((r - middle - 9) / 4) ** 2)
    figure = Figure((7.6, 3.2), layout="constrained")
    axis = figure.subplots()
    axis.plot(r, profile, color="black")
    marks = (
        (middle - half, "inner_radius_nm", -0.52, GREY, "right"),
        (middle, "membrane_radius_nm", 0.38, GREY, "right"),
        (
            middle + half,
            "radius_nm: the outer edge,\nwhere density rises most steeply",
            -0.52,
            TEAL,
            "left",
        ),
    )
    for x, words, height, colour, side in marks:
        axis.axvline(
            x, color=colour, lw=2 if colour == TEAL else 1, ls="-" if colour == TEAL else "--"
        )
        shift = 0.6 if side == "left" else -0.6
        axis.text(x + shift, height, words, color=colour, ha=side, size=9).set_bbox(
            {"facecolor": "white", "edgecolor": "none", "pad": 1}
        )
    axis.text(6, 0.33, "lumen", ha="center", size=9)
    axis.text(31, 0.2, "cytoplasm", ha="center", size=9)
    axis.set(
        xlabel="distance from the centre (nm)",
        ylabel="density, dark is down",
        yticks=[],
        ylim=(-1.25, 0.5),
        xlim=(0, 36),
    )
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "start.jpg": sections,
    "region.jpg": region,
    "membranes.jpg": membranes,
    "outline.jpg": proposed,
    "look.jpg": look,
    "coordinates.svg": coordinates,
    "radius.svg": radius,
    "workflow.svg": workflow,
    "etomo.svg": etomo,
    "layers.svg": layers,
}


def draw(folder: Path) -> None:
    """Write all of them; the same input gives the same bytes."""
    # Letters stay letters, so that files are small and text can be searched.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "vesimod"}):
        for name, make in PICTURES.items():
            how: dict[str, Any] = {"metadata": {"Date": None}}
            if name.endswith(".jpg"):
                how = {"pil_kwargs": {"quality": 82}, "dpi": 110}
            make().savefig(folder / name, facecolor="white", **how)


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)
