"""The report as a picture for a lab book: the sheet, and the ten most doubtful vesicles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from vesimod_imod.core.files import atomic_path, check_writable

from vesimod.figures.colours import score_colours
from vesimod.figures.gallery import field_nm, planes_through
from vesimod.figures.slices import BACKGROUND, FAINT_INK, GAP, INK, font, sheet
from vesimod.radial.inspection import USUAL_NM, inspect
from vesimod.radial.rays import RaySampler
from vesimod.report.head import warnings_of
from vesimod.report.subject import Subject
from vesimod.review.doubtful import doubt_order, find_doubts

MOST = 10
_LINE, _ACROSS = 20, 3
_LONGEST = 120  # letters of a warning


def write_lab_book(path: Path, subject: Subject, *, overwrite: bool = False) -> None:
    """Write the PNG.

    Raises
    ------
    FileExistsError
        `path` exists and `overwrite` is false.
    """
    path = Path(path)
    check_writable(path, overwrite)
    page = sheet(subject.tomogram, subject.spheres)
    below = [_warnings(subject, page.width), _doubtful(subject, page.width)]
    whole = Image.new("RGB", (page.width, page.height + sum(b.height for b in below)), BACKGROUND)
    top = 0
    for part in (page, *below):
        whole.paste(part, (0, top))
        top += part.height
    with atomic_path(path) as temporary:
        whole.save(temporary, format="PNG")


def _warnings(subject: Subject, width: int) -> Image.Image:
    """Write what may be wrong, one line each."""
    lines = warnings_of(subject)
    image = Image.new("RGB", (width, GAP + _LINE * len(lines)), BACKGROUND)
    for row, line in enumerate(lines):
        shown = line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."
        ImageDraw.Draw(image).text((GAP, GAP + _LINE * row), shown, FAINT_INK, font(14))
    return image


def _doubtful(subject: Subject, width: int) -> Image.Image:
    """Draw the most doubtful vesicles in XY, XZ and YZ, with what speaks against them."""
    spheres, tomogram = subject.spheres, subject.tomogram
    density = RaySampler(tomogram.grey, tomogram.grid.voxel_size_nm, subject.invert)
    doubts = find_doubts(spheres, inspect(density, spheres), tomogram.grid)
    rows = doubt_order(doubts)[:MOST] if doubts else np.empty(0, np.int64)
    edge = (width - (_ACROSS + 1) * GAP) // (3 * _ACROSS)  # of a plane
    height = edge + 3 * _LINE
    lines = -(-len(rows) // _ACROSS)
    image = Image.new("RGB", (width, 2 * _LINE + lines * height + GAP), BACKGROUND)
    draw = ImageDraw.Draw(image)
    draw.text((GAP, 8), f"the {len(rows)} most doubtful: XY, XZ, YZ", INK, font(16))
    for place, row in enumerate(rows):
        left = GAP + (place % _ACROSS) * ((width - GAP) // _ACROSS)
        top = 2 * _LINE + (place // _ACROSS) * height
        radius = float(spheres.radii_nm[row])
        half = field_nm(radius if np.isfinite(radius) else USUAL_NM)
        strip = Image.fromarray(planes_through(tomogram, spheres.centres[row], half))
        large = strip.convert("RGB").resize((3 * edge, edge), Image.Resampling.BICUBIC)
        colour = tuple(score_colours(spheres.scores[row : row + 1])[0].tolist())
        if np.isfinite(radius):
            reach = radius / half * edge / 2
            for k in range(3):
                x, y = (k + 0.5) * edge, 0.5 * edge
                box = (x - reach, y - reach, x + reach, y + reach)
                ImageDraw.Draw(large).ellipse(box, outline=colour, width=2)
        image.paste(large, (left, top))
        first = (
            f"vesicle {spheres.ids[row]}: radius {radius:.1f} nm, score {spheres.scores[row]:.2f}"
        )
        draw.text((left, top + edge + 2), first, INK, font(14))
        said = next(iter(doubts[row].words), "nothing worth a word")
        draw.text((left, top + edge + 2 + _LINE), said, FAINT_INK, font(13))
    return image
