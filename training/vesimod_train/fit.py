"""Training: one loop, checkpointed, resumable to the bit on the CPU."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from vesimod.contract import Normalisation
from vesimod.postprocess.instances import spheres_of_labels, split_instances
from vesimod.tiling import predict
from vesimod_imod.files import atomic_path
from vesimod_imod.spheres import BoolArray, Spheres

from vesimod_train.augment import training_batch
from vesimod_train.dataset import Example, simulated_examples
from vesimod_train.unet import SOFTNESS_NM, UNet

CHECKPOINT = "checkpoint.pt"
LOG = "log.csv"
# Vesicles fill a few per cent of the volume. With an absolute error the network settles where
# inside and outside weigh the same: a weight w takes what is a vesicle with a chance of
# 1 / (1 + w). High at first, so that there is something to learn from; near even at the end.
INSIDE_WEIGHT_FIRST, INSIDE_WEIGHT_LAST = 5.0, 1.5
BETA_NM = 1.0  # the loss is quadratic below this error and linear above


class ConfigError(ValueError):
    """The training configuration cannot be used."""


@dataclass(frozen=True)
class Config:
    """Everything that decides what a training run produces.

    Parameters
    ----------
    name, version : str
        Of the model.
    voxel_size_nm : float
        At which the network works.
    channels, poolings : int
        Size of the U-Net.
    recipe : str
        Simulation recipe to train on.
    volumes, validation_volumes : int
        Tomograms simulated for training and for choosing the best weights; they are told
        apart by seed, so no patch of one is in the other.
    jitter : float
        Share by which voxel sizes are stretched.
    steps, batch, crop : int
        Optimiser steps; crops a step; edge of a crop in voxels.
    learning_rate, weight_decay, warmup : float
        AdamW with a cosine schedule after a warm-up over this share of the steps.
    bfloat16 : bool
        Convolutions in bfloat16, about twice as fast where the CPU has it; sums, loss and
        weights stay in float32.
    ema : float
        Decay of the moving average of the weights, which is what is exported.
    check_every : int
        Steps between checkpoints with validation.
    seed : int
        Decides simulation, initial weights and batches.
    """

    name: str = "fast"
    version: str = "1"
    voxel_size_nm: float = 4.4
    channels: int = 16
    poolings: int = 2
    recipe: str = "train"
    volumes: int = 160
    validation_volumes: int = 6
    jitter: float = 0.18
    steps: int = 3000
    batch: int = 4
    crop: int = 40
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    warmup: float = 0.05
    bfloat16: bool = True
    ema: float = 0.995
    check_every: int = 250
    seed: int = 1000

    @staticmethod
    def from_mapping(values: dict[str, Any]) -> Config:
        """Read a configuration.

        Raises
        ------
        ConfigError
            An entry is unknown, has the wrong type or makes no sense.
        """
        known = {field.name: field for field in fields(Config)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ConfigError(f"unknown entries {', '.join(unknown)}; known: {', '.join(known)}")
        defaults = Config()
        for name, value in values.items():
            wanted = type(getattr(defaults, name))
            if not isinstance(value, (wanted, int) if wanted is float else wanted):
                raise ConfigError(f"{name} = {value!r}: expected a {wanted.__name__}")
        config = Config(**values)
        if config.crop % 2**config.poolings:
            raise ConfigError(f"crop = {config.crop}: must be a multiple of {2**config.poolings}")
        return config


def fit(
    config: Config,
    folder: Path,
    *,
    workers: int = 1,
    threads: int | None = None,
    device: str = "cpu",
    report: Callable[[str], None] = print,
    examples: tuple[list[Example], list[Example]] | None = None,
    stop_after: int | None = None,
) -> Path:
    """Train, or go on where a former run in the same folder stopped.

    Parameters
    ----------
    config : Config
        What to train.
    folder : Path
        Gets ``checkpoint.pt``, ``log.csv`` and the cache of simulated tomograms.
    workers : int
        Processes that simulate.
    threads : int, optional
        CPU threads of torch. A different number rounds differently: the same number is
        needed to repeat a run to the bit.
    device : str
        Of torch.
    report : callable
        Called with a line of text now and then.
    examples : (training, validation), optional
        Instead of simulated ones.
    stop_after : int, optional
        Stop at this step, as a cut-off run would; the checkpoint allows going on.

    Returns
    -------
    Path
        The checkpoint.

    Raises
    ------
    ConfigError
        The folder holds a run with another configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if threads:
        torch.set_num_threads(threads)
    training, validation = examples or _simulated(config, folder, workers, report)
    torch.manual_seed(config.seed)
    network = UNet(config.channels, config.poolings).to(device)
    network = network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    average = UNet(config.channels, config.poolings).to(device)
    average.load_state_dict(network.state_dict())
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    checkpoint = folder / CHECKPOINT
    first = _resume(checkpoint, config, network, average, optimiser)
    if first:
        report(f"going on at step {first} of {config.steps}")
    losses: list[float] = []
    for step in range(first, min(config.steps, stop_after or config.steps)):
        # A generator for each step: a resumed run draws the same batches as one in one go.
        rng = np.random.default_rng([config.seed, step])
        volumes, distances = training_batch(training, config.batch, config.crop, rng)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, config)
        network.train()
        with torch.autocast(device, torch.bfloat16, enabled=config.bfloat16):
            predicted = network(torch.from_numpy(volumes).to(device))
        target = torch.from_numpy(distances).to(device)
        loss = distance_loss(predicted.float(), target, inside_weight(step, config))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        _follow(average, network, config.ema)
        losses.append(float(loss.detach()))
        if (step + 1) % config.check_every == 0 or step + 1 == config.steps:
            f1 = validation_f1(average, validation, config, device)
            _save(checkpoint, config, step + 1, network, average, optimiser)
            _log(folder / LOG, step + 1, float(np.mean(losses)), f1, learning_rate(step, config))
            report(f"step {step + 1}: loss {np.mean(losses):.3f}, validation F1 {f1:.3f}")
            losses = []
    return checkpoint


def distance_loss(predicted: torch.Tensor, target: torch.Tensor, inside: float) -> torch.Tensor:
    """Smooth L1 on the distance in nm, voxels inside vesicles counting `inside` times.

    Outside, and deep inside, the target is clipped: there a prediction beyond the limit is right.
    """
    low, high = float(target.min()), float(target.max())
    error = functional.smooth_l1_loss(
        predicted.clamp(low - 2, high + 2), target, reduction="none", beta=BETA_NM
    )
    weight = 1.0 + (inside - 1.0) * (target > -2.0).to(error.dtype)
    return (error * weight).sum() / weight.sum()


def inside_weight(step: int, config: Config) -> float:
    """Weight of voxels inside vesicles: full for a third of the steps, then falling until 80 %."""
    way = min(max((step / config.steps - 1 / 3) / (0.8 - 1 / 3), 0.0), 1.0)
    return INSIDE_WEIGHT_FIRST + way * (INSIDE_WEIGHT_LAST - INSIDE_WEIGHT_FIRST)


def learning_rate(step: int, config: Config) -> float:
    """Linear warm-up, then half a cosine down to a hundredth."""
    warmup = max(1, int(config.warmup * config.steps))
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    way = (step - warmup) / max(1, config.steps - warmup)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * way)))


def validation_f1(
    network: UNet, examples: list[Example], config: Config, device: str = "cpu"
) -> float:
    """Object F1 over whole volumes: a found centre within a true radius counts, once."""
    from vesimod.evaluate import evaluate

    network.eval()
    hits = errors = 0
    size_nm = (config.voxel_size_nm,) * 3
    for example in examples:
        distance = predict_distance(network, example.volume, device)
        probability = 1 / (1 + np.exp(-np.clip(distance / SOFTNESS_NM, -30, 30)))
        labels = split_instances(probability >= 0.5, size_nm, distance)
        found: Spheres = spheres_of_labels(labels, size_nm)
        truth = example.spheres
        limit = np.array(example.volume.shape) - 0.5
        counted = np.all((truth.centres > -0.5) & (truth.centres < limit), axis=1)
        found = found.select(~_within(found, truth.select(~counted), config.voxel_size_nm))
        result = evaluate(found, truth.select(counted), size_nm)
        hits += 2 * result.true_positives
        errors += result.false_positives + result.false_negatives
    return hits / max(1, hits + errors)


def _within(found: Spheres, cut: Spheres, voxel_size_nm: float) -> BoolArray:
    """Which centres lie in a vesicle that the edge cuts: neither right nor wrong."""
    way = np.linalg.norm(found.centres[:, None] - cut.centres[None], axis=2) * voxel_size_nm
    inside: BoolArray = np.any(way < cut.radii_nm, axis=1)
    return inside


@torch.no_grad()
def predict_distance(
    network: UNet, volume: np.ndarray[Any, np.dtype[np.float32]], device: str
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Signed distance over a whole volume, with the tiling that inference uses."""

    def run(tile: Any) -> list[Any]:
        return [network(torch.from_numpy(tile[None, None]).to(device)).cpu().numpy()[0, 0]]

    halo = network.reach
    (distance,) = predict(volume, run, 1, (96 + 2 * halo,) * 3, halo, network.divisor)
    return distance


def load_checkpoint(path: Path) -> tuple[Config, UNet, int]:
    """Read a checkpoint: configuration, averaged network in evaluation mode, step.

    Raises
    ------
    ConfigError
        The file is no checkpoint of ours.
    """
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        config = Config.from_mapping(stored["config"])
        network = UNet(config.channels, config.poolings)
        network.load_state_dict(stored["average"])
        return config, network.eval(), int(stored["step"])
    except FileNotFoundError:
        raise
    except Exception as error:  # torch raises many kinds for a file that is not its own
        raise ConfigError(f"{path}: no checkpoint of vesimod-train fit") from error


def _simulated(
    config: Config, folder: Path, workers: int, report: Callable[[str], None]
) -> tuple[list[Example], list[Example]]:
    """Training and validation examples from the simulator, cached."""
    first = config.seed
    split = first + config.volumes
    sets = []
    for seeds in (range(first, split), range(split, split + config.validation_volumes)):
        sets.append(
            simulated_examples(
                folder / "cache",
                config.recipe,
                seeds,
                config.voxel_size_nm,
                Normalisation(),
                jitter=config.jitter,
                workers=workers,
                progress=lambda done, total: report(f"simulated {done} of {total} tomograms"),
            )
        )
    return sets[0], sets[1]


def _resume(
    path: Path, config: Config, network: UNet, average: UNet, optimiser: torch.optim.Optimizer
) -> int:
    """Load a checkpoint into the run, if there is one; return the step to go on at."""
    if not path.exists():
        return 0
    stored = torch.load(path, weights_only=True)
    if stored["config"] != asdict(config):
        changed = [k for k, v in asdict(config).items() if stored["config"].get(k) != v]
        raise ConfigError(
            f"{path}: belongs to a run with other settings ({', '.join(changed)}); "
            "choose another folder"
        )
    network.load_state_dict(stored["network"])
    average.load_state_dict(stored["average"])
    optimiser.load_state_dict(stored["optimiser"])
    return int(stored["step"])


def _save(
    path: Path,
    config: Config,
    step: int,
    network: UNet,
    average: UNet,
    optimiser: torch.optim.Optimizer,
) -> None:
    """Write a checkpoint, whole or not at all."""
    state = {
        "config": asdict(config),
        "step": step,
        "network": network.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
    }
    with atomic_path(path) as temporary:
        torch.save(state, temporary)


@torch.no_grad()
def _follow(average: UNet, network: UNet, decay: float) -> None:
    """Move the averaged weights towards the network's; take its batch statistics likewise."""
    for slow, fast in zip(
        average.state_dict().values(), network.state_dict().values(), strict=True
    ):
        if slow.dtype.is_floating_point:
            slow.lerp_(fast, 1 - decay)
        else:
            slow.copy_(fast)


def _log(path: Path, step: int, loss: float, f1: float, rate: float) -> None:
    """Append a line to the log; steps that a cut-off run had logged already are replaced."""
    rows: list[list[str]] = []
    if path.exists():
        with path.open(newline="", encoding="utf-8") as stream:
            rows = [row for row in list(csv.reader(stream))[1:] if int(row[0]) < step]
    rows.append([str(step), f"{loss:.5f}", f"{f1:.5f}", f"{rate:.6g}"])
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([["step", "loss", "validation_f1", "learning_rate"], *rows])
