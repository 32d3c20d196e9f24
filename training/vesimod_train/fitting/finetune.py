"""A trained model made better by a few tomograms that people corrected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vesimod_imod.core.file_roles import check_files
from vesimod_imod.core.files import make_folder, marked_unfinished
from vesimod_imod.core.locks import only_writer

from vesimod_train.config import VESICLES, Config, Pairs
from vesimod_train.data.examples import Example
from vesimod_train.export.onnx import export
from vesimod_train.fitting.fit import fit, load_examples
from vesimod_train.fitting.validation import Scores, validate
from vesimod_train.networks.checkpoints import CHECKPOINT, load_checkpoint
from vesimod_train.networks.pretrained import base_network, read_network, target_of
from vesimod_train.networks.unet import UNet

# Chosen with benchmarks/finetune_gain.py.
STEPS = 300
LEARNING_RATE = 5e-4
EMA = 0.98
#: Simulated tomograms that keep what the model knew, and others that show whether they did.
REPLAY, REPLAY_HELD_OUT = 16, 2


@dataclass(frozen=True)
class Gain:
    """Scores before and after, on held-out tomograms and on simulated ones."""

    before: Scores
    after: Scores
    simulated_before: Scores
    simulated_after: Scores


def finetune_config(
    base: Path,
    pairs: Pairs,
    held_out: Pairs = (),
    *,
    steps: int = STEPS,
    replay: int = REPLAY,
    name: str | None = None,
    bfloat16: bool = False,
    seed: int = 1,
) -> Config:
    """Choose the settings that fine-tune a model.

    Parameters
    ----------
    base : Path
        The model (.onnx) or checkpoint.
    pairs, held_out : tuple of (str, str, ...)
        Tomograms and models to learn from, and others to test on.
    steps : int
        Optimiser steps.
    replay : int
        Simulated tomograms of which half of the crops are cut.
    name : str, optional
        Of the new model; default: that of the base with "-tuned".
    bfloat16, seed
        As in `Config`.
    """
    network, about = read_network(base)
    target = target_of(about)
    return Config.from_mapping(
        {
            "name": name or f"{about.name}-tuned",
            "version": about.version,
            "voxel_size_nm": about.voxel_size_nm,
            "channels": network.head.in_channels,
            "poolings": len(network.up),
            "two_heads": network.inside is not None,
            "target": target,
            "recipe": "train" if target == VESICLES else "cells",
            "background_voxels": about.normalisation.background_voxels,
            "base": str(base),
            "volumes": replay,
            "validation_volumes": REPLAY_HELD_OUT if replay else 0,
            "pairs": pairs,
            "validation_pairs": held_out,
            "steps": steps,
            "learning_rate": LEARNING_RATE,
            "warmup": 0.1,
            "bfloat16": bfloat16,
            "ema": EMA,
            "check_every": max(1, steps // 3),
            "seed": seed,
        }
    )


def finetune(
    config: Config,
    folder: Path,
    output: Path,
    *,
    workers: int = 1,
    threads: int | None = None,
    device: str = "cpu",
    report: Callable[[str], None] = print,
    progress: Callable[[str, int, int], None] | None = None,
    cache: Path | None = None,
    overwrite: bool = False,
) -> Gain:
    """Fine-tune, export, and compare with the base.

    Parameters
    ----------
    config : Config
        From `finetune_config`.
    folder, workers, threads, device, report, progress
        As in `vesimod_train.fitting.fit.fit`; a stopped run goes on.
    output : Path
        The new model, .onnx.
    cache : Path, optional
        Of the examples; default: ``cache`` in the folder.
    overwrite : bool
        Replace `output`.
    """
    make_folder(folder)
    with only_writer([output, folder / CHECKPOINT]):
        pairs = [Path(p) for pair in (*config.pairs, *config.validation_pairs) for p in pair]
        check_files([Path(config.base), *pairs], [output], overwrite=overwrite)
        training, held_out = load_examples(config, cache or folder / "cache", workers, report)
        fit(
            config,
            folder,
            threads=threads,
            device=device,
            report=report,
            progress=progress,
            examples=(training, held_out),
        )
        with marked_unfinished(output):  # until it is known what it is worth
            if progress:
                progress("export", 0, 1)
            export(folder / CHECKPOINT, output, overwrite=overwrite)
            if progress:
                progress("export", 1, 1)
            simulated, corrected = (
                held_out[: config.validation_volumes],
                held_out[config.validation_volumes :],
            )
            networks = base_network(config), load_checkpoint(folder / CHECKPOINT)[1]
            scores = _scores(networks, (corrected, simulated), config, device, progress)
    return Gain(*scores)


def _scores(
    networks: Sequence[UNet],
    sets: Sequence[Sequence[Example]],
    config: Config,
    device: str,
    progress: Callable[[str, int, int], None] | None,
) -> list[Scores]:
    """Score each network on each set of examples, set after set."""
    scores: list[Scores] = []
    for examples in sets:
        for network in networks:
            if progress:
                progress("scoring", len(scores), len(sets) * len(networks))
            scores.append(validate(network.to(device), examples, config, device))
    return scores
