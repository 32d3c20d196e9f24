"""`vesimod snap` from the outside: what happens to clicks, to spheres and to files."""

from __future__ import annotations

import numpy as np
import pytest
from command_line import vesimod
from painted import image, paint
from vesimod.io.tomogram import write_volume
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.read import read_sphere_model
from vesimod_imod.sphere_model.write import write_sphere_model

GRID = Grid((50, 80, 80), (2.2, 2.2, 2.2), origin_nm=(5.0, -20.0, 10.0))
CENTRES = np.array([[25.2, 22.4, 24.1], [24.0, 55.5, 22.2], [26.0, 40.3, 58.9]])
RADII_NM = np.array([20.0, 24.0, 18.0])
NOTHING = np.array([25.0, 12.0, 70.0])


@pytest.fixture
def tomogram(tmp_path):
    path = tmp_path / "TS_01_rec.mrc"
    density = paint(GRID.shape, GRID.voxel_size_nm, CENTRES, RADII_NM)
    write_volume(path, image(density, GRID.voxel_size_nm, snr=0.2), GRID)
    return path


@pytest.fixture
def clicks(tmp_path):
    """Two clicks, one sphere that a person sized (wrongly), one click on nothing."""
    points = np.vstack([CENTRES + np.array([1.0, -1.5, 1.0]), NOTHING])
    radii = np.array([np.nan, 30.0, np.nan, np.nan])
    path = tmp_path / "clicks.mod"
    write_sphere_model(path, Spheres(points, radii), GRID)
    return path


def objects(path):
    reading = read_sphere_model(path, GRID)
    return [reading.spheres.select(reading.object_number == number) for number in (1, 2)]


def test_clicks_become_spheres_and_sized_spheres_stay(tomogram, clicks, capsys):
    output = tomogram.with_name("out.mod")
    assert vesimod("snap", tomogram, clicks, "-o", output) == 0
    spheres, lost = objects(output)
    assert spheres.ids.tolist() == [1, 2, 3]
    np.testing.assert_allclose(spheres.radii_nm, [20.0, 30.0, 18.0], atol=0.8)
    np.testing.assert_allclose(spheres.centres[[0, 2]], CENTRES[[0, 2]], atol=0.4)
    np.testing.assert_allclose(
        spheres.centres[1], CENTRES[1] + np.array([1.0, -1.5, 1.0]), atol=1e-4
    )
    assert lost.ids.tolist() == [4]
    np.testing.assert_allclose(lost.centres, [NOTHING], atol=1e-4)
    printed = capsys.readouterr().out
    assert "point at x 71, y 13, z 26: no membrane" in printed
    assert "2 of 3 clicks became spheres; 1 spheres kept as they were" in printed


def test_all_fits_sized_spheres_too(tomogram, clicks):
    assert vesimod("snap", tomogram, clicks, "--all", "--quiet") == 0
    spheres, _ = objects(clicks.with_name("clicks_snapped.mod"))
    np.testing.assert_allclose(spheres.radii_nm, RADII_NM, atol=0.8)


def test_all_never_loses_a_sphere(tomogram):
    model = tomogram.with_name("sized.mod")
    write_sphere_model(model, Spheres(NOTHING[None], np.array([22.0])), GRID)
    assert vesimod("snap", tomogram, model, "--all", "--quiet") == 0
    spheres, lost = objects(model.with_name("sized_snapped.mod"))
    np.testing.assert_allclose(spheres.radii_nm, [22.0], atol=1e-3)
    assert len(lost) == 0


def test_an_existing_model_is_kept(tomogram, clicks, capsys):
    before = clicks.read_bytes()
    assert vesimod("snap", tomogram, clicks, "-o", clicks) == 2
    output = tomogram.with_name("out.mod")
    output.write_bytes(b"mine")
    assert vesimod("snap", tomogram, clicks, "-o", output) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (clicks.read_bytes(), output.read_bytes()) == (before, b"mine")


def test_a_model_without_points(tomogram, capsys):
    model = tomogram.with_name("empty.mod")
    write_sphere_model(model, Spheres.empty(), GRID)
    assert vesimod("snap", tomogram, model) == 2
    assert "holds no clicks and no spheres; click on" in capsys.readouterr().err
