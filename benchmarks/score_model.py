"""Score a model on simulated tomograms that it never saw: the table of the model cards.

python benchmarks/score_model.py [--model fast] [--seeds 3] [--threads 2]

Each row is one kind of tomogram of 128 x 256 x 256 voxels of 2.2 nm, over several seeds. The
whole of `vesimod.segment` runs, post-processing included; CPU seconds are its own.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from vesimod import load_model, segment
from vesimod.evaluate import match_found
from vesimod.tomogram import Tomogram
from vesimod_train.simulate import RECIPES, simulate

FIRST_SEED = 9001  # training and choosing the weights use seeds below 2000
ROWS = (
    ("SNR 0.1", "validation", 0.1),
    ("SNR 0.03", "validation", 0.03),
    ("SNR 0.01", "validation", 0.01),
    ("crowded, SNR 0.1", "crowded", 0.1),
    ("other recipe, SNR 0.1", "other", 0.1),
    ("no vesicles, SNR 0.1", "empty", 0.1),
)
HEADER = (
    "| tomograms | vesicles | precision | recall | F1 (each seed) | centre error nm | "
    "radius error nm | radius bias nm | false per 10 Mvoxel | CPU s |"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="fast")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    model = load_model(options.model, threads=options.threads, device="cpu")
    print(f"model {model.spec.name} {model.spec.version}, sha256 {model.sha256}")
    print(HEADER)
    print("|---" * (HEADER.count("|") - 1) + "|")
    for title, recipe, snr in ROWS:
        found = true = hits = voxels = 0
        f1, centre_errors, radius_errors, seconds = [], [], [], []
        for seed in range(FIRST_SEED, FIRST_SEED + options.seeds):
            made = simulate(replace(RECIPES[recipe], snr=(snr, snr)), seed)
            tomogram = Tomogram(made.volume, made.grid, Path(f"{recipe}-{seed}"))
            before = time.process_time()
            spheres = segment(tomogram, model).spheres
            seconds.append(time.process_time() - before)
            rows, columns, distances = match_found(spheres, made.spheres, made.grid.voxel_size_nm)
            found, true, hits = found + len(spheres), true + len(made.spheres), hits + len(rows)
            voxels += made.volume.size
            f1.append(2 * len(rows) / max(1, len(spheres) + len(made.spheres)))
            centre_errors.append(distances)
            radius_errors.append(spheres.radii_nm[rows] - made.spheres.radii_nm[columns])
        errors, offs = np.concatenate(radius_errors), np.concatenate(centre_errors)
        print(
            f"| {title} | {true} | {share(hits, found)} | {share(hits, true)} | "
            f"{share(2 * hits, found + true)} ({', '.join(f'{v:.2f}' for v in f1)}) | "
            f"{median(offs)} | {median(np.abs(errors))} | {median(errors)} | "
            f"{1e7 * (found - hits) / voxels:.1f} | {np.mean(seconds):.1f} |",
            flush=True,
        )


def share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"


def median(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> str:
    return f"{np.median(values):.2f}" if len(values) else "-"


if __name__ == "__main__":
    main()
