"""The commands that read, compare and merge models."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from vesimod.cli import app, run_app
from vesimod.io.provenance import Provenance, write_provenance
from vesimod.io.sphere_table import write_spheres_csv
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.read import read_sphere_model
from vesimod_imod.sphere_model.write import SphereObject, write_sphere_model, write_sphere_objects

BINNED = (
    "note: positions count single pixels; where 3dmod runs binned (-B 2), it shows half of them"
)
GRID = Grid((60, 100, 120), (1.0, 1.0, 1.0))
SPHERES = Spheres(
    [[20, 40, 30], [30, 50, 70], [45, 75, 95]], [8.0, 12.0, 6.5], [0.3, 0.6, 0.9], [4, 5, 6]
)


@pytest.fixture
def vesimod(capsys):
    def run(*words):
        code = run_app(app, "vesimod", [str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def predicted(tmp_path):
    path = tmp_path / "predicted.mod"
    write_sphere_model(path, SPHERES, GRID)
    return path


def test_info(vesimod, predicted):
    code, out, err = vesimod("model", "info", predicted)
    assert (code, err) == (0, "")
    for text in (
        "image      120 x 100 x 60 voxels",
        "pixel size 1 nm",
        "object 1   'vesicles': scattered, 3 contours, 3 points",
        "3 labels (first: 'vesimod id=4 r=8.000nm p=0.300000'), 3 values from -0.847298 to 2.19722",
        "spheres    3; radii: 3 explicit",
        "radius 6.50 to 12.00 nm, median 8.00 nm",
        "record     no predicted.mod.json beside it",
    ):
        assert text in out
    write_provenance(predicted, Provenance("fast 1", "ab" * 32, "TS.mrc", "", {"threshold": 0.5}))
    _, out, _ = vesimod("model", "info", predicted)
    assert "network fast 1, weights abababababab" in out
    assert "threshold 0.5" in out


@pytest.mark.slow
def test_info_on_every_real_model(vesimod, shared):
    for path in sorted(shared.glob("*/*.mod")):
        code, out, err = vesimod("model", "info", path)
        if path.name == "test_bad_data2.mod":
            assert code == 2
            assert "byte 84720" in err
            assert "vesimod model copy --recover saves what is whole" in err
        else:
            assert (code, err) == (0, "")
            assert "spheres " in out


@pytest.mark.slow
def test_copy_is_byte_by_byte_for_every_real_model(vesimod, shared, tmp_path):
    for path in sorted(shared.glob("*/*.mod")):
        if path.name != "test_bad_data2.mod":
            code, _, _ = vesimod("model", "copy", path, tmp_path / path.name)
            assert code == 0
            assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_copy_refuses_and_recovers_a_damaged_model(vesimod, tmp_path):
    second = Spheres([[1, 2, 3]], [5.0], ids=[9])
    whole, bad, out_path = (tmp_path / name for name in ("whole.mod", "bad.mod", "out.mod"))
    write_sphere_objects(whole, [SphereObject("a", SPHERES), SphereObject("b", second)], GRID)
    data = whole.read_bytes()
    at = data.index(b"CONT")
    bad.write_bytes(data[: at + 4] + struct.pack(">i", 10**6) + data[at + 8 :])
    code, _, err = vesimod("model", "copy", bad, out_path)
    assert code == 2
    assert f"ERROR: vesimod - {bad}: byte {at}: " in err
    assert not out_path.exists()
    code, _, err = vesimod("model", "copy", bad, out_path, "--recover")
    assert code == 0
    assert "kept 1 whole objects; the header states 2" in err
    assert read_sphere_model(out_path, GRID).spheres.ids.tolist() == [9]
    code, _, err = vesimod("model", "copy", whole, out_path)
    assert code == 2
    assert "--overwrite" in err
    code, _, err = vesimod("model", "copy", whole, whole, "--overwrite")
    assert code == 2
    assert whole.read_bytes() == data


@pytest.mark.parametrize("content", [b"", b"no model\n", b"IMODV1.2", b"\0" * 2000])
def test_other_files_are_refused_in_one_line(vesimod, tmp_path, content):
    path = tmp_path / "other.mod"
    path.write_bytes(content)
    code, out, err = vesimod("model", "info", path)
    assert (code, out) == (2, "")
    assert err.startswith(f"ERROR: vesimod - {path}: byte ")
    assert err.count("\n") == 1
    assert "--recover" not in err
    code, _, err = vesimod("model", "info", tmp_path / "missing.mod")
    assert code == 2
    assert "missing.mod" in err


@pytest.fixture
def corrected(tmp_path):
    """Sphere 4 moved by 5 voxels, 5 removed, one added."""
    path = tmp_path / "corrected.mod"
    spheres = Spheres([[20, 45, 30], [45, 75, 95], [10, 10, 10]], [8.0, 6.5, 9.0], ids=[4, 6, 7])
    write_sphere_model(path, spheres, GRID)
    return path


def test_corrections(vesimod, predicted, corrected, tmp_path):
    table = tmp_path / "table.csv"
    code, out, err = vesimod("corrections", predicted, corrected, "-o", table)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "moved         4 at x 31, y 46, z 21, 5.0 nm from where it was, radius 8.0 -> 8.0 nm",
        "removed       5 at x 71, y 51, z 31, radius 12.0 nm",
        "added         7 at x 11, y 11, z 11, radius 9.0 nm",
        BINNED,
        "1 kept, 1 moved, 0 resized, 1 added, 1 removed, 0 ambiguous",
        f"wrote {table}",
    ]
    code, out, _ = vesimod("corrections", predicted, corrected, "--json")
    found = json.loads(out)
    assert found["counts"]["moved"] == 1
    assert found["corrections"][1]["radius_nm"] is None
    code, _, err = vesimod("corrections", predicted, corrected, "-o", table)
    assert code == 2
    assert "--overwrite" in err


def test_corrections_from_the_table_of_spheres(vesimod, corrected, tmp_path):
    csv = tmp_path / "predicted.csv"
    write_spheres_csv(csv, SPHERES)
    code, out, _ = vesimod("corrections", csv, corrected)
    assert code == 0
    assert "1 kept, 1 moved, 0 resized, 1 added, 1 removed" in out
    code, _, err = vesimod("corrections", csv, csv)
    assert code == 2
    assert "--tomogram or --voxel-size-nm" in err


def test_corrections_on_a_given_tomogram(vesimod, predicted, corrected, shared):
    tomogram = shared / "saved-by-3dmod" / "tomo.mrc"
    code, out, _ = vesimod("corrections", predicted, corrected, "--tomogram", tomogram)
    assert code == 0
    assert "1 kept, 1 moved" in out


def test_merge(vesimod, predicted, corrected, tmp_path):
    table, new, result = (tmp_path / name for name in ("table.csv", "new.mod", "merged.mod"))
    vesimod("corrections", predicted, corrected, "-o", table)
    found = Spheres([[20, 40, 30], [30, 50, 70], [45, 75, 95], [50, 20, 20]], [8, 12, 6.5, 10.0])
    write_sphere_model(new, found, GRID)
    code, out, err = vesimod("merge", table, new, "-o", result)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "conflict      7 at x 11, y 11, z 11: the new prediction has nothing here",
        "conflict      5 at x 71, y 51, z 31: the new prediction has what was removed: dropped",
        BINNED,
        "3 spheres as the corrections have them, 1 new ones (orange), 2 conflicts",
        f"wrote {result}",
    ]
    reading = read_sphere_model(result, GRID)
    assert reading.object_names == ("vesicles", "vesicles, new")
    assert reading.spheres.ids.tolist() == [4, 6, 7, 8]
    np.testing.assert_allclose(reading.spheres.centres[0], [20, 45, 30], atol=1e-4)
    code, out, _ = vesimod("merge", table, new, "-o", result, "--json", "--overwrite")
    assert json.loads(out)["decided"] == 3
    assert len(json.loads(out)["conflicts"]) == 2
    assert result.with_name("merged.mod~").exists()


def test_merge_warns_of_another_tomogram_and_never_overwrites(vesimod, predicted, tmp_path):
    table, new = tmp_path / "table.csv", tmp_path / "new.mod"
    vesimod("corrections", predicted, predicted, "-o", table)
    write_sphere_model(new, Spheres([[5, 90, 110]], [8.0]), GRID)
    code, _, err = vesimod("merge", table, new, "-o", tmp_path / "out.mod")
    assert code == 0
    assert "are both of the same tomogram?" in err
    before = predicted.read_bytes()
    code, _, err = vesimod("merge", table, new, "-o", predicted)
    assert code == 2
    assert predicted.read_bytes() == before
    code, _, err = vesimod("merge", new, new, "-o", tmp_path / "x.mod")
    assert code == 2
    (tmp_path / "bad.csv").write_text("verdict\nkept\n")
    code, _, err = vesimod("merge", tmp_path / "bad.csv", new, "-o", tmp_path / "x.mod")
    assert code == 2
    assert "bad.csv: no column predicted_id, corrected_id" in err
    head, *rows = table.read_text().splitlines()
    at = head.split(",").index("corrected_id")
    cells = [row.split(",") for row in rows]
    without = [",".join("" if k == at else cell for k, cell in enumerate(row)) for row in cells]
    (tmp_path / "bad.csv").write_text("\n".join([head, *without]) + "\n")
    code, _, err = vesimod("merge", tmp_path / "bad.csv", new, "-o", tmp_path / "x.mod")
    assert code == 2
    assert "bad.csv: line 2: a kept sphere needs its corrected_id" in err
    assert not (tmp_path / "x.mod").exists()


def test_points_where_nothing_was_found_are_no_corrections(vesimod, shared, tmp_path):
    """A session of clicks leaves them in an object of their own, also in the next PREDICTED."""
    model = shared / "saved-by-imod" / "edited_with_rejected_points.mod"
    table, merged = tmp_path / "c.csv", tmp_path / "m.mod"
    code, out, err = vesimod("corrections", model, model, "-o", table)
    assert (code, err) == (0, "")
    assert "6 kept, 0 moved, 0 resized, 0 added, 0 removed, 0 ambiguous" in out
    assert vesimod("merge", table, model, "-o", merged)[0] == 0
    assert len(read_sphere_model(merged).spheres) == 6
    _, out, err = vesimod("model", "info", model)
    assert "spheres    6; radii: 6 explicit" in out
    assert "2 more in 'no vesicle found here', not counted as vesicles" in out
    assert "WARNING" not in out + err
    code, out, err = vesimod("evaluate", model, model)
    assert (code, err) == (0, "")
    assert "| true positives | 6 |" in out


def test_corrections_are_said_as_on_the_screen_and_odd_radii_questioned(vesimod, tmp_path):
    spheres = Spheres([[20, 40, 30], [30, 50, 70]], [20.0, 20.0], ids=[1, 2])
    grid = Grid((60, 100, 120), (2.0, 2.0, 2.0))
    whole, part = tmp_path / "whole.mod", tmp_path / "part.mod"
    write_sphere_model(whole, spheres, grid)
    # Saved on a part of the tomogram that starts at z 10, y 20, x 25, with a radius of 1.8 pixels.
    moved = Spheres([[10, 20, 5]], [3.6], ids=[1])
    write_sphere_model(part, moved, Grid((40, 60, 70), (2.0, 2.0, 2.0), (20.0, 40.0, 50.0)))
    code, out, err = vesimod("corrections", whole, part)
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == [
        "resized       1 at x 6, y 21, z 11, 0.0 nm from where it was, radius 20.0 -> 3.6 nm "
        "(3.6 nm is hardly a vesicle's radius: a slip?)",
        "removed       2 at x 46, y 31, z 21, radius 20.0 nm",
    ]
    assert "where 3dmod runs binned (-B 2), it shows half of them" in out
    assert "binned" not in vesimod("corrections", whole, whole)[1]


@pytest.mark.parametrize("content", ["", "verdict,note\n", None])
def test_merge_refuses_tables_without_corrections(vesimod, predicted, tmp_path, content):
    table, merged = tmp_path / "c.csv", tmp_path / "m.mod"
    vesimod("corrections", predicted, predicted, "-o", table)
    lines = table.read_text().splitlines()
    texts = [lines[0] + "\n", "\n".join([lines[0], *lines]), lines[0] + ",z\n"]
    for text in texts if content is None else [content]:
        table.write_text(text)
        code, out, err = vesimod("merge", table, predicted, "-o", merged)
        assert (code, out) == (2, "")
        assert str(table) in err
        assert not merged.exists()
