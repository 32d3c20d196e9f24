"""``vesimod convert`` from a model to every form and back."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from vesimod.cli import app, run_app
from vesimod.handoff.formats import READERS, WRITERS
from vesimod.io.read_spheres import read_spheres
from vesimod.io.tomogram import write_volume
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.write import write_sphere_model

GRID = Grid((20, 40, 60), (2.0, 2.0, 2.0))
SPHERES = Spheres([[10, 20, 20], [11, 20.5, 45]], [16.0, 14.0], [0.9, 0.5], [4, 7])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_volume(tmp_path / "TS_01_rec.mrc", np.zeros(GRID.shape, np.float32), GRID)
    write_sphere_model(tmp_path / "v.mod", SPHERES, GRID)
    return tmp_path


def convert(folder: Path, *words: str) -> int:
    paths = [str(folder / w) if "." in w and not w.startswith("-") else w for w in words]
    return run_app(app, "vesimod", ["convert", *paths])


@pytest.mark.parametrize("ending", [e for e in WRITERS if e != ".zarr"])
def test_there_and_back(folder: Path, ending: str, capsys) -> None:
    assert convert(folder, "v.mod", f"x{ending}") == 0
    assert "wrote 2 vesicles" in capsys.readouterr().out
    assert convert(folder, f"x{ending}", "back.mod", "--tomogram", "TS_01_rec.mrc") == 0
    back = read_spheres(folder / "back.mod").spheres
    np.testing.assert_allclose(
        back.centres, SPHERES.centres, atol=0.3 if ending == ".mrc" else 0.01
    )
    assert convert(folder, "v.mod", f"x{ending}") == 2  # twice in a row
    assert "--overwrite" in capsys.readouterr().err
    assert convert(folder, "v.mod", f"x{ending}", "--overwrite", "-q") == 0
    assert not capsys.readouterr().out


def test_forms_without_radii_say_so_and_can_be_given_one(folder: Path, capsys) -> None:
    assert convert(folder, "v.mod", "x.tbl") == 0
    assert "no place for radii" in capsys.readouterr().out
    assert convert(folder, "x.tbl", "bare.csv", "--tomogram", "TS_01_rec.mrc", "-q") == 0
    assert "x.tbl: 2 vesicles have no radius; --radius-nm" in capsys.readouterr().err
    line = ("x.tbl", "back.csv", "--tomogram", "TS_01_rec.mrc", "--radius-nm", "20")
    assert convert(folder, *line) == 0
    assert read_spheres(folder / "back.csv").spheres.radii_nm.tolist() == [20.0, 20.0]


def test_the_form_can_be_named(folder: Path) -> None:
    assert (
        run_app(
            app,
            "vesimod",
            [
                "convert",
                str(folder / "v.mod"),
                str(folder / "p.star"),
                "--to",
                "relion4.star",
                "--name",
                "TS_9",
                "--tilt-pixel-nm",
                "0.5",
            ],
        )
        == 0
    )
    text = (folder / "p.star").read_text()
    assert "_rlnCoordinateX" in text
    assert "TS_9\t80.0000\t80.0000\t40.0000" in text


@pytest.mark.parametrize("ending", [e for e in READERS if e != ".dat"])
def test_points_alone_do_not_state_their_volume(folder: Path, ending: str, capsys) -> None:
    assert convert(folder, "v.mod", f"x{ending}") == 0
    assert convert(folder, f"x{ending}", "back.mod") == 2
    assert "give --tomogram" in capsys.readouterr().err
    assert not (folder / "back.mod").exists()


def test_a_folder_says_what_to_name_in_it(folder: Path, capsys) -> None:
    given = ["v.mod", "p.pyto", "--tomogram", "TS_01_rec.mrc"]
    assert convert(folder, *given) == 0
    for named in ("p.pyto", "p.pyto/"):  # twice, as people name folders
        assert convert(folder, named, "back.mod") == 2
        assert f"p.pyto: is a folder; name a file in it: {folder / 'p.pyto' / 'labels.mrc'}" in (
            capsys.readouterr().err
        )
    assert convert(folder, "p.pyto/labels.mrc", "back.mod") == 0
    (folder / "d.empty").mkdir()
    assert convert(folder, "d.empty", "x.mod") == 2
    assert "is a folder; it holds no model, table or labels" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="no such names there")
@pytest.mark.parametrize("ending", [".cmm", ".star", ".ndjson", ".json", ".nm.csv"])
def test_control_letters_of_a_name_do_not_reach_the_file(folder: Path, ending: str) -> None:
    odd = "a\x1b[31m\nb.mod"
    (folder / "v.mod").rename(folder / odd)
    assert convert(folder, odd, f"x{ending}") == 0
    content = (folder / f"x{ending}").read_bytes()
    assert b"\x1b" not in content
    assert convert(folder, f"x{ending}", "back.mod", "--tomogram", "TS_01_rec.mrc") == 0
