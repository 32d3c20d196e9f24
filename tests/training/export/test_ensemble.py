"""Several networks as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import random_unet
from vesimod.cli import run_app
from vesimod.network.model import load_model
from vesimod.network.spec import ModelError
from vesimod_train.cli import app
from vesimod_train.config import Config, ConfigError
from vesimod_train.export.ensemble import mirrored, write_ensemble
from vesimod_train.export.onnx import model_spec, write_model
from vesimod_train.networks.pretrained import read_network
from vesimod_train.networks.unet import ExportedUNet, UNet

pytestmark = pytest.mark.slow

TINY = Config(name="tiny", channels=4, poolings=1)


def write_tiny(path: Path, seed: int, config: Config = TINY) -> Path:
    network = random_unet(config.channels, config.poolings, seed)
    write_model(ExportedUNet(network).eval(), model_spec(config, network, 1), path)
    return path


def test_average_gives_the_mean_distance(tmp_path: Path) -> None:
    wider = replace(TINY, channels=6, poolings=2)
    parts = [write_tiny(tmp_path / "a.onnx", 1), write_tiny(tmp_path / "b.onnx", 2, wider)]
    output = tmp_path / "mean.onnx"
    assert write_ensemble(parts[::-1], output, "mean", "7") < 1e-4
    model = load_model(str(output), device="cpu", threads=1)
    assert (model.spec.name, model.spec.version, model.spec.divisor) == ("mean", "7", 4)
    assert model.spec.halo == UNet(6, 2).receptive_radius
    alone = [load_model(str(part), device="cpu", threads=1).spec.bytes_per_voxel for part in parts]
    assert model.spec.bytes_per_voxel == max(alone)  # one runs after the other
    tile = np.random.default_rng(0).normal(size=(8, 12, 16)).astype(np.float32)
    probability, distance = model.run(tile)
    single = [load_model(str(part), device="cpu", threads=1).run(tile)[1] for part in parts]
    np.testing.assert_allclose(distance, np.mean(single, axis=0), atol=1e-4)
    np.testing.assert_allclose(probability, 1 / (1 + np.exp(-distance / 2)), atol=1e-4)


@pytest.mark.parametrize("axes", [(0,), (1,), (1, 2)])
def test_a_mirrored_network_says_of_a_mirrored_volume_what_the_other_says(axes) -> None:
    network = random_unet(4, 1, 3).eval()
    volume = torch.randn(1, 1, 8, 12, 16, generator=torch.Generator().manual_seed(0))
    flipped = [2 + axis for axis in axes]
    with torch.no_grad():
        one, other = network(volume), mirrored(network, axes)(volume.flip(flipped))
    for here, there in zip(one, other, strict=True):
        torch.testing.assert_close(here, there.flip(flipped))


def test_mirrors_average_out_what_depends_on_the_side(tmp_path: Path) -> None:
    part, output = write_tiny(tmp_path / "a.onnx", 1), tmp_path / "mean.onnx"
    assert write_ensemble([part], output, "mean", "1", mirrors=True) < 1e-4
    run = load_model(str(output), device="cpu", threads=1).run
    tile = np.random.default_rng(0).normal(size=(8, 12, 16)).astype(np.float32)
    flipped = np.ascontiguousarray(tile[:, ::-1, ::-1])
    for one, other in zip(run(tile), run(flipped), strict=True):
        np.testing.assert_allclose(one, other[:, ::-1, ::-1], atol=1e-4)


def test_what_cannot_be_averaged_is_refused(tmp_path: Path) -> None:
    one = write_tiny(tmp_path / "a.onnx", 1)
    fine = write_tiny(tmp_path / "fine.onnx", 1, replace(TINY, voxel_size_nm=2.2))
    with pytest.raises(ConfigError, match=r"2\.2, 4\.4 nm"):
        write_ensemble([one, fine], tmp_path / "mean.onnx", "mean", "1")
    write_ensemble([one, one], tmp_path / "mean.onnx", "mean", "1")
    with pytest.raises(ModelError, match="ensemble of several"):
        read_network(tmp_path / "mean.onnx")


@pytest.mark.parametrize("command", ["ensemble", "average"])  # the latter in earlier versions
def test_the_command_has_both_its_names(tmp_path: Path, command: str) -> None:
    parts = [str(write_tiny(tmp_path / f"{seed}.onnx", seed)) for seed in (1, 2)]
    output = tmp_path / "both.onnx"
    assert run_app(app, "vesimod-train", [command, *parts, "-o", str(output)]) == 0
    assert load_model(str(output), device="cpu", threads=1).spec.name == "ensemble"
