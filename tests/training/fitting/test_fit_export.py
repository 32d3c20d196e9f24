"""The network, its training and its export."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import vesimod
from networks import random_unet
from vesimod.io.tomogram import read_tomogram
from vesimod.network.model import load_model
from vesimod.network.resample import resample
from vesimod.network.spec import ModelSpec, Normalisation, normalise
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_train.cli import read_toml
from vesimod_train.config import Config, ConfigError
from vesimod_train.data.examples import Example, even_weight, signed_distance
from vesimod_train.export import onnx as export_module
from vesimod_train.export.onnx import ParityError, export, parity
from vesimod_train.export.strips import in_strips
from vesimod_train.fitting.fit import fit
from vesimod_train.fitting.losses import distance_loss, inside_weight, learning_rate
from vesimod_train.fitting.validation import validate
from vesimod_train.networks.checkpoints import load_checkpoint
from vesimod_train.networks.pretrained import read_network, renormalise, with_two_heads
from vesimod_train.networks.unet import SOFTNESS_NM, ExportedUNet, UNet
from vesimod_train.simulate import RECIPES

pytestmark = pytest.mark.slow

MODELS = Path(__file__).resolve().parents[3] / "models"
TINY = Config(
    name="tiny", channels=4, poolings=1, steps=4, batch=1, crop=16, check_every=2, bfloat16=False
)


def example(seed: int = 0) -> Example:
    grid = Grid((24, 24, 24), (4.4, 4.4, 4.4))
    spheres = Spheres(np.array([[12.0, 12.0, 12.0]]), np.array([25.0]))
    distance = signed_distance(spheres, grid)
    noise = np.random.default_rng(seed).normal(size=grid.shape)
    volume = (noise - distance / 5).astype(np.float32)
    return Example(volume, distance, spheres, even_weight(grid.shape))


EXAMPLES = ([example(0), example(1)], [example(2)])


@pytest.mark.parametrize("poolings", [1, 2])
def test_nothing_beyond_the_reach_matters(poolings: int) -> None:
    network = UNet(2, poolings).eval()
    reach, divisor = network.receptive_radius, network.divisor
    assert reach % divisor == 0
    edge = 2 * reach + 2 * divisor
    volume = torch.randn(1, 1, edge, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = network(volume)[0]
        volume[:, :, 0] += 100
        after = network(volume)[0]
    assert torch.equal(before[:, :, reach + 1 :], after[:, :, reach + 1 :])
    assert not torch.equal(before[:, :, :2], after[:, :, :2])


def test_halving_the_run_changes_nothing(tmp_path: Path) -> None:
    """Cut off and resumed gives the same weights, bit for bit, as one in one go."""
    silent = {"report": lambda _text: None, "examples": EXAMPLES, "threads": 1}
    fit(TINY, tmp_path / "whole", **silent)
    fit(TINY, tmp_path / "cut", stop_after=3, **silent)  # one step beyond the last checkpoint
    assert load_checkpoint(tmp_path / "cut/checkpoint.pt")[2] == 2
    fit(TINY, tmp_path / "cut", **silent)
    whole, cut = (torch.load(tmp_path / name / "checkpoint.pt") for name in ("whole", "cut"))
    for part in ("network", "ema_network"):
        assert whole[part].keys() == cut[part].keys()
        assert all(torch.equal(whole[part][key], cut[part][key]) for key in whole[part])
    assert (tmp_path / "whole/log.csv").read_text() == (tmp_path / "cut/log.csv").read_text()


def test_a_run_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    silent = {"report": lambda _text: None, "examples": EXAMPLES, "threads": 1}
    fit(TINY, tmp_path / "whole", **silent)
    fit(TINY, tmp_path / "old", stop_after=2, **silent)
    checkpoint = tmp_path / "old/checkpoint.pt"
    stored = torch.load(checkpoint)
    stored["average"] = stored.pop("ema_network")
    torch.save(stored, checkpoint)
    fit(TINY, tmp_path / "old", **silent)
    whole, old = (load_checkpoint(tmp_path / f"{name}/checkpoint.pt") for name in ("whole", "old"))
    assert whole[2] == old[2] == TINY.steps
    weights = [run[1].state_dict() for run in (whole, old)]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_other_settings_do_not_go_on_in_the_same_folder(tmp_path: Path) -> None:
    silent = {"report": lambda _text: None, "examples": EXAMPLES}
    fit(replace(TINY, steps=2), tmp_path, **silent)
    with pytest.raises(ConfigError, match=r"other settings \(steps\)"):
        fit(TINY, tmp_path, **silent)


def test_training_learns(tmp_path: Path) -> None:
    config = replace(TINY, steps=40, check_every=20, learning_rate=1e-2, ema=0.9)
    reports: list[str] = []
    path = fit(config, tmp_path, report=reports.append, examples=EXAMPLES)
    losses = [float(line.split("loss ")[1].split(",")[0]) for line in reports]
    assert losses[-1] < 0.6 * losses[0]
    _, network, step = load_checkpoint(path)
    assert step == 40
    scores = validate(network, EXAMPLES[1], config, "cpu")
    assert scores.f1 == 1.0
    assert scores.dice > 0.8


def test_loss_forgives_what_lies_beyond_the_clip() -> None:
    target = torch.tensor([[-10.0, 16.0, 0.0]])
    assert distance_loss(torch.tensor([[-12.0, 18.0, 0.0]]), target, 5) == distance_loss(
        torch.tensor([[-50.0, 90.0, 0.0]]), target, 5
    )
    assert distance_loss(target, target, 5) == 0
    inside = distance_loss(torch.tensor([[-10.0, 14.0, 0.0]]), target, 5)
    outside = distance_loss(torch.tensor([[-8.0, 16.0, 0.0]]), target, 5)
    assert inside > 2 * outside


def test_inside_weight_falls_to_nearly_even() -> None:
    config = Config(steps=900)
    weights = [inside_weight(step, config) for step in (0, 299, 500, 720, 899)]
    assert weights[0] == weights[1] == 5.0
    assert 1.5 < weights[2] < 5.0
    assert weights[3] == weights[4] == pytest.approx(1.5)


def test_learning_rate_rises_then_falls() -> None:
    config = Config(steps=1000)
    rates = [learning_rate(step, config) for step in range(1000)]
    peak = int(np.argmax(rates))
    assert 40 <= peak <= 60
    assert rates[peak] == pytest.approx(config.learning_rate)
    assert rates[-1] < 0.02 * config.learning_rate


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"colour": 1}, "unknown entries colour"),
        ({"steps": "many"}, "expected a int"),
        ({"crop": 42}, "multiple of 4"),
        ({"noise_share": 0.1, "target": "connectors"}, "needs target = 'vesicles'"),
        ({"noise_share": 1.0}, "below 1"),
    ],
)
def test_bad_configurations(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Config.from_mapping(values)


def test_configurations_of_the_shipped_models() -> None:
    """Each is usable, is called as its file, and goes on from what another of them gives."""
    files = {file.stem: file for file in MODELS.glob("*.toml")}
    assert "fast" in files
    for stem, file in files.items():
        config = Config.from_mapping(read_toml(file), MODELS)
        assert config.name == stem
        assert config.recipe in RECIPES
        assert not config.base or Path(config.base).stem in files


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
def test_make_knows_the_way_to_the_shipped_models(tmp_path: Path) -> None:

    def fits(target: str) -> list[str]:
        line = ["make", "--dry-run", "-C", str(MODELS), target, f"RUNS={tmp_path}"]
        commands = subprocess.run(line, check=True, capture_output=True, text=True).stdout
        assert f"-o {tmp_path}/" in commands
        return [row.split()[2] for row in commands.splitlines() if " fit " in row]

    assert fits("accurate") == ["fast.toml"]
    assert fits("from-nothing") == ["fast-first.toml", "outline-2.toml"]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return fit(
        replace(TINY, poolings=2), tmp_path / "run", report=lambda _text: None, examples=EXAMPLES
    )


def test_exported_model_is_complete_and_computes_the_same(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    assert export(checkpoint, path) <= 1e-4
    model = load_model(str(path), threads=1)
    assert model.spec.name == "tiny"
    assert model.spec.outputs == ("probability", "distance")
    assert model.spec.licence == "MIT"
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".onnx"] == ["tiny.onnx"]
    assert b"vesimod_train" not in path.read_bytes(), "paths of this computer travel along"
    operators = {node.op_type for node in onnx.load(path).graph.node}
    assert "ConvTranspose" in operators
    assert "Resize" not in operators
    _, network, _ = load_checkpoint(checkpoint)
    volume = np.random.default_rng(0).normal(size=(20, 24, 36)).astype(np.float32)
    maps = model.predict(volume)
    with torch.no_grad():
        expected = network(torch.from_numpy(np.pad(volume, 0)[None, None]))[0]
    # Inside, where neither the reflection nor the zero padding at the edges reaches.
    assert expected.shape[2:] == maps["distance"].shape
    np.testing.assert_allclose(
        maps["probability"], 1 / (1 + np.exp(-maps["distance"] / SOFTNESS_NM)), atol=1e-5
    )


def test_export_refuses_what_computes_something_else(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = export_module.to_onnx

    def tampered(network: torch.nn.Module, spec: ModelSpec) -> onnx.ModelProto:
        graph = honest(network, spec)
        for tensor in graph.graph.initializer:
            if len(tensor.dims) == 5:  # the first convolution
                values = onnx.numpy_helper.to_array(tensor).copy()
                values.flat[0] += 0.1
                tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
                break
        return graph

    monkeypatch.setattr(export_module, "to_onnx", tampered)
    path = tmp_path / "tiny.onnx"
    path.write_text("the model from before")
    with pytest.raises(ParityError, match="differ by"):
        export(checkpoint, path, overwrite=True)
    assert path.read_text() == "the model from before"


class WrongAtOneSize(torch.nn.Module):
    """Another network's outputs, but for volumes of one shape slightly off."""

    def __init__(self, network: torch.nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.network, self.shape = network, shape

    def forward(self, volume: torch.Tensor) -> list[torch.Tensor]:
        off = 1e-3 * (tuple(volume.shape[2:]) == self.shape)
        return [output + off for output in self.network(volume)]


def test_parity_of_the_shipped_architecture_at_every_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = UNet(16, 2)
    exported = ExportedUNet(network).eval()
    spec = export_module.model_spec(Config(), network, 0)
    graph = in_strips(export_module.to_onnx(exported, spec))
    onnx.save(graph, tmp_path / "a.onnx")
    assert parity(tmp_path / "a.onnx", exported) <= 1e-4
    assert len(set(export_module.PARITY_SHAPES)) >= 3
    for shape in (*export_module.PARITY_SHAPES, (4, 18, 5)):  # the last in strips
        wrong = WrongAtOneSize(exported, tuple(n * network.divisor for n in shape))
        assert parity(tmp_path / "a.onnx", wrong) > 1e-4


def test_not_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    path.write_text("nothing")
    with pytest.raises(ConfigError, match="not a checkpoint"):
        export(path, tmp_path / "a.onnx")
    with pytest.raises(FileNotFoundError):
        export(tmp_path / "absent.pt", tmp_path / "a.onnx")


def test_a_network_keeps_what_it_computes_when_its_statistics_are_given_back() -> None:
    network, _ = read_network(MODELS / "fast.onnx")
    # Of a tomogram: in noise the distance hardly varies, and any change is large beside that.
    demo = read_tomogram(Path(vesimod.__file__).parent / "demo" / "demo.mrc")
    small = resample(demo.voxels, demo.grid.voxel_size_nm, (4.4, 4.4, 4.4))
    volume = torch.from_numpy(normalise(small, Normalisation(background_voxels=24.0)))
    crops = [volume[None, :16, y : y + 16, x : x + 16] for y in (0, 40) for x in (0, 40)]
    batches = [torch.stack(crops[:2]), torch.stack(crops[2:])]
    with torch.no_grad():
        before = network(batches[0])
        renormalise(network, batches)
        after = network(batches[0])
        in_training = network.train()(batches[0])
    for a, b, c in zip(before, after, in_training, strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-4)
        # With the statistics of the batch itself it computes nearly the same.
        assert float((c - a).abs().mean()) < 0.2 * float(a.std())


def test_a_head_of_its_own_begins_with_what_the_distance_says() -> None:
    network = with_two_heads(random_unet(4, 2, 0)).eval()
    with torch.no_grad():
        distance, log_odds = network(torch.randn(1, 1, 16, 16, 16))
    torch.testing.assert_close(log_odds, distance / SOFTNESS_NM, atol=1e-4, rtol=1e-4)
