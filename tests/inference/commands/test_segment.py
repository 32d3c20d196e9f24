"""`vesimod segment` from the outside: files, exit codes and the text of every refusal."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from command_line import vesimod
from vesimod.io.tomogram import read_tomogram, write_volume
from vesimod_imod.core import files as core_files
from vesimod_imod.core.spheres import Grid
from vesimod_imod.model.coordinates import image_reference
from vesimod_imod.model.files import write_mod
from vesimod_imod.model.header import Header, build_mod
from vesimod_imod.model.objects import ModelObject
from vesimod_imod.sphere_model.read import read_sphere_model

VOXEL_NM = 2.0
CENTRES = np.array([[30.0, 32.0, 34.0], [30.0, 32.0, 74.0], [32.5, 75.25, 50.5]])
RADII_NM = np.array([22.0, 26.0, 20.0])
GRID = Grid((64, 104, 108), (VOXEL_NM,) * 3, origin_nm=(10.0, 0.0, -40.0))


def dark_balls(inverted: bool = False) -> np.ndarray[tuple[int, int, int], np.dtype[np.float32]]:
    """Dark balls with a darker rim: the test model goes by the dark, the fit by the rim."""
    volume = np.zeros(GRID.shape)
    index = np.indices(GRID.shape)
    for centre, radius in zip(CENTRES, RADII_NM, strict=True):
        distance = np.sqrt(((index - centre[:, None, None, None]) ** 2).sum(axis=0)) * VOXEL_NM
        volume -= 0.7 / (1 + np.exp((distance - radius) / 1.5))
        volume -= np.exp(-0.5 * ((distance - radius + 4) / 2.0) ** 2)
    volume += 0.02 * np.random.default_rng(0).normal(size=GRID.shape)
    return (-volume if inverted else volume).astype(np.float32)


@pytest.fixture
def tomogram(tmp_path: Path) -> Path:
    path = tmp_path / "TS_01_rec.mrc"
    write_volume(path, dark_balls(), GRID)
    return path


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_spheres_lie_on_the_balls(tomogram: Path, data: Path) -> None:
    assert vesimod("segment", tomogram, "--model", data / "dark.onnx", "--quiet") == 0
    output = tomogram.with_name("TS_01_rec_vesicles.mod")
    found = read_sphere_model(output, GRID).spheres
    order = np.argsort(found.centres[:, 2])
    expected = np.argsort(CENTRES[:, 2])
    np.testing.assert_allclose(found.centres[order], CENTRES[expected], atol=0.75)
    np.testing.assert_allclose(found.radii_nm[order], RADII_NM[expected], atol=4.0)


@pytest.mark.slow
def test_every_output(tomogram: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tomogram.parent / "out"
    folder.mkdir()
    wanted = {
        "--output": folder / "a.mod",
        "--table": folder / "a.csv",
        "--labels": folder / "labels.mrc",
        "--probability": folder / "probability.mrc",
        "--picture": folder / "a.png",
    }
    options = [word for pair in wanted.items() for word in pair]
    code = vesimod("segment", tomogram, "--model", data / "dark.onnx", *options)
    assert code == 0
    printed = capsys.readouterr()
    assert "found 3 vesicles" in printed.out
    assert "network: 100 %" in printed.err or "run the network: 100 %" in printed.err
    assert all(path.is_file() for path in wanted.values())
    with (folder / "a.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0])[:6] == ["id", "z", "y", "x", "radius_nm", "score"]
    labels = read_tomogram(folder / "labels.mrc")
    assert labels.grid.origin_nm == pytest.approx(GRID.origin_nm)
    for row in rows:
        index = tuple(round(float(row[axis])) for axis in "zyx")
        assert labels.voxels[index] == int(row["id"])
    probability = read_tomogram(folder / "probability.mrc")
    assert probability.voxels.shape == GRID.shape
    assert probability.voxels[30, 32, 34] > 0.5 > probability.voxels[5, 5, 5]
    assert (folder / "a.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.slow
def test_inverted_volume_is_noticed(
    tomogram: Path,
    data: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vesimod.doubts.LEAST_BRIGHT", 3)  # as many as there are
    write_volume(tomogram, dark_balls(inverted=True), GRID, overwrite=True)
    model = ("--model", data / "dark.onnx", "--overwrite")
    assert vesimod("segment", tomogram, *model) == 0
    captured = capsys.readouterr()
    assert "--invert" in captured.err
    assert "found 3 vesicles" not in captured.out
    assert vesimod("segment", tomogram, *model, "--invert") == 0
    captured = capsys.readouterr()
    assert "--invert" not in captured.err
    assert "found 3 vesicles" in captured.out


def test_voxel_size_option_scales_radii(tomogram: Path, data: Path) -> None:
    model = ("--model", data / "dark.onnx", "--quiet")
    assert vesimod("segment", tomogram, *model, "--voxel-size-nm", 3.0) == 0
    found = read_sphere_model(tomogram.with_name("TS_01_rec_vesicles.mod")).spheres
    assert len(found) == 3
    np.testing.assert_allclose(sorted(found.radii_nm), sorted(RADII_NM * 1.5), atol=5.0)


def test_where_nothing_is_found_the_radii_that_were_looked_for_are_named(
    tomogram: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    least, most = 2 * RADII_NM.max(), 4 * RADII_NM.max()
    words = ("--model", data / "dark.onnx", "--radius-nm", least, most)
    assert vesimod("segment", tomogram, *words) == 0
    assert f"found no vesicle of {least:g} to {most:g} nm radius" in capsys.readouterr().out


def test_anisotropic_voxels(tmp_path: Path, data: Path) -> None:
    path = tmp_path / "anisotropic.mrc"
    grid = Grid((32, 104, 108), (2 * VOXEL_NM, VOXEL_NM, VOXEL_NM))
    write_volume(path, np.ascontiguousarray(dark_balls()[::2]), grid)
    assert vesimod("segment", path, "--model", data / "dark.onnx", "--quiet") == 0
    found = read_sphere_model(tmp_path / "anisotropic_vesicles.mod", grid).spheres
    order = np.argsort(found.centres[:, 2])
    expected = CENTRES[np.argsort(CENTRES[:, 2])] * (0.5, 1, 1)
    np.testing.assert_allclose(found.centres[order], expected, atol=0.75)


def test_volume_smaller_than_a_tile(tmp_path: Path, data: Path) -> None:
    path = tmp_path / "small.mrc"
    volume = np.ascontiguousarray(dark_balls()[10:50, 12:52, 14:54])
    write_volume(path, volume, Grid((40, 40, 40), (VOXEL_NM,) * 3))
    assert vesimod("segment", path, "--model", data / "dark.onnx", "--quiet") == 0
    assert len(read_sphere_model(tmp_path / "small_vesicles.mod").spheres) == 1


def write_region_model(path: Path) -> None:
    """A closed contour around x < 55 (in voxels), drawn on the first and the last section."""
    square = [[0, 0], [55, 0], [55, 104], [0, 104]]
    points = np.array([[x, y, z] for z in (0, 63) for x, y in square], np.float32)
    region = ModelObject(
        name="cytoplasm",
        flags=0,
        colour=(1.0, 0.0, 0.0),
        default_radius=0,
        points_per_contour=0,
        points=points,
        counts=np.array([4, 4]),
        surfaces=np.zeros(2, np.int64),
        sizes=np.full(8, -1, np.float32),
        values=np.full(8, np.nan, np.float32),
        labels=("", ""),
    )
    header = Header(name="region", size=(108, 104, 64), flags=0)
    write_mod(path, build_mod(header, [region], image_reference(GRID)))


@pytest.mark.parametrize("kind", ["region.mod", "region.mrc"])
def test_region_and_dropped_table(tomogram: Path, data: Path, kind: str) -> None:
    region, dropped = tomogram.with_name(kind), tomogram.with_name("dropped.csv")
    if kind == "region.mod":
        write_region_model(region)
    else:
        mask = np.zeros(GRID.shape, np.int8)
        mask[:, :, :55] = 1
        write_volume(region, mask, GRID)
    options = ("--region", region, "--dropped", dropped, "--quiet")
    assert vesimod("segment", tomogram, "--model", data / "dark.onnx", *options) == 0
    found = read_sphere_model(tomogram.with_name("TS_01_rec_vesicles.mod"), GRID).spheres
    assert len(found) == 2
    assert np.all(found.centres[:, 2] < 55)
    with dropped.open(newline="") as stream:
        (row,) = [r for r in csv.DictReader(stream) if r["reason"] == "outside the region"]
    assert float(row["x"]) == pytest.approx(74, abs=1)


@pytest.mark.slow
def test_region_of_another_shape_is_refused(
    tomogram: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    region = tomogram.with_name("region.mrc")
    write_volume(region, np.ones((4, 5, 6), np.int8), Grid((4, 5, 6), (VOXEL_NM,) * 3))
    arguments = ("--model", data / "dark.onnx", "--region", region, "--quiet")
    assert vesimod("segment", tomogram, *arguments) == 2
    assert "must have been made on the same volume" in capsys.readouterr().err
    assert not tomogram.with_name("TS_01_rec_vesicles.mod").exists()


def test_score_classes_make_five_objects(tomogram: Path, data: Path) -> None:
    arguments = ("--model", data / "dark.onnx", "--score-classes", "--quiet")
    assert vesimod("segment", tomogram, *arguments) == 0
    reading = read_sphere_model(tomogram.with_name("TS_01_rec_vesicles.mod"), GRID)
    assert len(reading.object_names) == 5
    assert len(reading.spheres) == 3


@pytest.mark.slow
def test_module_runs_as_program(tomogram: Path, data: Path) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "vesimod", "segment", tomogram, "--model", data / "dark.onnx"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "TS_01_rec_vesicles.mod" in result.stdout


# -- bad input: one clear line, exit code 2, everything left as it was ------------------------


def bad_file(kind: str, folder: Path) -> Path:
    path = folder / "bad.mrc"
    volume = dark_balls()
    if kind == "text":
        path.write_text("not a tomogram\n" * 200)
    elif kind == "truncated":
        write_volume(path, volume, GRID)
        path.write_bytes(path.read_bytes()[:-1000])
    elif kind == "image":
        write_volume(path, volume[:1], Grid((1, *GRID.shape[1:]), (VOXEL_NM,) * 3))
    elif kind == "nan":
        write_volume(path, volume, GRID)
        voxels = np.memmap(path, "<f4", "r+", offset=1024, shape=GRID.shape)
        voxels[40, 50, 60] = np.nan
        voxels.flush()
    elif kind == "constant":
        write_volume(path, np.full_like(volume, 7), GRID)
    elif kind == "no voxel size":
        write_volume(path, volume, Grid(GRID.shape, (0.0, 0.0, 0.0)))
    elif kind == "one angstrom":
        write_volume(path, volume, Grid(GRID.shape, (0.1, 0.1, 0.1)))
    elif kind == "header only":
        write_volume(path, volume, GRID)
        path.write_bytes(path.read_bytes()[:1024])
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "no such file"),
        ("text", "not an MRC header"),
        ("truncated", "cut short"),
        ("header only", "cut short"),
        ("image", "single 2D image"),
        ("nan", "NaN"),
        ("constant", "every voxel has the value 7"),
        ("no voxel size", "--voxel-size-nm"),
        ("one angstrom", "--voxel-size-nm"),
    ],
)
def test_bad_tomograms(
    kind: str, message: str, tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = bad_file(kind, tmp_path)
    (tmp_path / "bad_vesicles.mod").write_text("a year of work")
    before = files(tmp_path)
    model = data / "dark.onnx"
    assert vesimod("segment", path, "--model", model, "--overwrite", "--quiet") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith(f"ERROR: vesimod - {path}")
    assert message in line
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "nonsense"], "neither a file nor a shipped model"),
        (["--model", "{data}/README.md"], "not an ONNX model"),
        (["--model", "{data}/no_metadata.onnx"], "vesimod-train export"),
        (["--model", "{data}/dark.onnx", "--threshold", "1.5"], "between 0 and 1"),
        (["--model", "{data}/dark.onnx", "--voxel-size-nm", "0.01"], "outside 0.1 to 10 nm"),
        (["--model", "{data}/dark.onnx", "--table", "{out}"], "--overwrite"),
        (["--model", "{data}/dark.onnx", "-o", "{tomogram}", "--overwrite"], "named twice"),
        (["--model", "{data}/dark.onnx", "-o", "/nowhere/at/all.mod"], "no such folder"),
        (["--model", "{data}/dark.onnx", "--threads", "0"], "--threads"),
        (["--model", "{data}/dark.onnx", "--colour", "red"], "--colour"),
        (["--model", "{data}/dark.onnx", "--device", "tpu"], "--device"),
    ],
)
def test_bad_options(
    options: list[str],
    message: str,
    tomogram: Path,
    data: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    existing = tomogram.parent / "existing.csv"
    existing.write_text("a table")
    before = files(tomogram.parent)
    names = {"data": data, "out": existing, "tomogram": tomogram}
    assert vesimod("segment", tomogram, *(o.format(**names) for o in options)) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("ERROR: vesimod - ")
    assert message in captured.err
    assert files(tomogram.parent) == before


def test_existing_output_needs_overwrite(
    tomogram: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tomogram.with_name("TS_01_rec_vesicles.mod")
    output.write_text("corrected by hand")
    assert vesimod("segment", tomogram, "--model", data / "dark.onnx") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert output.read_text() == "corrected by hand"
    assert vesimod("segment", tomogram, "--model", data / "dark.onnx", "--overwrite") == 0
    assert len(read_sphere_model(output).spheres) == 3


@pytest.mark.skipif(os.name == "nt", reason="folders cannot be made read-only this way")
def test_unwritable_folder(
    tomogram: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() == 0:  # root writes everywhere: let the file system say no instead

        def refuse(_path: Path) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(core_files, "temporary_path", refuse)
    tomogram.parent.chmod(0o555)
    try:
        assert vesimod("segment", tomogram, "--model", data / "dark.onnx") == 2
    finally:
        tomogram.parent.chmod(0o755)
    assert "cannot write there (Permission denied)" in capsys.readouterr().err


def test_interrupt_leaves_nothing(
    tomogram: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    def interrupt(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Image.Image, "save", interrupt)
    before = files(tomogram.parent)
    picture = tomogram.with_suffix(".png")
    code = vesimod("segment", tomogram, "--model", data / "dark.onnx", "--picture", picture)
    assert code == 130
    assert "interrupted" in capsys.readouterr().err
    assert files(tomogram.parent) == before


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        vesimod("segment", tmp_path / "absent.mrc", "--debug")


def test_real_lysosome_bytes_are_read_signed(shared: Path) -> None:
    tomogram = read_tomogram(shared / "tomograms/lysosome_wbp_bin2_256x256x192_int8.mrc")
    assert abs(float(np.mean(tomogram.voxels[90:100], dtype=np.float64))) < 20
