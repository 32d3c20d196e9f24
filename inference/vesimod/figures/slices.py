"""A sheet by which a person can judge a run: slabs through the whole depth, and across it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from vesimod_imod.core.arrays import FloatArray
from vesimod_imod.core.clean_text import one_line
from vesimod_imod.core.files import atomic_path, check_writable
from vesimod_imod.core.spheres import Spheres

from vesimod.figures.colours import SCORE_STOPS, score_colours
from vesimod.figures.slabs import (
    NAMES,
    SLAB_NM,
    Slab,
    circles_in,
    read_slab,
    sections_through,
)
from vesimod.io.tomogram import Tomogram

WIDTH = 2000  # pixels of the whole sheet, about
GAP, TITLE, HEADER = 12, 26, 118
LEAST_PANEL = 260  # pixels along its longer side, so that circles are drawn finely
BACKGROUND, INK, FAINT_INK = (24, 24, 28), (240, 240, 240), (165, 165, 170)
MOST_PANELS, FEWEST_PANELS = 12, 4
USUAL_NM = 40.0  # between slabs where there are no vesicles to go by
_OVER = 3  # circles are drawn so many times larger and scaled down, which makes them smooth


def draw_picture(
    path: Path, tomogram: Tomogram, spheres: Spheres, *, overwrite: bool = False
) -> None:
    """Write a PNG with XY slabs through the depth, and XZ and YZ slabs across it.

    XY panels stand in a grid, YZ panels at its right and XZ panels below; y and z grow upwards
    in XY and XZ, as in 3dmod's XYZ window. Each sphere that a slab's middle cuts is drawn with the
    radius it has there, coloured by its score. Section numbers are 3dmod's, from 1.

    Parameters
    ----------
    path : Path
        PNG to write.
    tomogram : Tomogram
        The volume; only the slabs are read.
    spheres : Spheres
        Centres in voxels of the tomogram.
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    FileExistsError
        `path` exists and `overwrite` is false.
    """
    path = Path(path)
    check_writable(path, overwrite)
    with atomic_path(path) as temporary:
        sheet(tomogram, spheres).save(temporary, format="PNG")


def sheet(tomogram: Tomogram, spheres: Spheres) -> Image.Image:
    """Draw what `draw_picture` writes."""
    size_nm = np.asarray(tomogram.grid.voxel_size_nm)
    depth_nm, height_nm, width_nm = np.asarray(tomogram.grid.shape) * size_nm
    rows, columns = _layout(depth_nm, height_nm, width_nm, spheres)
    room = WIDTH - (columns + 2) * GAP
    pixel_nm = max(columns * width_nm + depth_nm, 1.6 * (rows * height_nm + depth_nm)) / room
    pixel_nm = min(pixel_nm, max(width_nm, height_nm) / LEAST_PANEL)
    cell = round(width_nm / pixel_nm) + GAP, round(height_nm / pixel_nm) + GAP + TITLE
    side = round(depth_nm / pixel_nm)
    total = (
        max(GAP + columns * cell[0] + side + GAP, 1000),
        HEADER + rows * cell[1] + TITLE + side + GAP,
    )
    canvas = Image.new("RGB", total, BACKGROUND)
    _header(canvas, tomogram, spheres, pixel_nm)
    shape = tomogram.grid.shape
    places = [
        (GAP + c * cell[0], HEADER + r * cell[1]) for r in range(rows) for c in range(columns)
    ]
    panels = list(
        zip([0] * len(places), sections_through(shape[0], len(places)), places, strict=True)
    )
    for c, at in enumerate(sections_through(shape[1], columns)):
        panels.append((1, at, (GAP + c * cell[0], HEADER + rows * cell[1])))
    for r, at in enumerate(sections_through(shape[2], rows)):
        panels.append((2, at, (GAP + columns * cell[0], HEADER + r * cell[1])))
    for axis, position, (left, top) in panels:
        slab = read_slab(tomogram, axis, position, pixel_nm)
        number = f"{'zyx'[axis]} = {round(position) + 1} of {shape[axis]}"
        title = f"{NAMES[axis]}   {number}" if slab.image.shape[1] > 110 else number
        ImageDraw.Draw(canvas).text((left, top + 4), title, INK, font(15))
        canvas.paste(_panel(slab, spheres, tomogram), (left, top + TITLE))
    return canvas


def thumbnail(tomogram: Tomogram, spheres: Spheres, longest: int = 150) -> Image.Image:
    """Draw the middle XY slab, at most so many pixels long, with the spheres that it cuts."""
    shape, size_nm = tomogram.grid.shape, tomogram.grid.voxel_size_nm
    pixel_nm = max(shape[1] * size_nm[1], shape[2] * size_nm[2]) / longest
    return _panel(read_slab(tomogram, 0, (shape[0] - 1) / 2, pixel_nm), spheres, tomogram)


def _layout(
    depth_nm: float, height_nm: float, width_nm: float, spheres: Spheres
) -> tuple[int, int]:
    """Rows and columns of XY panels: as many as it takes that slabs meet most vesicles."""
    known = spheres.radii_nm[np.isfinite(spheres.radii_nm)]
    apart_nm = 1.5 * float(np.median(known)) if len(known) else USUAL_NM
    wanted = int(np.clip(np.ceil(depth_nm / apart_nm), FEWEST_PANELS, MOST_PANELS))
    shapes = [(rows, -(-wanted // rows)) for rows in range(1, wanted + 1)]
    # A sheet that is a third wider than high, as screens and pages are.
    return min(shapes, key=lambda s: abs(np.log(s[1] * width_nm / (s[0] * height_nm) / 1.4)))


def _panel(slab: Slab, spheres: Spheres, tomogram: Tomogram) -> Image.Image:
    """Draw a slab with the circles of the spheres that it cuts."""
    image = Image.fromarray(slab.image).convert("RGB")
    large = image.resize((image.width * _OVER, image.height * _OVER), Image.Resampling.BILINEAR)
    size_nm = np.asarray(tomogram.grid.voxel_size_nm)
    rows, circles = circles_in(slab, spheres, size_nm)
    draw = ImageDraw.Draw(large)
    colours = score_colours(spheres.scores[rows])
    large_circles = _OVER * (circles + np.array([0.5, 0.5, 0.0]))
    for (column, row, radius), colour in zip(large_circles, colours, strict=True):
        box = (column - radius, row - radius, column + radius, row + radius)
        draw.ellipse(box, outline=tuple(colour.tolist()), width=2 * _OVER)
    return large.resize(image.size, Image.Resampling.LANCZOS)


def _header(canvas: Image.Image, tomogram: Tomogram, spheres: Spheres, pixel_nm: float) -> None:
    """Say what is shown at the top, and give the bar and the colours of scores at its right."""
    draw = ImageDraw.Draw(canvas)
    extent = np.asarray(tomogram.grid.shape) * np.asarray(tomogram.grid.voxel_size_nm) / 1000
    size = " x ".join(f"{length:.2g}" for length in extent[::-1])
    draw.text((GAP, 10), one_line(tomogram.path.name), INK, font(26))
    draw.text(
        (GAP, 46),
        f"{tomogram.grid.in_words} voxels; {size} um (x, y, z); slabs of {SLAB_NM:g} nm",
        FAINT_INK,
        font(16),
    )
    draw.text((GAP, 72), in_words(spheres), INK, font(18))
    right = canvas.width - GAP
    bar_nm = bar_length_nm((canvas.width / 5) * pixel_nm)
    bar = round(bar_nm / pixel_nm)
    draw.rectangle((right - bar, 70, right, 76), fill=INK)
    draw.text((right - bar, 80), f"{bar_nm:g} nm", INK, font(16))
    _legend(draw, right - 260, 14)


def _legend(draw: ImageDraw.ImageDraw, left: int, top: int) -> None:
    """Draw the colours of scores with their numbers."""
    low, high = SCORE_STOPS[0], SCORE_STOPS[-1]
    scores: FloatArray = np.linspace(low, high, 160)
    draw.text((left, top), "score", INK, font(16))
    for step, colour in enumerate(score_colours(scores)):
        draw.line((left + 60 + step, top, left + 60 + step, top + 16), fill=tuple(colour.tolist()))
    for share in (0.0, 0.5, 1.0):
        text = f"{low + share * (high - low):g}"
        draw.text((left + 60 + 160 * share, top + 18), text, FAINT_INK, font(14), anchor="ma")


def in_words(spheres: Spheres) -> str:
    """Say how many spheres there are, and how large."""
    known = spheres.radii_nm[np.isfinite(spheres.radii_nm)]
    if not len(known):
        return f"{len(spheres)} vesicles"
    return f"{len(spheres)} vesicles, radius {known.mean():.1f} ± {known.std():.1f} nm"


def bar_length_nm(most_nm: float) -> float:
    """Return the longest of 1, 2 and 5 times a power of ten that is not above `most_nm`."""
    power = 10.0 ** np.floor(np.log10(most_nm))
    return float(max(step * power for step in (1, 2, 5) if step * power <= most_nm))


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font that Pillow brings."""
    return ImageFont.load_default(size)
