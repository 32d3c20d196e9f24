"""Which network to train? Sizes, blocks, voxels and losses at equal CPU time of a short training.

python benchmarks/architectures.py [VARIANT ...] [--cpu-seconds 240] [--volumes 200] -o DIR

Each variant starts from random weights and learns until the CPU seconds are spent, from the same
volumes: half of the recipe `clear`, half of `wide`, of which those count whose membranes show well,
so that something is learned in minutes. The learning rate falls with the time spent. Then, on
families of `families.py`, whose simulator is another: F1 of the whole pipeline, the average
precision of the network's map, voxel by voxel, which tells networks apart before any of them is
sure enough of what it finds for the pipeline, and CPU-seconds of the pipeline for a volume. A
variant whose model is in DIR is not trained again.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from families import FAMILIES, check_installed, simulate, write
from model_scores import outside_cut
from torch import nn
from vesimod import load_model, segment
from vesimod.io.tomogram import read_tomogram
from vesimod.measure.agreement import evaluate
from vesimod.network.model import Model
from vesimod.network.resample import volume_to_model
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_train.config import Config
from vesimod_train.data.augment import training_batch
from vesimod_train.data.examples import signed_distance
from vesimod_train.export.onnx import model_spec, to_onnx
from vesimod_train.fitting.fit import computes_short, load_examples
from vesimod_train.fitting.losses import dice, learning_rate, loss_of
from vesimod_train.networks.checkpoints import new_network
from vesimod_train.networks.unet import ExportedUNet, UNet

BASE = Config(
    two_heads=True,
    background_voxels=24.0,
    recipe="wide",
    validation_volumes=0,
    least_contrast=0.8,  # twice that of `models/fast.toml`
    batch=2,  # small crops: many steps
    crop=40,
    seed=70161,
)
#: What each changes in a network of 16 channels and 2 poolings, the size of `fast` until version 6.
VARIANTS: dict[str, dict[str, Any]] = {
    "16 channels": {},
    "8 channels": {"channels": 8},
    "8 channels, 3 poolings": {"channels": 8, "poolings": 3},  # the size of `fast` since then
    "24 channels": {"channels": 24},
    "1 pooling": {"poolings": 1},
    "3 poolings": {"poolings": 3},
    "residual blocks": {},
    "3.3 nm voxels": {"voxel_size_nm": 3.3, "background_voxels": 32.0, "crop": 52},
    "distance alone": {"two_heads": False},
}
TESTS = ["ordinary", "dense", "noisy 0.01", "strong diffusion"]
TICKS = 1000  # in which the schedules of learning rate and loss count the time
SHOWN = 100  # steps between two lines about the training


class Residual(nn.Module):
    """A block of the U-Net, with what it is given added before its last ReLU."""

    def __init__(self, block: nn.Sequential) -> None:
        super().__init__()
        first = block[0]
        assert isinstance(first, nn.Conv3d)
        self.body, self.last = block[:-1], block[-1]
        self.around = nn.Conv3d(first.in_channels, first.out_channels, 1, bias=False)

    def forward(self, volume: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.last(self.body(volume) + self.around(volume))
        return result


def network_of(variant: str, config: Config) -> UNet:
    """Make the network of a variant, with random weights."""
    torch.manual_seed(config.seed)
    network = new_network(config)
    if variant == "residual blocks":
        for blocks in (network.down, network.merge):
            for level, block in enumerate(blocks):
                assert isinstance(block, nn.Sequential)
                blocks[level] = Residual(block)
    return network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload, no-any-return]


def train(variant: str, config: Config, folder: Path, cpu_seconds: float) -> int:
    """Train a variant until its time is spent, and write its model; return the steps it did."""
    examples = load_examples(config, folder / "cache", 1, lambda text: print(text, flush=True))[0]
    network = network_of(variant, config).train()
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=config.weight_decay)
    begin, step, spent, shown = time.process_time(), 0, 0.0, []
    while spent < cpu_seconds:
        tick = int(TICKS * spent / cpu_seconds)
        rng = np.random.default_rng([config.seed, step])
        batch = training_batch(examples, config.batch, config.crop_shape, rng)
        volumes, *targets, weight = map(torch.from_numpy, batch)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(tick, config)
        with torch.autocast("cpu", torch.bfloat16, enabled=computes_short("cpu")):
            predicted = [output.float() for output in network(volumes)]
        loss = loss_of(config, tick, predicted, targets, weight)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        step, spent = step + 1, time.process_time() - begin
        shown.append(dice(predicted[0].detach(), targets[0], weight))
        if len(shown) == SHOWN:
            overlap, both = np.sum(shown, axis=0)
            print(f"{variant}: {spent:.0f} s, {step} steps, Dice {overlap / both:.3f}", flush=True)
            shown = []
    network.to(memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
    spec = model_spec(config, network, step)
    onnx.save(to_onnx(ExportedUNet(network).eval(), spec), folder / f"{variant}.onnx")
    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("variants", nargs="*", default=list(VARIANTS))
    parser.add_argument("--cpu-seconds", type=float, default=240.0)
    parser.add_argument("--volumes", type=int, default=200)
    parser.add_argument("--families", nargs="+", default=TESTS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    check_installed(options.families)
    torch.set_num_threads(1)
    options.output.mkdir(parents=True, exist_ok=True)
    half = options.volumes // 2
    for variant in options.variants:
        config = replace(BASE, volumes=half, clear_volumes=half, name=variant, steps=TICKS)
        config = replace(config, **VARIANTS[variant])
        if not (options.output / f"{variant}.onnx").exists():
            steps = train(variant, config, options.output, options.cpu_seconds)
            print(f"{variant}: {steps} steps", flush=True)
    paths = [options.output / f"{variant}.onnx" for variant in options.variants]
    print(f"| variant | steps | {' | '.join(options.families)} | CPU-s |")
    print("|---|---:|" + "---:|" * (len(options.families) + 1))
    for variant, row in zip(options.variants, rows(paths, options), strict=True):
        print(f"| {variant} | {row} |", flush=True)


def rows(paths: list[Path], options: argparse.Namespace) -> list[str]:
    """Steps, average precision and F1 on each family, CPU-seconds of each model, as cells."""
    models = [load_model(str(path), device="cpu", threads=1) for path in paths]
    table = np.zeros((len(options.families), len(options.seeds), len(models), 3))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "volume.mrc"
        for i, name in enumerate(options.families):
            for j, seed in enumerate(options.seeds):
                volume, spheres, cut = simulate(FAMILIES[name], seed)
                write(path, volume, FAMILIES[name].voxel_nm)
                table[i, j] = [scores(path, model, spheres, cut) for model in models]
    means = table.mean(axis=1)
    steps = [model.spec.training_data.rpartition(", ")[2].split()[0] for model in models]
    return [
        f"{n} | {' | '.join(f'{ap:.3f}, {f1:.3f}' for ap, f1, _ in means[:, m])} "
        f"| {means[:, m, 2].mean():.1f}"
        for m, n in enumerate(steps)
    ]


def scores(path: Path, model: Model, spheres: Spheres, cut: Spheres) -> tuple[float, float, float]:
    """Average precision of a model's map, F1 of what is found in it, CPU-seconds."""
    start = time.process_time()
    tomogram = read_tomogram(path)
    result = segment(tomogram, model)
    seconds = time.process_time() - start
    size_nm, model_nm = tomogram.grid.voxel_size_nm, (model.spec.voxel_size_nm,) * 3
    found = outside_cut(result.spheres, cut, size_nm[0])
    everyone = Spheres.concatenate([spheres, cut])
    moved = Spheres(volume_to_model(everyone.centres, size_nm, model_nm), everyone.radii_nm)
    inside = signed_distance(moved, Grid(result.probability.shape, model_nm)) > 0
    precision = average_precision(result.probability, inside)
    return precision, evaluate(found, spheres, size_nm).f1, seconds


def average_precision(probability: np.ndarray, inside: np.ndarray) -> float:
    """Mean, over the voxels that are inside, of the precision at their probability."""
    true = inside.ravel()[np.argsort(-probability.ravel(), kind="stable")]
    return float((np.cumsum(true) / np.arange(1, true.size + 1))[true].mean())


if __name__ == "__main__":
    main()
