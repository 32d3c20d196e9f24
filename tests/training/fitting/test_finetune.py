"""Fine-tuning, from a checkpoint and from an exported model."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import TINY
from painted import image, paint, scatter
from vesimod.cli import run_app
from vesimod.io.tomogram import write_volume
from vesimod.network.model import load_model
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.write import write_sphere_model
from vesimod_train.cli import app, finetune_command
from vesimod_train.data.find_pairs import find_pairs
from vesimod_train.export.onnx import export
from vesimod_train.fitting.finetune import REPLAY, STEPS, finetune, finetune_config
from vesimod_train.fitting.fit import fit
from vesimod_train.networks.pretrained import read_network

pytestmark = pytest.mark.slow

GRID = Grid((32, 32, 32), (4.4, 4.4, 4.4))


def pair(folder: Path, name: str, seed: int, snr: float = 4.0) -> Path:
    spheres = Spheres(*scatter(GRID.shape, 4.4, 5, seed=seed))
    painted = paint(GRID.shape, 4.4, spheres.centres, spheres.radii_nm)
    volume = image(painted, 4.4, snr=snr, seed=seed)
    folder.mkdir(exist_ok=True)
    write_volume(folder / f"{name}.mrc", volume, GRID)
    write_sphere_model(folder / f"{name}.mod", spheres, GRID)
    return folder / f"{name}.mod"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that has seen one tomogram, as an exported model."""
    folder = tmp_path_factory.mktemp("base")
    config = replace(TINY, name="base", pairs=find_pairs([pair(folder / "learn", "a", 0)]))
    fit(config, folder / "run", threads=1, report=lambda _text: None)
    export(folder / "run/checkpoint.pt", folder / "base.onnx")
    return folder / "base.onnx"


def test_a_model_becomes_better_on_what_it_does_badly_on(base: Path, tmp_path: Path) -> None:
    """Much more noise than the base has seen."""
    pairs = find_pairs([pair(tmp_path / "learn", "b", 1, snr=0.05)])
    held_out = find_pairs([pair(tmp_path / "test", "c", 2, snr=0.05)])
    config = finetune_config(base, pairs, held_out, steps=40, replay=0)
    config = replace(config, batch=2, crop=16, learning_rate=1e-2, ema=0.8)
    before = base.read_bytes()
    tuned = tmp_path / "new/run/tuned.onnx"  # neither folder is there yet
    gain = finetune(config, tuned.parent, tuned, threads=1, report=lambda _text: None)
    assert gain.after.dice > gain.before.dice + 0.1
    assert gain.after.loss < 0.8 * gain.before.loss
    assert np.isnan(gain.simulated_before.f1)
    assert base.read_bytes() == before
    spec = load_model(str(tuned), threads=1).spec
    assert spec.name == "base-tuned"
    assert spec.training_data.startswith("fine-tuned from base, 1 tomograms")


def test_weights_read_back_from_onnx_compute_the_same(base: Path) -> None:
    trained, _ = read_network(base.parent / "run/checkpoint.pt")
    read, spec = read_network(base)
    assert spec.name == "base"
    volume = torch.randn(1, 1, 16, 20, 24, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(read.eval()(volume), trained(volume), atol=1e-4, rtol=1e-4)


def test_on_the_command_line(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = pair(tmp_path, "own", 3)
    line = ["finetune", str(model), "-o", str(tmp_path / "run"), "--from", str(base)]
    line += ["--steps", "2", "--replay", "0", "--threads", "1"]
    assert run_app(app, "vesimod-train", line) == 0
    assert "hold a corrected tomogram out" in capsys.readouterr().out
    assert (tmp_path / "run/base-tuned.onnx").exists()
    assert run_app(app, "vesimod-train", line) == 2
    assert "exists already" in capsys.readouterr().err


def test_the_command_has_the_chosen_defaults() -> None:
    """It states them itself, because torch is imported only where it is needed."""
    parameters = inspect.signature(finetune_command).parameters
    assert parameters["steps"].default == STEPS
    assert parameters["replay"].default == REPLAY
