"""Closed and full streams, a second Ctrl-C, a second run, files cut short: all in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from dark_ball import write_dark_ball
from vesimod.io.mrc_header import TomogramError
from vesimod.io.tomogram import read_tomogram
from vesimod.network.model import load_model
from vesimod.pipeline import segment

pytestmark = pytest.mark.skipif(os.name != "posix", reason="shells and devices of Linux")
FULL = Path("/dev/full")


@pytest.fixture
def line(tmp_path: Path, data: Path) -> str:
    """A command line that segments a tomogram with one vesicle."""
    write_dark_ball(tmp_path / "TS_01.mrc")
    model = data / "dark.onnx"
    return f"{sys.executable} -m vesimod segment {tmp_path}/TS_01.mrc --model {model}"


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


RESULTS = ["TS_01.mrc", "TS_01_vesicles.mod", "TS_01_vesicles.mod.json"]


@pytest.mark.parametrize(
    "streams", ["2>&-", ">&-", "<&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", "| head -c 1"]
)
def test_streams_that_are_closed_or_full_stop_nothing(
    line: str, tmp_path: Path, streams: str
) -> None:
    if "full" in streams and not FULL.exists():
        pytest.skip("there is no /dev/full here")
    done = shell(f"set -o pipefail; {line} {streams}")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr + done.stdout
    assert "Exception ignored" not in done.stderr
    assert names(tmp_path) == RESULTS
    lost = "WARNING: vesimod - standard output: No space left on device"
    assert (lost in done.stderr) == (streams == ">/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
def test_where_what_is_printed_is_the_result_its_loss_is_an_error() -> None:
    done = shell(f"{sys.executable} -m vesimod info > /dev/full")
    assert done.returncode == 2
    assert "what was printed there is lost" in done.stderr
    assert shell(f"set -o pipefail; {sys.executable} -m vesimod --help | head -1").returncode == 0


@pytest.mark.parametrize("streams", ["<&-", "<&- 2>&-", ">&- <&-", "</dev/null"])
def test_vesimodpip_without_streams(line: str, tmp_path: Path, streams: str) -> None:
    words = line.replace("vesimod segment", "vesimod.pip").replace("--model", "-NetworkModel")
    done = shell(f"{words} {streams}")
    assert done.returncode == 0, done.stdout
    assert names(tmp_path) == RESULTS
    asked = shell(f"{sys.executable} -m vesimod.pip -StandardInput {streams}")
    assert asked.returncode == 0
    assert "Traceback" not in asked.stderr
    assert asked.stdout.startswith("Usage: vesimodpip") == (">&-" not in streams.split())


SLOW = r"""
import os, time
from vesimod.cli import main
calls = 0
def fsync(handle):
    global calls
    calls += 1
    if calls == 2:  # the record beside the model is written last, into a temporary file
        try:
            os.write(1, b"writing\n")  # print, interrupted, would say it twice
            time.sleep(600)
        finally:
            os.write(1, b"cleaning\n")
            time.sleep(600)
os.fsync = fsync
main()
"""


@pytest.fixture
def slow(line: str):
    """A run that stays in the middle of its last file, and then in the middle of its cleaning."""
    words = line.split()[3:]
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, *words, "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    with process:
        yield process
        process.kill()


def test_a_second_interrupt_leaves_nothing_half_written(
    slow: subprocess.Popen, tmp_path: Path
) -> None:
    temporary = [name for name in names(tmp_path) if name.startswith(".vesimod-")]
    assert len(temporary) == 1
    slow.send_signal(signal.SIGINT)
    assert slow.stdout.readline() == "cleaning\n"
    slow.send_signal(signal.SIGINT)
    assert slow.wait() == 130
    assert slow.stderr.read() == (
        "vesimod: stopping; Ctrl-C once more ends at once\n"
        "ERROR: vesimod - interrupted; no file was left half-written\n"
    )
    assert names(tmp_path) == ["TS_01.mrc", "TS_01_vesicles.mod", "TS_01_vesicles.mod.unfinished"]


@pytest.mark.slow
def test_after_a_kill_a_run_is_said_to_be_cut_short(
    slow: subprocess.Popen, line: str, tmp_path: Path
) -> None:
    slow.kill()
    slow.wait()
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path) if name[0] != "."}
    refused = shell(line)
    assert refused.returncode == 2
    assert "is of a run that was cut short" in refused.stderr
    assert "exists already" not in refused.stderr
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before
    assert shell(f"{line} --overwrite").returncode == 0
    assert names(tmp_path) == [*RESULTS[:2], "TS_01_vesicles.mod.json", "TS_01_vesicles.mod~"]


@pytest.mark.slow
def test_a_second_run_names_the_first_and_leaves_everything_alone(
    slow: subprocess.Popen, line: str, tmp_path: Path
) -> None:
    before = names(tmp_path)
    for extra in ("--overwrite", f"-o {tmp_path}/other.mod --table {tmp_path}/TS_01_vesicles.mod"):
        refused = shell(f"{line} {extra}")
        assert refused.returncode == 2
        start = f"ERROR: vesimod - {tmp_path}/TS_01_vesicles.mod: process {slow.pid} on "
        assert refused.stderr.startswith(start)
        assert refused.stderr.count("\n") == 1
        assert names(tmp_path) == before
    assert shell(f"{line} -o {tmp_path}/other.mod").returncode == 0


@pytest.mark.slow
def test_two_batches_in_one_folder(line: str, tmp_path: Path) -> None:
    words = line.replace("segment", "batch") + f" -o {tmp_path}/out"
    slow = subprocess.Popen(
        [sys.executable, "-c", SLOW, *words.split()[3:], "--quiet"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with slow:
        assert slow.stdout is not None
        assert slow.stdout.readline() == "writing\n"
        before = names(tmp_path / "out")
        refused = shell(words)
        assert refused.returncode == 2
        assert f"summary.csv: process {slow.pid} on " in refused.stderr
        assert names(tmp_path / "out") == before
        slow.kill()
    assert shell(words).returncode == 0
    assert [name for name in names(tmp_path / "out") if name[0] == "." or "unfin" in name] == []


def test_a_tomogram_that_is_cut_short_meanwhile_is_refused_in_words(
    tmp_path: Path, data: Path
) -> None:
    write_dark_ball(tmp_path / "TS_01.mrc")
    tomogram = read_tomogram(tmp_path / "TS_01.mrc")

    def cut(step: str, _done: int, _total: int) -> None:
        if step == "network":
            os.truncate(tomogram.path, 5000)

    model = load_model(str(data / "dark.onnx"), threads=1)
    with pytest.raises(TomogramError, match="was cut short while it was read"):
        segment(tomogram, model, progress=cut)


def test_a_batch_survives_a_tomogram_that_is_cut_short(line: str, tmp_path: Path) -> None:
    write_dark_ball(tmp_path / "TS_02.mrc")
    words = line.replace("segment", "batch").replace("TS_01", "'TS_0*'").split()[3:]
    script = f"""
import os
from vesimod import pipeline
from vesimod.cli import main
real = pipeline.normalise
def normalise(volume, *arguments, **options):
    if os.stat({str(tmp_path / "TS_01.mrc")!r}).st_size > 5000:
        os.truncate({str(tmp_path / "TS_01.mrc")!r}, 5000)
    return real(volume, *arguments, **options)
pipeline.normalise = normalise
main()
"""
    words = [word.replace("'", "") for word in words] + ["-o", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", script, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "1 of 2 tomograms failed: TS_01" in done.stderr
    assert "TS_01: failed; " in done.stderr
    assert "was cut short while it was read" in done.stderr
    assert "TS_02: done, 1 vesicles" in done.stderr
