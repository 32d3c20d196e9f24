"""`vesimod batch`: results of many tomograms, whatever interrupts the work."""

from __future__ import annotations

import csv
import errno
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chunk_runner import run_chunks
from dark_ball import GRID, RADIUS_NM, write_dark_ball
from hypothesis import given
from hypothesis import strategies as st
from vesimod.cli import app, run_app
from vesimod.commands import console
from vesimod.io.sphere_table import read_spheres_csv
from vesimod.io.tomogram import read_tomogram, write_volume
from vesimod.network.model import load_model
from vesimod.network.runtime import ON_GPU
from vesimod.runs.batch import distinct_names, find_tomograms, in_two_steps, plan_jobs, run_jobs
from vesimod.runs.outputs import Settings
from vesimod_imod.sphere_model.read import read_sphere_model
from vesimod_imod.sphere_model.write import write_sphere_model

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three tomograms; the batch is to write into out/."""
    for number in (1, 2, 3):
        write_dark_ball(tmp_path / "data" / f"TS_0{number}.mrc", 26.0 + 2 * number)
    return tmp_path


@pytest.fixture
def batch(folder: Path, data: Path):
    def run(*options: object, pattern: str = "data/*.mrc") -> int:
        return run_app(app, "vesimod", [str(word) for word in line(folder, data, pattern, options)])

    return run


def line(folder: Path, data: Path, pattern: str = "data/*.mrc", options: tuple = ()) -> list:
    model = data / "dark.onnx"
    return ["batch", folder / pattern, "-o", folder / "out", "--model", model, *options]


def contents(folder: Path) -> dict[str, bytes]:
    """Result files by name, without the date in MRC headers, provenance records and the summary."""
    return {
        path.name: path.read_bytes()[1024 if path.suffix == ".mrc" else 0 :]
        for path in folder.iterdir()
        if path.suffix in (".mod", ".csv", ".mrc", ".png") and path.name != "summary.csv"
    }


def summary(folder: Path) -> list[dict[str, str]]:
    with (folder / "out" / "summary.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def states(folder: Path) -> list[str]:
    return [row["state"] for row in summary(folder)]


def test_results_and_one_table(folder: Path, batch, capsys: pytest.CaptureFixture[str]) -> None:
    assert batch("--picture", "--dropped", "--labels") == 0
    out = folder / "out"
    for number in (1, 2, 3):
        spheres = read_sphere_model(out / f"TS_0{number}_vesicles.mod").spheres
        np.testing.assert_allclose(spheres.centres, [[20, 28, 26 + 2 * number]], atol=0.75)
        assert len(read_spheres_csv(out / f"TS_0{number}_vesicles.csv")) == 1
        assert (out / f"TS_0{number}_vesicles.png").is_file()
        assert (out / f"TS_0{number}_dropped.csv").is_file()
        assert read_tomogram(out / f"TS_0{number}_labels.mrc").voxels.max() == 1
    row = summary(folder)[0]
    assert (row["state"], row["vesicles"], row["voxel_size_nm"]) == ("done", "1", "2")
    assert abs(float(row["radius_mean_nm"]) - RADIUS_NM) < 4
    volume_um3 = np.prod(GRID.shape) * 8e-9
    assert float(row["density_per_um3"]) == pytest.approx(1 / volume_um3, rel=1e-4)
    assert float(row["seconds"]) > 0
    shown = [text for text in capsys.readouterr().out.splitlines() if text.startswith("|")]
    assert len(shown) == 5
    assert len({len(text) for text in shown}) == 1
    assert [word.strip() for word in shown[2].split("|")[1:4]] == ["TS_01", "2", "1"]


def test_run_again_it_does_nothing(folder: Path, batch) -> None:
    assert batch("--quiet") == 0
    before = {p: p.stat().st_mtime_ns for p in (folder / "out").iterdir() if p.suffix != ".csv"}
    assert batch("--quiet", "--overwrite") == 0  # finished is finished
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert states(folder) == ["kept"] * 3
    assert float(summary(folder)[0]["seconds"]) > 0  # still what it took then


def test_a_bad_tomogram_stops_nothing(
    folder: Path, batch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "data" / "TS_00.mrc").write_text("no tomogram")
    assert batch() == 2
    printed = capsys.readouterr()
    assert "ERROR: vesimod - 1 of 4 tomograms failed: TS_00" in printed.err
    assert "Traceback" not in printed.err
    assert states(folder) == ["failed", "done", "done", "done"]
    assert "not an MRC file" in summary(folder)[0]["notes"]
    write_dark_ball(folder / "data" / "TS_00.mrc")
    assert batch("--quiet") == 0
    assert states(folder) == ["done", "kept", "kept", "kept"]


def test_results_made_otherwise_are_not_replaced_unasked(folder: Path, batch) -> None:
    assert batch("--quiet") == 0
    before = contents(folder / "out")
    for options, reason in (
        (("--threshold", 0.4), "made with other settings"),
        (("--picture",), "made without TS_01_vesicles.png"),
    ):
        assert batch("--quiet", *options) == 2
        assert states(folder) == ["failed"] * 3
        assert reason in summary(folder)[0]["notes"]
        assert contents(folder / "out") == before
    assert batch("--quiet", "--threshold", 0.4, "--overwrite") == 0
    assert states(folder) == ["done"] * 3
    write_dark_ball(folder / "data" / "TS_02.mrc", 31.0)
    assert batch("--quiet", "--threshold", 0.4) == 2
    assert states(folder) == ["kept", "failed", "kept"]
    assert "another tomogram" in summary(folder)[1]["notes"]
    (folder / "out" / "TS_03_vesicles.mod.json").unlink()
    assert batch("--quiet", "--threshold", 0.4) == 2
    assert states(folder) == ["kept", "failed", "failed"]


def test_corrections_of_a_person_are_kept_and_counted(folder: Path, batch) -> None:
    assert batch("--quiet") == 0
    model = folder / "out" / "TS_02_vesicles.mod"
    spheres = read_sphere_model(model, GRID).spheres
    write_sphere_model(model, spheres.select(np.array([], int)), GRID, overwrite=True)
    edited = model.read_bytes()
    assert batch("--quiet") == 0
    assert model.read_bytes() == edited
    row = summary(folder)[1]
    assert (row["state"], row["vesicles"], row["radius_mean_nm"]) == ("kept", "0", "")
    assert "was edited since" in row["notes"]


def test_regions_are_taken_by_name(folder: Path, batch) -> None:
    regions = folder / "regions"
    assert batch("--regions", regions) == 2
    regions.mkdir()
    nowhere = np.zeros(GRID.shape, np.int8)
    nowhere[:4] = 1
    write_volume(regions / "TS_02.mrc", nowhere, GRID)
    assert batch("--quiet", "--regions", regions) == 0
    assert [row["vesicles"] for row in summary(folder)] == ["1", "0", "1"]
    write_volume(regions / "TS_03.mrc", nowhere, GRID)
    assert batch("--quiet", "--regions", regions) == 2
    assert states(folder) == ["kept", "kept", "failed"]


DYING = """
import os, signal, sys
from vesimod.cli import main
real, calls, last = os.fsync, 0, int(sys.argv.pop(1))
def fsync(handle):
    global calls
    calls += 1
    if calls == last:  # written, but not yet under its name
        os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    real(handle)
os.fsync = fsync
main()
"""


# Each tomogram syncs its table, its model and its provenance record, then the summary follows.
@pytest.mark.parametrize("sync", [1, 2, 3, 4, 7])
def test_killed_while_writing(folder: Path, batch, data: Path, sync: int) -> None:
    words = [str(word) for word in line(folder, data)]
    died = subprocess.run([sys.executable, "-c", DYING, str(sync), *words], check=False)
    assert died.returncode != 0
    out = folder / "out"
    finished = (sync - 1) // 4 + (sync % 4 == 0)
    for path in out.glob("TS*.mod"):  # what has its name is whole
        assert len(read_sphere_model(path).spheres) == 1
    for path in out.glob("TS*.csv"):
        assert len(read_spheres_csv(path)) == 1
    assert batch("--quiet") == 0
    assert states(folder) == ["kept"] * finished + ["done"] * (3 - finished)
    assert not [path for path in out.iterdir() if path.name.startswith(".")]
    assert not list(out.glob("*.unfinished"))
    assert_as_undisturbed(folder, data)


def assert_as_undisturbed(folder: Path, data: Path, *options: object) -> None:
    other = [*line(folder, data), "--quiet", "-o", folder / "undisturbed", *options]
    assert run_app(app, "vesimod", [str(word) for word in other]) == 0
    assert contents(folder / "out") == contents(folder / "undisturbed")


def test_killed_at_any_time(folder: Path, batch, data: Path) -> None:
    for number in range(4, 9):
        write_dark_ball(folder / "data" / f"TS_0{number}.mrc", 26.0 + number)
    words = [str(word) for word in line(folder, data)]
    process = subprocess.Popen([sys.executable, "-m", "vesimod", *words, "--quiet"])
    second = folder / "out" / "TS_02_vesicles.mod.json"
    while process.poll() is None and not second.exists():
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    process.wait()
    finished = len(list((folder / "out").glob("*.json")))
    assert batch("--quiet") == 0
    assert states(folder).count("kept") >= finished - 1
    assert_as_undisturbed(folder, data)


@pytest.mark.parametrize(("sync", "begun"), [(1, 1), (3, 1), (5, 2), (4, 1), (8, 2)])
def test_a_full_disk_ends_the_batch(
    folder: Path,
    batch,
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    sync: int,
    begun: int,
) -> None:
    calls = 0

    def fsync(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls >= sync:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        assert batch() == 2
    printed = capsys.readouterr()
    assert "No space left" in printed.out + printed.err
    assert f"{begun}/3 " in printed.err
    assert f"{begun + 1}/3 " not in printed.err
    assert not [p for p in (folder / "out").iterdir() if p.name.startswith(".")]
    assert batch("--quiet") == 0
    assert_as_undisturbed(folder, data)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of file sizes")
def test_a_volume_that_cannot_be_written_is_not_left_cut_short(folder: Path, data: Path) -> None:
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
    program = limited + "from vesimod.cli import main; main()"
    words = [str(word) for word in line(folder, data, options=("--labels",))]
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "3 of 3 tomograms failed" in done.stderr
    assert states(folder) == ["failed"] * 3
    assert "too large" in summary(folder)[0]["notes"]
    assert [path.name for path in (folder / "out").iterdir()] == ["summary.csv"]


def test_names_that_collide(folder: Path, batch) -> None:
    write_dark_ball(folder / "data" / "b" / "TS_01.mrc", 24.0)
    assert batch("--quiet", pattern="data/**/*.mrc") == 0
    models = sorted(path.name for path in (folder / "out").glob("*.mod"))
    assert models == [
        "TS_02_vesicles.mod",
        "TS_03_vesicles.mod",
        "b_TS_01_vesicles.mod",
        "data_TS_01_vesicles.mod",
    ]
    write_dark_ball(folder / "data" / "TS_01.rec")
    assert batch("--quiet", pattern="data/TS_01.*") == 2


@given(st.lists(st.lists(st.sampled_from("abA"), min_size=1, max_size=4), unique_by=tuple))
def test_names_are_distinct(parts: list[list[str]]) -> None:
    paths = [Path("/", *folders, "TS.mrc") for folders in parts]
    if len({str(path).casefold() for path in paths}) == len(paths):
        names = distinct_names(paths)
        if len({"_".join(p) for p in parts}) == len(parts):
            assert len({name.casefold() for name in names}) == len(names)
        assert all(name.endswith("TS") for name in names)


def test_tomograms_are_found_once_and_results_are_none(folder: Path) -> None:
    found = find_tomograms([str(folder / "data/*.mrc"), str(folder / "data/TS_02.mrc")])
    assert [path.name for path in found] == ["TS_01.mrc", "TS_02.mrc", "TS_03.mrc"]
    write_dark_ball(folder / "data" / "TS_01_labels.mrc")
    (folder / "data" / "odd[1].mrc").touch()
    found = find_tomograms([str(folder / "data/*.mrc"), str(folder / "data/odd[1].mrc")])
    jobs = plan_jobs(found, folder / "data", Settings())
    assert [job.tomogram.name for job in jobs] == [
        "TS_01.mrc",
        "TS_02.mrc",
        "TS_03.mrc",
        "odd[1].mrc",
    ]
    with pytest.raises(FileNotFoundError, match="absent"):
        find_tomograms([str(folder / "absent*.mrc")])


def test_the_same_as_chunks_for_processchunks(folder: Path, batch, data: Path) -> None:
    assert batch("--quiet", "--labels", pattern="data/TS_01.mrc") == 0
    (folder / "regions").mkdir()
    assert batch("--labels", "--chunks", "--regions", folder / "regions") == 0
    out = folder / "out"
    assert [path.name for path in sorted(out.glob("*.com"))] == [
        "vesimod-001.com",  # TS_01 is finished
        "vesimod-002.com",
        "vesimod-finish.com",
        "vesimod.com",
    ]
    assert not (out / "TS_02_vesicles.mod").exists()
    run_chunks(out, "vesimod", workers=2, tries=1)
    assert_as_undisturbed(folder, data, "--labels")
    assert [row["vesicles"] for row in summary(folder)] == ["1", "1", "1"]
    # What the chunks made is finished for the other way too, and for the chunks.
    assert batch("--quiet", "--labels") == 0
    assert states(folder) == ["kept"] * 3
    assert batch("--chunks", "--labels") == 2
    assert batch("--chunks", "--threshold", 0.4) == 2
    assert batch("--chunks", "--threshold", 0.4, "--overwrite") == 0
    assert "OverwriteOutput" in (out / "vesimod-003.com").read_text(encoding="utf-8")
    assert batch("--slabs", 2) == 2


def test_a_quiet_batch_tells_what_is_doubtful_and_why_it_failed(
    folder: Path, batch, capsys
) -> None:
    """As `segment --quiet` does: errors and warnings only."""
    (folder / "data" / "TS_02.mrc").write_text("no tomogram")
    for _ in range(2):
        assert batch("--quiet", "--voxel-size-nm", 3.4) == 2
        printed = capsys.readouterr()
        assert not printed.out
        assert "its header says 2 nm a voxel; 3.4 nm are taken" in printed.err
        assert "WARNING: vesimod - TS_02: " in printed.err


def test_chunks_hold_the_voxel_size_against_the_header(folder: Path, batch, capsys) -> None:
    """Now, not when they run; what is no tomogram stops no others."""
    (folder / "data" / "TS_02.mrc").write_text("no tomogram")
    for _ in range(2):
        assert batch("--chunks", "--voxel-size-nm", 20) == 2
        assert "the header says 2 nm; 20 Angstrom?" in capsys.readouterr().err
    assert not list((folder / "out").glob("*.com"))
    assert batch("--chunks", "--voxel-size-nm", 3.4) == 0
    assert "TS_01.mrc: its header says 2 nm a voxel; 3.4 nm are taken" in capsys.readouterr().err
    assert "VoxelSizeNm 3.4" in (folder / "out" / "vesimod-001.com").read_text(encoding="utf-8")


def test_the_same_in_slabs(folder: Path, batch, data: Path) -> None:
    assert batch("--chunks", "--slabs", 3) == 0
    out = folder / "out"
    names = [path.name for path in sorted(out.glob("vesimod-*.com"))]
    assert names[8:11] == ["vesimod-009.com", "vesimod-010-sync.com", "vesimod-011.com"]
    # What a killed worker leaves of a slab is written anew.
    (out / "TS_01_vesicles.mod.slab-002-of-003.npz").write_bytes(b"PK")
    run_chunks(out, "vesimod", workers=2, tries=1)
    assert_as_undisturbed(folder, data)
    assert not list(out.glob("*.npz"))


def test_on_a_gpu_the_results_are_the_same(folder: Path, batch, data: Path) -> None:
    """There the next tomogram's network runs while one's vesicles are fitted."""
    (folder / "data" / "TS_02.mrc").write_bytes(b"no tomogram")
    assert batch() == 2
    expected = contents(folder / "out")
    cpu = load_model(str(data / "dark.onnx"), device="cpu", threads=1, memory_gb=1.0)
    asked = []

    def run(rows: np.ndarray, first: bool, last: bool) -> list[np.ndarray]:
        asked.append(rows.shape)
        return cpu.run(rows, first, last)

    gpu = replace(cpu, run=run, providers=(ON_GPU, *cpu.providers))
    paths = find_tomograms([str(folder / "data/*.mrc")])
    jobs = plan_jobs(paths, folder / "ahead", Settings(), ["table"], None)
    (folder / "ahead").mkdir()
    rows = list(run_jobs(jobs, gpu, overwrite=False, progress=lambda *_: None))
    assert [(row.tomogram, row.state) for row in rows] == list(
        zip(paths, ["done", "failed", "done"], strict=True)
    )
    assert contents(folder / "ahead") == expected
    assert len(asked) == 4  # two tomograms at two scales
    rows = list(run_jobs(jobs, gpu, overwrite=False, progress=lambda *_: None))
    assert [row.state for row in rows] == ["kept", "failed", "kept"]
    assert len(asked) == 4


def test_two_steps_at_once_and_no_more() -> None:
    begun = [threading.Event() for _ in range(5)]
    in_work: set[int] = set()
    most = []

    def first(item: int) -> int:
        in_work.add(item)
        most.append(len(in_work))
        begun[item].set()
        if item == 1:
            raise ValueError("first")
        return 10 * item

    def second(item: int, value: int) -> int:
        # Ends only once the next one has begun.
        assert item == 4 or begun[item + 1].wait(timeout=20)
        in_work.discard(item)
        if item == 2:
            raise KeyError("second")
        return value

    results = []
    for item, result in enumerate(in_two_steps(range(5), first, second, ahead=True)):
        results.append(result)
        in_work.discard(item)
    assert [results[i] for i in (0, 3, 4)] == [0, 30, 40]
    assert [type(results[i]) for i in (1, 2)] == [ValueError, KeyError]
    assert max(most) == 2


class Volumes:
    """What a first step leaves for the second."""


@pytest.mark.parametrize("ahead", [False, True])
def test_no_more_volumes_are_held_than_are_in_work(ahead: bool) -> None:
    alive: weakref.WeakSet[Volumes] = weakref.WeakSet()
    held = []

    def first(_item: int) -> Volumes:
        held.append(len(alive))
        made = Volumes()
        alive.add(made)
        return made

    results = in_two_steps(range(4), first, lambda item, _: item, ahead=ahead)
    assert list(results) == [0, 1, 2, 3]
    assert max(held) <= ahead


def test_one_after_the_other() -> None:
    steps = []
    results = in_two_steps(
        [1, 2],
        lambda item: steps.append(("first", item)),
        lambda item, _: steps.append(("second", item)),
        ahead=False,
    )
    next(results)
    assert steps == [("first", 1), ("second", 1)]  # written before anything else is begun
    assert list(results) == [None]


def test_a_table_of_the_user_s_is_not_replaced(folder: Path, batch) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "summary.csv").write_text("my,own\n")
    assert batch() == 2
    assert (folder / "out" / "summary.csv").read_text() == "my,own\n"


def test_progress_starts_anew_for_each_tomogram(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress() as report:
        for _ in range(2):
            for done in range(0, 101, 50):
                report("network", done, 100)
    assert capsys.readouterr().err.splitlines() == [
        f"run the network: {done} %" for done in (0, 50, 100, 50, 100)
    ]


def test_reports_and_a_page_about_all(folder: Path, batch) -> None:
    pytest.importorskip("plotly", reason="reports need pip install 'vesimod[report]'")
    (folder / "data" / "TS_04.mrc").write_bytes(b"no tomogram")
    assert batch("--report", "--quiet") == 2  # one failed, and that is on the page, too
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    for number in (1, 2, 3):
        assert f'href="TS_0{number}_report.html"' in page
        assert (folder / "out" / f"TS_0{number}_report.html").is_file()
    assert page.count("data:image/webp") == 3
    assert page.count('<tr class="stands-out">') == 1
    assert str(folder) not in page
    assert batch("--report", "--quiet") == 2
    assert states(folder) == ["kept", "kept", "kept", "failed"]
    assert page.count("data:image/webp") == 3
