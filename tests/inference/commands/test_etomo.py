"""``vesimod etomo`` and ``vesimodpip`` from outside: com files that really segment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from chunk_runner import DONE, parse_com, run_chunks, submit
from typer.testing import CliRunner
from vesimod.cli import app
from vesimod.commands import pip_front
from vesimod.io.sphere_table import read_spheres_csv
from vesimod.io.tomogram import write_volume
from vesimod.runs.outputs import Outputs, Settings
from vesimod_imod.core.spheres import Grid
from vesimod_imod.etomo.pip_options import load_adoc
from vesimod_imod.sphere_model.read import read_sphere_model

pytestmark = pytest.mark.slow

GRID = Grid((40, 56, 60), (2.0, 2.0, 2.0))
CENTRE, RADIUS_NM = (20.0, 28.0, 31.0), 24.0


def command(*arguments: object):
    return CliRunner().invoke(app, ["etomo", *map(str, arguments)])


def write_tomogram(path: Path) -> None:
    """A dark ball, which the model tests/data/dark.onnx takes for a vesicle."""
    index = np.indices(GRID.shape)
    squares = sum((axis - c) ** 2 for axis, c in zip(index, CENTRE, strict=True))
    volume = -1 / (1 + np.exp((2.0 * np.sqrt(squares) - RADIUS_NM) / 1.5))
    volume += 0.02 * np.random.default_rng(0).normal(size=GRID.shape)
    write_volume(path, volume.astype(np.float32), GRID)


def make_data_set(folder: Path, name: str, volume: str | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = f"#Etomo\nSetup.DatasetName={name}\nSetup.AxisType=Single Axis\n"
    (folder / f"{name}.edf").write_text(text, encoding="latin-1")
    if volume:
        write_tomogram(folder / volume)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two data sets, of an old and of a new Etomo, in a folder with blanks in its name."""
    folder = tmp_path / "my data"
    make_data_set(folder / "TS_01", "TS_01", "TS_01.rec")
    make_data_set(folder / "TS_02", "TS_02", "TS_02_rec.mrc")
    return folder


@pytest.fixture
def front(capsys: pytest.CaptureFixture[str]):
    def run(*arguments: object) -> tuple[int, str]:
        code = pip_front.run_front([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        assert printed.err == ""  # a log holds the standard output alone
        assert "Traceback" not in printed.out
        assert "Errno" not in printed.out
        return code, printed.out

    return run


def test_chunks_find_vesicles_and_the_finish_sums_up(folder: Path, data: Path) -> None:
    result = command(folder, "--model", data / "dark.onnx", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "wrote vesimod.com, 2 chunks and vesimod-finish.com" in result.output
    run_chunks(folder, "vesimod", workers=2, tries=1)
    for chunk, model in (("001", "TS_01/TS_01"), ("002", "TS_02/TS_02_rec")):
        log = (folder / f"vesimod-{chunk}.log").read_text(encoding="utf-8")
        assert "  OutputModel = " in log  # the entries, as IMOD's programs print them
        assert "run the network: 100 %" in log
        assert "found 1 vesicle" in log
        assert log.splitlines()[-1] == DONE
        spheres = read_sphere_model(folder / f"{model}_vesicles.mod").spheres
        np.testing.assert_allclose(spheres.centres, [CENTRE], atol=0.75)
        assert len(read_spheres_csv(folder / f"{model}_vesicles.csv")) == 1
    table = (folder / "vesimod-finish.log").read_text(encoding="utf-8")
    rows = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("| TS")]
    cells = [[cell.strip() for cell in row] for row in rows]
    assert [row[:3] for row in cells] == [["TS_01", "2", "1"], ["TS_02_rec", "2", "1"]]
    assert all(abs(float(row[3]) - RADIUS_NM) < 4 for row in cells)


def test_a_finished_model_is_kept_when_everything_runs_again(folder: Path, data: Path) -> None:
    target = folder / "TS_01"
    model = target / "TS_01_vesicles.mod"
    assert command(target, "--model", data / "dark.onnx").exit_code == 0
    assert submit(target / "vesimod.com")
    model.write_bytes(model.read_bytes() + b"edited")
    edited = model.read_bytes()
    assert submit(target / "vesimod-001.com")
    assert model.read_bytes() == edited
    assert "exists already and is kept" in (target / "vesimod-001.log").read_text(encoding="utf-8")
    # The remains of a broken run are not a reason to fail: the table is there, the model is not.
    model.unlink()
    assert submit(target / "vesimod-001.com")
    assert len(read_sphere_model(model).spheres) == 1
    # Whoever says --overwrite means it; the former model stays beside it.
    model.write_bytes(edited)
    assert command(target, "--model", data / "dark.onnx", "--overwrite").exit_code == 0
    assert submit(target / "vesimod-001.com")
    assert model.read_bytes() != edited
    assert model.with_name(model.name + "~").read_bytes() == edited


def test_a_chunk_says_in_one_line_what_is_wrong(folder: Path, data: Path) -> None:
    (folder / "TS_02" / "TS_02_rec.mrc").write_text("no tomogram")
    assert command(folder, "--model", data / "dark.onnx").exit_code == 0
    assert not submit(folder / "vesimod-002.com")
    log = (folder / "vesimod-002.log").read_text(encoding="utf-8")
    errors = [line for line in log.splitlines() if line.startswith("ERROR: VESIMOD - ")]
    assert len(errors) == 1
    assert "TS_02_rec.mrc" in errors[0]
    assert "Traceback" not in log
    assert "Errno" not in log


def test_the_voxel_size_is_held_against_the_header(folder: Path, data: Path, front) -> None:
    refused = command(folder, "--voxel-size-nm", 20)
    assert "the header says 2 nm; 20 Angstrom?" in str(refused.exception)
    assert not list(folder.glob("*.com"))
    assert (
        "its header says 2 nm a voxel; 3.4 nm are" in command(folder, "--voxel-size-nm", 3.4).output
    )
    entries = ["-InputFile", folder / "TS_01" / "TS_01.rec", "-NetworkModel", data / "dark.onnx"]
    slab = [*entries, "-VoxelSizeNm", "3.4", "-NumberOfSlabs", 2, "-SlabNumber", 1]
    code, log = front(*slab)
    assert code == 0
    assert "WARNING: vesimod - " in log
    assert "its header says 2 nm a voxel; 3.4 nm are taken" in log


def test_data_sets_without_tomogram_are_named_and_left_out(folder: Path) -> None:
    make_data_set(folder / "TS_03", "TS_03")
    make_data_set(folder / "TS_04", "TS_04", "TS_04_full_rec.mrc")
    result = command(folder)
    assert result.exit_code == 0
    assert "data set TS_03 has no tomogram yet" in result.output
    assert "TS_04_full_rec.mrc: this volume is not trimmed" in result.output
    entries = parse_com(folder / "vesimod-003.com")[0][1]
    assert entries[0] == "InputFile TS_04/TS_04_full_rec.mrc"
    assert "KeepFinished" in entries
    assert not (folder / "vesimod-004.com").exists()
    result = command(folder / "TS_03" / "TS_03.edf")
    assert "has no tomogram yet" in str(result.exception)


def test_options_reach_the_chunks(folder: Path) -> None:
    options = ["--voxel-size-nm", 1.1, "--threshold", 0.4, "--device", "cuda", "--invert"]
    options += ["--threads", 4]
    assert command(folder / "TS_02", *options, "--overwrite").exit_code == 0
    line, entries = parse_com(folder / "TS_02" / "vesimod-001.com")[0]
    assert line.endswith("-m vesimod.pip -StandardInput")
    assert Path(line.split(" -u ")[0].strip('"')) == Path(sys.executable)
    assert entries[3:] == [
        "NetworkModel fast",
        "VoxelSizeNm 1.1",
        "Threshold 0.4",
        "Device cuda",
        "ThreadLimit 4",
        "InvertContrast",
        "OverwriteOutput",
    ]


def test_a_network_of_the_user_is_found_from_the_chunk_s_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert command("TS_01", "--model", "mine.onnx").exit_code == 0
    entries = parse_com(folder / "TS_01" / "vesimod-001.com")[0][1]
    assert f"NetworkModel {(folder / 'mine.onnx').as_posix()}" in entries


def test_existing_models_are_mentioned(folder: Path) -> None:
    (folder / "TS_01" / "TS_01_vesicles.mod").touch()
    assert "will be kept; --overwrite makes it anew" in command(folder).output


def test_the_directive_runs_in_the_data_set_s_folder(folder: Path, data: Path) -> None:
    printed = command("--batchruntomo", "--model", data / "dark.onnx").output.strip()
    key, _, line = printed.partition(" = ")
    assert key == "runtime.RunAfterStep.any.20"
    line = line.replace("%{setname}", "TS_02")
    done = subprocess.run(
        line, shell=True, cwd=folder / "TS_02", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(read_sphere_model(folder / "TS_02" / "TS_02_rec_vesicles.mod").spheres) == 1


@pytest.mark.parametrize("variable", ["AUTODOC_DIR", "IMOD_DIR"])
def test_the_autodoc_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("AUTODOC_DIR", "IMOD_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert "neither AUTODOC_DIR nor IMOD_DIR" in str(command("--install-adoc").exception)
    monkeypatch.setenv(variable, str(tmp_path))
    folder = tmp_path / "autodoc" if variable == "IMOD_DIR" else tmp_path
    if variable == "IMOD_DIR":
        assert "no such folder" in str(command("--install-adoc").exception)
        folder.mkdir()
    assert command("--install-adoc").exit_code == 0
    assert (folder / "vesimodpip.adoc").read_text(encoding="utf-8") == load_adoc()


def test_nothing_to_do_is_an_error() -> None:
    assert "name a data set" in str(command().exception)


def test_every_option_reaches_the_segmentation(front, monkeypatch: pytest.MonkeyPatch) -> None:
    from vesimod.commands import segmenting

    calls = []
    monkeypatch.setattr(segmenting, "run", lambda *args, **options: calls.append((args, options)))
    monkeypatch.delenv("IMOD_USE_GPU2", raising=False)
    arguments = "-inp a.mrc -OutputModel b.mod -tab t.csv -lab l.mrc -prob p.mrc -net accurate "
    arguments += "-pic p.png -drop d.csv -reg r.mod -cl -vox 1.5 -thresh 0.3 -dev cpu -threa 3 "
    arguments += "-inv -over -mem 2.5"
    assert front(*arguments.split())[0] == 0
    assert front("a.mrc")[0] == 0
    files = [Path(name) for name in ("b.mod", "t.csv", "l.mrc", "p.mrc", "p.png", "d.csv")]
    settings = Settings(1.5, 0.3, True, Path("r.mod"), True)
    choice = segmenting.NetworkChoice("accurate", "cpu", 3, 2.5)
    default = segmenting.NetworkChoice("fast", "auto", None, None)
    assert calls == [
        ((Path("a.mrc"), Outputs(*files), settings, choice), {"slabs": 1, "overwrite": True}),
        (
            (Path("a.mrc"), Outputs(Path("a_vesicles.mod")), Settings(), default),
            {"slabs": 1, "overwrite": False},
        ),
    ]


@pytest.mark.parametrize(
    ("gpu", "visible", "device", "expected"),
    [
        ("", None, "auto", None),
        ("0", None, "cuda", None),
        ("2", None, "cuda", "1"),
        ("2", "4,7", "cuda", "7"),
        ("1", "", "cuda", "0"),
    ],
)
def test_the_gpu_that_processchunks_hands_out(
    front, monkeypatch: pytest.MonkeyPatch, gpu: str, visible: str | None, device: str, expected
) -> None:
    import os

    from vesimod.commands import segmenting

    used = []
    monkeypatch.setattr(segmenting, "run", lambda *args, **_: used.append(args[3].device))
    monkeypatch.setenv("IMOD_USE_GPU2", gpu)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # so that the test's end restores it
    assert front("-InputFile", "a.mrc")[0] == 0
    assert used == [device]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == (expected or visible or "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-InputFile", "absent.mrc"], "absent.mrc"),
        (["-DataSet", "absent"], "no Etomo data set there"),
        (["-OutputModel", "b.mod"], "no tomogram: enter InputFile or DataSet"),
        (["-Nonsense"], "Illegal option: Nonsense"),
        (["-InputFile", "a.mrc", "-Device", "tpu"], "Device is auto, cpu or cuda, not tpu"),
        (["-InputFile", "a.mrc", "-Threshold", "x"], "Threshold needs a number"),
        (["-ParameterFile", "absent.txt"], "absent.txt: No such file"),
        (["-SummaryFile", "absent.mod"], "absent.mod: no such file"),
        (["-InputFile", "a.mrc", "-OutputModel", "there.mod"], "there.mod: exists already"),
    ],
)
def test_errors_are_one_line_in_the_log(
    front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.mod").write_text("a person's work")
    code, printed = front(*arguments)
    assert code == 1
    last = printed.splitlines()[-1]
    assert last.startswith("ERROR: VESIMOD - ")
    assert message in last
    assert [path.name for path in tmp_path.iterdir()] == ["there.mod"]
    assert (tmp_path / "there.mod").read_text() == "a person's work"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (KeyError("x"), "KeyError"),
        (OSError("[Errno 28] No space left"), "No space left"),
        (MemoryError(), "out of memory"),
        (KeyboardInterrupt(), "interrupted"),
        (RuntimeError("two\nlines"), "two lines"),
    ],
)
def test_whatever_goes_wrong_inside_is_one_line(
    front, monkeypatch: pytest.MonkeyPatch, error: BaseException, message: str
) -> None:
    import warnings

    from vesimod.commands import segmenting

    def fail(*_: object, **__: object) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("odd header", stacklevel=1)
        raise error

    monkeypatch.setattr(segmenting, "run", fail)
    code, printed = front("-InputFile", "a.mrc")
    assert code == 1
    assert printed.splitlines()[0] == "WARNING: VESIMOD - odd header"
    assert message in printed.splitlines()[1]
    assert len(printed.splitlines()) == 2


def test_help_and_no_arguments_print_the_options(front) -> None:
    for arguments in ([], ["-help"], ["--usage"]):
        code, printed = front(*arguments)
        assert code == 0
        assert "-OutputModel" in printed


# Com files of users name the second one, which earlier versions wrote.
@pytest.mark.parametrize("module", ["vesimod.pip", "vesimod.commands.pip_front"])
def test_com_files_of_any_version_reach_the_program(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, "-StandardInput"],
        input="InputFile é.mrc\nBogus\n".encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.decode().strip() == "ERROR: VESIMOD - Illegal option: Bogus"
    assert done.stderr == b""
