"""The published CryoVesNet beside shipped models: the same volumes, the same post-processing.

python benchmarks/published_network.py WEIGHTS.h5 [--models fast] [--seeds 9001]

CPU-s are those of all threads for one volume of 128 x 256 x 256 voxels of 2.2 nm; "rest" is
resampling, normalising and post-processing. The published code computes tiles of 64 voxels and
keeps 24 of them: what that costs is the time of a few such tiles times their number.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from model_scores import CONDITIONS, outside_cut
from vesimod import load_model, read_tomogram, segment
from vesimod.measure.agreement import evaluate
from vesimod.network.model import Model
from vesimod_train.export.cryovesnet import import_cryovesnet
from vesimod_train.simulate import simulate, write_simulated

OWN_TILE, OWN_KEPT = 64, 24
SHAPE = (128, 256, 256)
TIMED_TILES = 8


class Clock:
    """CPU seconds that a model's network has taken."""

    def __init__(self, model: Model) -> None:
        self.seconds = 0.0
        self._run = model.run
        self.model = replace(model, run=self.run)

    def run(self, rows: np.ndarray, first: bool, last: bool) -> list[np.ndarray]:
        start = time.process_time()
        result = self._run(rows, first, last)
        self.seconds += time.process_time() - start
        return result


def own_tiling_seconds(model: Model) -> float:
    """CPU seconds of the network over one volume, tiled as the published code does."""
    tiles = math.prod(math.ceil(n / OWN_KEPT) for n in SHAPE)
    tile = np.random.default_rng(0).normal(size=(OWN_TILE,) * 3).astype(np.float32)
    model.run(tile, True, True)  # the first run also allocates
    start = time.process_time()
    for _ in range(TIMED_TILES):
        model.run(tile, True, True)
    return (time.process_time() - start) / TIMED_TILES * tiles


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("weights", type=Path, help="Keras file of the published network")
    parser.add_argument("--models", nargs="+", default=["fast"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[9001])
    parser.add_argument("--conditions", nargs="+", default=list(CONDITIONS))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        published = Path(folder) / "published.onnx"
        import_cryovesnet(options.weights, published)
        models = [
            load_model(name, device="cpu", threads=options.threads)
            for name in (str(published), *options.models)
        ]
    seconds = own_tiling_seconds(models[0])
    print(f"published network in its own tiling: {seconds:.0f} CPU-s a volume\n")
    print("| volumes | seed | model | F1 | Dice | centre, nm | bias, nm | network | rest, CPU-s |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|", flush=True)
    for name in options.conditions:
        for seed in options.seeds:
            compare(name, seed, models)


def compare(condition: str, seed: int, models: list[Model]) -> None:
    """Print one row for each model on one simulated volume."""
    made = simulate(CONDITIONS[condition], seed)
    size_nm = made.grid.voxel_size_nm
    with tempfile.TemporaryDirectory() as folder:
        path = write_simulated(Path(folder), "volume", made, overwrite=False)
        for model in models:
            clock = Clock(model)
            start = time.process_time()
            everything = segment(read_tomogram(path), clock.model).spheres
            rest = time.process_time() - start - clock.seconds
            found = outside_cut(everything, made.cut, size_nm[0])
            score = evaluate(found, made.spheres, size_nm)
            values = (score.f1, score.mask_dice, score.centre_error_nm_median, score.radius_bias_nm)
            text = " | ".join(f"{value:.3f}" for value in values)
            print(
                f"| {condition} | {seed} | {model.spec.name} | {text} "
                f"| {clock.seconds:.0f} | {rest:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
