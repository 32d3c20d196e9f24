"""A model in 8-bit arithmetic, for OpenVINO: several times as fast, hardly less exact."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from vesimod.contract import ModelError, ModelSpec, normalise
from vesimod.resample import resample
from vesimod_imod.files import atomic_path, check_writable

from vesimod_train.export import ParityError, to_onnx
from vesimod_train.simulate import RECIPES, simulate
from vesimod_train.unet import ExportedUNet
from vesimod_train.weights import network_of_onnx

# Simulated tomograms by which the ranges of 8 bits are chosen, and one to see how exact that is.
CALIBRATION_SEEDS, CHECK_SEED = range(3001, 3005), 3005
NEAR_SURFACE_NM = 5.0  # where a distance decides anything
TOLERANCE_NM = 0.25  # most that it may be off there on average
# A voxel of a tile. Measured: 11 with OpenVINO; onnxruntime's own kernels take 26.
BYTES_A_CHANNEL = 13
QUANTISED = ["Conv", "ConvTranspose", "Concat", "MaxPool", "Relu"]

Volume = npt.NDArray[np.float32]


class _Tiles(CalibrationDataReader):  # type: ignore[misc]
    """Tiles for onnxruntime, one after the other."""

    def __init__(self, tiles: Sequence[Volume]) -> None:
        self._left = list(tiles)

    def get_next(self) -> dict[str, Volume] | None:
        return {"volume": self._left.pop()} if self._left else None


def quantise(model: Path, output: Path, *, overwrite: bool = False) -> float:
    """Write an 8-bit version of a model (QDQ, weights by channel).

    Parameters
    ----------
    model : Path
        An exported single U-Net (.onnx).
    output : Path
        The ``.onnx`` file. It takes whole tiles only.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    float
        By how many nm the distance is off, on average near vesicles' surfaces of a simulated
        tomogram that was not used to choose the ranges.

    Raises
    ------
    ModelError
        The file is no single U-Net.
    ParityError
        That is more than 0.25 nm; nothing is written.
    FileExistsError
        Also what else `check_writable` raises.
    """
    check_writable(output, overwrite)
    network, spec = network_of_onnx(model)
    if "distance" not in spec.outputs:
        raise ModelError(f"{model}: gives no distance; export it with this vesimod-train")
    channels = network.head.in_channels
    spec = replace(
        spec,
        name=output.stem,
        bytes_per_voxel=BYTES_A_CHANNEL * channels,
        training_data=f"{spec.name} {spec.version} in 8 bits: {spec.training_data}",
    )
    exact = to_onnx(ExportedUNet(network).eval(), spec)
    with atomic_path(output) as temporary:
        quantise_graph(exact, temporary, [tile(spec, seed) for seed in CALIBRATION_SEEDS])
        off_nm = _difference(exact, temporary, tile(spec, CHECK_SEED))
        if not off_nm <= TOLERANCE_NM:
            raise ParityError(
                f"{output}: the distance would be {off_nm:.2g} nm off on average, more than "
                f"{TOLERANCE_NM:g}; not written. Use the model in 32 bits"
            )
    return off_nm


def quantise_graph(exact: onnx.ModelProto, output: Path, tiles: Sequence[Volume]) -> None:
    """Write a graph in 8 bits whose ranges are those of some tiles, (1, 1, Z, Y, X) each."""
    with tempfile.TemporaryDirectory() as folder:
        plain, prepared = Path(folder) / "plain.onnx", Path(folder) / "prepared.onnx"
        onnx.save(exact, plain)
        quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
        last = _last_layers(onnx.load(prepared))
        quantize_static(
            str(prepared),
            str(output),
            _Tiles(tiles),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=QUANTISED,
            nodes_to_exclude=[node.name for node in last],
        )
    graph = onnx.load(output)
    _unround(graph)
    del graph.metadata_props[:]
    graph.metadata_props.extend(exact.metadata_props)
    onnx.save(graph, output)


def _last_layers(graph: onnx.ModelProto) -> tuple[onnx.NodeProto, onnx.NodeProto]:
    """Find the convolution that gives the distance, and the ReLU before it."""
    made = {name: node for node in graph.graph.node for name in node.output}
    head = [node for node in graph.graph.node if node.op_type == "Conv"][-1]
    return made[head.input[0]], head


def _unround(graph: onnx.ModelProto) -> None:
    """Give the last layers their input in 32 bits: rounded to 8, each distance is 1 nm off."""
    made = {name: node for node in graph.graph.node for name in node.output}
    relu, _ = _last_layers(graph)
    back = made[relu.input[0]]
    assert back.op_type == "DequantizeLinear"
    relu.input[0] = made[back.input[0]].input[0]


def tile(spec: ModelSpec, seed: int) -> Volume:
    """Simulate a tomogram as a network sees it (1, 1, Z, Y, X)."""
    made = simulate(RECIPES["train"], seed)
    volume = resample(made.volume, made.grid.voxel_size_nm, (spec.voxel_size_nm,) * 3)
    volume = normalise(volume, spec.normalisation)
    fitting = tuple(slice(0, n - n % spec.divisor) for n in volume.shape)
    return np.ascontiguousarray(volume[fitting][None, None])


def _difference(exact: onnx.ModelProto, path: Path, volume: Volume) -> float:
    """Mean difference of the distances in nm near the surfaces."""
    expected, computed = (
        onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"]).run(
            ["distance"], {"volume": volume}
        )[0]
        for source in (exact.SerializeToString(), str(path))
    )
    near = np.abs(expected) < NEAR_SURFACE_NM
    return float(np.abs(computed - expected)[near].mean()) if near.any() else float("nan")
