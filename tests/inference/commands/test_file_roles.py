"""Every command that writes refuses to write over what it reads; nothing is touched then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from vesimod.cli import app, run_app
from vesimod.io.sphere_table import write_spheres_csv
from vesimod.io.tomogram import write_volume
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.write import write_sphere_model

GRID = Grid((20, 40, 40), (2.0, 2.0, 2.0))
SPHERES = Spheres([[10, 20, 20]], [16.0])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_volume(tmp_path / "t.mrc", np.zeros(GRID.shape, np.float32), GRID)
    write_sphere_model(tmp_path / "p.mod", SPHERES, GRID)
    write_sphere_model(tmp_path / "c.mod", SPHERES, GRID)
    write_spheres_csv(tmp_path / "s.csv", SPHERES)
    assert run_app(app, "vesimod", ["corrections", *paths(tmp_path, "p.mod c.mod -o k.csv")]) == 0
    (tmp_path / "link.mod").symlink_to(tmp_path / "c.mod")
    monkeypatch.setenv("PATH", "")  # no 3dmod
    return tmp_path


def paths(folder: Path, line: str) -> list[str]:
    return [str(folder / word) if "." in word else word for word in line.split()]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("corrections p.mod c.mod -o c.mod --overwrite", "named twice"),
        ("corrections p.mod c.mod -o link.mod --overwrite", "are the same file"),
        ("corrections p.mod c.mod -o C.MOD", "are the same file"),
        ("corrections p.mod c.mod --tomogram t.mrc -o t.mrc --overwrite", "named twice"),
        ("corrections p.mod c.mod -o p.mod.json", "are for the records"),
        ("merge k.csv p.mod -o k.csv --overwrite", "named twice"),
        ("merge k.csv p.mod -o p.mod~", "are for the records"),
        ("merge k.csv p.mod --tomogram t.mrc -o t.mrc --overwrite", "named twice"),
        ("evaluate p.mod c.mod --picture c.mod --overwrite", "named twice"),
        ("model copy p.mod p.mod --overwrite", "named twice"),
        ("snap t.mrc p.mod -o p.mod --overwrite", "named twice"),
        ("connect t.mrc p.mod -o p.mod --overwrite", "named twice"),
        ("convert p.mod p.mod --overwrite", "named twice"),
        ("convert p.mod t.mrc --tomogram t.mrc --overwrite", "named twice"),
        ("convert p.mod c.cmm~", "name one of these endings"),
        ("segment t.mrc -o j.mod --table j.mod.json", "are for the records"),
        ("segment t.mrc -o j.mod --table j.mod", "named twice"),
        ("segment t.mrc -o j.mod --region p.mod --dropped p.mod --overwrite", "named twice"),
        ("membrane t.mrc p.mod -o p.mod --overwrite", "named twice"),
        ("membrane t.mrc p.mod -o j.mod --labels t.mrc --overwrite", "named twice"),
        ("membrane t.mrc p.mod -o j.mod --labels j.mod.json", "are for the records"),
        ("watch t.mrc t.mrc", "named twice"),
        ("watch t.mrc p.mod~", "are for the records"),
    ],
)
def test_files_differ(folder: Path, capsys, line: str, message: str) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert run_app(app, "vesimod", paths(folder, line)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
