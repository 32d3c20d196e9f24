"""Slabs, the circles on them, and the sheet by which a run is judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from vesimod.figures.colours import DOUBTFUL, SURE, score_colours
from vesimod.figures.slabs import circles_in, plane_axes, read_slab
from vesimod.figures.slices import bar_length_nm, draw_picture, sheet
from vesimod.io.label_volume import paint_spheres
from vesimod.io.tomogram import Tomogram
from vesimod_imod.core.spheres import Grid, Spheres

GRID = Grid((60, 100, 140), (2.0, 2.0, 2.0))
BALL = Spheres(np.array([[30.0, 40.0, 90.0]]), np.array([30.0]))


@pytest.fixture(scope="module")
def tomogram() -> Tomogram:
    bright = (paint_spheres(BALL, GRID) > 0).astype(np.float32)
    return Tomogram(bright, GRID, Path("/somewhere/ball.mrc"))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("pixel_nm", [1.0, 2.0, 4.0])
def test_circles_lie_on_the_spheres(tomogram: Tomogram, axis: int, pixel_nm: float) -> None:
    """Off the sphere's middle, too: the circle has the radius that the section has."""
    slab = read_slab(tomogram, axis, BALL.centres[0, axis] + 6, pixel_nm, 2.0)
    rows, circles = circles_in(slab, BALL, np.array(GRID.voxel_size_nm))
    assert rows.tolist() == [0]
    ((column, row, radius),) = circles
    assert radius * pixel_nm == pytest.approx(np.sqrt(30**2 - 12**2), abs=0.01)
    inside = slab.image > 127
    y, x = np.nonzero(inside)
    assert (y.mean(), x.mean()) == pytest.approx((row, column), abs=0.6)
    assert np.sqrt(inside.sum() / np.pi) == pytest.approx(radius, abs=1.5 * 2 / pixel_nm)
    up, right = plane_axes(axis)
    extent_nm = np.array(GRID.shape) * 2
    assert slab.image.shape == (round(extent_nm[up] / pixel_nm), round(extent_nm[right] / pixel_nm))


def test_the_sheet_has_every_sphere_of_a_crowd(tomogram: Tomogram) -> None:
    """Slabs through the depth lie nearer to each other than vesicles are wide."""
    rng = np.random.default_rng(0)
    centres = rng.uniform([8, 8, 8], [52, 92, 132], (40, 3))
    crowd = Spheres(centres, np.full(40, 16.0), np.full(40, 0.5))
    coloured = count_of(sheet(tomogram, crowd), DOUBTFUL)
    assert coloured > 40 * 2 * np.pi * 5  # each of them once at least, with a decent circle
    assert count_of(sheet(tomogram, Spheres.empty()), DOUBTFUL) < 0.05 * coloured  # the legend


def count_of(image: Image.Image, colour: tuple[int, int, int]) -> int:
    """Pixels that are nearly of a colour."""
    off = np.abs(np.asarray(image).astype(int) - colour).sum(axis=2)
    return int((off < 90).sum())


def test_a_picture_is_not_replaced_unasked(tomogram: Tomogram, tmp_path: Path) -> None:
    draw_picture(tmp_path / "a.png", tomogram, BALL)
    before = (tmp_path / "a.png").read_bytes()
    with pytest.raises(FileExistsError):
        draw_picture(tmp_path / "a.png", tomogram, BALL)
    draw_picture(tmp_path / "a.png", tomogram, BALL, overwrite=True)
    assert (tmp_path / "a.png").read_bytes() == before


def test_thin_long_and_nameless_volumes_have_a_sheet() -> None:
    for shape in [(2, 200, 30), (90, 12, 400), (3, 3, 3)]:
        grid = Grid(shape, (1.0, 1.0, 1.0))
        rng = np.random.default_rng(1)
        volume = rng.standard_normal(shape).astype(np.float32)
        image = sheet(Tomogram(volume, grid, Path("a\nb.mrc")), Spheres.empty())
        assert 300 < image.width < 3000
        assert 100 < image.height < 3000


def test_colours_run_from_doubtful_to_sure() -> None:
    low, high, unknown = score_colours(np.array([0.1, 1.0, np.nan])).tolist()
    assert (tuple(low), tuple(high), tuple(unknown)) == (DOUBTFUL, SURE, SURE)


@pytest.mark.parametrize(("most", "length"), [(99.0, 50.0), (100.0, 100.0), (7.3, 5.0), (0.3, 0.2)])
def test_bars_have_round_lengths(most: float, length: float) -> None:
    assert bar_length_nm(most) == pytest.approx(length)
