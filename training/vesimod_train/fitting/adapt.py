"""A trained model made better on one's own tomograms, which nobody labelled: self-training.

In rounds: the model of the round before (first: the base) finds vesicles; those beyond doubt are
what a network that starts from the base learns from (`vesimod_train.data.self_labels`), together
with simulated tomograms that keep what it knew. What is exported is the mean of its weights over
its last steps: the teacher of the next round. Rounds end when two in a row find the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from shutil import copyfile

from vesimod import Segmentation, load_model, read_tomogram
from vesimod.measure.agreement import evaluate
from vesimod.pipeline import segment
from vesimod_imod.core.errors import VesimodError
from vesimod_imod.core.file_roles import check_files
from vesimod_imod.core.files import atomic_path, make_folder

from vesimod_train.config import Config
from vesimod_train.data.self_labels import self_labels, write_self_labels
from vesimod_train.fitting.finetune import REPLAY, Gain, finetune, finetune_config

#: Steps of a round; `benchmarks/adapt_gain.py` shows what they give.
STEPS, ROUNDS = 200, 2
RECORD = "adapted.json"
LEAST_SURE = 20  # vesicles beyond doubt in all tomograms: from fewer, nothing can be learned
AGREED = 0.98  # F1 between two rounds from which another one changes nothing


class AdaptError(VesimodError, ValueError):
    """These tomograms cannot teach without a person."""


@dataclass(frozen=True)
class Adapted:
    """What adapting did.

    Parameters
    ----------
    found : tuple of int
        Vesicles found in all tomograms: by the base, then after each round.
    sure : tuple of int
        How many of them were beyond doubt, for each round.
    agreement : tuple of float
        F1 of what a round found against the round before.
    gain : Gain
        Of the last round; on simulated tomograms it tells what was forgotten.
    """

    found: tuple[int, ...]
    sure: tuple[int, ...]
    agreement: tuple[float, ...]
    gain: Gain


def adapt_config(
    base: Path, *, steps: int = STEPS, replay: int = REPLAY, name: str | None = None, seed: int = 1
) -> Config:
    """Choose the settings of each round.

    Parameters
    ----------
    base : Path
        The model (.onnx).
    steps : int
        Optimiser steps of a round.
    replay : int
        Simulated tomograms of which half of the crops are cut; at least one.
    name : str, optional
        Of the new model; default: that of the base with "-adapted".
    seed
        As in `vesimod_train.config.Config`.
    """
    config = finetune_config(base, (), steps=steps, replay=replay, bfloat16=True, seed=seed)
    return replace(config, name=name or f"{base.stem}-adapted", self_labelled=True)


def adapt(
    config: Config,
    tomograms: Sequence[Path],
    folder: Path,
    output: Path,
    *,
    rounds: int = ROUNDS,
    overwrite: bool = False,
    threads: int | None = None,
    workers: int = 1,
    report: Callable[[str], None] = print,
    progress: Callable[[str, int, int], None] | None = None,
) -> Adapted:
    """Adapt a model to tomograms without labels.

    Parameters
    ----------
    config : Config
        From `adapt_config`.
    tomograms : sequence of Path
        Of the kind that the model shall be better at; membranes dark.
    folder : Path
        Gets a folder for each round with what was learned from, as models that 3dmod opens, and
        ``adapted.json``, the record of what was done.
    output : Path
        The new model, .onnx.
    rounds : int
        At most so many.
    overwrite : bool
        Replace `output`.
    threads, workers, report, progress
        As in `vesimod_train.fitting.finetune.finetune`.

    Raises
    ------
    AdaptError
        Fewer than `LEAST_SURE` vesicles are beyond doubt; no model is written. Or two tomograms
        have one name.
    """
    make_folder(folder)
    check_files([Path(config.base), *tomograms], [output], overwrite=overwrite)
    _check_names(tomograms)
    teach = partial(
        finetune,
        workers=workers,
        threads=threads,
        report=report,
        progress=progress,
        cache=folder / "cache",
        overwrite=True,
    )
    latest, sure = _label(Path(config.base), tomograms, folder / "round-1", threads, report)
    found, sures, agreement = [_count(latest)], [sure], []
    for number in range(1, rounds + 1):
        here = folder / f"round-{number}"
        pairs = tuple((str(t), str(here / f"{t.stem}.mod")) for t in tomograms)
        teacher = here / f"{config.name}.onnx"
        gain = teach(replace(config, pairs=pairs), here, teacher)
        before, following = latest, folder / f"round-{number + 1}"
        latest, sure = _label(teacher, tomograms, following, threads, report)
        found.append(_count(latest))
        agreement.append(_agreement(before, latest, tomograms))
        report(f"round {number}: {agreement[-1]:.3f} of what was found is as before (F1)")
        if agreement[-1] >= AGREED or number == rounds:
            break
        sures.append(sure)
    done = Adapted(tuple(found), tuple(sures), tuple(agreement), gain)
    _write_record(folder / RECORD, config, tomograms, done)
    with atomic_path(output) as temporary:
        copyfile(teacher, temporary)
    return done


def _check_names(tomograms: Sequence[Path]) -> None:
    """Raise AdaptError where what is learned from two tomograms would have one name."""
    stems = [path.stem for path in tomograms]
    if twice := {stem for stem in stems if stems.count(stem) > 1}:
        raise AdaptError(f"{', '.join(sorted(twice))}: two tomograms of one name; rename one")


def _write_record(path: Path, config: Config, tomograms: Sequence[Path], done: Adapted) -> None:
    """Write what was learned from, and what came of it."""
    record = {
        "base": Path(config.base).name,
        "tomograms": [tomogram.name for tomogram in tomograms],
        "steps": config.steps,
        "seed": config.seed,
        **asdict(done),
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(record, indent=1), encoding="utf-8", newline="\n")


def _label(
    model_path: Path,
    tomograms: Sequence[Path],
    folder: Path,
    threads: int | None,
    report: Callable[[str], None],
) -> tuple[list[Segmentation], int]:
    """Find vesicles, write what each tomogram teaches; return the finds and how many are sure."""
    model = load_model(str(model_path), device="cpu", threads=threads)
    make_folder(folder)
    found, total = [], 0
    for path in tomograms:
        tomogram = read_tomogram(path)
        found.append(segment(tomogram, model))
        for doubt in (*tomogram.warnings, *found[-1].notes):
            report(f"note: {path.name}: {doubt}")
        labels = self_labels(tomogram, found[-1])
        write_self_labels(folder / f"{path.stem}.mod", tomogram, labels)
        total += len(labels.sure)
        report(
            f"{path.name}: {len(found[-1].spheres)} vesicles found, {len(labels.sure)} beyond doubt"
        )
    if total < LEAST_SURE:
        raise AdaptError(
            f"{total} vesicles are beyond doubt in {len(tomograms)} tomograms, {LEAST_SURE} are "
            "needed: adapting cannot help. Correct the model of one tomogram in 3dmod, and use "
            "vesimod-train learn-from and finetune"
        )
    return found, total


def _count(found: Sequence[Segmentation]) -> int:
    """Vesicles in all tomograms."""
    return sum(len(one.spheres) for one in found)


def _agreement(
    before: Sequence[Segmentation], after: Sequence[Segmentation], tomograms: Sequence[Path]
) -> float:
    """F1 of what two networks found, over all tomograms."""
    hits = total = 0
    for path, one, other in zip(tomograms, before, after, strict=True):
        size_nm = read_tomogram(path).grid.voxel_size_nm
        hits += 2 * evaluate(other.spheres, one.spheres, size_nm).true_positives
        total += len(one.spheres) + len(other.spheres)
    return hits / total if total else float("nan")
