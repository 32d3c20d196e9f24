"""The picture of central slices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage import io
from vesimod.figures.slices import SPHERE_COLOUR, draw_picture
from vesimod.io.label_volume import paint_spheres
from vesimod.io.tomogram import Tomogram
from vesimod_imod.core.spheres import Grid, Spheres


def test_circles_lie_on_the_spheres(tmp_path: Path) -> None:
    """A bright ball with its own sphere: in every panel the circle rims the ball."""
    grid = Grid((60, 100, 140), (2.0, 2.0, 2.0))
    centre, radius_nm = np.array([30.0, 40.0, 90.0]), 30.0
    spheres = Spheres(centre[None], np.array([radius_nm]))
    ball = (paint_spheres(spheres, grid) > 0).astype(np.float32)
    # Central slices at (29.5, 49.5, 69.5) cut the sphere off its centre in y and x.
    draw_picture(tmp_path / "a.png", Tomogram(ball, grid, Path("ball.mrc")), spheres)
    image = io.imread(tmp_path / "a.png").astype(int)
    circle = (np.abs(image - SPHERE_COLOUR).sum(axis=2)) == 0
    ball_pixels = image.sum(axis=2) == 3 * 255
    pixel_nm = (140 + 60) * 2.0 / image.shape[1]
    depth, height = round(60 * 2 / pixel_nm), round(100 * 2 / pixel_nm)
    # XY lies at the lower left with y upwards: the ball's centre is 40 voxels above its foot.
    rows, columns = np.nonzero(circle[-height:, : image.shape[1] - depth])
    assert (height - 1 - (rows.min() + rows.max()) / 2) * pixel_nm / 2 == pytest.approx(40, abs=1)
    assert (columns.min() + columns.max()) / 2 * pixel_nm / 2 == pytest.approx(90, abs=1)
    assert (columns.max() - columns.min()) * pixel_nm / 2 == pytest.approx(radius_nm, abs=2)
    # Each circle hides the rim of its ball: hardly a ball pixel is left outside of all three.
    from scipy import ndimage

    inside = ndimage.binary_fill_holes(circle)
    bar_free = ball_pixels.copy()
    bar_free[-3 * 8 :, :] = False
    assert (bar_free & ~inside).sum() < 0.02 * bar_free.sum()
