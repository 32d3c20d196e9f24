"""Pyto's folder of tomogram, labels and parameters, and its table of vesicles."""

from __future__ import annotations

import errno
import runpy
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from drawn import CLOSED, OPEN, box, draw, line, ring
from vesimod.cli import app, run_app
from vesimod.handoff import pyto
from vesimod.handoff.frame import Frame, HandoffError
from vesimod.handoff.pyto import PytoInput, read_pyto, write_pyto
from vesimod.io.read_spheres import read_spheres
from vesimod.io.tomogram import read_tomogram, write_volume
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.write import write_sphere_model

GRID = Grid((40, 60, 80), (2.0, 2.0, 2.0))
TOUCHING = Spheres([[20, 30, 30], [20, 30, 46]], [16.0, 16.0])
REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "pyto"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    write_volume(tmp_path / "t.mrc", rng.normal(size=GRID.shape).astype(np.float16), GRID)
    write_sphere_model(tmp_path / "v.mod", TOUCHING, GRID)
    inside = box((3, 20, 37), (2, 57), (2, 77))
    draw(tmp_path / "outline.mod", GRID, {"outline": (CLOSED, inside)})
    zone = line((5, 20, 35), 50, (5, 75))
    draw(tmp_path / "az.mod", GRID, {"active zone": (OPEN, zone)})
    return tmp_path


def run(command: str, folder: Path) -> int:
    words = [str(folder / w) if "." in w and not w.startswith(".") else w for w in command.split()]
    return run_app(app, "vesimod", words)


WHOLE = "convert v.mod out.pyto --tomogram t.mrc --outline outline.mod --active-zone az.mod"


def test_a_folder_for_pyto(folder: Path, capsys) -> None:
    assert run(WHOLE, folder) == 0
    out = folder / "out.pyto"
    with mrcfile.open(out / "labels.mrc") as labels, mrcfile.open(out / "tomo.mrc") as image:
        assert labels.header.mode == 6
        assert image.header.mode == 2  # half floats are not read there
        assert labels.voxel_size.x == image.voxel_size.x == pytest.approx(20.0)
        voxels = labels.data.copy()
    assert np.unique(voxels).tolist() == [0, 1, 2, 10, 11]
    assert voxels[20, 30, 37] == 10  # touching vesicles stay apart
    assert voxels[20, 30, 39] == 11
    assert voxels[20, 50, 40] == 2
    assert voxels[0, 30, 40] == 0
    parameters = runpy.run_path(str(out / "tomo_info.py"))
    assert parameters["vesicle_ids"] == [10, 11]
    assert parameters["boundary_ids"] == [2, 10, 11]
    assert (parameters["segmentation_region"], parameters["distance_id"]) == (1, 2)
    back = read_spheres(out / "labels.mrc").spheres
    np.testing.assert_allclose(back.radii_nm, 16.0, atol=0.5)
    assert run(WHOLE, folder) == 2  # twice in a row
    assert "exists already; --overwrite" in capsys.readouterr().err
    assert run(f"{WHOLE} --overwrite", folder) == 0
    assert sorted(p.name for p in out.iterdir()) == ["labels.mrc", "tomo.mrc", "tomo_info.py"]


@pytest.mark.parametrize(("dtype", "mode"), [("i1", 1), ("i2", 1), ("u2", 6), ("f2", 2), ("f4", 2)])
def test_modes_that_pyto_reads(tmp_path: Path, dtype: str, mode: int) -> None:
    voxels = np.linspace(-100, 100, np.prod(GRID.shape)).clip(0 if dtype[0] == "u" else -100)
    voxels = voxels.reshape(GRID.shape).astype(dtype)
    write_volume(tmp_path / "t.mrc", voxels, GRID)
    inside = np.zeros(GRID.shape, np.int64)
    inside[10:20, 10:20, 10:20] = 1
    volume = read_tomogram(tmp_path / "t.mrc")
    write_pyto(tmp_path / "p", PytoInput(volume, inside, inside >= 0))
    with mrcfile.open(tmp_path / "p" / "tomo.mrc") as image:
        assert image.header.mode == mode
        np.testing.assert_array_equal(image.data, voxels)


def test_vesicles_drawn_as_contours_keep_their_shape(folder: Path) -> None:
    part = {16: 0.8, 18: 0.95, 20: 1.0, 22: 0.95, 24: 0.8}
    flat = [ring(z, 30, 25, 6 * f, 9 * f) for z, f in part.items()]
    other = [ring(z, 30, 60, 8 * f, 8 * f) for z, f in part.items()]
    draw(folder / "drawn.mod", GRID, {"vesicles": (CLOSED, flat + other)})
    assert run("convert drawn.mod out.pyto --tomogram t.mrc --outline outline.mod", folder) == 0
    with mrcfile.open(folder / "out.pyto" / "labels.mrc") as labels:
        section = labels.data[20].copy()
    ids = np.unique(section[section >= 10])
    assert len(ids) == 2
    here = np.argwhere(section == section[30, 25])
    high, wide = np.ptp(here, axis=0)
    assert wide - high >= 5  # no sphere


def test_bad_input_is_one_line_and_costs_nothing(folder: Path, capsys) -> None:
    before = sorted(folder.rglob("*"))
    for words, message in (
        ("convert v.mod out.pyto", "Pyto works on a tomogram"),
        ("convert v.mod out.cmm --outline outline.mod", "are for Pyto"),
        ("convert v.mod out.pyto --tomogram t.mrc --outline az.mod", "no closed contours"),
        ("convert v.mod none/out.pyto --tomogram t.mrc", "no such folder"),
        ("convert v.mod t.mrc --tomogram t.mrc", "named twice"),
        ("convert none.star out.mod --tomogram t.mrc", "no such file"),
        ("convert v.mod out.what", "name one of these endings"),
        ("convert v.mod out.star --radius-nm 0", "between 1 and 1000"),
    ):
        assert run(words, folder) == 2, words
        error = capsys.readouterr().err
        assert message in error, error
        assert error.count("ERROR") == 1
        assert sorted(folder.rglob("*")) == before
    nothing = np.zeros(GRID.shape, np.int64)
    with pytest.raises(HandoffError, match="nothing to hand over"):
        write_pyto(folder / "p", PytoInput(read_tomogram(folder / "t.mrc"), nothing, nothing == 0))


def test_a_folder_of_something_else_is_never_replaced(folder: Path, capsys) -> None:
    (folder / "mine.pyto").mkdir()
    (folder / "mine.pyto" / "work.txt").write_text("mine")
    assert run(WHOLE.replace("out.pyto", "mine.pyto") + " --overwrite", folder) == 2
    assert "holds work.txt, which is not replaced" in capsys.readouterr().err
    assert (folder / "mine.pyto" / "work.txt").read_text() == "mine"
    assert run(WHOLE, folder) == 0
    (folder / "out.pyto" / "tomo_vesicles.dat").write_text("what Pyto found")
    assert run(f"{WHOLE} --overwrite", folder) == 2
    assert "holds tomo_vesicles.dat" in capsys.readouterr().err
    out = folder / "out.pyto"
    words = ["convert", out / "labels.mrc", out, "--tomogram", folder / "t.mrc", "--overwrite"]
    assert run_app(app, "vesimod", list(map(str, words))) == 2
    assert "holds an input" in capsys.readouterr().err
    assert sorted(p.name for p in out.iterdir())[-1] == "tomo_vesicles.dat"


def test_what_pyto_found_in_our_folder_has_our_ids(folder: Path) -> None:
    assert run(WHOLE, folder) == 0
    line = "{} " + " ".join(["1.0"] * 16) + " 30 30 20 8.0 0.2 7.8 8.2\n"
    for place, ids in ((folder / "out.pyto", [1, 2]), (folder, [10, 11])):
        table = place / "tomo_vesicles.dat"
        table.write_text("# Id\n" + line.format(10) + line.format(11))
        assert read_pyto(table, Frame(GRID)).ids.tolist() == ids


def test_a_real_table_of_pyto() -> None:
    if not REAL.exists():
        pytest.skip("the real synapse is not here")
    grid = Grid((60, 155, 155), (1.684,) * 3)
    spheres = read_pyto(REAL / "tomo_vesicles.dat", Frame(grid))
    labels = read_spheres(REAL / "labels.mrc", grid).spheres
    shared = np.isin(labels.ids, spheres.ids)
    assert (
        spheres.ids.tolist() == labels.ids[shared].tolist() == [36, 48, 49, 50, 52, 58, 59, 60, 61]
    )
    np.testing.assert_allclose(labels.centres[shared], spheres.centres, atol=1.0)
    np.testing.assert_allclose(labels.radii_nm[shared], spheres.radii_nm, atol=1.0)
    assert spheres["min_az_nm"][0] == pytest.approx(69.6 * 1.684)
    assert spheres["membrane_density"][0] == 1494.69


def test_a_full_disk_is_told_of_the_folder_that_was_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    def full(path: Path, *_values: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, "full", str(path))

    monkeypatch.setattr(pyto, "write_mrc", full)
    before = sorted(folder.iterdir())
    assert run(WHOLE, folder) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"ERROR: vesimod - {folder / 'out.pyto'}: No space left")
    assert sorted(folder.iterdir()) == before
