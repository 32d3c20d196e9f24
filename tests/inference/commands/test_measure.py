"""``vesimod measure`` on a synapse, and on groups of them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from drawn import CLOSED, OPEN, box, draw, line
from vesimod.cli import app, run_app
from vesimod.io.csv_table import read_table
from vesimod.io.tomogram import write_volume
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.read import read_sphere_model
from vesimod_imod.sphere_model.write import write_sphere_model

GRID = Grid((40, 60, 60), (4.0, 4.0, 4.0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_volume(tmp_path / "S1_rec.mrc", np.zeros(GRID.shape, np.int8), GRID)
    draw(tmp_path / "out.mod", GRID, {"outline": (CLOSED, box((2, 37), (2, 52), (2, 57)))})
    draw(tmp_path / "az.mod", GRID, {"active zone": (OPEN, line(range(4, 37, 4), 50, (5, 55)))})
    rng = np.random.default_rng(0)
    lattice = np.stack(np.meshgrid([8, 20, 32], [12, 25, 38], [12, 28, 44], indexing="ij"), -1)
    centres = lattice.reshape(-1, 3) + rng.uniform(-1, 1, (27, 3))
    write_sphere_model(tmp_path / "v.mod", Spheres(centres, rng.normal(20, 2, 27)), GRID)
    write_sphere_model(tmp_path / "none.mod", Spheres.empty(), GRID)
    return tmp_path


def measure(folder: Path, *words: str) -> int:
    paths = [str(folder / w) if w.count(".") == 1 and " " not in w else w for w in words]
    return run_app(app, "vesimod", ["measure", *paths])


SYNAPSE = ("S1_rec.mrc", "v.mod", "--active-zone", "az.mod", "--outline", "out.mod")


def test_a_synapse(folder: Path, capsys) -> None:
    pytest.importorskip("matplotlib", reason="figures need matplotlib")
    words = (
        *SYNAPSE,
        "--picture",
        "s.png",
        "--pool",
        "near: membrane_az_nm < 60",
    )
    assert measure(folder, *words) == 0
    out = capsys.readouterr().out
    assert "per_um2_0_45_nm" in out
    table = read_table(folder / "S1_rec_measured.csv")
    assert len(table.rows) == 27
    assert {"az_nm", "membrane_az_nm", "outline_nm", "pool", "density_um3"} <= set(table.header)
    near = sum(float(row["membrane_az_nm"]) < 60 for row in table.rows)
    assert sum(row["near"] == "1" for row in table.rows) == near > 0
    (summary,) = read_table(folder / "S1_rec_measured_summary.csv").rows
    assert summary["synapse"] == "S1_rec"
    assert int(float(summary["n_near"])) == near
    neighbours = read_table(folder / "S1_rec_measured_neighbours.csv")
    assert float(neighbours.rows[-1]["observed"]) == 1
    assert {"chance_mean", "chance_low", "chance_high"} <= set(neighbours.header)
    model = read_sphere_model(folder / "S1_rec_measured.mod")
    assert model.object_names[0] == "pool 0-45 nm"
    assert len(model.spheres) == 27
    assert (folder / "s.png").read_bytes()[:4] == b"\x89PNG"
    assert measure(folder, *words) == 2  # twice in a row
    assert "--overwrite" in capsys.readouterr().err
    assert measure(folder, *words, "--overwrite", "-q", "--colour", "density_um3") == 0
    assert read_sphere_model(folder / "S1_rec_measured.mod").object_names[0].startswith("density")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("S1_rec.mrc",), "name the vesicles after the tomogram"),
        (("S1_rec.mrc", "none.mod"), "holds no vesicles"),
        (("S1_rec.mrc", "v.mod", "--pool", "near: what < 5"), "no column what"),
        (("S1_rec.mrc", "v.mod", "--colour", "what"), "no column 'what'"),
        (("S1_rec.mrc", "v.mod", "--pool-edges", "0,a"), "numbers in nm with commas"),
        (("S1_rec.mrc", "v.mod", "--outline", "az.mod"), "the outline is open"),
        (("S1_rec.mrc", "v.mod", "-o", "v.mod", "--overwrite"), "named twice"),
        (("S1_rec.mrc", "v.mod", "--groups", "az.mod"), "is measured already"),
        (("S1_rec.mrc", "--groups", "az.mod"), "is no folder"),
    ],
)
def test_bad_input_is_one_line(folder: Path, capsys, words, message: str) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert measure(folder, *words) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if "ERROR" in line]
    assert len(errors) == 1
    assert message in errors[0]
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.fixture
def measured(folder: Path) -> Path:
    """Six synapses, of which three have vesicles 5 nm larger."""
    (folder / "all").mkdir()
    rng = np.random.default_rng(1)
    for k in range(6):
        name = f"S{k}"
        centres = rng.uniform([5, 10, 10], [35, 45, 50], (12, 3))
        radii = rng.normal(20 + 5 * (k >= 3), 1, 12)
        write_volume(folder / f"{name}.mrc", np.zeros(GRID.shape, np.int8), GRID)
        write_sphere_model(folder / f"{name}.mod", Spheres(centres, radii), GRID)
        table = folder / "all" / f"{name}_measured.csv"
        words = [str(folder / f"{name}.mrc"), str(folder / f"{name}.mod"), "-o", str(table), "-q"]
        assert run_app(app, "vesimod", ["measure", *words]) == 0
    rows = "".join(f"S{k},{'wild type' if k < 3 else 'mutant'}\n" for k in range(6))
    (folder / "groups.csv").write_text(f"synapse,group\n{rows}")
    return folder


def test_groups(measured: Path, capsys) -> None:
    pytest.importorskip("matplotlib", reason="figures need matplotlib")
    words = ["measure", str(measured / "all"), "--groups", str(measured / "groups.csv")]
    assert run_app(app, "vesimod", words) == 0
    captured = capsys.readouterr()
    assert "group 'mutant' has 3 synapses" in captured.err
    assert "mutant (3) - wild type (3)" in captured.out
    assert len(read_table(measured / "all" / "vesicles.csv").rows) == 72
    synapses = read_table(measured / "all" / "synapses.csv")
    assert [row["group"] for row in synapses.rows] == ["wild type"] * 3 + ["mutant"] * 3
    effects = {row["measure"]: row for row in read_table(measured / "all" / "effects.csv").rows}
    radius = effects["radius_mean_nm"]
    assert float(radius["difference"]) == pytest.approx(5, abs=1)
    assert 3 < float(radius["difference_low"]) < 5 < float(radius["difference_high"]) < 7
    assert radius["n_group"] == "3"  # synapses, not vesicles
    assert (measured / "all" / "groups.png").exists()
    assert run_app(app, "vesimod", words) == 2  # twice in a row
    assert "--overwrite" in capsys.readouterr().err


def test_without_matplotlib_groups_have_tables_and_that_is_said(
    measured: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    words = ["measure", str(measured / "all"), "--groups", str(measured / "groups.csv"), "-q"]
    assert run_app(app, "vesimod", words) == 0
    assert 'pip install "vesimod[figures]"' in capsys.readouterr().err
    assert (measured / "all" / "effects.csv").exists()
    assert not (measured / "all" / "groups.png").exists()


def test_groups_of_synapses_each_in_its_folder(measured: Path, capsys) -> None:
    """As `vesimod synapse` leaves them."""
    pytest.importorskip("matplotlib", reason="figures need matplotlib")
    whole = measured / "all"
    for k in range(6):
        (whole / f"S{k}_synapse").mkdir()
        for file in whole.glob(f"S{k}_measured*"):
            file.rename(whole / f"S{k}_synapse" / file.name)
    words = ["measure", str(whole), "--groups", str(measured / "groups.csv"), "-q"]
    assert run_app(app, "vesimod", words) == 0
    assert len(read_table(whole / "synapses.csv").rows) == 6
    copy = whole / "S0_measured.csv"
    copy.write_bytes((whole / "S0_synapse" / copy.name).read_bytes())
    assert run_app(app, "vesimod", [*words, "--overwrite"]) == 2
    assert "is of the same name" in capsys.readouterr().err


def test_groups_that_do_not_fit(measured: Path, capsys) -> None:
    groups = measured / "groups.csv"
    for text, message in (
        ("synapse,group\nS0,a\nS9,b\n", "S9_measured.csv: no such file"),
        ("synapse,group\nS0,a\nS1,a\n", "nothing to compare"),
        ("synapse,group\nS0,a\nS0,b\n", "line 3: each synapse stands there once"),
        ("synapse,kind\nS0,a\n", "no column group"),
    ):
        groups.write_text(text)
        words = ["measure", str(measured / "all"), "--groups", str(groups)]
        assert run_app(app, "vesimod", words) == 2
        assert message in capsys.readouterr().err
        assert not (measured / "all" / "effects.csv").exists()
