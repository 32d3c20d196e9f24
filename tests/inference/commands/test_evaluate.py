"""`vesimod evaluate` from the outside."""

from __future__ import annotations

import json

import numpy as np
import pytest
from command_line import vesimod
from vesimod.commands.evaluation_table import ROWS
from vesimod.io.label_volume import paint_spheres
from vesimod.io.sphere_table import write_spheres_csv
from vesimod.io.tomogram import write_volume
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.write import write_sphere_model

GRID = Grid((40, 60, 60), (2.0, 2.0, 2.0))
TRUTH = Spheres(np.array([[20.0, 20, 20], [20, 40, 40]]), np.array([20.0, 16.0]))
FOUND = Spheres(
    np.array([[20.0, 20, 21], [5, 5, 50]]), np.array([19.0, 10.0]), np.array([0.9, 0.4])
)


@pytest.fixture
def files(tmp_path):
    write_sphere_model(tmp_path / "truth.mod", TRUTH, GRID)
    write_sphere_model(tmp_path / "found.mod", FOUND, GRID)
    write_spheres_csv(tmp_path / "truth.csv", TRUTH)
    write_spheres_csv(tmp_path / "found.csv", FOUND)
    write_volume(tmp_path / "truth.mrc", paint_spheres(TRUTH, GRID), GRID)
    write_volume(tmp_path / "found.mrc", paint_spheres(FOUND, GRID), GRID)
    return tmp_path


@pytest.mark.parametrize("found", ["found.mod", "found.csv", "found.mrc"])
@pytest.mark.parametrize("truth", ["truth.mod", "truth.csv", "truth.mrc"])
def test_every_kind_of_file(files, found, truth, capsys):
    options = ["--voxel-size-nm", 2] if found == "found.csv" and truth == "truth.csv" else []
    assert vesimod("evaluate", files / found, files / truth, "--json", *options) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["true_positives"], result["false_positives"]) == (1, 1)
    assert result["f1"] == pytest.approx(0.5)
    assert result["centre_error_nm_mean"] == pytest.approx(2.0, abs=0.05)
    assert result["radius_bias_nm"] == pytest.approx(-1.0, abs=0.25)


def test_table(files, capsys):
    assert vesimod("evaluate", files / "found.mod", files / "truth.mod") == 0
    printed = capsys.readouterr().out
    assert "| F1 | 0.500 |" in printed
    assert "| radius bias, found - true (nm) | -1.00 |" in printed


def test_what_is_not_known_has_no_row(files, capsys):
    write_sphere_model(files / "none.mod", Spheres.empty(), GRID)
    write_volume(files / "map.mrc", np.full(GRID.shape, 0.5, np.float32), GRID)

    def rows(found, *options):
        assert vesimod("evaluate", files / found, files / "truth.mod", *options) == 0
        lines = capsys.readouterr().out.splitlines()[2:]
        cells = dict(line.strip("| ").split(" | ") for line in lines)
        assert all(np.isfinite(float(value)) for value in cells.values())
        return cells.keys()

    all_titles = {title for title, _, _ in ROWS}
    of_map = rows("found.mod", "--probability", files / "map.mrc", "--threshold", "0.4")
    assert of_map == all_titles
    stages = {title for title in all_titles if title.startswith("Dice of ")} | {"mask Dice, soft"}
    assert rows("found.mod") == all_titles - stages
    nothing = rows("none.mod")
    assert {"false negatives", "recall", "F1"} <= nothing
    assert not {"precision", "centre error, mean (nm)"} & nothing


def test_soft_dice_of_a_map(files, capsys):
    inside = paint_spheres(TRUTH, GRID) > 0
    write_volume(files / "map.mrc", (0.5 * inside).astype(np.float32), GRID)
    arguments = ("evaluate", files / "found.mod", files / "truth.mod", "--probability")
    assert vesimod(*arguments, files / "map.mrc", "--json") == 0
    # 2 * 0.5 n / (0.5 n + n) for n voxels inside.
    assert json.loads(capsys.readouterr().out)["soft_mask_dice"] == pytest.approx(2 / 3, abs=1e-3)
    assert vesimod(*arguments, files / "truth.mrc") == 2
    assert "a probability map holds floating point numbers" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:Data array contains NaN")
@pytest.mark.parametrize("value", [np.nan, 7.0, -3.0])
def test_a_map_that_is_none_is_refused(files, capsys, value: float):
    write_volume(files / "map.mrc", np.full(GRID.shape, value, np.float32), GRID)
    line = ("evaluate", files / "found.mod", files / "truth.mod", "--probability")
    assert vesimod(*line, files / "map.mrc", "--threshold", 0.5) == 2
    assert "a probability map from 0 to 1" in capsys.readouterr().err


def test_a_threshold_that_is_none_is_refused(files, capsys):
    write_volume(files / "map.mrc", np.zeros(GRID.shape, np.float32), GRID)
    line = ("evaluate", files / "found.mod", files / "truth.mod", "--probability")
    assert vesimod(*line, files / "map.mrc", "--threshold", 5) == 2
    assert "--threshold 5: must lie between 0 and 1" in capsys.readouterr().err


@pytest.mark.slow
def test_picture(files):
    pytest.importorskip("matplotlib")
    picture = files / "errors.png"
    arguments = ("evaluate", files / "found.mod", files / "truth.mod", "--picture", picture)
    assert vesimod(*arguments) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert vesimod(*arguments) == 2
    assert vesimod(*arguments, "--overwrite") == 0


def test_nothing_found(files, capsys):
    write_sphere_model(files / "none.mod", Spheres.empty(), GRID)
    assert vesimod("evaluate", files / "none.mod", files / "truth.mod", "--json") == 0
    assert json.loads(capsys.readouterr().out)["precision"] is None


@pytest.mark.parametrize(
    ("found", "truth", "message"),
    [
        ("found.csv", "truth.csv", "--voxel-size-nm"),
        ("found.txt", "truth.mod", "found.txt"),
        ("absent.mod", "truth.mod", "absent.mod"),
    ],
)
def test_refusals(files, found, truth, message, capsys):
    assert vesimod("evaluate", files / found, files / truth) == 2
    assert message in capsys.readouterr().err
