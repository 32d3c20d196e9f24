"""Tables, label volumes and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import io
from vesimod.paint import paint_spheres
from vesimod.picture import SPHERE_COLOUR, draw_picture
from vesimod.tables import TableError, read_spheres_csv, write_spheres_csv
from vesimod.tomogram import Tomogram
from vesimod_imod.spheres import Grid, Spheres


def test_table_round_trip(tmp_path: Path) -> None:
    spheres = Spheres(
        np.array([[1.5, 2.25, 3.125], [4, 5, 6]]),
        np.array([20.5, np.nan]),
        np.array([0.5, 1.0]),
        np.array([7, 3]),
        {"p_value": np.array([0.25, 0.5]), "flags": np.array(["border", ""])},
    )
    path = tmp_path / "a.csv"
    write_spheres_csv(path, spheres)
    again = read_spheres_csv(path)
    np.testing.assert_allclose(again.centres, spheres.centres)
    np.testing.assert_allclose(again.radii_nm, spheres.radii_nm)
    assert again.ids.tolist() == [7, 3]
    assert again.measures["p_value"].tolist() == [0.25, 0.5]
    assert again.measures["flags"].tolist() == ["border", ""]


def test_empty_table_round_trip(tmp_path: Path) -> None:
    write_spheres_csv(tmp_path / "a.csv", Spheres.empty())
    assert len(read_spheres_csv(tmp_path / "a.csv")) == 0


def test_hand_made_table(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\ufeffz,y,x,radius_nm\n1,2,3,20\n4,5,6,21\n", encoding="utf-8")
    spheres = read_spheres_csv(path)
    assert spheres.ids.tolist() == [1, 2]
    assert spheres.scores.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column z, y, x, radius_nm"),
        ("id,z,y,x\n1,2,3,4\n", "no column radius_nm"),
        ("z,y,x,radius_nm\n1,2,three,4\n", "column x"),
        ("z,y,x,radius_nm\n1,2\n", "column x"),
        ("id,z,y,x,radius_nm\n1,2,3,4,5\n1,2,3,4,5\n", "share an id"),
    ],
)
def test_bad_tables(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(TableError, match=message):
        read_spheres_csv(path)


def test_bytes_are_no_table(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(TableError):
        read_spheres_csv(path)


@given(
    st.tuples(*[st.floats(-5, 25)] * 3),
    st.floats(1, 30),
    st.tuples(*[st.floats(0.5, 4)] * 3),
)
@settings(max_examples=50, deadline=None)
def test_painted_voxels_are_those_within_the_radius(
    centre: tuple[float, float, float], radius: float, size: tuple[float, float, float]
) -> None:
    grid = Grid((20, 18, 22), size)
    labels = paint_spheres(Spheres(np.array([centre]), np.array([radius])), grid)
    offset = (np.indices(grid.shape).T - np.array(centre)) * np.array(size)
    inside = (np.sqrt((offset**2).sum(axis=3)) <= radius).T
    assert np.array_equal(labels > 0, inside)


def test_small_sphere_stays_whole_and_unknown_radius_is_left_out() -> None:
    spheres = Spheres(
        np.array([[10.0, 10, 10], [10, 10, 14], [3, 3, 3]]), np.array([8.0, 3.0, np.nan])
    )
    labels = paint_spheres(spheres, Grid((20, 20, 20), (1.0, 1.0, 1.0)))
    assert set(np.unique(labels)) == {0, 1, 2}
    assert (labels == 2).sum() == 123
    with pytest.raises(ValueError, match="65535"):
        paint_spheres(
            Spheres(np.zeros((1, 3)), np.ones(1), ids=np.array([70000])),
            Grid((5, 5, 5), (1.0, 1.0, 1.0)),
        )


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
