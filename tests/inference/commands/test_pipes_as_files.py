"""A named pipe or a device in the place of a file is refused at once: nobody writes into it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner
from vesimod.cli import app
from vesimod.errors import in_words
from vesimod.io.tomogram import write_volume
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.write import write_sphere_model

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
GRID = Grid((16, 20, 24), (2.0, 2.0, 2.0))
NETWORK = Path(__file__).parents[2] / "data" / "dark.onnx"
LINES = [
    "segment PIPE.mrc -o out.mod",
    "segment t.mrc -o out.mod --region PIPE.mod",
    "segment t.mrc -o out.mod --region PIPE.mrc",
    "segment t.mrc -o out.mod --model PIPE.onnx",
    f"batch t.mrc -o results --model {NETWORK}",  # whose summary.csv is a pipe
    "snap PIPE.mrc m.mod -o out.mod",
    "snap t.mrc PIPE.mod -o out.mod",
    "snap t.mrc PIPE.csv -o out.mod",
    "corrections PIPE.mod m.mod -o out.csv",
    "corrections m.mod PIPE.mod -o out.csv",
    "merge PIPE.csv m.mod -o out.mod",
    "merge PIPE.mod m.mod -o out.mod",
    "evaluate PIPE.mod m.mod",
    "evaluate m.mod PIPE.csv",
    "evaluate m.mod PIPE.mrc",
    "evaluate m.mod m.mod --probability PIPE.mrc",
    "evaluate m.mod m.mod --region PIPE.mod",
    "model info PIPE.mod",
    "model copy PIPE.mod out.mod",
    "model copy --recover PIPE.mod out.mod",
    "watch t.mrc PIPE.mod",
    "watch PIPE.mrc m.mod",
    "etomo PIPE.edf",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A tomogram, a model, and pipes of every ending; who opens one is let go after a while."""
    write_volume(tmp_path / "t.mrc", np.zeros(GRID.shape, np.float32), GRID)
    write_sphere_model(tmp_path / "m.mod", Spheres([[8, 9, 10]], [12.0]), GRID)
    (tmp_path / "results").mkdir()
    pipes = [tmp_path / f"PIPE.{ending}" for ending in ("mrc", "mod", "csv", "onnx", "edf")]
    pipes.append(tmp_path / "results" / "summary.csv")
    for pipe in pipes:
        os.mkfifo(pipe)

    def let_go() -> None:
        for pipe in pipes:
            os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))

    timer = threading.Timer(20, let_go)
    timer.start()
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    timer.cancel()


@pytest.mark.parametrize("line", LINES)
def test_a_pipe_is_refused(folder: Path, line: str) -> None:
    before = sorted(folder.rglob("*"))
    result = CliRunner().invoke(app, line.split())
    assert result.exception is not None
    message = in_words(result.exception)
    assert "is a pipe or a device" in message or "neither a file nor a shipped" in message
    assert ("PIPE." in message) != ("batch" in line)
    assert sorted(folder.rglob("*")) == before


def test_a_record_that_is_a_pipe_is_lost_and_no_error(folder: Path) -> None:
    os.mkfifo(folder / "m.mod.json")
    result = CliRunner().invoke(app, ["model", "info", "m.mod"])
    assert result.exit_code == 0
    assert "record" in result.output
