"""Does half precision, 8-bit arithmetic or OpenVINO pay? What each variant costs and finds.

python benchmarks/network_variants.py [--models fast] [--seeds 9001] [--keep FOLDER]

fp16 is converted, int8 (QDQ) calibrated on simulated tomograms of the recipe `train` by
onnxruntime's own tools. Every variant runs on every CPU provider that is installed:
OpenVINO's comes with `pip install onnxruntime-openvino` in the place of onnxruntime. CPU-s are
those of the network for one volume of 128 x 256 x 256 voxels of 2.2 nm in one piece, one thread.
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
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16
from vesimod import load_model, read_tomogram, segment
from vesimod.contract import normalise
from vesimod.evaluate import evaluate
from vesimod.network import Model
from vesimod.resample import resample
from vesimod_train.simulate import RECIPES, SimulatedTomogram, simulate, write_simulated

SHAPE = (64, 128, 128)  # the volume at 4.4 nm
CALIBRATION_SEEDS = range(3001, 3005)
PROVIDERS = {
    "onnxruntime": "CPUExecutionProvider",
    "OpenVINO": ("OpenVINOExecutionProvider", {"device_type": "CPU", "num_of_threads": "1"}),
}
REPEATS = 3


class SimulatedTiles(CalibrationDataReader):
    """One normalised simulated tomogram after the other."""

    def __init__(self, model: Model) -> None:
        self.left = [self.tile(model, seed) for seed in CALIBRATION_SEEDS]

    @staticmethod
    def tile(model: Model, seed: int) -> dict[str, np.ndarray]:
        made = simulate(RECIPES["train"], seed)
        nm = (model.spec.voxel_size_nm,) * 3
        volume = resample(made.volume, made.grid.voxel_size_nm, nm)
        volume = normalise(volume, model.spec.normalisation)
        fitting = tuple(slice(0, n - n % model.spec.divisor) for n in volume.shape)
        return {"volume": volume[fitting][None, None]}

    def get_next(self) -> dict[str, np.ndarray] | None:
        return self.left.pop() if self.left else None


def make_variants(model: Model, folder: Path) -> dict[str, Path]:
    """Write the fp16 and the int8 variant of a model, with its metadata."""
    paths = {kind: folder / f"{model.spec.name}-{kind}.onnx" for kind in ("fp16", "int8")}
    original = onnx.load(model.path)
    onnx.save(convert_float_to_float16(original, keep_io_types=True), paths["fp16"])
    prepared = folder / "prepared.onnx"
    quant_pre_process(str(model.path), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared),
        str(paths["int8"]),
        SimulatedTiles(model),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=["Conv", "ConvTranspose", "Concat", "MaxPool"],
        nodes_to_exclude=last_convolution(prepared),
    )
    for path in paths.values():
        graph = onnx.load(path)
        del graph.metadata_props[:]
        graph.metadata_props.extend(original.metadata_props)
        onnx.save(graph, path)
    return {"fp32": model.path, **paths}


def last_convolution(path: Path) -> list[str]:
    """Name of the convolution that gives the distance: 8 bits are too coarse for a length."""
    return [node.name for node in onnx.load(path).graph.node if node.op_type == "Conv"][-1:]


def start(path: Path, provider) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=[provider])


def seconds(session: onnxruntime.InferenceSession, volume: np.ndarray) -> float:
    """CPU seconds of one run; the first, which also allocates, does not count."""
    session.run(None, {"volume": volume})
    begin = time.process_time()
    for _ in range(REPEATS):
        session.run(None, {"volume": volume})
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

    return replace(model, run=run, pieces=None)


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
    tile = SimulatedTiles.tile(model, CALIBRATION_SEEDS[-1] + 1)
    available = onnxruntime.get_available_providers()
    exact = None
    for variant, path in make_variants(model, folder).items():
        for provider, entry in PROVIDERS.items():
            if (entry if isinstance(entry, str) else entry[0]) not in available:
                continue
            session = start(path, entry)
            cost = seconds(session, volume)
            distance = session.run(["distance"], tile)[0]
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
