"""Fit the numbers in `vesimod/vesicles/scoring.py` to a model, and show what they give.

    python benchmarks/fit_score.py [MODEL ...] [--test 9001 9002]

Candidates come from simulated tomograms of the recipes `wide` and `ice` that no network learned
from; the true ones are known. A logistic regression, held back towards zero and without negative
weights, is fitted to the candidates of all models together. Then for each model and kind of
tomogram of the seeds --test: true and false finds, before (the numbers in scoring.py) and after
(those printed first). To be run for each new shipped model.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy import optimize
from vesimod import load_model
from vesimod.measure.agreement import match_found
from vesimod.network.model import Model
from vesimod.network.resample import resample
from vesimod.network.spec import normalise
from vesimod.vesicles.detect import find_spheres, impossible
from vesimod.vesicles.scoring import MIN_SCORE, WEIGHTS, features, score
from vesimod_imod.core.spheres import Spheres
from vesimod_train.simulate import RECIPES, SimulatedTomogram, simulate

KINDS = {
    "SNR 0.1": RECIPES["validation"],
    "SNR 0.03": replace(RECIPES["validation"], snr=(0.03, 0.03)),
    "SNR 0.01": replace(RECIPES["validation"], snr=(0.01, 0.01)),
    "crowded": RECIPES["crowded"],
    "other": RECIPES["other"],
    "dense inside": replace(
        RECIPES["validation"], snr=(0.05, 0.05), lumen=(0.0, 0.4), dense_cored=0.4
    ),
    "empty": RECIPES["empty"],
    "empty, SNR 0.03": replace(RECIPES["empty"], snr=(0.03, 0.03)),
    "other, empty": replace(RECIPES["other"], vesicles=(0, 0), others=(1.5, 1.5)),
    "as learned from": replace(RECIPES["train"], shape=(128, 256, 256), vesicles=(10, 260)),
}
LEARNED = {
    "wide": (replace(RECIPES["wide"], shape=(96, 200, 200)), range(81000, 81040)),
    "ice": (RECIPES["ice"], range(81100, 81112)),
}
RESTRAINT = 1e-3  # on weights of columns of unit variance


@lru_cache(maxsize=1)
def simulated(kind: str, seed: int) -> SimulatedTomogram:
    """One tomogram, kept until another is asked for."""
    return simulate(LEARNED[kind][0] if kind in LEARNED else KINDS[kind], seed)


def candidates(kind: str, seed: int, model: Model) -> tuple[np.ndarray, np.ndarray, int, float]:
    """Features (N, 4) of the candidates, which (N,) are true, how many there are, megavoxels."""
    made = simulated(kind, seed)
    megavoxels = made.volume.size / 1e6
    size, nm = made.grid.voxel_size_nm, (model.spec.voxel_size_nm,) * 3
    small = normalise(resample(made.volume, size, nm), model.spec.normalisation)
    maps = model.predict(small, lambda _done, _total: None)
    found = find_spheres(made.volume, size, maps["probability"], nm, distance=maps.get("distance"))
    everything = Spheres.concatenate(
        [found.spheres.with_measures(reason=np.full(len(found.spheres), "")), found.dropped]
    )
    if not len(everything):
        return np.empty((0, len(WEIGHTS))), np.zeros(0, bool), len(made.spheres), megavoxels
    rows, _, _ = match_found(everything, made.spheres, size)
    true = np.zeros(len(everything), bool)
    true[rows] = True
    # A vesicle that the volume's edge cuts counts neither way, nor does what no score decides.
    open_ = impossible(everything) == ""
    way = np.linalg.norm((everything.centres[:, None] - made.cut.centres) * size, axis=2)
    in_cut = (way < made.cut.radii_nm).any(axis=1) & ~true
    everything, true = everything.select(open_ & ~in_cut), true[open_ & ~in_cut]
    return features(everything), true, len(made.spheres), megavoxels


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
    parser.add_argument("models", nargs="*", default=["fast"])
    parser.add_argument("--test", nargs="*", type=int, default=[9001, 9002])
    options = parser.parse_args()
    models = [load_model(name, device="cpu", threads=1) for name in options.models]
    learned = [
        candidates(kind, seed, model)
        for kind, (_, seeds) in LEARNED.items()
        for seed in seeds
        for model in models
    ]
    columns, true = (np.concatenate([row[i] for row in learned]) for i in (0, 1))
    fitted = fit(columns, true)
    print(f"fitted to {len(true)} candidates, {true.sum()} of them vesicles:")
    print(f"CONSTANT = {fitted[0]:.2f}")
    print(f"WEIGHTS = np.array([{', '.join(f'{weight:.3g}' for weight in fitted[1])}])\n")
    print("| model | tomograms | true | candidates among them | true finds, before -> after "
          "| false finds in 10 Mvoxel, before -> after |")  # fmt: skip
    print("|---|---|---:|---:|---:|---:|", flush=True)
    for kind in KINDS if options.test else ():
        tests = [[candidates(kind, seed, model) for model in models] for seed in options.test]
        for model, rows in zip(models, zip(*tests, strict=True), strict=True):
            size = sum(row[3] for row in rows) / 10
            hits, misses = [], []
            for numbers in ((), fitted):
                accepted = [score(row[0], *numbers) >= MIN_SCORE for row in rows]
                pairs = list(zip(accepted, (row[1] for row in rows), strict=True))
                hits.append(f"{sum((a & t).sum() for a, t in pairs)}")
                misses.append(f"{sum((a & ~t).sum() for a, t in pairs) / size:.1f}")
            counts = f"{sum(row[2] for row in rows)} | {sum(row[1].sum() for row in rows)}"
            cells = f"{' -> '.join(hits)} | {' -> '.join(misses)}"
            print(f"| {model.spec.name} | {kind} | {counts} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
