"""``vesimod membrane``: files, what is said, and what is refused in one line."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from dark_sheet import SIZE_NM, away_nm, sheet_guide, sheet_volume
from vesimod.cli import PROGRAM, app, run_app
from vesimod.io.region import read_region
from vesimod.io.tomogram import read_tomogram, read_volume, write_volume
from vesimod.membranes.surface import read_surface
from vesimod_imod.contour_model.read import Drawing, read_drawings
from vesimod_imod.contour_model.write import write_drawings
from vesimod_imod.core.spheres import Grid

VOLUME = sheet_volume()
GRID = Grid(VOLUME.shape, (SIZE_NM,) * 3)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_volume(tmp_path / "t.mrc", VOLUME, GRID)
    write_drawings(tmp_path / "guide.mod", [sheet_guide()], GRID)
    return tmp_path


def run(*arguments):
    return run_app(app, PROGRAM, ["membrane", *map(str, arguments)])


def refused(capsys, *arguments):
    assert run(*arguments) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("ERROR: vesimod - ")
    return lines[-1]


def test_writes_contours_labels_and_a_record(files, capsys):
    assert run("t.mrc", "guide.mod", "-o", "m.mod", "--labels", "l.mrc") == 0
    said = capsys.readouterr().out
    assert "object 'active zone': 21 contours on 21 sections" in said
    assert "nm thick" in said
    (drawing,), warnings = read_drawings(files / "m.mod", GRID)
    assert warnings == []
    assert np.median(np.abs(away_nm(drawing.contours))) < 0.7
    labels = read_volume(files / "l.mrc").voxels
    assert labels.max() == 1
    thick = (labels[12] > 0).sum(axis=0)[20:70].mean() * SIZE_NM
    record = json.loads((files / "m.mod.json").read_text())
    told = record["results"]["objects"][0]
    assert told["thickness_nm"] == pytest.approx(thick, abs=1.5)
    assert told["sections"] == list(range(2, 23))
    assert len(read_surface(files / "m.mod", GRID, "active zone")) > 100


def test_a_second_run_gives_the_same_and_keeps_what_a_person_did(files, capsys):
    assert run("t.mrc", "guide.mod", "-o", "m.mod") == 0
    first = (files / "m.mod").read_bytes()
    assert "exists already" in refused(capsys, "t.mrc", "guide.mod", "-o", "m.mod")
    assert run("t.mrc", "guide.mod", "-o", "m.mod", "--overwrite", "-q") == 0
    assert (files / "m.mod").read_bytes() == first
    (drawing,), _ = read_drawings(files / "m.mod", GRID)
    contours = list(drawing.contours)
    contours[5] = contours[5] + [0.0, 1.5, 0.0]
    del contours[0]
    edited = replace(drawing, contours=tuple(contours), labels=drawing.labels[1:],
                     surfaces=drawing.surfaces[1:])  # fmt: skip
    write_drawings(files / "m.mod", [edited], GRID, overwrite=True)
    for _ in range(2):
        capsys.readouterr()
        assert run("t.mrc", "guide.mod", "-o", "m.mod", "--overwrite") == 0
        assert "kept as a person left it: 1 contours, 1 cleared sections" in capsys.readouterr().out
        (now,), _ = read_drawings(files / "m.mod", GRID)
        np.testing.assert_array_equal(now.contours[4], contours[4])
        assert len(now.contours) == 20
    assert (files / "m.mod~").exists()


def test_objects_stay_apart_and_the_outline_is_a_region(files, capsys):
    ring = np.array([[0.0, -0.5], [0, 89.5], [30, 89.5], [30, 45], [30, -0.5]])
    cell = [np.column_stack([np.full(5, float(s)), ring]) for s in (2, 12, 22)]
    objects = [Drawing("outline", True, tuple(cell)), sheet_guide(), sheet_guide(4.0)]
    write_drawings(files / "guide.mod", objects, GRID, overwrite=True)
    assert run("t.mrc", "guide.mod") == 0
    told = capsys.readouterr()
    assert "2 objects are named 'active zone'" in told.err
    assert "its inside is what the contours enclose" in told.out
    found, _ = read_drawings(files / "guide_membrane.mod", GRID)
    assert [d.name for d in found] == ["outline", "active zone", "active zone"]
    mask, _ = read_region(files / "guide_membrane.mod", GRID)
    assert mask[12, 10, 45]
    assert not mask[12, 50, 45]


def test_a_guide_on_a_binned_volume_is_right(files):
    half = VOLUME.reshape(12, 2, 30, 2, 45, 2).mean(axis=(1, 3, 5))
    grid = Grid(half.shape, (2 * SIZE_NM,) * 3)
    write_volume(files / "half.mrc", half, grid)
    binned = [(c + 0.5) / 2 - 0.5 for c in sheet_guide().contours]
    for k, contour in enumerate(binned):
        contour[:, 0] = [1, 6, 11][k]
    write_drawings(files / "binned.mod", [Drawing("az", False, tuple(binned))], grid)
    assert run("t.mrc", "binned.mod", "-o", "m.mod", "-q") == 0
    (drawing,), _ = read_drawings(files / "m.mod", GRID)
    assert np.median(np.abs(away_nm(drawing.contours))) < 0.8


def test_what_is_doubtful_is_said(files, capsys):
    write_drawings(
        files / "guide.mod", [replace(sheet_guide(), name="cell outline")], GRID, overwrite=True
    )
    assert run("t.mrc", "guide.mod", "-q") == 0
    assert "open and enclose nothing" in capsys.readouterr().err
    write_drawings(files / "one.mod", [sheet_guide(sections=(9,))], GRID)
    assert run("t.mrc", "one.mod", "-q") == 0
    assert "one section only" in capsys.readouterr().err
    write_volume(files / "flat.mrc", np.zeros_like(VOLUME), GRID)
    assert run("flat.mrc", "one.mod", "-o", "flat.mod", "-q") == 0
    assert "no membrane was seen" in capsys.readouterr().err


def test_bad_input_is_one_line_and_leaves_files(files, capsys):
    far = replace(
        sheet_guide(), contours=tuple(c + np.array([0, 900, 0]) for c in sheet_guide().contours)
    )
    write_drawings(files / "far.mod", [far], GRID)
    assert "lies outside of the tomogram" in refused(capsys, "t.mrc", "far.mod", "-o", "m.mod")
    slanted = np.column_stack([np.linspace(0, 20, 9)] * 3)
    write_drawings(files / "slanted.mod", [Drawing("az", False, (slanted,))], GRID)
    assert "lies in one section" in refused(capsys, "t.mrc", "slanted.mod", "-o", "m.mod")
    write_drawings(files / "none.mod", [Drawing("az", False, ())], GRID)
    assert "no open or closed contours" in refused(capsys, "t.mrc", "none.mod", "-o", "m.mod")
    assert "named twice" in refused(capsys, "t.mrc", "guide.mod", "-o", "guide.mod")
    assert not (files / "m.mod").exists()
    (files / "m.mod").write_bytes(b"no model")
    assert run("t.mrc", "guide.mod", "-o", "m.mod", "--overwrite", "-q") == 0
    assert "nothing of it is kept" in capsys.readouterr().err
    assert (files / "m.mod~").read_bytes() == b"no model"
    assert read_tomogram(files / "t.mrc").grid.shape == GRID.shape
