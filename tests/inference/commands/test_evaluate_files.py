"""`vesimod evaluate` with files that state no voxel size, regions, and the network's map."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from vesimod.cli import app, run_app
from vesimod.io.label_volume import paint_spheres
from vesimod.io.sphere_table import write_spheres_csv
from vesimod.io.tomogram import write_volume
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.model.files import write_mod
from vesimod_imod.model.header import Header, build_mod
from vesimod_imod.model.objects import SCATTERED, ModelObject
from vesimod_imod.sphere_model.write import write_sphere_model

GRID = Grid((40, 60, 80), (2.0, 2.0, 2.0))
TRUTH = Spheres([[20, 20, 20], [20, 40, 40], [12, 20, 60], [28, 44, 64]], [16.0, 20.0, 14.0, 18.0])
FOUND = Spheres([[20, 20, 21], [20, 40, 40], [20, 10, 40]], [16.0, 20.0, 14.0])


def evaluate(capsys, *arguments):
    assert run_app(app, "vesimod", ["evaluate", *map(str, arguments), "--json"]) == 0
    printed = capsys.readouterr()
    return json.loads(printed.out), printed.err


def counts(result):
    return tuple(result[f"{sort}_{sign}s"] for sort, sign in
                 [("true", "positive"), ("false", "positive"), ("false", "negative")])  # fmt: skip


def bare_model(path, radii=(8.0, 10.0, 7.0, 9.0)):
    """Write a model that states no pixel size, as point2model does; radii in pixels."""
    n = len(TRUTH)
    points = (TRUTH.centres[:, ::-1] + [0.5, 0.5, 0.0]).astype(np.float32)
    item = ModelObject(
        "points", SCATTERED, (0.0, 1.0, 0.0), 0, 0, points, np.ones(n, np.int64),
        np.zeros(n, np.int64), np.array(radii, np.float32), np.full(n, np.nan, np.float32),
        ("",) * n,
    )  # fmt: skip
    write_mod(path, build_mod(Header("m", (80, 60, 40), 0xF000), [item], None))
    return path


@pytest.mark.parametrize("kind", ["model", "points", "labels", "labels.gz", "labels.map"])
def test_a_file_without_a_size_against_itself(tmp_path, capsys, kind):
    path = tmp_path / {"labels": "a.mrc", "labels.gz": "a.mrc.gz", "labels.map": "a.map"}.get(
        kind, "a.mod"
    )
    if kind == "model":
        bare_model(path)
    elif kind == "points":
        bare_model(path, (-1.0,) * 4)
    else:
        write_volume(tmp_path / "a.mrc", paint_spheres(TRUTH, GRID), Grid(GRID.shape, (0.1,) * 3))
        raw = (tmp_path / "a.mrc").read_bytes()
        path.write_bytes(gzip.compress(raw) if kind == "labels.gz" else raw)
    result, _ = evaluate(capsys, path, path, "--voxel-size-nm", 2)
    assert counts(result) == (4, 0, 0)
    assert result["mask_dice"] == (None if kind == "points" else pytest.approx(1.0))
    assert result["iou_f1"] == (None if kind == "points" else 1.0)
    assert run_app(app, "vesimod", ["evaluate", str(path), str(path)]) == 2
    assert "--voxel-size-nm" in capsys.readouterr().err


def test_the_size_of_one_file_serves_the_other(tmp_path, capsys):
    write_sphere_model(tmp_path / "a.mod", TRUTH, GRID)
    write_volume(tmp_path / "b.mrc", paint_spheres(TRUTH, GRID), Grid(GRID.shape, (0.1,) * 3))
    for pair in (("a.mod", "b.mrc"), ("b.mrc", "a.mod")):
        result, _ = evaluate(capsys, *(tmp_path / name for name in pair))
        assert counts(result) == (4, 0, 0)
        assert abs(result["radius_bias_nm"]) < 0.3


@pytest.mark.parametrize("name", ["a.mod", "a.mrc"])
def test_angstrom_for_nm_is_refused_whatever_states_the_size(tmp_path, capsys, name):
    write_sphere_model(tmp_path / "a.mod", TRUTH, GRID)
    write_volume(tmp_path / "a.mrc", paint_spheres(TRUTH, GRID), GRID)
    for command in ("evaluate", "corrections"):
        line = [command, *[str(tmp_path / name)] * 2, "--voxel-size-nm"]
        assert run_app(app, "vesimod", [*line, "20"]) == 2
        assert "says 2 nm; 20 Angstrom?" in capsys.readouterr().err
        assert run_app(app, "vesimod", [*line, "3.5"]) == 0
        assert "says 2 nm a voxel; 3.5 nm are taken" in capsys.readouterr().err


def test_radii_follow_the_size_that_is_stated(tmp_path, capsys):
    path = bare_model(tmp_path / "a.mod")
    write_spheres_csv(tmp_path / "a.csv", TRUTH)
    result, _ = evaluate(capsys, path, tmp_path / "a.csv", "--voxel-size-nm", 2)
    assert counts(result) == (4, 0, 0)
    assert result["radius_bias_nm"] == pytest.approx(0.0, abs=1e-3)


def test_labels_of_another_shape_are_refused(tmp_path, capsys):
    write_sphere_model(tmp_path / "a.mod", TRUTH, GRID)
    other = Grid((40, 60, 79), (2.0, 2.0, 2.0))
    write_volume(tmp_path / "a.mrc", paint_spheres(TRUTH, other), other)
    write_volume(tmp_path / "t.mrc", np.zeros(GRID.shape, np.float32), GRID)
    line = ["evaluate", "a.mod", "a.mrc", "--tomogram", "t.mrc"]
    line = [str(tmp_path / part) if "." in part else part for part in line]
    assert run_app(app, "vesimod", line) == 2
    assert "79 x 60 x 40 voxels where the tomogram has 80 x 60 x 40" in capsys.readouterr().err


@pytest.fixture
def scene(tmp_path):
    """Found and true vesicles, and a cytoplasm that ends at x = 50."""
    write_sphere_model(tmp_path / "truth.mod", TRUTH, GRID)
    write_sphere_model(tmp_path / "found.mod", FOUND, GRID)
    write_spheres_csv(tmp_path / "truth.csv", TRUTH)
    write_spheres_csv(tmp_path / "found.csv", FOUND)
    mask = np.zeros(GRID.shape, np.int8)
    mask[:, :, :50] = 1
    write_volume(tmp_path / "cytoplasm.mrc", mask, GRID)
    write_volume(tmp_path / "nothing.mrc", 0 * mask, GRID)
    return tmp_path


@pytest.mark.parametrize("ending", ["mod", "csv"])
def test_only_the_region_counts(scene, capsys, ending):
    files = scene / f"found.{ending}", scene / f"truth.{ending}"
    size = ["--voxel-size-nm", 2] if ending == "csv" else []
    assert counts(evaluate(capsys, *files, *size)[0]) == (2, 1, 2)
    region = ["--region", scene / "cytoplasm.mrc"]
    assert counts(evaluate(capsys, *files, *size, *region)[0]) == (2, 1, 0)
    line = [*map(str, files), "--region", str(scene / "nothing.mrc"), *map(str, size)]
    assert run_app(app, "vesimod", ["evaluate", *line]) == 2
    assert "region is empty" in capsys.readouterr().err


def test_a_pair_at_the_border_of_the_region_counts_by_the_true_one(scene, capsys):
    write_sphere_model(scene / "t.mod", Spheres([[20, 20, 49]], [20.0]), GRID)
    write_sphere_model(scene / "f.mod", Spheres([[20, 20, 51]], [20.0]), GRID)
    region = ["--region", scene / "cytoplasm.mrc"]
    assert counts(evaluate(capsys, scene / "f.mod", scene / "t.mod", *region)[0]) == (1, 0, 0)
    assert counts(evaluate(capsys, scene / "t.mod", scene / "f.mod", *region)[0]) == (0, 0, 0)


def test_the_dice_of_each_stage(scene, capsys):
    """A map that is right, but for a blob that no sphere was made of."""
    truth = paint_spheres(TRUTH, GRID) > 0
    blob = paint_spheres(Spheres([[8, 50, 20]], [10.0]), GRID) > 0
    lost = paint_spheres(TRUTH.select(np.array([2, 3])), GRID) > 0
    write_volume(scene / "map.mrc", (0.7 * (truth | blob)).astype(np.float32), GRID)
    line = [scene / "found.mod", scene / "truth.mod", "--probability", scene / "map.mrc"]
    result, told = evaluate(capsys, *line)
    assert "no record of the threshold" in told
    n, more, less = (int(np.sum(each)) for each in (truth, blob, lost))
    assert result["network_dice"] == pytest.approx(2 * n / (2 * n + more))
    assert result["instances_dice"] == pytest.approx(2 * (n - less) / (2 * n - less))
    found = paint_spheres(FOUND, GRID) > 0
    shared = np.sum(found & truth)
    assert result["spheres_dice"] == pytest.approx(2 * shared / (n + found.sum()))
    result, told = evaluate(capsys, *line, "--threshold", 0.8)
    assert result["network_dice"] == 0.0
    assert told == ""
    result, _ = evaluate(capsys, *line, "--region", scene / "cytoplasm.mrc")
    assert result["instances_dice"] == pytest.approx(1.0)


def test_true_voxels_of_a_label_volume_count_as_they_are(scene, capsys):
    """A cube is no sphere, and the stages are compared voxel by voxel."""
    cube = np.zeros(GRID.shape, np.int16)
    cube[10:26, 12:28, 12:28] = 1
    write_volume(scene / "cube.mrc", cube, GRID)
    write_volume(scene / "map.mrc", cube.astype(np.float32), GRID)
    line = [scene / "found.mod", scene / "cube.mrc", "--probability", scene / "map.mrc"]
    result, _ = evaluate(capsys, *line, "--threshold", 0.5)
    assert result["network_dice"] == result["soft_mask_dice"] == 1.0
    assert result["spheres_dice"] < 0.9


def test_the_threshold_of_the_record(scene, capsys):
    from vesimod.io.provenance import Provenance, write_provenance

    record = Provenance("fast 1", "", "t.mrc", "", {}, {"threshold": 0.25})
    write_provenance(scene / "found.mod", record)
    write_volume(scene / "map.mrc", (0.3 * (paint_spheres(TRUTH, GRID) > 0)).astype("f4"), GRID)
    line = [scene / "found.mod", scene / "truth.mod", "--probability", scene / "map.mrc"]
    assert evaluate(capsys, *line)[0]["network_dice"] == 1.0


def test_field_cases(shared, capsys):
    cases = shared / "field-cases"
    bare, labels, mask = (cases / f"{name}.mrc" for name in ("labels_no_size", "labels", "mask"))
    assert counts(evaluate(capsys, bare, bare, "--voxel-size-nm", 2.2)[0]) == (4, 0, 0)
    assert counts(evaluate(capsys, mask, labels)[0]) == (4, 0, 0)
    pyto = shared / "pyto/labels.mrc"
    result, told = evaluate(capsys, pyto, pyto)
    assert counts(result)[1:] == (0, 0)
    assert "ids 2, 3 are taken for regions" in told
    clicks = shared / "mod/correct111.mod"
    result, _ = evaluate(capsys, clicks, clicks, "--voxel-size-nm", 1)
    assert counts(result)[1:] == (0, 0)
    assert counts(result)[0] > 0
