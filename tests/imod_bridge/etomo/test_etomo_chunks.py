"""The written com files run, by submfg's and processchunks' rules: ours, and IMOD's own.

A small program plays the segmentation here; tests/inference runs the real one.
"""

from __future__ import annotations

import sys
from pathlib import Path

import chunk_runner
import pytest
from chunk_runner import DONE, ChunkError
from vesimod_imod.etomo.com_files import Task, write_com_files

STAND_IN = """
import os, sys
lines = [line.rstrip("\\n").split(" ", 1) for line in sys.stdin]
entries = dict(lines)
if "SummaryFile" in entries:
    print("models:", [os.path.exists(name) for key, name in lines])
    sys.exit(0)
name = entries["InputFile"]
with open("runs.txt", "a") as runs:
    runs.write(name + "\\n")
print("threads", os.environ.get("OMP_NUM_THREADS"), flush=True)
if os.path.exists(name + ".kill"):
    os.remove(name + ".kill")
    os._exit(137)  # as if the machine had been taken away in mid-work
if open(name).read() != "good":
    print("ERROR: VESIMOD - " + name + " is bad", flush=True)
    sys.exit(1)
open(entries["OutputModel"], "w").write("model")
"""
THIRD = "TS_ü" if chunk_runner.takes_letters_beyond_ascii() else "TS_u"
ENGINES = [
    pytest.param((chunk_runner.submit, chunk_runner.run_chunks), id="own runner"),
    pytest.param(
        (chunk_runner.imod_submit, chunk_runner.imod_run_chunks),
        id="IMOD",
        marks=pytest.mark.skipif(not chunk_runner.has_imod(), reason="IMOD_DIR is not set"),
    ),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three tomograms, and com files to segment them, in a folder with blanks in its name."""
    folder = tmp_path / "my data sets"
    folder.mkdir()
    script = tmp_path / "stand in.py"
    script.write_text(STAND_IN, encoding="utf-8")
    tasks = []
    for name in ("TS 01", "TS_02", THIRD):
        (folder / f"{name}.mrc").write_text("good")
        tomogram, model, table = (folder / f"{name}{end}" for end in (".mrc", ".mod", ".csv"))
        tasks.append(Task(tomogram, model, [("OutputTable", table)]))
    write_com_files(folder, tasks, [sys.executable, "-X", "utf8", script.as_posix()])
    return folder


def runs(folder: Path) -> list[str]:
    return sorted((folder / "runs.txt").read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("engine", ENGINES)
def test_submfg_runs_everything_in_sequence(folder: Path, engine) -> None:
    submit, _ = engine
    (folder / "vesimod.log").write_text("the former run\n")
    assert submit(folder / "vesimod.com")
    assert runs(folder) == ["TS 01.mrc", "TS_02.mrc", f"{THIRD}.mrc"]
    log = (folder / "vesimod.log").read_text(encoding="utf-8")
    assert "models: [True, True, True]" in log
    assert DONE not in log
    assert (folder / "vesimod.log~").read_text() == "the former run\n"


@pytest.mark.parametrize("engine", ENGINES)
def test_processchunks_runs_the_chunks_then_the_summary(folder: Path, engine) -> None:
    _, run_chunks = engine
    run_chunks(folder, "vesimod")
    assert runs(folder) == ["TS 01.mrc", "TS_02.mrc", f"{THIRD}.mrc"]
    for name in ("001", "002", "003", "finish"):
        log = (folder / f"vesimod-{name}.log").read_text(encoding="utf-8")
        assert log.splitlines()[-1] == DONE
        assert log.count(DONE) == 1
    assert "models: [True, True, True]" in (folder / "vesimod-finish.log").read_text()
    assert "threads 1" in (folder / "vesimod-001.log").read_text()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_killed_chunk_is_tried_again(folder: Path, engine) -> None:
    _, run_chunks = engine
    (folder / "TS_02.mrc.kill").touch()
    run_chunks(folder, "vesimod")
    assert runs(folder).count("TS_02.mrc") == 2
    assert "models: [True, True, True]" in (folder / "vesimod-finish.log").read_text()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_bad_tomogram_is_named_and_a_resumed_run_does_only_the_rest(folder: Path, engine) -> None:
    _, run_chunks = engine
    (folder / "TS_02.mrc").write_text("bad")
    with pytest.raises(ChunkError, match=r"ERROR: VESIMOD - TS_02.mrc is bad"):
        run_chunks(folder, "vesimod")
    assert not (folder / "vesimod-finish.log").exists()
    (folder / "TS_02.mrc").write_text("good")
    finished = [
        n for n in ("001", "002", "003") if chunk_runner.is_done(folder / f"vesimod-{n}.com")
    ]
    assert "002" not in finished
    (folder / "runs.txt").unlink()
    run_chunks(folder, "vesimod", resume=True)
    assert len(runs(folder)) == 3 - len(finished)
    assert "models: [True, True, True]" in (folder / "vesimod-finish.log").read_text()
