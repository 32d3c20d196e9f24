"""Training: one loop, checkpointed, resumable to the bit on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from vesimod_imod.core.files import make_folder, remove_leftovers

from vesimod_train.config import CONNECTORS, Config
from vesimod_train.data.augment import training_batch
from vesimod_train.data.boutons import bouton_examples
from vesimod_train.data.cache import pair_examples, simulated_examples
from vesimod_train.data.choice import worth_learning
from vesimod_train.data.examples import Example
from vesimod_train.fitting import logs
from vesimod_train.fitting.losses import dice, learning_rate, loss_of
from vesimod_train.fitting.validation import Scores, validate
from vesimod_train.networks.checkpoints import (
    BEST,
    CHECKPOINT,
    Run,
    new_network,
    resume,
    save_checkpoint,
)
from vesimod_train.networks.pretrained import base_network, renormalise
from vesimod_train.networks.unet import UNet

STATISTICS_BATCHES = 20
Examples = tuple[Sequence[Example], Sequence[Example]]


def fit(
    config: Config,
    folder: Path,
    *,
    workers: int = 1,
    threads: int | None = None,
    device: str = "cpu",
    report: Callable[[str], None] = print,
    progress: Callable[[str, int, int], None] | None = None,
    examples: Examples | None = None,
    stop_after: int | None = None,
) -> Path:
    """Train, or go on where a former run in the same folder stopped.

    Parameters
    ----------
    config : Config
        What to train.
    folder : Path
        Gets ``checkpoint.pt``, ``best.pt`` (of the best validation), ``log.csv``,
        ``curves.png`` and the cache of examples.
    workers : int
        Processes that simulate.
    threads : int, optional
        CPU threads of torch. A different number rounds differently: the same number is
        needed to repeat a run to the bit.
    device : str
        Of torch.
    report : callable
        Called with a line of text now and then.
    progress : callable, optional
        Called with (what is done, done, total).
    examples : (training, validation), optional
        Instead of those that the configuration names.
    stop_after : int, optional
        Stop at this step, as a cut-off run would; the checkpoint allows going on.

    Returns
    -------
    Path
        The last checkpoint.

    Raises
    ------
    ConfigError
        The folder holds a run with another configuration.
    """
    make_folder(folder)
    if threads:
        torch.set_num_threads(threads)
    show = progress or (lambda _what, _done, _total: None)
    run = start(config, device)  # before minutes of simulation: the base may be missing
    training, validation = examples or load_examples(config, folder / "cache", workers, report)
    checkpoint = folder / CHECKPOINT
    resume(checkpoint, config, run)
    if not run.step and config.base and not config.frozen_statistics:
        _take_statistics(config, run, training, device)
    for name in (CHECKPOINT, BEST, logs.LOG):
        remove_leftovers(folder / name)
    if config.bfloat16 and not computes_short(device):
        report("this processor lacks bfloat16 (AVX512-BF16, AMX): computing in float32 instead")
    if run.step:
        report(f"going on at step {run.step} of {config.steps}")
    recent: list[tuple[float, float, float]] = []
    while run.step < min(config.steps, stop_after or config.steps):
        if config.patience and run.checks_since_best >= config.patience:
            report(f"no better F1 in {config.patience} validations: stopped")
            break
        recent.append(_step(config, run, training, device))
        run.step += 1
        show("training", run.step, config.steps)
        if run.step % config.check_every == 0 or run.step == config.steps:
            scores = validate(run.ema_network, validation, config, device)
            row = _row(config, run.step, recent, scores)
            logs.append(folder / logs.LOG, row)
            logs.to_tensorboard(folder, row)
            better = scores.f1 > run.best_f1
            run.checks_since_best = 0 if better else run.checks_since_best + 1
            run.best_f1 = scores.f1 if better else run.best_f1
            # The best first: a run killed in between does these steps again, and finds it again.
            for path in [folder / BEST, checkpoint] if better else [checkpoint]:
                save_checkpoint(path, config, run)
            report(f"step {run.step}: loss {row.loss:.3f}, validation F1 {scores.f1:.3f}")
            recent = []
    if (folder / logs.LOG).exists():
        try:
            logs.draw_curves(folder / logs.LOG, folder / "curves.png")
        except ImportError as error:
            report(str(error))
    return checkpoint


def load_examples(
    config: Config, cache: Path, workers: int, report: Callable[[str], None]
) -> tuple[list[Example], list[Example]]:
    """Training and validation examples, simulated and of pairs.

    Pairs are repeated in the list so often that they get their share of the crops.
    """
    split = config.seed + config.volumes
    held_out_seeds = range(split, split + config.validation_volumes)
    if config.target == CONNECTORS:
        trained, held_out = (
            bouton_examples(
                cache,
                seeds,
                config.voxel_size_nm,
                config.normalisation,
                workers=workers,
                progress=lambda done, total: report(f"simulated {done} of {total} boutons"),
            )
            for seeds in (range(config.seed, split), held_out_seeds)
        )
        return trained, held_out

    def simulated_by(recipe: str, seeds: range) -> list[Example]:
        return simulated_examples(
            cache,
            recipe,
            seeds,
            config.voxel_size_nm,
            config.normalisation,
            jitter=config.jitter,
            workers=workers,
            target=config.target,
            progress=lambda done, total: report(f"simulated {done} of {total} tomograms"),
        )

    simulated = simulated_by(config.recipe, range(config.seed, split))
    besides = {
        "ice": config.ice_volumes,
        "clear": config.clear_volumes,
        "crisp": config.crisp_volumes,
    }
    for recipe, number in besides.items():
        simulated += simulated_by(recipe, range(config.seed, config.seed + number))
    if config.least_contrast:
        simulated = worth_learning(simulated, config.least_contrast, config.empty_share)
    simulated_held_out = simulated_by(config.recipe, held_out_seeds)
    corrected, corrected_held_out = (
        pair_examples(cache, pairs, config, report)
        for pairs in (config.pairs, config.validation_pairs)
    )
    if simulated and corrected:
        wanted = config.pair_share / (1 - config.pair_share) * len(simulated)
        corrected = corrected * max(1, round(wanted / len(corrected)))
    return simulated + corrected, simulated_held_out + corrected_held_out


def start(config: Config, device: str) -> Run:
    """Make a run at step 0: from its base, or with random weights that the seed decides."""
    torch.manual_seed(config.seed)
    network = base_network(config) if config.base else new_network(config)
    network = network.to(device)
    network = network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    ema_network = new_network(config).to(device)
    ema_network.load_state_dict(network.state_dict())
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    half = low_precision(device) is torch.float16
    return Run(network, ema_network, optimiser, torch.amp.GradScaler(device, enabled=half))


def low_precision(device: str) -> torch.dtype:
    """Type of the convolutions where the configuration asks for a short one."""
    if device.startswith("cuda") and not torch.cuda.is_bf16_supported():
        return torch.float16
    return torch.bfloat16


def _take_statistics(config: Config, run: Run, training: Sequence[Example], device: str) -> None:
    """Give the base's batch normalisations the statistics of what it will learn from."""
    draws = (np.random.default_rng([config.seed, 0, i]) for i in range(STATISTICS_BATCHES))
    batches = (training_batch(training, config.batch, config.crop_shape, rng)[0] for rng in draws)
    run.network.eval()
    renormalise(run.network, (torch.from_numpy(batch).to(device) for batch in batches))
    run.ema_network.load_state_dict(run.network.state_dict())


def computes_short(device: str) -> bool:
    """Whether the processor computes in `low_precision` rather than emulating it.

    Emulated, a step takes over 20 times as long. Only Linux tells what a CPU can.
    """
    if torch.device(device).type != "cpu":
        return True
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _step(
    config: Config, run: Run, training: Sequence[Example], device: str
) -> tuple[float, float, float]:
    """One step of the optimiser; return loss and the two parts of the Dice coefficient."""
    # A generator for each step: a resumed run draws the same batches as one in one go.
    rng = np.random.default_rng([config.seed, run.step])
    batch = training_batch(training, config.batch, config.crop_shape, rng, config.noise_share)
    volumes, *targets, weight = (torch.from_numpy(v).to(device) for v in batch)
    for group in run.optimiser.param_groups:
        group["lr"] = learning_rate(run.step, config)
    run.network.train(
        not (config.base and config.frozen_statistics)
    )  # only batch normalisation differs
    kind = torch.device(device).type
    short = config.bfloat16 and computes_short(device)
    with torch.autocast(kind, low_precision(device), enabled=short):
        predicted = [output.float() for output in run.network(volumes)]
    loss = loss_of(config, run.step, predicted, targets, weight)
    run.optimiser.zero_grad()
    run.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    run.scaler.unscale_(run.optimiser)
    torch.nn.utils.clip_grad_norm_(run.network.parameters(), 5.0)
    run.scaler.step(run.optimiser)
    run.scaler.update()
    _follow(run.ema_network, run.network, config.ema)
    return float(loss.detach()), *dice(predicted[0], targets[0], weight)


@torch.no_grad()
def _follow(ema_network: UNet, network: UNet, decay: float) -> None:
    """Move the averaged weights towards the network's; take its batch statistics likewise."""
    for slow, fast in zip(
        ema_network.state_dict().values(), network.state_dict().values(), strict=True
    ):
        if slow.dtype.is_floating_point:
            slow.lerp_(fast, 1 - decay)
        else:
            slow.copy_(fast)


def _row(
    config: Config, step: int, recent: list[tuple[float, float, float]], scores: Scores
) -> logs.Row:
    """Put together a line of the log."""
    losses, overlap, both = np.array(recent).T
    return logs.Row(
        step,
        float(losses.mean()),
        scores.f1,
        learning_rate(step - 1, config),
        float(overlap.sum() / max(both.sum(), 1.0)),
        scores.dice,
        scores.loss,
    )
