"""What a network is worth on a kind of volumes that it never saw: train without it, test on it.

python benchmarks/leave_one_out.py [--without dense filters ...] [--steps 2000] -o DIR

Networks as large as the shipped one learn from nothing, on volumes mixed as its own of which those
count that show well, so that something is learned in minutes: one from all, then one without each
kind, as many steps on as many volumes. Each is tested on families of
`families.py`, whose simulator is another, with seeds that nothing was chosen by. A run that was
stopped goes on, a model that is in DIR is not trained again, and no volume is simulated twice.
Printed for each kind and family: F1 of the network that saw all and of the one that did not see
this kind, and CPU-seconds a volume of the latter.

The family `denoised` needs PyWavelets: pip install --group benchmarks
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from families import FAMILIES, check_installed, scored
from vesimod import load_model
from vesimod_train.config import Config
from vesimod_train.export.onnx import export
from vesimod_train.fitting.fit import fit, load_examples
from vesimod_train.simulate import RECIPES, Recipe

#: The size of `fast`; learns as in `architectures.py`, faster than in `models`.
SHIPPED = Config(
    channels=8,
    poolings=3,
    two_heads=True,
    background_voxels=24.0,
    recipe="wide",
    validation_volumes=2,
    least_contrast=0.8,  # what shows well is learned in minutes
    batch=2,  # small crops: many steps
    crop=40,
    learning_rate=3e-3,
    seed=70161,
)
MIXED = {name: RECIPES[name] for name in ("wide", "clear", "ice")}
EVERYTHING, ICE = "all", "ice"
#: What recipes keep where a kind is left out: of their ranges what lies in these, these chances.
KEPT: dict[str, dict[str, Any]] = {
    "dense": {"cytosol_sd": (0.0, 0.35)},
    "filters": {"afterwards": 0.0, "diffused": 0.0},
    "noise": {"snr": (0.04, np.inf)},
    ICE: {},  # a recipe of its own
    "large": {
        "radius_nm": (0.0, 34.0),
        "odd_radius_nm": (0.0, 34.0),
        "half_size": 0.0,
        "quarter_size": 0.0,
    },
}
TESTS = {
    "dense": ("dense", "denser"),
    "filters": ("strong diffusion", "total variation", "denoised"),
    "noise": ("noisy 0.01", "noisy 0.005"),
    ICE: ("extracellular",),
    "large": ("large", "extracellular"),
}


def without(recipe: Recipe, kept: dict[str, Any]) -> Recipe:
    """Narrow a recipe to what is kept."""
    changed = dict(kept)
    for name, limits in kept.items():
        if isinstance(limits, tuple):
            low, high = getattr(recipe, name)
            changed[name] = (max(low, limits[0]), min(high, limits[1]))
    return replace(recipe, **changed)


def train(kind: str, folder: Path, steps: int, volumes: int) -> Path:
    """Train without a kind of volumes, or with all, unless that was done; return the model."""
    model = folder / f"{kind}.onnx"
    if model.exists():
        return model
    RECIPES.update({name: without(recipe, KEPT.get(kind, {})) for name, recipe in MIXED.items()})
    third = volumes // 3
    ice = 0 if kind == ICE else third
    config = replace(
        SHIPPED,
        name=kind,
        volumes=volumes + third - ice,  # as many in all
        ice_volumes=ice,
        clear_volumes=third,
        steps=steps,
        check_every=min(500, steps),
    )
    # Recipes that hold nothing of a kind are the same without it, and so are their volumes' names.
    examples = load_examples(config, folder / "cache", 1, print)
    shown = len({id(example) for example in examples[0]})
    print(f"{kind}: learns from {shown} of {volumes + 2 * third} volumes", flush=True)
    checkpoint = fit(config, folder / kind, threads=1, examples=examples)
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
    parser.add_argument("--without", nargs="+", choices=[*KEPT], default=[*KEPT])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--volumes", type=int, default=100, help="of `wide`; a third of the others")
    parser.add_argument("--seeds", nargs="+", type=int, default=[11, 12])
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    families = dict.fromkeys(name for kind in options.without for name in TESTS[kind])
    check_installed(families)
    models = {
        kind: train(kind, options.output, options.steps, options.volumes)
        for kind in (EVERYTHING, *options.without)
    }
    print("| left out | family | saw all | did not see it | CPU-s |")
    print("|---|---|---:|---:|---:|", flush=True)
    for name in families:
        kinds = [kind for kind in options.without if name in TESTS[kind]]
        (everything, _), *others = scores(
            [models[kind] for kind in (EVERYTHING, *kinds)], name, options.seeds
        )
        for kind, (f1, seconds) in zip(kinds, others, strict=True):
            row = f"| {kind} | {name} | {everything:.3f} | {f1:.3f} | {seconds:.1f} |"
            print(row, flush=True)


if __name__ == "__main__":
    main()
