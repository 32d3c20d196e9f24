"""Does half precision, 8-bit arithmetic or OpenVINO pay? What each variant costs and finds.

python benchmarks/network_variants.py [--models fast] [--seeds 9001] [--keep FOLDER]

fp16 is converted by onnxruntime's own tools, int8 made as `vesimod-train quantise` makes it. "fp32
by rows" is the file as it is exported, which can be taken strip by strip. Every variant runs on
every CPU provider that is installed: OpenVINO's comes with `pip install onnxruntime-openvino` in
the place of onnxruntime. CPU-s are those of the network for one volume of 128 x 256 x 256 voxels of
2.2 nm in one piece, one thread.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from model_scores import CONDITIONS, outside_cut
from onnxruntime.transformers.float16 import convert_float_to_float16
from vesimod import load_model, read_tomogram, segment
from vesimod.measure.agreement import evaluate
from vesimod.network.model import Model
from vesimod.network.strips import takes_strips
from vesimod_train.config import OUTPUTS, VESICLES
from vesimod_train.export.onnx import to_onnx
from vesimod_train.export.quantise import CALIBRATION_SEEDS, CHECK_SEED, quantise_graph, tile
from vesimod_train.networks.pretrained import network_of_onnx
from vesimod_train.networks.unet import ExportedUNet
from vesimod_train.simulate import SimulatedTomogram, simulate, write_simulated

SHAPE = (64, 128, 128)  # the volume at 4.4 nm
Provider = str | tuple[str, dict[str, str]]
PROVIDERS: dict[str, Provider] = {
    "onnxruntime": "CPUExecutionProvider",
    "OpenVINO": ("OpenVINOExecutionProvider", {"device_type": "CPU", "num_of_threads": "1"}),
}
REPEATS = 3


def make_variants(model: Model, folder: Path) -> dict[str, Path]:
    """Write the variants of a model, with its metadata."""
    kinds = ("fp32", "fp16", "int8")
    paths = {kind: folder / f"{model.spec.name}-{kind}.onnx" for kind in kinds}
    network, spec = network_of_onnx(model.path)
    exact = to_onnx(ExportedUNet(network).eval(), spec)
    onnx.save(exact, paths["fp32"])
    half = convert_float_to_float16(onnx.load(paths["fp32"]), keep_io_types=True)
    onnx.save(half, paths["fp16"])
    quantise_graph(exact, paths["int8"], [tile(spec, seed) for seed in CALIBRATION_SEEDS])
    return {"fp32 by rows": model.path, **paths}


def start(path: Path, provider: Provider) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=[provider])


def seconds(session: onnxruntime.InferenceSession, volume: np.ndarray) -> float:
    """CPU seconds of one run; the first, which also allocates, does not count."""
    session.run(OUTPUTS[VESICLES], {"volume": volume})
    begin = time.process_time()
    for _ in range(REPEATS):
        session.run(OUTPUTS[VESICLES], {"volume": volume})
    return (time.process_time() - begin) / REPEATS


@cache
def held_out(condition: str, seed: int) -> SimulatedTomogram:
    """Simulate a tomogram, once."""
    return simulate(CONDITIONS[condition], seed)


def f1(model: Model, condition: str, seed: int) -> float:
    """F1 of the whole pipeline on one simulated tomogram."""
    made = held_out(condition, seed)
    with tempfile.TemporaryDirectory() as folder:
        path = write_simulated(Path(folder), "volume", made, overwrite=False)
        found = segment(read_tomogram(path), model).spheres
    found = outside_cut(found, made.cut, made.grid.voxel_size_nm[0])
    return evaluate(found, made.spheres, made.grid.voxel_size_nm).f1


def with_session(model: Model, session: onnxruntime.InferenceSession) -> Model:
    """The same model, computed by another session."""

    def run(tile: np.ndarray, _first: bool = True, _last: bool = True) -> list[np.ndarray]:
        arrays = session.run(list(model.spec.outputs), {"volume": tile[None, None]})
        return [array[0, 0] for array in arrays]

    return replace(model, run=run, strips=None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--models", nargs="+", default=["fast"])
    parser.add_argument("--conditions", nargs="*", default=["SNR 0.1", "SNR 0.03", "SNR 0.01"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[9001])
    parser.add_argument("--keep", type=Path, help="folder for the variants")
    options = parser.parse_args()
    columns = "".join(f" F1, {condition} |" for condition in options.conditions)
    print(f"| model | variant | provider | MB | CPU-s | distance off by, nm |{columns}")
    print("|---|---|---|---:|---:|---:|" + "---:|" * len(options.conditions), flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        for name in options.models:
            model = load_model(name, device="cpu", threads=1)
            compare(model, options.keep or Path(temporary), options.conditions, options.seeds)


def compare(model: Model, folder: Path, conditions: list[str], seeds: list[int]) -> None:
    """Print a row for each variant of a model on each provider."""
    volume = np.random.default_rng(0).normal(size=(1, 1, *SHAPE)).astype(np.float32)
    checked = {"volume": tile(model.spec, CHECK_SEED)}
    available = onnxruntime.get_available_providers()
    exact = None
    for variant, path in make_variants(model, folder).items():
        for provider, entry in PROVIDERS.items():
            if (entry if isinstance(entry, str) else entry[0]) not in available:
                continue
            session = start(path, entry)
            if provider == "OpenVINO" and takes_strips(session):
                continue  # see vesimod.network.model.load_model
            cost = seconds(session, volume)
            distance = session.run(["distance"], checked)[0]
            exact = distance if exact is None else exact
            off = np.sqrt(np.mean((distance - exact) ** 2))
            ours = with_session(model, session)
            scores = [np.mean([f1(ours, name, seed) for seed in seeds]) for name in conditions]
            print(
                f"| {model.spec.name} | {variant} | {provider} | {path.stat().st_size / 1e6:.1f} "
                f"| {cost:.2f} | {off:.3f} |" + "".join(f" {score:.3f} |" for score in scores),
                flush=True,
            )


if __name__ == "__main__":
    main()
