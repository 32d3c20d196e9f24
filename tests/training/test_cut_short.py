"""Training commands that were stopped between two of their files say so when they run again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from vesimod.cli import run_app
from vesimod_train.cli import PROGRAM, app
from vesimod_train.config import Config
from vesimod_train.export import bioimageio
from vesimod_train.fitting.fit import start
from vesimod_train.networks.checkpoints import save_checkpoint
from vesimod_train.simulate import recipe, tomogram


def run(*words: object) -> int:
    return run_app(app, PROGRAM, [str(word) for word in words])


def stopped(*_values: object, **_named: object) -> None:
    raise KeyboardInterrupt


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix in (".lock", ".unfinished"))


def test_simulate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = replace(recipe.RECIPES["demo"], shape=(24, 32, 32), vesicles=(1, 1))
    monkeypatch.setitem(recipe.RECIPES, "demo", small)
    line = ["simulate", tmp_path, "--recipe", "demo", "--count", 2]
    with monkeypatch.context() as patched:
        patched.setattr(tomogram, "write_spheres_csv", stopped)
        assert run(*line) == 130
    assert run(*line) == 2
    assert "demo-0.mrc: is of a run that was cut short" in capsys.readouterr().err
    assert run(*line, "--overwrite") == 0
    assert len(list(tmp_path.glob("demo-?.*"))) >= 6
    assert not left(tmp_path)
    made = {path: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / "demo-0.mrc").unlink()
    assert run(*line) == 2  # before anything is simulated or written
    assert "demo-0.mod: exists already" in capsys.readouterr().err
    assert not (tmp_path / "demo-0.mrc").exists()
    assert {path: path.read_bytes() for path in tmp_path.iterdir()}.items() <= made.items()


def test_export_with_its_description(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.set_num_threads(1)
    small = {"name": "tiny", "channels": 2, "poolings": 1, "volumes": 1, "steps": 1}
    config = Config.from_mapping(small)
    save_checkpoint(tmp_path / "tiny.pt", config, start(config, "cpu"))
    line = ["export", tmp_path / "tiny.pt", "-o", tmp_path / "tiny.onnx", "--bioimageio"]
    with monkeypatch.context() as patched:
        patched.setattr(bioimageio, "example", stopped)
        assert run(*line) == 130
    assert (tmp_path / "tiny.onnx").exists()
    assert run(*line) == 2
    assert "tiny.onnx: is of a run that was cut short" in capsys.readouterr().err
    assert run(*line, "--overwrite") == 0
    assert (tmp_path / "tiny.bioimageio.yaml").exists()
    assert not left(tmp_path)
    (tmp_path / "tiny.onnx").unlink()
    assert run(*line) == 2  # one of what lies beside it is there: nothing is written
    assert "exists already" in capsys.readouterr().err
    assert not (tmp_path / "tiny.onnx").exists()
