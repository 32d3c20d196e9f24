"""``vesimod synapse``: everything from one command, on a small painted synapse."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from drawn import CLOSED, OPEN, box, draw, line
from vesimod.cli import app, run_app
from vesimod.connectors.result import NOT_ABSOLUTE
from vesimod.io.csv_table import read_table
from vesimod.io.tomogram import write_volume
from vesimod.membranes.surface import read_surface
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.write import write_sphere_model

GRID = Grid((24, 60, 60), (3.0, 3.0, 3.0))
# Two vesicles side by side, the first of which a rod joins to the active zone at y = 52.
SPHERES = Spheres([[12, 38, 20], [12, 38, 38]], [21.0, 21.0])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    voxels = rng.normal(0, 1, GRID.shape)
    voxels[11:14, 44:52, 19:22] = -12  # a tether
    voxels[11:14, 37:40, 26:33] = -12  # a connector
    write_volume(tmp_path / "s.mrc", voxels.astype(np.float32), GRID)
    write_sphere_model(tmp_path / "v.mod", SPHERES, GRID)
    draw(tmp_path / "out.mod", GRID, {"outline": (CLOSED, box((1, 12, 22), (2, 54), (2, 57)))})
    draw(tmp_path / "az.mod", GRID, {"active zone": (OPEN, line(range(2, 23, 4), 53, (5, 55)))})
    return tmp_path


def run(folder: Path, *words: str) -> int:
    given = ["--active-zone", str(folder / "az.mod"), "--outline", str(folder / "out.mod")]
    return run_app(app, "vesimod", ["synapse", str(folder / "s.mrc"), *given, *words])


def test_all_in_one(folder: Path, capsys) -> None:
    pytest.importorskip("matplotlib", reason="figures need matplotlib")
    words = ("--vesicles", str(folder / "v.mod"), "--exact", "--pool", "near: membrane_az_nm < 40")
    assert run(folder, *words) == 0
    made = folder / "s_synapse"
    assert (made / "s_synapse.png").read_bytes()[:4] == b"\x89PNG"
    assert (made / "s_connectors.mod").exists()
    rows = read_table(made / "s_measured.csv").rows
    assert [int(row["tethers"]) > 0 for row in rows] == [True, False]
    assert [row["connectors"] for row in rows] == ["1", "1"]
    assert [row["linked_ids"] for row in rows] == ["2", "1"]
    assert [row["near"] for row in rows] == ["1", "1"]
    (numbers,) = read_table(made / "s_measured_summary.csv").rows
    assert float(numbers["untethered"]) == 0.5
    assert NOT_ABSOLUTE in capsys.readouterr().out
    before = {path: path.read_bytes() for path in made.iterdir()}
    assert run(folder, *words) == 2  # twice in a row
    assert "--overwrite" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in made.iterdir()} == before
    assert run(folder, *words, "--overwrite", "-q") == 0
    assert not capsys.readouterr().out


def test_without_matplotlib_there_is_all_but_the_figure_and_that_is_said(
    folder: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run(folder, "--vesicles", str(folder / "v.mod"), "--exact", "-q") == 0
    (warning,) = (each for each in capsys.readouterr().err.splitlines() if "figure" in each)
    assert warning.startswith("WARNING: vesimod - no figure is drawn: matplotlib is not installed")
    assert 'pip install "vesimod[figures]"' in warning
    made = folder / "s_synapse"
    assert (made / "s_measured.csv").exists()
    assert not list(made.glob("*.png"))


def test_vesicles_are_found_or_that_is_said(folder: Path, capsys) -> None:
    assert run(folder, "--exact", "-q") == 2  # there are none that a network could see
    assert "no vesicle was found" in capsys.readouterr().err


def test_a_model_of_both_membranes_is_read_without_a_warning(folder: Path, capsys) -> None:
    both = {
        "outline": (CLOSED, box((1, 12, 22), (2, 54), (2, 57))),
        "Active  Zone": (OPEN, line(range(2, 23, 4), 53, (5, 55))),
    }
    draw(folder / "both.mod", GRID, both)
    words = ["--vesicles", str(folder / "v.mod"), "--exact"]
    for flag in ("--active-zone", "--outline"):
        words += [flag, str(folder / "both.mod")]
    assert run(folder, *words) == 0
    assert "left out" not in capsys.readouterr().err


def test_doubts_name_each_file_once_and_the_options_of_this_command(folder: Path, capsys) -> None:
    draw(folder / "one.mod", GRID, {"active zone": (OPEN, line((10,), 53, (5, 55)))})
    words = ["synapse", str(folder / "s.mrc"), "--vesicles", str(folder / "v.mod")]
    run_app(app, "vesimod", [*words, "--active-zone", str(folder / "one.mod")])
    told = capsys.readouterr().err
    (about,) = (each for each in told.splitlines() if "drawn on one section only" in each)
    assert about.count("one.mod") == 1
    assert "no --outline: connectors were sought everywhere" in told
    assert "--region" not in told


def test_bad_input_costs_nothing(folder: Path, capsys) -> None:
    draw(folder / "open.mod", GRID, {"outline": (OPEN, box((2, 20), (2, 50), (2, 50)))})
    assert run(folder, "--outline", str(folder / "open.mod")) == 2
    assert "the outline is open" in capsys.readouterr().err
    write_sphere_model(folder / "none.mod", Spheres.empty(), GRID)
    assert run(folder, "--vesicles", str(folder / "none.mod")) == 2
    assert "holds no vesicles" in capsys.readouterr().err
    for pool, message in (("x<5", "write a name"), ("x: pool < 5", "compares a text")):
        assert run(folder, "--vesicles", str(folder / "v.mod"), "--pool", pool) == 2
        assert message in capsys.readouterr().err
    assert not (folder / "s_synapse").exists()


def test_membranes_are_traced_along_guides(folder: Path, capsys) -> None:
    voxels = np.random.default_rng(0).normal(0, 1, GRID.shape)
    voxels[:, 54:56] -= 10  # the membrane, 2 voxels from the guide
    write_volume(folder / "m.mrc", voxels.astype(np.float32), GRID)
    words = ["synapse", str(folder / "m.mrc"), "--active-zone", str(folder / "az.mod")]
    assert run_app(app, "vesimod", [*words, "--vesicles", str(folder / "v.mod"), "-q"]) == 0
    traced = read_surface(folder / "m_synapse" / "m_az.mod", GRID)
    assert np.median(traced.vertices[:, 1]) == pytest.approx(54.5, abs=0.7)
    rows = read_table(folder / "m_synapse" / "m_measured.csv").rows
    assert float(rows[0]["az_nm"]) == pytest.approx(16.5 * 3, abs=3)
    assert "no outline" in capsys.readouterr().err
