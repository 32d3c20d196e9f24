"""``vesimod outline``: what a network proposes, what a person made of it, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import vesimod
from vesimod.cli import PROGRAM, app, run_app
from vesimod.io.read_spheres import read_spheres
from vesimod.io.region import read_region
from vesimod.io.tomogram import read_tomogram, read_volume, write_volume
from vesimod_imod.contour_model.read import read_drawings
from vesimod_imod.contour_model.write import write_drawings
from vesimod_imod.core.spheres import Grid

DEMO = Path(vesimod.__file__).parent / "demo"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the demo's synapse and what is proposed for it."""
    folder = tmp_path_factory.mktemp("outline")
    for file in DEMO.glob("synapse*"):
        shutil.copy(file, folder)
    assert run(folder / "synapse.mrc", "--labels", folder / "labels.mrc") == 0
    return folder


def run(*arguments: object) -> int:
    return run_app(app, PROGRAM, ["outline", *map(str, arguments)])


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert run(*arguments) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("ERROR: vesimod - ")
    return last


def test_the_outline_holds_the_vesicles_and_the_zone_lies_on_the_true_one(proposed: Path) -> None:
    tomogram = read_tomogram(proposed / "synapse.mrc")
    inside = read_region(proposed / "synapse_outline.mod", tomogram.grid)[0]
    truth = read_spheres(proposed / "synapse_truth.csv", tomogram.grid).spheres
    at = tuple(np.rint(truth.centres).astype(int).T)
    assert inside[at].mean() > 0.97
    assert 0.2 < inside.mean() < 0.9
    (outline, zone), _ = read_drawings(proposed / "synapse_outline.mod", tomogram.grid)
    assert (outline.name, outline.closed) == ("outline", True)
    assert (zone.name, zone.closed) == ("active zone", False)
    (true_zone,), _ = read_drawings(proposed / "synapse_truth_az.mod", tomogram.grid)
    true_points = np.concatenate(true_zone.contours)[::3]
    points = np.concatenate(zone.contours)[::20]
    away = np.linalg.norm(points[:, None] - true_points, axis=2).min(axis=1)
    assert np.median(away) * tomogram.grid.voxel_size_nm[0] < 4.0
    assert set(np.unique(read_volume(proposed / "labels.mrc").voxels)) == {0, 1, 2}


def test_what_a_person_changed_is_kept(proposed: Path) -> None:
    grid = read_tomogram(proposed / "synapse.mrc").grid
    mine = proposed / "mine.mod"
    assert run(proposed / "synapse.mrc", "-o", mine, "-q") == 0
    drawings, _ = read_drawings(mine, grid)
    outline = drawings[0]
    moved = outline.contours[20].copy()
    moved[:30, 1:] += 1.5
    changed = [*outline.contours[:20], moved, *outline.contours[21:]]
    edited = type(outline)(outline.name, True, tuple(changed), colour=outline.colour)
    write_drawings(mine, [edited, *drawings[1:]], grid, overwrite=True)
    assert run(proposed / "synapse.mrc", "-o", mine, "--overwrite", "-q") == 0
    (again, *_), _ = read_drawings(mine, grid)
    assert any(np.allclose(c, moved, atol=1e-3) for c in again.contours if c.shape == moved.shape)


def test_where_no_cell_is_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0).normal(size=(32, 96, 96)).astype(np.float32)
    write_volume(tmp_path / "noise.mrc", noise, Grid(noise.shape, (2.2,) * 3))
    assert "vesimod membrane" in refused(capsys, tmp_path / "noise.mrc")
    assert [path.name for path in tmp_path.iterdir()] == ["noise.mrc"]


def test_networks_that_tell_no_membranes_and_files_that_exist_are_refused(
    proposed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (proposed / "synapse_outline.mod").read_bytes()
    assert "--overwrite" in refused(capsys, proposed / "synapse.mrc")
    said = refused(capsys, proposed / "synapse.mrc", "-o", proposed / "x.mod", "--model", "fast")
    assert "not membrane, cytoplasm; --model outline tells membranes" in said
    assert not (proposed / "x.mod").exists()
    assert (proposed / "synapse_outline.mod").read_bytes() == before
