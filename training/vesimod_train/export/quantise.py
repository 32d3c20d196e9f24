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
from vesimod.network.resample import resample
from vesimod.network.spec import ModelSpec, normalise
from vesimod_imod.core.file_roles import check_files
from vesimod_imod.core.files import atomic_path

from vesimod_train.export.ensemble import read_ensemble
from vesimod_train.export.onnx import ParityError, to_onnx
from vesimod_train.networks.unet import UNet
from vesimod_train.simulate import RECIPES, simulate

# Simulated tomograms by which the ranges of 8 bits are chosen, and one to see how exact that is.
CALIBRATION_SEEDS, CHECK_SEED = range(3001, 3005), 3005
NEAR_SURFACE_NM = 5.0  # where a distance decides anything
TOLERANCE_NM = 0.25  # most that it may be off there on average
# A voxel of a tile. Measured: 12 to 14.5 with OpenVINO; onnxruntime's own kernels take 26.
BYTES_A_CHANNEL = 15
QUANTISED = ["Conv", "ConvTranspose", "Concat", "MaxPool", "Relu"]

Volume = npt.NDArray[np.float32]


class _Tiles(CalibrationDataReader):  # type: ignore[misc]
    """Tiles for onnxruntime, one after the other."""

    def __init__(self, tiles: Sequence[Volume]) -> None:
        self._left = list(tiles)

    def get_next(self) -> dict[str, Volume] | None:
        return {"volume": self._left.pop()} if self._left else None


def quantise(
    models: Sequence[Path],
    output: Path,
    version: str = "1",
    *,
    mirrors: bool = False,
    overwrite: bool = False,
) -> float:
    """Write an 8-bit version of a model, or of an ensemble of several (QDQ, weights by channel).

    Parameters
    ----------
    models : sequence of Path
        As in `vesimod_train.export.ensemble.write_ensemble`; one or more.
    output : Path
        The ``.onnx`` file, whose name is the new model's too. It takes whole tiles only.
    version : str
        Of the new model.
    mirrors : bool
        As in `vesimod_train.export.ensemble.write_ensemble`.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    float
        By how many nm the distance is off, on average near vesicles' surfaces of a simulated
        tomogram that was not used to choose the ranges.

    Raises
    ------
    ModelError, ConfigError
        As in `vesimod_train.export.ensemble.write_ensemble`.
    ParityError
        The distance is more than 0.25 nm off; nothing is written.
    FileExistsError
        Also what else `check_files` raises.
    """
    check_files(models, [output], overwrite=overwrite)
    network, spec = read_ensemble(models, output.stem, version, mirrors=mirrors)
    # Of several networks two are in memory at a time, but for the last.
    widths = [part.head.in_channels for part in network.modules() if isinstance(part, UNet)]
    channels = max(2 * max(widths[:-1], default=0), widths[-1])
    spec = replace(
        spec,
        bytes_per_voxel=BYTES_A_CHANNEL * channels,
        training_data=f"in 8 bits: {spec.training_data}",
    )
    exact = to_onnx(network, spec)
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
            nodes_to_exclude=[node.name for pair in last for node in pair],
        )
    graph = onnx.load(output)
    _unround(graph)
    del graph.metadata_props[:]
    graph.metadata_props.extend(exact.metadata_props)
    onnx.save(graph, output)


def _last_layers(model: onnx.ModelProto) -> list[tuple[onnx.NodeProto, onnx.NodeProto]]:
    """Find the convolutions that give each network's distance, and the ReLU before each."""
    made = {name: node for node in model.graph.node for name in node.output}
    kernels = {tensor.name: list(tensor.dims[2:]) for tensor in model.graph.initializer}
    heads = [
        node
        for node in model.graph.node
        if node.op_type == "Conv" and kernels.get(node.input[1]) == [1, 1, 1]
    ]
    return [(made[head.input[0]], head) for head in heads]


def _unround(model: onnx.ModelProto) -> None:
    """Give the last layers their input in 32 bits: rounded to 8, each distance is 1 nm off."""
    made = {name: node for node in model.graph.node for name in node.output}
    last = {relu.name: relu for relu, _ in _last_layers(model)}  # two heads may share one
    for relu in last.values():
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
