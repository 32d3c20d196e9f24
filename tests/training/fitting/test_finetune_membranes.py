"""A network that tells membranes, and what a corrected outline teaches it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import TINY
from vesimod.cli import PROGRAM, run_app
from vesimod.cli import app as vesimod_app
from vesimod.io.tomogram import read_tomogram, write_volume
from vesimod.network.model import load_model
from vesimod.network.spec_values import MEMBRANE_OUTPUTS
from vesimod.outlining import membrane_maps
from vesimod_imod.contour_model.read import Drawing, read_drawings
from vesimod_imod.contour_model.write import write_drawings
from vesimod_imod.core.spheres import Grid
from vesimod_train.cli import app
from vesimod_train.config import MEMBRANES, VESICLES
from vesimod_train.data.find_pairs import find_pairs
from vesimod_train.export.onnx import export
from vesimod_train.fitting.fit import fit, start
from vesimod_train.networks.checkpoints import save_checkpoint
from vesimod_train.networks.pretrained import base_network

pytestmark = pytest.mark.slow

GRID = Grid((24, 64, 64), (4.4,) * 3)
TELLS = replace(
    TINY,
    name="outline-tiny",
    target=MEMBRANES,
    two_heads=True,
    steps=100,
    check_every=100,
    crop=24,
)


def cell(folder: Path, name: str, radius: float, seed: int) -> tuple[Path, Path]:
    """Write a dark tube that is grey inside, and its outline."""
    folder.mkdir(exist_ok=True)
    _, y, x = np.indices(GRID.shape)
    away = np.hypot(y - 31.5, x - 31.5) - radius
    noise = 0.7 * np.random.default_rng(seed).normal(size=GRID.shape)
    volume = noise - 4.0 * (np.abs(away) < 1) - 1.0 * (away < 0)
    write_volume(folder / f"{name}.mrc", volume.astype(np.float32), GRID)
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    ring = np.column_stack([31.5 + radius * np.sin(angle), 31.5 + radius * np.cos(angle)])
    rings = tuple(np.column_stack([np.full(60, float(k)), ring]) for k in range(GRID.shape[0]))
    write_drawings(folder / f"{name}_outline.mod", [Drawing("outline", True, rings)], GRID)
    return folder / f"{name}.mrc", folder / f"{name}_outline.mod"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that learned membranes from one cell, as an exported model."""
    folder = tmp_path_factory.mktemp("membranes")
    cell(folder / "learn", "a", 20.0, 0)
    config = replace(TELLS, pairs=find_pairs([folder / "learn"], MEMBRANES))
    fit(config, folder / "run", threads=1, report=lambda _text: None)
    export(folder / "run/checkpoint.pt", folder / "base.onnx")
    return folder / "base.onnx"


def test_it_tells_membranes_and_the_inside_of_another_cell(base: Path, tmp_path: Path) -> None:
    model = load_model(str(base), device="cpu", threads=1)
    assert model.spec.outputs == MEMBRANE_OUTPUTS
    maps = membrane_maps(read_tomogram(cell(tmp_path, "b", 16.0, 3)[0]), model)
    _, y, x = np.indices(maps.membrane.shape)
    away = np.hypot(y - 31.5, x - 31.5) - 16.0
    assert maps.membrane[np.abs(away) < 0.5].mean() > 0.5
    assert maps.membrane[np.abs(away) > 4].mean() < 0.3
    assert maps.cytoplasm[away < -4].mean() > 0.7
    assert maps.cytoplasm[(away > 4) & (away < 10)].mean() < 0.3


def test_corrections_of_an_outline_teach_from_the_command_line(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tomogram, corrected = cell(tmp_path, "t", 18.0, 5)
    drawings, _ = read_drawings(corrected, GRID)
    fewer = Drawing("outline", True, drawings[0].contours[4:])
    write_drawings(tmp_path / "proposed.mod", [fewer], GRID)
    pairs, run = tmp_path / "pairs", tmp_path / "run"
    line = ["learn-from", tomogram, tmp_path / "proposed.mod", corrected, "-o", pairs]
    assert run_app(app, PROGRAM, [*map(str, line)]) == 0
    assert f"{GRID.shape[0] - 4} kept, 0 changed, 4 added" in capsys.readouterr().out
    held_out = cell(tmp_path / "test", "c", 17.0, 6)[1]
    line = ["finetune", pairs, "-o", run, "--from", base, "--hold-out", held_out]
    line += ["--steps", 8, "--replay", 0, "--threads", 1]
    assert run_app(app, PROGRAM, [*map(str, line)]) == 0
    told = capsys.readouterr().out
    assert "Dice of membranes" in told
    tuned = run / "outline-tiny-tuned.onnx"
    assert f"vesimod outline --model {tuned}" in told
    assert load_model(str(tuned), device="cpu", threads=1).spec.outputs == MEMBRANE_OUTPUTS
    capsys.readouterr()
    line = ["outline", tomogram, "--model", tuned, "-o", tmp_path / "found.mod"]
    assert run_app(vesimod_app, "vesimod", [*map(str, line)]) == 0
    (found, *_), _ = read_drawings(tmp_path / "found.mod", GRID)
    points = np.concatenate(found.contours)
    away = np.hypot(points[:, 1] - 31.5, points[:, 2] - 31.5) - 18.0
    assert np.median(np.abs(away)) * GRID.voxel_size_nm[0] < 4.0


def test_layers_of_a_network_for_vesicles_are_a_start_but_its_heads_are_not(
    tmp_path: Path,
) -> None:
    vesicles = replace(TELLS, name="v", target=VESICLES, voxel_size_nm=2.2, volumes=1)
    known = tmp_path / "v.pt"
    save_checkpoint(known, vesicles, start(vesicles, "cpu"))
    network = base_network(replace(TELLS, base=str(known), frozen_statistics=False))
    trained = torch.load(known, weights_only=False)["ema_network"]
    for name, value in network.state_dict().items():
        if name.startswith(("head", "inside")):
            assert not torch.equal(value, trained[name])
        else:
            torch.testing.assert_close(value, trained[name])
