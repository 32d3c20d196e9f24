"""What the networks and each step of the pipeline cost, and how fast the machine is.

OPENBLAS_NUM_THREADS=1 python benchmarks/performance.py [--published WEIGHTS.h5]

One simulated volume of 128 x 256 x 256 voxels of 2.2 nm, one thread, CPU seconds: the smallest of
a few runs, since other programs can only add to it. The published code computes tiles of 64 voxels
and keeps 24 of them: what that costs is the time of one such tile times their number. A
network's operations are two for each multiply-add of its convolutions; the machine's rate is that
of a float32 matrix product of numpy.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import torch
from performance_machine import MEGA, SEED, describe_machine, product_rate
from torch.nn.utils.fusion import fuse_conv_bn_eval
from vesimod import load_model, read_tomogram
from vesimod.network.model import Model
from vesimod.network.shipped import find_model
from vesimod.network.spec import ModelError
from vesimod.pipeline import find_in_maps, maps_of_scales
from vesimod_train.export.cryovesnet import import_cryovesnet
from vesimod_train.networks.pretrained import network_of_onnx
from vesimod_train.networks.unet import ExportedUNet
from vesimod_train.simulate import RECIPES, simulate, write_simulated

OWN_TILE, OWN_KEPT = 64, 24
RECIPE = RECIPES["validation"]
RUNS = 3
RESOLVED = 0.01  # of the whole: a step that is a difference of two times varies by as much


def multiply_adds(path: Path, shape: tuple[int, ...]) -> float:
    """Multiply-adds of a network's convolutions on one tile of `shape` (z, y, x)."""
    graph = onnx.load(path).graph
    weights = {tensor.name: math.prod(tensor.dims) for tensor in graph.initializer}
    voxels, total = {"volume": float(math.prod(shape))}, 0.0
    larger = {"MaxPool": 1 / 8, "ConvTranspose": 8, "Resize": 8}
    for node in graph.node:
        n = max((voxels.get(name, 0.0) for name in node.input), default=0.0)
        # A kernel is applied once for each voxel of a convolution's output, of a transposed
        # one's input.
        if node.op_type in ("Conv", "ConvTranspose"):
            total += weights[node.input[1]] * n
        voxels.update(dict.fromkeys(node.output, n * larger.get(node.op_type, 1)))
    return total


def cpu_seconds(work: Callable[[], object], runs: int = RUNS) -> float:
    """CPU seconds of the fastest run; one more before them does not count."""
    work()
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def torch_network(path: Path) -> torch.nn.Module | None:
    """The network of an exported U-Net in torch, normalisations folded as in the export.

    None for a model of another kind: an average of several, an imported one.
    """
    try:
        network = network_of_onnx(path)[0].eval()
    except ModelError:
        return None
    for block in (*network.down, *network.merge):
        for i in (0, 3):
            block[i] = fuse_conv_bn_eval(block[i], block[i + 1])
            block[i + 1] = torch.nn.Identity()
    return ExportedUNet(network).eval()


def compare_networks(paths: dict[str, Path]) -> None:
    """Print what each network takes for the volume, the published one's own scheme first."""
    rate = product_rate()
    print(f"one thread multiplies matrices at {rate / 1e9:.0f} GFLOP/s\n")
    print(
        "| network | CPU-s | CPU-s a Mvoxel | times fewer | 10^9 multiply-adds | of the product |"
    )
    print("|---|---:|---:|---:|---:|---:|", flush=True)
    noise, shape = np.random.default_rng(0), RECIPE.shape
    voxels, own = math.prod(shape), 0.0

    def row(name: str, seconds: float, work: float) -> None:
        times = f"{own / seconds:.1f}" if own else ""
        print(
            f"| {name} | {seconds:.2f} | {seconds / voxels * MEGA:.3f} | {times} "
            f"| {work / 1e9:.0f} | {200 * work / seconds / rate:.0f} % |",
            flush=True,
        )

    for name, path in paths.items():
        model = load_model(str(path), device="cpu", threads=1)
        if name == "published":
            tile = noise.normal(size=(OWN_TILE,) * 3).astype(np.float32)
            tiles = math.prod(math.ceil(n / OWN_KEPT) for n in shape)
            own = cpu_seconds(partial(model.run, tile)) * tiles
            row("published, own tiles", own, multiply_adds(path, tile.shape) * tiles)
        edges = tuple(round(n * RECIPE.voxel_size_nm / model.spec.voxel_size_nm) for n in shape)
        volume = noise.normal(size=edges).astype(np.float32)
        work = multiply_adds(path, edges)
        row(name, cpu_seconds(partial(model.predict, volume, memory_gb=4.0)), work)
        if network := torch_network(path):
            tensor = torch.from_numpy(volume)[None, None]
            with torch.inference_mode():
                row(f"{name}, torch", cpu_seconds(partial(network, tensor)), work)


def predict_all(model: Model, volumes: list[np.ndarray]) -> None:
    """Ask a network about volumes, one for each scale."""
    for volume in volumes:
        model.predict(volume)


def compare_steps(models: list[Model]) -> None:
    """Print what each step of the pipeline takes for the volume."""
    print("\n| model | step | CPU-s | CPU-s a Mvoxel | voxels a CPU-s | share |")
    print("|---|---|---:|---:|---:|---:|", flush=True)
    noise, voxels = np.random.default_rng(0), math.prod(RECIPE.shape)
    with tempfile.TemporaryDirectory() as folder:
        path = write_simulated(Path(folder), "volume", simulate(RECIPE, SEED), overwrite=False)
        for model in models:
            tomogram = read_tomogram(path)
            maps = maps_of_scales(tomogram, model)
            shapes = [found["probability"].shape for found in maps.values()]
            greys = [noise.normal(size=shape).astype(np.float32) for shape in shapes]
            network = cpu_seconds(partial(predict_all, model, greys))
            both = cpu_seconds(partial(maps_of_scales, tomogram, model))
            after = cpu_seconds(partial(find_in_maps, tomogram, maps, model.spec))
            steps = {
                "resampling, normalising": max(both - network, 0.0),
                "network": network,
                "post-processing": after,
            }
            steps["all"] = sum(steps.values())
            for step, seconds in steps.items():
                if seconds < RESOLVED * steps["all"]:
                    print(f"| {model.spec.name} | {step} | not resolved | | | |", flush=True)
                    continue
                print(
                    f"| {model.spec.name} | {step} | {seconds:.2f} | {seconds / voxels * MEGA:.3f} "
                    f"| {voxels / seconds / MEGA:.1f} M "
                    f"| {100 * seconds / steps['all']:.0f} % |",
                    flush=True,
                )


def compare_starts() -> None:
    """Print how long it takes until vesimod is there."""
    print("\n| start | seconds |\n|---|---:|")
    commands = {
        "python -c 'pass'": ["-c", "pass"],
        "python -c 'import vesimod'": ["-c", "import vesimod"],
        "vesimod --help": ["-m", "vesimod", "--help"],
    }
    for name, command in commands.items():
        times = []
        for _ in range(7):
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - start)
        print(f"| `{name}` | {min(times):.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--published", type=Path, help="Keras file of the published network")
    parser.add_argument("--models", nargs="+", default=["fast", "accurate"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(describe_machine())
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        if options.published:
            paths["published"] = Path(folder) / "published.onnx"
            import_cryovesnet(options.published, paths["published"])
        compare_networks(paths | {name: find_model(name) for name in options.models})
    compare_steps([load_model(name, device="cpu", threads=1) for name in options.models])
    compare_starts()


if __name__ == "__main__":
    main()
