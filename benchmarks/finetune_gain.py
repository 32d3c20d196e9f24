"""What corrected tomograms of one's own gain, and what the model forgets meanwhile.

python benchmarks/finetune_gain.py [MODEL] [--domain filtered] [--pairs 1 3 10] [--bfloat16]

The domains are ones that the shipped models do badly on, or did. `filtered`: what some labs do to
all their tomograms, a SIRT-like reconstruction, low-pass filtered, deconvolved, half of them
smoothed. `dense`: thin membranes, a lumen denser than the cytosol and a third of the vesicles with
a dense core, a coarse cytosol, no contrast transfer function, white noise, few tilts. Tomograms
have 96 x 192 x 192 voxels of 2.2 nm; what is learned from are their true vesicles, as a person who
makes no mistake would have left them. Precision, recall and F1 are those of the whole pipeline on
other tomograms: of that domain, and of the recipe `validation`, where nothing may be lost. "Seen"
is the share of true vesicles that the network found, whether the post-processing kept or dropped
them.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from model_scores import outside_cut
from vesimod import load_model, read_tomogram, segment
from vesimod.measure.agreement import evaluate
from vesimod.network.shipped import find_model
from vesimod_imod.core.spheres import Spheres
from vesimod_imod.sphere_model.write import write_sphere_model
from vesimod_train.data.find_pairs import find_pairs
from vesimod_train.fitting.finetune import (
    EMA,
    LEARNING_RATE,
    REPLAY,
    STEPS,
    finetune,
    finetune_config,
)
from vesimod_train.simulate import RECIPES, Recipe, SimulatedTomogram, simulate, write_simulated

SMALL = replace(RECIPES["validation"], shape=(96, 192, 192), vesicles=(60, 60))
DENSE = replace(
    SMALL,
    radius_nm=(18.0, 24.0),
    dense_cored=0.3,
    membrane=(0.8, 1.0),
    lumen=(0.1, 0.3),
    cytosol_sd=(0.6, 0.7),
    others=(0.5, 0.5),
    snr=(0.2, 0.2),
    defocus_um=(0.0, 0.0),
    noise_power=(0.0, 0.0),
    blur_nm=(1.8, 2.0),
    tilt_deg=(50.0, 55.0),
)
DOMAINS = {"filtered": replace(SMALL, afterwards=1.0), "dense": DENSE}
HELD_OUT_SEEDS = range(101, 106)
ORIGINAL_SEEDS = range(9101, 9103)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model", nargs="?", default="fast")
    parser.add_argument("--domain", choices=sorted(DOMAINS), default="filtered")
    parser.add_argument("--pairs", nargs="+", type=int, default=[1, 3, 10], help="numbers of them")
    parser.add_argument("--first", type=int, default=1, help="seed of the first pair")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--learning-rate", type=float, default=LEARNING_RATE)
    parser.add_argument("--ema", type=float, default=EMA)
    parser.add_argument("--replay", type=int, default=REPLAY)
    parser.add_argument("--bfloat16", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for pairs, runs and models")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        compare(options, options.keep or Path(temporary))


def compare(options: argparse.Namespace, folder: Path) -> None:
    """Print a row for the model as it is, and for each number of pairs."""
    base = find_model(options.model)
    digest = hashlib.sha256(base.read_bytes()).hexdigest()[:12]
    domain = DOMAINS[options.domain]
    held_out = [simulate(domain, seed) for seed in HELD_OUT_SEEDS]
    original = [simulate(RECIPES["validation"], seed) for seed in ORIGINAL_SEEDS]
    sets = held_out, original
    print(f"`{base.name}`, SHA-256 `{digest}...`, {options.steps} steps, {options.domain}\n")
    print("| pairs | vesicles | seen | precision | recall | F1 | F1, `validation` | CPU-min |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    print(
        f"| 0 | 0 | {cells(*(scores(base, made, options.threads) for made in sets))} | |",
        flush=True,
    )
    pairs, vesicles = write_pairs(folder / "pairs", domain, options.first, max(options.pairs))
    for count in options.pairs:
        config = finetune_config(
            base,
            find_pairs(pairs[:count]),
            steps=options.steps,
            replay=options.replay,
            bfloat16=options.bfloat16,
        )
        config = replace(config, learning_rate=options.learning_rate, ema=options.ema)
        run, tuned = folder / f"run-{count}", folder / f"tuned-{count}.onnx"
        if (folder / "cache").exists():  # the replay is the same for all
            shutil.copytree(folder / "cache", run / "cache", dirs_exist_ok=True)
        start = time.process_time()
        finetune(config, run, tuned, threads=options.threads, report=quiet, overwrite=True)
        minutes = (time.process_time() - start) / 60
        shutil.copytree(run / "cache", folder / "cache", dirs_exist_ok=True)
        row = cells(*(scores(tuned, made, options.threads) for made in sets))
        print(f"| {count} | {sum(vesicles[:count])} | {row} | {minutes:.1f} |", flush=True)


def write_pairs(
    folder: Path, domain: Recipe, first: int, count: int
) -> tuple[list[Path], list[int]]:
    """Write tomograms with their models; return the models and how many vesicles each has.

    Vesicles that the volume's edge cuts are in the models, as vesimod finds them, too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    models, vesicles = [], []
    for seed in range(first, first + count):
        made = simulate(domain, seed)
        path = write_simulated(folder, f"pair-{seed}", made, overwrite=True)
        everyone = Spheres.concatenate([made.spheres, made.cut])
        write_sphere_model(path.with_suffix(".mod"), everyone, made.grid, overwrite=True)
        models.append(path.with_suffix(".mod"))
        vesicles.append(len(everyone))
    return models, vesicles


def scores(path: Path, held_out: list[SimulatedTomogram], threads: int) -> np.ndarray:
    """Share seen, precision, recall and F1 (tomogram, 4) of the whole pipeline."""
    model = load_model(str(path), device="cpu", threads=threads)
    rows = []
    for made in held_out:
        with tempfile.TemporaryDirectory() as folder:
            volume = write_simulated(Path(folder), "volume", made, overwrite=False)
            result = segment(read_tomogram(volume), model)
        size_nm = made.grid.voxel_size_nm
        everything = Spheres.concatenate([result.spheres, result.dropped])
        seen = evaluate(outside_cut(everything, made.cut, size_nm[0]), made.spheres, size_nm)
        found = outside_cut(result.spheres, made.cut, size_nm[0])
        score = evaluate(found, made.spheres, size_nm)
        precision = score.precision if len(found) else 0.0
        rows.append([seen.recall, precision, score.recall, score.f1])
    return np.array(rows)


def cells(new: np.ndarray, original: np.ndarray) -> str:
    """Table cells of `scores`: means, for F1 with the standard deviation over tomograms."""
    rates = " | ".join(f"{mean:.3f}" for mean in new.mean(axis=0))
    return f"{rates} +- {new[:, 3].std():.3f} | {original[:, 3].mean():.3f}"


def quiet(_text: str) -> None:
    """Report nothing."""


if __name__ == "__main__":
    main()
