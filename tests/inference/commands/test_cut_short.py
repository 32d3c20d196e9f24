"""A command that is stopped between two of its files says so when it is run again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drawn import CLOSED, OPEN, box, draw, line
from vesimod.cli import app, run_app
from vesimod.io.tomogram import write_volume
from vesimod.runs import connect_file, measure_file, membrane_writing
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.write import write_sphere_model

GRID = Grid((24, 60, 60), (2.0, 2.0, 2.0))
PLACES = ["--active-zone", "az.mod", "--outline", "cell.mod"]
LAST = {
    "measure": (["s.mrc", "v.mod", *PLACES], measure_file, "write_spheres_csv"),
    "connect": (["s.mrc", "v.mod", *PLACES[:2]], connect_file, "write_model"),
    "membrane": (["s.mrc", "az.mod", "--labels", "l.mrc"], membrane_writing, "write_drawings"),
    "synapse": (["s.mrc", *PLACES, "--vesicles", "v.mod", "--exact"], measure_file, "write_table"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    voxels = np.random.default_rng(0).normal(size=GRID.shape).astype(np.float32)
    voxels[:, 52:54] -= 8
    write_volume(tmp_path / "s.mrc", voxels, GRID)
    spheres = Spheres([[12, 38, 20], [12, 38, 42]], [20.0, 20.0])
    write_sphere_model(tmp_path / "v.mod", spheres, GRID)
    draw(tmp_path / "az.mod", GRID, {"active zone": (OPEN, line(range(2, 23, 4), 53, (5, 55)))})
    draw(tmp_path / "cell.mod", GRID, {"outline": (CLOSED, box((1, 12, 22), (2, 54), (2, 57)))})
    return tmp_path


@pytest.mark.parametrize("command", LAST)
def test_a_stopped_command_is_told_and_runs_again(
    folder: Path,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words, module, writer = LAST[command]

    def run(*more: str) -> tuple[int, str]:
        code = run_app(app, "vesimod", [command, *words, "-q", *more])
        return code, capsys.readouterr().err

    def stop(*_values: object, **_named: object) -> None:
        raise KeyboardInterrupt

    before = set(folder.rglob("*"))
    with monkeypatch.context() as patched:
        patched.setattr(module, writer, stop)
        assert run()[0] == 130
    assert set(folder.rglob("*")) > before
    code, said = run()
    assert code == 2
    assert "is of a run that was cut short" in said
    assert "--overwrite" in said
    assert run("--overwrite")[0] == 0
    assert "exists already" in run()[1]
    left = [path.name for path in folder.rglob("*") if path.suffix in (".unfinished", ".lock")]
    assert not left


@pytest.mark.usefixtures("folder")
def test_two_runs_at_once_do_not_write_the_same_files(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real: Callable[..., None] = measure_file.write_table
    refused: list[str] = []

    def meanwhile(*values: object) -> None:
        if not refused:
            refused.append("")
            words = ["measure", "s.mrc", "v.mod", *PLACES, "-q", "--overwrite"]
            assert run_app(app, "vesimod", words) == 2
            refused[0] = capsys.readouterr().err
        real(*values)

    monkeypatch.setattr(measure_file, "write_table", meanwhile)
    assert run_app(app, "vesimod", ["measure", "s.mrc", "v.mod", *PLACES, "-q"]) == 0
    assert "is writing it" in refused[0]
