"""What adapting without labels gains, and what the model forgets meanwhile.

python benchmarks/adapt_gain.py [MODEL] [--families dense ...] [--learn 11 12] [--test 1 2]

For each family of `families.py`: the model adapts to tomograms of the seeds --learn without their
truth; F1 of the whole pipeline before and after, on other tomograms of that family (--test) and on
one of the family `ordinary`, where nothing may be lost.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from families import FAMILIES, check_installed, scored, simulate, write
from vesimod import load_model
from vesimod.network.model import Model
from vesimod.network.shipped import find_model
from vesimod_train.fitting.adapt import AdaptError, adapt, adapt_config

HARD = ["dense", "noisy 0.01", "strong diffusion", "large"]


def f1(path: Path, model: Model, family: str, seeds: list[int]) -> str:
    """Mean F1 over tomograms of a family, as a cell of a table."""
    scores = []
    for seed in seeds:
        _, _, [(_, agreement, _)] = scored(path, [model], FAMILIES[family], seed)
        scores.append(agreement.f1)
    return f"{sum(scores) / len(scores):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model", nargs="?", default="fast")
    parser.add_argument("--families", nargs="+", default=HARD)
    parser.add_argument("--learn", nargs="+", type=int, default=[11, 12])
    parser.add_argument("--test", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    check_installed(options.families)
    base = find_model(options.model)
    print(
        "| family | sure | found | agreement | F1 before | after | ordinary before | after | min |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    for family in options.families:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            paths = [folder / f"{seed}.mrc" for seed in options.learn]
            for path, seed in zip(paths, options.learn, strict=True):
                write(path, simulate(FAMILIES[family], seed)[0], FAMILIES[family].voxel_nm)
            start = time.process_time()
            new = folder / "run/new.onnx"
            try:
                done = adapt(
                    adapt_config(base, steps=options.steps),
                    *(paths, folder / "run", new),
                    rounds=options.rounds,
                    threads=1,
                    report=lambda _text: None,
                )
            except AdaptError as error:
                print(f"| {family} | {error} |", flush=True)
                continue
            minutes = (time.process_time() - start) / 60
            models = [load_model(str(m), device="cpu", threads=1) for m in (base, new)]
            cells = [
                f1(folder / "test.mrc", model, kind, seeds)
                for kind, seeds in ((family, options.test), ("ordinary", options.test[:1]))
                for model in models
            ]
            counts = [", ".join(map(str, n)) for n in (done.sure, done.found)]
            agreed = ", ".join(f"{a:.2f}" for a in done.agreement)
            print(
                f"| {family} | {' | '.join([*counts, agreed, *cells])} | {minutes:.1f} |",
                flush=True,
            )
            shutil.rmtree(folder / "run")


if __name__ == "__main__":
    main()
