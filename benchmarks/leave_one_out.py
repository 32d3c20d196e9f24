"""What a network is worth on a kind of volumes that it never saw: train without it, test on it.

python benchmarks/leave_one_out.py BASE [--without dense noise filters] [--steps 700] -o DIR

Trains from BASE, a model that knew none of the kinds, on volumes of the recipe `wide`: on all, then
again without each kind, as many steps on as many volumes. Each is tested on families of
`families.py`, whose simulator is another, with seeds that nothing was chosen by. A run that was
stopped goes on, and a model that is there is not trained again. Printed for each kind: F1 of BASE,
of the network that saw all and of the one that did not see this kind, and CPU-seconds a volume.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from families import FAMILIES, scored
from vesimod import load_model
from vesimod_train.config import Config
from vesimod_train.export.onnx import export
from vesimod_train.fitting.fit import fit
from vesimod_train.simulate import RECIPES

#: What is changed in the recipe so that it holds nothing of a kind.
WITHOUT: dict[str, dict[str, Any]] = {
    "dense": {"cytosol_sd": (0.05, 0.35)},
    "noise": {"snr": (0.04, 0.5)},
    "filters": {"afterwards": 0.0, "diffused": 0.0},
}
TESTS = {
    "dense": ("dense", "denser"),
    "noise": ("noisy 0.01", "noisy 0.005"),
    "filters": ("strong diffusion", "total variation", "denoised"),
}
EVERYTHING = "all"
SEED, BACKGROUND = 70161, 24.0


def train(base: Path, kind: str, folder: Path, steps: int, volumes: int) -> Path:
    """Train without a kind of volumes, or with all, unless that was done; return the model."""
    model = folder / f"{kind}.onnx"
    if model.exists():
        return model
    recipe = f"wide without {kind}"
    RECIPES[recipe] = replace(RECIPES["wide"], **WITHOUT.get(kind, {}))
    config = Config(
        name=f"without-{kind}",
        base=str(base),
        frozen_statistics=False,
        two_heads=True,
        background_voxels=BACKGROUND,
        recipe=recipe,
        volumes=volumes,
        validation_volumes=2,
        least_contrast=0.35,
        steps=steps,
        batch=3,
        crop=48,
        learning_rate=1.5e-3,
        ema=0.99,
        check_every=steps,
        seed=SEED,
    )
    checkpoint = fit(config, folder / kind, threads=1)
    export(checkpoint, model, overwrite=True)
    return model


def scores(models: Sequence[Path], name: str, seeds: Sequence[int]) -> list[tuple[float, float]]:
    """F1 and CPU-seconds of models on a family, means over seeds."""
    loaded = [load_model(str(path), device="cpu", threads=1) for path in models]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "volume.mrc"
        for seed in seeds:
            found_by = scored(path, loaded, FAMILIES[name], seed)[2]
            rows += [(agreement.f1, seconds) for _, agreement, seconds in found_by]
    means = np.array(rows).reshape(len(seeds), len(models), 2).mean(axis=0)
    return [(float(f1), float(seconds)) for f1, seconds in means]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("base", type=Path)
    parser.add_argument("--without", nargs="+", choices=[*WITHOUT], default=[*WITHOUT])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--volumes", type=int, default=100)
    parser.add_argument("--seeds", nargs="+", type=int, default=[11, 12])
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    made = {
        kind: train(options.base, kind, options.output, options.steps, options.volumes)
        for kind in (EVERYTHING, *options.without)
    }
    print("| left out | family | base | saw all | did not see it | CPU-s |")
    print("|---|---|---:|---:|---:|---:|", flush=True)
    for kind in options.without:
        for name in TESTS[kind]:
            models = [options.base, made[EVERYTHING], made[kind]]
            (base, _), (everything, _), (without, seconds) = scores(models, name, options.seeds)
            print(
                f"| {kind} | {name} | {base:.3f} | {everything:.3f} | {without:.3f} "
                f"| {seconds:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
