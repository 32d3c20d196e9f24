"""Fit the numbers in `vesimod/postprocess/scoring.py` to a model, and show what they give.

    python benchmarks/fit_score.py [MODEL] [--fit 3001 3002 3003] [--test 9001 9002]

Candidates come from simulated tomograms with and without vesicles; the true ones are known. A
logistic regression, held back towards zero and without negative weights, is fitted on the seeds
--fit. Then for each kind of tomogram of the seeds --test: true and false finds, before (the
numbers in scoring.py) and after (those printed first). To be run for each new shipped model.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
from scipy import optimize
from vesimod import load_model
from vesimod.contract import normalise
from vesimod.evaluate import match_found
from vesimod.postprocess import find_spheres
from vesimod.postprocess.chain import RADIUS_RANGE_NM
from vesimod.postprocess.scoring import MIN_SCORE, score, terms
from vesimod.resample import resample
from vesimod_imod.spheres import Spheres
from vesimod_train.simulate import RECIPES, simulate

KINDS = {
    "SNR 0.1": RECIPES["validation"],
    "SNR 0.03": replace(RECIPES["validation"], snr=(0.03, 0.03)),
    "SNR 0.01": replace(RECIPES["validation"], snr=(0.01, 0.01)),
    "crowded": RECIPES["crowded"],
    "other": RECIPES["other"],
    "empty": RECIPES["empty"],
    "empty, SNR 0.03": replace(RECIPES["empty"], snr=(0.03, 0.03)),
    "other, empty": replace(RECIPES["other"], vesicles=(0, 0), others=(1.5, 1.5)),
    "as learned from": replace(RECIPES["train"], shape=(128, 256, 256), vesicles=(10, 260)),
}
RESTRAINT = 1e-3  # on weights of columns of unit variance


def candidates(kind: str, seed: int, model) -> tuple[np.ndarray, np.ndarray, int, float]:
    """Terms (N, 6) of the candidates, which (N,) are true, how many there are, megavoxels."""
    made = simulate(KINDS[kind], seed)
    size, nm = made.grid.voxel_size_nm, (model.spec.voxel_size_nm,) * 3
    small = normalise(resample(made.volume, size, nm), model.spec.normalisation)
    maps = model.predict(small, lambda _done, _total: None)
    found = find_spheres(made.volume, size, maps["probability"], nm, distance=maps.get("distance"))
    everything = Spheres.concatenate(
        [found.spheres.with_measures(reason=np.full(len(found.spheres), "")), found.dropped]
    )
    rows, _, _ = match_found(everything, made.spheres, size)
    true = np.zeros(len(everything), bool)
    true[rows] = True
    # A vesicle that the volume's edge cuts counts neither way, nor does what no score decides.
    way = np.linalg.norm((everything.centres[:, None] - made.cut.centres) * size, axis=2)
    in_cut = (way < made.cut.radii_nm).any(axis=1) & ~true
    low, high = RADIUS_RANGE_NM
    counts = ~in_cut & (everything.radii_nm >= low) & (everything.radii_nm <= high)
    everything, true = everything.select(counts), true[counts]
    return terms(everything), true, len(made.spheres), made.volume.size / 1e6


def fit(columns: np.ndarray, true: np.ndarray) -> tuple[float, np.ndarray]:
    """Constant and weights of the regression."""
    mean, spread = columns.mean(axis=0), columns.std(axis=0)
    scaled = np.column_stack([np.ones(len(columns)), (columns - mean) / spread])
    held = np.append(0.0, np.full(len(mean), RESTRAINT))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        logit = scaled @ weights
        off = 1 / (1 + np.exp(-logit)) - true
        value = np.mean(np.logaddexp(0, logit) - true * logit) + held @ weights**2
        return value, scaled.T @ off / len(true) + 2 * held * weights

    bounds = [(None, None)] + [(0, None)] * len(mean)
    best = optimize.minimize(loss, np.zeros(len(held)), jac=True, bounds=bounds).x
    weights = best[1:] / spread
    return float(best[0] - weights @ mean), weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model", nargs="?", default="fast")
    parser.add_argument("--fit", nargs="+", type=int, default=[3001, 3002, 3003])
    parser.add_argument("--test", nargs="+", type=int, default=[9001, 9002])
    options = parser.parse_args()
    model = load_model(options.model, device="cpu", threads=2)
    learned = [candidates(kind, seed, model) for kind in KINDS for seed in options.fit]
    columns, true = (np.concatenate([row[i] for row in learned]) for i in (0, 1))
    fitted = (*fit(columns, true), float(true.mean()))
    print(f"fitted to {len(true)} candidates:")
    print(f"CONSTANT = {fitted[0]:.2f}")
    print(f"WEIGHTS = np.array([{', '.join(f'{weight:.3g}' for weight in fitted[1])}])")
    print(f"SHARE = {fitted[2]:.2f}\n")
    print("| tomograms | true | candidates among them | true finds, before -> after "
          "| false finds in 10 Mvoxel, before -> after |")  # fmt: skip
    print("|---|---:|---:|---:|---:|")
    for kind in KINDS:
        rows = [candidates(kind, seed, model) for seed in options.test]
        size = sum(row[3] for row in rows) / 10
        hits, misses = [], []
        for numbers in ((), fitted):
            accepted = [score(row[0], *numbers) >= MIN_SCORE for row in rows]
            pairs = list(zip(accepted, (row[1] for row in rows), strict=True))
            hits.append(f"{sum((a & t).sum() for a, t in pairs)}")
            misses.append(f"{sum((a & ~t).sum() for a, t in pairs) / size:.1f}")
        counts = f"{sum(row[2] for row in rows)} | {sum(row[1].sum() for row in rows)}"
        print(f"| {kind} | {counts} | {' -> '.join(hits)} | {' -> '.join(misses)} |", flush=True)


if __name__ == "__main__":
    main()
