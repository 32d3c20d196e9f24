"""``vesimod connect``: files in, files out, one line for bad input."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import drawn
import numpy as np
import pytest
import vesimod
from synapses import BRIGHT, SHAPE, rod
from vesimod.cli import app, run_app
from vesimod.io.tomogram import read_volume, write_volume
from vesimod_imod.contour_model.read import read_drawings
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.model.coordinates import to_model
from vesimod_imod.model.objects import OPEN, ModelObject
from vesimod_imod.sphere_model.write import write_sphere_objects

GRID = Grid(SHAPE, (2.0, 2.0, 2.0))
BALLS = Spheres([[10, 10, 4.0], [10, 10, 15.0]], [6.0, 6.0], ids=[7, 9])


def contours(path, lines, *, closed=False):
    """A model of one object with contours z, y, x."""
    points = np.concatenate(lines).astype(float)
    count = len(points)
    item = ModelObject(
        name="drawn",
        flags=0 if closed else OPEN,
        colour=(1.0, 0.0, 0.0),
        default_radius=0,
        points_per_contour=0,
        points=to_model(points).astype(np.float32),
        counts=np.array([len(line) for line in lines], np.int64),
        surfaces=np.zeros(len(lines), np.int64),
        sizes=np.full(count, -1, np.float32),
        values=np.full(count, np.nan, np.float32),
        labels=("",) * len(lines),
    )
    write_sphere_objects(path, [], GRID, others=[item])


def square(low, high):
    return [
        np.array([[z, low, low], [z, low, high], [z, high, high], [z, high, low]])
        for z in range(20)
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    grey = np.full(SHAPE, BRIGHT, np.int8)
    for voxel, value in {**rod(8, 12, 5, y=10, z=10)}.items():
        grey[voxel] = value
    grey[10, 2:7, 4] = 3  # from the active zone at y = 1 to vesicle 7
    write_volume(tmp_path / "t.mrc", grey, GRID)
    vesimod.write_spheres(tmp_path / "v.mod", BALLS, GRID)
    contours(tmp_path / "az.mod", [np.array([[z, 1, 0], [z, 1, 19]]) for z in range(20)])
    contours(tmp_path / "out.mod", square(-0.5, 19.5), closed=True)
    return tmp_path


LINE = "t.mrc v.mod --active-zone az.mod --region out.mod --az-thickness-nm 3 --thresholds 0 10 3"
ALL = "--refused r.csv --vesicle-table w.csv --layers l.csv --labels k.mrc"


def run(line):
    return run_app(app, "vesimod", ["connect", *line.split()])


def rows(path):
    with Path(path).open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_from_files_to_files(folder, capsys) -> None:
    assert run(f"{LINE} {ALL}") == 0
    out = capsys.readouterr()
    assert "1 tether, median length" in out.out
    assert "1 connector, median length 8.0 nm" in out.out
    assert "they are not absolute" in out.out
    table = rows("t_connectors.csv")
    assert [(r["kind"], r["vesicle_1"], r["vesicle_2"]) for r in table] == [
        ("tether", "7", ""),
        ("connector", "7", "9"),
    ]
    tether, connector = table
    assert float(connector["length_nm"]) == pytest.approx(8.0)
    assert (connector["voxels"], connector["volume_nm3"]) == ("4", "32")
    assert (connector["z"], connector["y"], connector["x"]) == ("10", "10", "9.5")
    assert float(tether["start_y"]) > float(tether["end_y"])  # from the vesicle to the zone
    assert (float(tether["threshold"]), float(connector["threshold"])) == (5, 5)
    labels = read_volume("k.mrc").voxels
    assert np.bincount(labels.ravel())[1:].tolist() == [int(r["voxels"]) for r in table]
    assert [r["linked"] for r in rows("w.csv")] == ["9", "7"]
    assert rows("r.csv") == []
    assert sum(int(r["centres"]) for r in rows("l.csv")) == 2
    drawn, notes = read_drawings("t_connectors.mod", GRID)
    assert not notes
    assert [(d.name, d.closed, len(d.contours)) for d in drawn] == [
        ("tethers", False, 1),
        ("connectors", False, 1),
    ]
    assert drawn[0].colour != drawn[1].colour
    assert drawn[1].labels == ("connector 2 of vesicle 7 and 9",)
    assert drawn[1].contours[0][[0, -1]].tolist() == [[10, 10, 7], [10, 10, 11]]
    record = json.loads((folder / "t_connectors.mod.json").read_text())
    assert record["results"]["thresholds"] == [0, 5, 10]
    assert record["parameters"]["thresholds"] == [0, 5, 10]


def test_a_second_run_needs_overwrite_and_gives_the_same(folder, capsys) -> None:
    assert run(LINE) == 0
    before = (folder / "t_connectors.csv").read_bytes()
    assert run(LINE) == 2
    assert "t_connectors.mod: exists already" in capsys.readouterr().err
    assert run(f"{LINE} --overwrite -q") == 0
    assert (folder / "t_connectors.csv").read_bytes() == before


def test_thresholds_of_one_tomogram_serve_for_another(folder, capsys) -> None:
    assert run("t.mrc v.mod --region out.mod -o a.mod") == 0
    told = capsys.readouterr().out
    first, last = (float(told.split(word)[1].split()[0]) for word in ("from ", " to "))
    assert run(f"t.mrc v.mod --region out.mod -o b.mod --thresholds {first} {last} 15") == 0
    one, other = (
        json.loads((folder / f"{n}.mod.json").read_text())["results"]["thresholds"] for n in "ab"
    )
    assert other == pytest.approx(one, rel=1e-4)


def test_pytos_form_holds_region_and_active_zone(folder, capsys) -> None:
    labels = np.ones(SHAPE, np.uint8)
    labels[:, :2] = 2
    labels[7:14, 7:14, 1:8] = 10
    labels[7:14, 7:14, 12:19] = 11
    write_volume(folder / "pyto.mrc", labels, GRID)
    assert run("t.mrc pyto.mrc --compatible --thresholds 0 10 3") == 0
    told = capsys.readouterr().err
    assert "taken for a label volume of Pyto's form" in told
    assert "--region" not in told
    found = [(r["kind"], r["vesicle_1"]) for r in rows("t_connectors.csv")]
    assert found == [("tether", "10"), ("connector", "10")]
    assert run("t.mrc v.mod --active-zone pyto.mrc --thresholds 0 10 3 -o z.mod") == 0
    assert [r["kind"] for r in rows("z.csv")] == ["tether", "connector"]
    assert "no --region: connectors were sought everywhere" in capsys.readouterr().err


def test_closed_contours_and_a_mask_are_an_active_zone_too(folder) -> None:
    box = [np.array([[z, -1, -1], [z, -1, 20], [z, 1.4, 20], [z, 1.4, -1]]) for z in (0, 19)]
    contours(folder / "area.mod", box, closed=True)
    mask = np.zeros(SHAPE, np.uint8)
    mask[:, :2] = 1
    write_volume(folder / "mask.mrc", mask, GRID)
    for name in ("area.mod", "mask.mrc"):
        line = f"t.mrc v.mod --active-zone {name} --region out.mod --thresholds 0 10 3 -o x.mod"
        assert run(f"{line} --overwrite") == 0
        assert [r["kind"] for r in rows("x.csv")] == ["tether", "connector"], name


@pytest.mark.usefixtures("folder")
def test_python_gives_what_the_command_gives() -> None:
    assert run(LINE) == 0
    found = vesimod.connect(
        "t.mrc", BALLS, "az.mod", "out.mod", az_thickness_nm=3, thresholds=(0, 5, 10)
    )
    assert [str(c.features.voxels) for c in found.connectors] == [
        r["voxels"] for r in rows("t_connectors.csv")
    ]
    grey, labels = read_volume("t.mrc").voxels, vesimod.paint_labels(BALLS, GRID)
    zone = np.zeros(SHAPE, bool)
    zone[:, :2] = True
    again = vesimod.connect(
        -1 * grey.astype(float),
        labels,
        zone,
        np.ones(SHAPE),
        voxel_size_nm=2.0,
        thresholds=(0, -5, -10),
        invert=True,
    )
    assert [c.kind for c in again.connectors] == ["tether", "connector"]
    assert again.thresholds == (0, -5, -10)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("t.mrc none.mod", "none.mod"),
        ("t.mrc empty.mod", "holds no vesicle"),
        ("t.mrc zeros.mrc", "holds no vesicle"),
        ("t.mrc fractions.mrc", "holds 0.5; a label volume has 0 and ids"),
        ("t.mrc v.mod --active-zone far.mod", "outside of the volume"),
        ("t.mrc v.mod --active-zone zeros.mrc", "no voxel of the active zone"),
        ("t.mrc v.mod --active-zone all.mrc", "v.mod, all.mrc: vesicles 7, 9 lie within"),
        ("t.mrc all.mrc", "all.mrc: the tomogram: all of it lies within vesicles"),
        ("t.mrc v.mod --region az.mod", "no closed contours, but open ones"),
        ("t.mrc v.mod --active-zone two.mod", "'a', 'b'; name one object 'active zone'"),
        ("t.mrc v.mod --region small.mrc", "must have been made on the same volume"),
        ("t.mrc v.mod --thresholds 1 2 0", "thresholds: 1 to 254"),
        ("t.mrc v.mod --cluster-nm -1", "`cluster_nm` is -1"),
        ("t.mrc v.mod --volume-nm3 0", "both are above 0"),
        ("t.mrc v.mod -o v.mod --overwrite", "named twice"),
        ("flat.mrc v.mod", "one grey value throughout"),
    ],
)
def test_bad_input_is_one_line(folder, capsys, line, message) -> None:
    vesimod.write_spheres("empty.mod", BALLS.select([False, False]), GRID)
    write_volume(folder / "zeros.mrc", np.zeros(SHAPE, np.uint8), GRID)
    write_volume(folder / "all.mrc", np.ones(SHAPE, np.uint8), GRID)
    write_volume(folder / "flat.mrc", np.zeros(SHAPE, np.uint8), GRID)
    write_volume(folder / "fractions.mrc", np.full(SHAPE, 0.5, np.float32), GRID)
    write_volume(folder / "small.mrc", np.ones((9, 9, 9), np.uint8), Grid((9, 9, 9), (2.0,) * 3))
    edge = [np.array([[z, 1, 1], [z, 1, 9]], float) for z in range(9)]
    drawn.draw(folder / "two.mod", GRID, dict.fromkeys("ab", (drawn.OPEN, edge)))
    contours(folder / "far.mod", [np.array([[z, 900, 900], [z, 900, 950]]) for z in range(9)])
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert run(line) == 2
    err = [text for text in capsys.readouterr().err.splitlines() if "ERROR" in text]
    assert len(err) == 1
    assert message.replace("`cluster_nm`", "--cluster-nm") in err[0]
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.usefixtures("folder")
def test_vesicles_that_overlap_the_membrane_are_said(capsys) -> None:
    assert run(f"{LINE.replace('nm 3 ', 'nm 30 ')}") == 0
    assert "vesicles that overlap the active zone: 7, 9;" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_a_volume_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match="the volume of the vesicles has"):
        vesimod.connect("t.mrc", np.ones((3, 3, 3), int))
