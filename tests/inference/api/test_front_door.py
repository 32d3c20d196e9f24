"""`import vesimod` as people use it: paths, arrays, results, and what is said of a wrong type."""

from __future__ import annotations

import warnings
from importlib import resources
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import vesimod
from vesimod.io.tomogram import write_volume
from vesimod.review.correction_table import write_corrections
from vesimod_imod.sphere_model.write import write_sphere_model

pytestmark = pytest.mark.slow

DEMO = Path(str(resources.files("vesimod"))) / "demo"
VOXEL_NM = 2.2


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    """A part of the demo."""
    demo = vesimod.read_tomogram(DEMO / "demo.mrc")
    voxels = np.array(demo.voxels[8:88, 10:150, 20:160])
    file = tmp_path_factory.mktemp("api") / "TS_01_rec.mrc"
    write_volume(file, voxels, vesimod.Grid(voxels.shape, (VOXEL_NM,) * 3))
    return file


@pytest.fixture(scope="module")
def result(path) -> vesimod.Segmentation:
    return vesimod.segment(path)


@pytest.fixture
def tomogram(path) -> vesimod.Tomogram:
    return vesimod.read_tomogram(path)


def same(a: vesimod.Spheres, b: vesimod.Spheres) -> bool:
    names = list(a.as_columns())
    return names == list(b.as_columns()) and all(
        np.array_equal(a[n], b[n], equal_nan=a[n].dtype.kind == "f") for n in names
    )


@pytest.mark.slow
def test_a_path_its_text_an_array_and_a_tomogram_give_the_same(path, result, tomogram) -> None:
    assert len(result.spheres) > 5
    model = vesimod.load_model("fast")
    assert same(vesimod.segment(str(path), "fast").spheres, result.spheres)
    assert same(vesimod.segment(tomogram, model).spheres, result.spheres)
    with mrcfile.mmap(path) as mrc:
        of_array = vesimod.segment(mrc.data, model, voxel_size_nm=VOXEL_NM)
    np.testing.assert_allclose(of_array.spheres.centres, result.spheres.centres, atol=1e-3)
    doubled = np.asarray(tomogram.voxels, np.float64)
    of_doubles = vesimod.segment(doubled, model.path, voxel_size_nm=VOXEL_NM)
    np.testing.assert_allclose(of_doubles.spheres.centres, result.spheres.centres, atol=0.1)


@pytest.mark.slow
def test_a_region_is_a_mask_or_a_file(tmp_path, path, result, tomogram) -> None:
    half = np.zeros(tomogram.grid.shape, np.uint8)
    half[:, :70] = 3
    inside = result.spheres[result.spheres["y"] < 64]
    found = vesimod.segment(tomogram, region=half)
    assert len(found.spheres) >= 0.8 * len(inside) > 3
    assert (found.spheres["y"] < 70).all()
    write_volume(tmp_path / "mask.mrc", half, tomogram.grid)
    assert same(vesimod.segment(path, region=tmp_path / "mask.mrc").spheres, found.spheres)
    for wrong in (half[1:], "text", half.astype("U1")):
        with pytest.raises((vesimod.InputError, FileNotFoundError)):
            vesimod.segment(tomogram, region=wrong)


def test_reprs_are_short_and_in_the_order_of_3dmod(path, result, tomogram) -> None:
    assert repr(tomogram) == "Tomogram(TS_01_rec.mrc, 140 x 140 x 80, 2.2 nm)"
    uneven = vesimod.Tomogram(tomogram.voxels, vesimod.Grid((3, 4, 5), (2.0, 1.0, 1.0)), path)
    assert repr(uneven) == "Tomogram(TS_01_rec.mrc, 5 x 4 x 3, 1 x 1 x 2 nm)"
    assert repr(result) == f"Segmentation({result.spheres}, {len(result.dropped)} dropped)"
    assert repr(vesimod.load_model("fast")).startswith("Model(fast ")
    evaluation = vesimod.evaluate(result.spheres, result.spheres, tomogram)
    assert repr(evaluation).startswith("Evaluation(F1 1.000, precision 1.000, recall 1.000, ")


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        ((3,), {}, r"a tomogram is taken as a path, an array \(z, y, x\) or .*, not as int"),
        ((None,), {}, "not as NoneType"),
        (([[[1.0]]],), {}, "not as list"),
        (("{path}", 3), {}, "a model is taken as the name of a shipped one, .*, not as int"),
        ((np.zeros((9, 9)),), {"voxel_size_nm": 2}, r"array of shape \(9, 9\): .* three axes"),
        ((np.zeros((1, 9, 9)),), {"voxel_size_nm": 2}, "more than one section"),
        ((np.zeros((0, 9, 9)),), {"voxel_size_nm": 2}, "three axes"),
        ((np.zeros((9, 9, 9), complex),), {"voxel_size_nm": 2}, "complex128: .* real numbers"),
        ((np.zeros((9, 9, 9), bool),), {"voxel_size_nm": 2}, "array of bool"),
        ((np.zeros((9, 9, 9)),), {}, "an array states no voxel size: give `voxel_size_nm`"),
        ((np.zeros((9, 9, 9)),), {"voxel_size_nm": 22}, "`voxel_size_nm=22`: .*10 Angstrom"),
        ((np.zeros((9, 9, 9)),), {"voxel_size_nm": np.nan}, "`voxel_size_nm=nan`"),
        ((np.zeros((9, 9, 9)),), {"voxel_size_nm": "2.2"}, "`voxel_size_nm=2.2`: not one number"),
        ((np.zeros((16, 16, 16)),), {"voxel_size_nm": 2.0}, "every voxel has the value 0"),
        ((np.full((16, 16, 16), 5.0),), {"voxel_size_nm": 2.0}, "every voxel has the value 5"),
        ((np.full((16, 20, 16), -0.1),), {"voxel_size_nm": 1.7}, "every voxel has the value -0.1"),
        (("{path}",), {"threshold": 1.5}, "`threshold=1.5`: must lie between 0 and 1"),
        (("{tomogram}",), {"voxel_size_nm": 2.0}, "has a voxel size already"),
    ],
)
def test_segment_says_what_is_taken(path, tomogram, arguments, options, text) -> None:
    known = {"{path}": path, "{tomogram}": tomogram}
    given = [known.get(a, a) if isinstance(a, str) else a for a in arguments]
    with pytest.raises(vesimod.VesimodError, match=text) as caught:
        vesimod.segment(*given, **options)
    assert isinstance(caught.value, (TypeError, ValueError))
    assert "--" not in str(caught.value)


@pytest.mark.slow
def test_notes_of_a_result_are_warnings_of_the_callers_line(tomogram) -> None:
    bright = -np.asarray(tomogram.voxels, np.float32)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = vesimod.segment(bright, voxel_size_nm=VOXEL_NM)
    assert any("run again with `invert=True`" in note for note in found.notes)
    assert [str(w.message) for w in caught] == [f"<array>: {note}" for note in found.notes]
    assert {(w.category, w.filename) for w in caught} == {(vesimod.VesimodWarning, __file__)}
    assert all(note in repr(found) for note in found.notes)
    again = vesimod.segment(bright, voxel_size_nm=VOXEL_NM, invert=True)
    assert len(again.spheres) > 5


@pytest.mark.parametrize("kind", [".mod", ".csv", ".mrc"])
@pytest.mark.parametrize("place", ["path", "tomogram", "grid"])
def test_what_is_written_is_read(tmp_path, path, result, tomogram, kind, place) -> None:
    where = {"path": path, "tomogram": tomogram, "grid": tomogram.grid}[place]
    file = tmp_path / f"vesicles{kind}"
    vesimod.write_spheres(file, result.spheres, where)
    for again in (vesimod.read_spheres(file), vesimod.read_spheres(str(file), where)):
        np.testing.assert_array_equal(again.ids, result.spheres.ids)
        np.testing.assert_allclose(again.centres, result.spheres.centres, atol=1.0)
        np.testing.assert_allclose(again.radii_nm, result.spheres.radii_nm, atol=1.5)
    with pytest.raises(FileExistsError, match="`overwrite=True` replaces it"):
        vesimod.write_spheres(file, result.spheres, where)
    vesimod.write_spheres(file, result.spheres, where, overwrite=True)


def test_a_table_states_positions_in_nm_only_where_asked(tmp_path, result, tomogram) -> None:
    with_nm, without = tmp_path / "nm.csv", tmp_path / "voxels.csv"
    vesimod.write_spheres(with_nm, result.spheres, tomogram)
    vesimod.write_spheres(without, result.spheres)
    assert with_nm.read_text().startswith("id,z,y,x,z_nm,y_nm,x_nm,radius_nm,score,")
    assert without.read_text().startswith("id,z,y,x,radius_nm,score,")
    row = np.genfromtxt(with_nm, delimiter=",", names=True, encoding="utf-8", dtype=None)[0]
    assert row["z_nm"] == pytest.approx(row["z"] * VOXEL_NM, abs=1e-3)
    assert same(vesimod.read_spheres(with_nm), vesimod.read_spheres(without))


@pytest.mark.parametrize(
    ("name", "where", "text"),
    [
        ("a.txt", "grid", r"a\.txt: spheres are written as \.mod, \.csv or label \.mrc"),
        ("a.mod", None, "needs the volume that the spheres lie in; give `tomogram`"),
        ("a.mrc", None, "give `tomogram`"),
        ("a.mod", 3.0, "the volume of spheres is taken as a path, .*, not as float"),
    ],
)
def test_what_cannot_be_written_leaves_no_file(tmp_path, result, tomogram, name, where, text):
    where = tomogram.grid if where == "grid" else where
    with pytest.raises(vesimod.VesimodError, match=text):
        vesimod.write_spheres(tmp_path / name, result.spheres, where)
    assert not list(tmp_path.iterdir())


def test_labels_are_painted_on_the_tomogram(path, result, tomogram) -> None:
    labels = vesimod.paint_labels(result.spheres, path)
    assert labels.shape == tomogram.grid.shape
    assert set(np.unique(labels)) == {0, *result.spheres.ids}


def test_evaluate_takes_spheres_and_files(tmp_path, result, tomogram) -> None:
    expected = vesimod.evaluate(result.spheres, result.spheres, tomogram)
    model, table = tmp_path / "a.mod", tmp_path / "a.csv"
    vesimod.write_spheres(model, result.spheres, tomogram)
    vesimod.write_spheres(table, result.spheres)
    labels = tmp_path / "a.mrc"
    vesimod.write_spheres(labels, result.spheres, tomogram)
    for found, truth, options in [
        (model, table, {}),
        (table, model, {}),
        (table, labels, {}),
        (table, table, {"voxel_size_nm": VOXEL_NM}),
        (result.spheres, table, {"tomogram": tomogram.path}),
        (result.spheres, result.spheres, {"tomogram": tomogram.grid}),
    ]:
        evaluation = vesimod.evaluate(found, truth, **options)
        assert evaluation.true_positives == expected.true_positives == len(result.spheres)
        assert evaluation.centre_error_nm_mean < 0.7
    with pytest.raises(vesimod.InputError, match="give `tomogram` or `voxel_size_nm`"):
        vesimod.evaluate(result.spheres, table)
    with pytest.raises(vesimod.VesimodError, match=r"taken as Spheres or .*, not as dict"):
        vesimod.evaluate({}, table, tomogram)


def test_evaluate_within_a_region(result, tomogram) -> None:
    half = np.zeros(tomogram.grid.shape, bool)
    half[:, :70] = True
    lower = result.spheres[result.spheres["y"] < 69]
    evaluation = vesimod.evaluate(lower, result.spheres, tomogram, region=half)
    assert (evaluation.false_negatives, evaluation.false_positives) == (0, 0)
    assert vesimod.evaluate(lower, result.spheres, tomogram).false_negatives > 0
    with pytest.raises(vesimod.InputError, match="give `tomogram`"):
        vesimod.evaluate(lower, result.spheres, voxel_size_nm=VOXEL_NM, region=half)


def test_a_round_of_corrections(tmp_path, result, tomogram) -> None:
    spheres = result.spheres
    radii = np.where(spheres["id"] == spheres.ids[2], 12.5, spheres["radius_nm"])
    person = spheres.with_columns(radius_nm=radii)[1:]
    rows = vesimod.corrections(spheres, person, tomogram)
    verdicts = {row.predicted_id: row.verdict for row in rows}
    assert verdicts[spheres.ids[0]] == "removed"
    assert verdicts[spheres.ids[2]] == "resized"
    assert set(verdicts.values()) == {"removed", "resized", "kept"}
    merged = vesimod.merge(rows, spheres, tomogram)
    assert spheres.ids[0] not in merged.decided.ids
    assert merged.decided["radius_nm"][1] == 12.5
    assert not len(merged.new)
    assert len(repr(merged)) < 200

    before, after, table = (tmp_path / name for name in ("before.mod", "after.mod", "rows.csv"))
    write_sphere_model(before, spheres, tomogram.grid)
    write_sphere_model(after, person, tomogram.grid)
    write_corrections(table, vesimod.corrections(before, after))
    again = vesimod.merge(table, before)
    np.testing.assert_array_equal(again.decided.ids, merged.decided.ids)
    far = spheres.with_columns(z=spheres["z"] + 500)
    with pytest.warns(vesimod.VesimodWarning, match="both of the same tomogram") as caught:
        vesimod.merge(rows, far, tomogram)
    assert caught[0].filename == __file__


def test_what_a_model_leaves_open_is_a_warning(tmp_path, result, tomogram) -> None:
    unsized = result.spheres.with_columns(radius_nm=np.full(len(result.spheres), np.nan))
    vesimod.write_spheres(tmp_path / "clicks.mod", unsized, tomogram)
    with pytest.warns(vesimod.VesimodWarning, match=r"clicks\.mod: .*no size") as caught:
        vesimod.read_spheres(tmp_path / "clicks.mod", tomogram)
    assert caught[0].filename == __file__


def test_clicks_become_spheres(path, result, tomogram) -> None:
    good = result.spheres[result.spheres["score"] > 0.9]
    snapped = vesimod.snap(path, good.centres + 1.0)
    assert snapped.found.mean() > 0.8
    beside = vesimod.Spheres(good.centres + 1.0, good.radii_nm)
    again = vesimod.snap(tomogram, beside)
    np.testing.assert_array_equal(again.spheres.centres, snapped.spheres.centres)
    found = snapped.spheres[snapped.found]
    assert repr(snapped) == f"Snapped({len(found)} of {len(good)} clicks: {found})"
    with pytest.raises(vesimod.InputError, match=r"clicks are points \(z, y, x\)"):
        vesimod.snap(path, [1.0, 2.0])
