"""What a model scores on simulated tomograms that it did not learn from, with the whole pipeline.

python benchmarks/model_scores.py [MODEL] [--seeds 9001 9002 9003]

The volumes have 128 x 256 x 256 voxels of 2.2 nm and are written as signed bytes, as `vesimod
segment` would meet them. A vesicle that the volume's edge cuts and whose centre lies outside is
no vesicle of the truth, but finding it is not an error either: both counts are printed. "No
vesicles" still holds solid balls of their size (granules, aggregates), "nor granules" does not. AP
is the area under precision against recall as the score's cut-off falls.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from vesimod import load_model, read_tomogram, segment
from vesimod.measure.agreement import evaluate
from vesimod_imod.core.arrays import Triple
from vesimod_imod.core.spheres import Spheres
from vesimod_train.simulate import RECIPES, Recipe, simulate, write_simulated

CONDITIONS: dict[str, Recipe] = {
    "SNR 0.1": RECIPES["validation"],
    "SNR 0.03": replace(RECIPES["validation"], snr=(0.03, 0.03)),
    "SNR 0.01": replace(RECIPES["validation"], snr=(0.01, 0.01)),
    "crowded, SNR 0.1": RECIPES["crowded"],
    "other recipe, SNR 0.1": RECIPES["other"],
    "no vesicles, SNR 0.1": RECIPES["empty"],
    "nor granules, SNR 0.1": replace(RECIPES["empty"], granules=0.0),
}

HEADER = (
    "| volumes | true | found | cut | precision | recall | F1 | AP | centre | radius | bias, nm |\n"
    "|---|" + "---:|" * 10
)


def outside_cut(found: Spheres, cut: Spheres, size_nm: float) -> Spheres:
    """Found spheres without those whose centre lies in a vesicle that the edge cuts."""
    way = np.linalg.norm(found.centres[:, None] - cut.centres[None], axis=2) * size_nm
    return found.select(~np.any(way < cut.radii_nm, axis=1))


def values(everything: Spheres, true: Spheres, cut: Spheres, size_nm: Triple) -> list[float]:
    """Numbers of one volume, in the order of `HEADER`."""
    found = outside_cut(everything, cut, size_nm[0])
    score = evaluate(found, true, size_nm)
    return [
        len(true),
        len(found),
        len(everything) - len(found),
        score.precision,
        score.recall,
        score.f1,
        score.average_precision,
        score.centre_error_nm_median,
        score.radius_error_nm_median,
        score.radius_bias_nm,
    ]


def row_of(name: str, rows: list[list[float]]) -> str:
    """Line of the table: the means over volumes, and F1's spread."""
    means = np.array(rows, float).mean(axis=0)
    counts = " | ".join(f"{value:.0f}" for value in means[:3])
    spread = np.std([row[5] for row in rows])
    rates = f"{means[3]:.3f} | {means[4]:.3f} | {means[5]:.3f} +- {spread:.3f} | {means[6]:.3f}"
    return f"| {name} | {counts} | {rates} | " + " | ".join(f"{v:.2f}" for v in means[7:]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model", nargs="?", default="fast")
    parser.add_argument("--seeds", nargs="+", type=int, default=[9001, 9002, 9003])
    parser.add_argument("--conditions", nargs="+", default=list(CONDITIONS))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    model = load_model(options.model, device="cpu", threads=options.threads)
    print(HEADER, flush=True)
    for name in options.conditions:
        rows = []
        for seed in options.seeds:
            made = simulate(CONDITIONS[name], seed)
            with tempfile.TemporaryDirectory() as folder:
                path = write_simulated(Path(folder), "volume", made, overwrite=False)
                everything = segment(read_tomogram(path), model).spheres
            rows.append(values(everything, made.spheres, made.cut, made.grid.voxel_size_nm))
        print(row_of(name, rows), flush=True)


if __name__ == "__main__":
    main()
