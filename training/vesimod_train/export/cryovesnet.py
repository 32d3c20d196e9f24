"""The published CryoVesNet network as a vesimod model: Keras weights (HDF5) to ONNX.

A Keras file describes its own layers; each becomes one ONNX node, or none (dropout). Keras keeps
channels last and kernels as (z, y, x, in, out), ONNX wants channels first and (out, in, z, y, x).
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from vesimod.network.spec import METADATA_KEY, ModelError, ModelSpec, Normalisation
from vesimod_imod.core.file_roles import check_files
from vesimod_imod.core.files import atomic_path, sha256_of

from vesimod_train.export.onnx import OPSET, TILE_CORE
from vesimod_train.export.strips import in_strips

# As the network was trained (Khosrozadeh et al., J Cell Biol 2025).
VOXEL_SIZE_NM = 2.2
SMOOTH_VOXELS = 1.0
LICENCE = "that of the weights, which are not part of vesimod; see where they were published"

Weights = dict[str, dict[str, npt.NDArray[np.float32]]]
Layer = dict[str, Any]


def import_cryovesnet(
    weights: Path,
    output: Path,
    *,
    voxel_size_nm: float = VOXEL_SIZE_NM,
    smooth_voxels: float = SMOOTH_VOXELS,
    overwrite: bool = False,
) -> ModelSpec:
    """Write a Keras file of CryoVesNet, published or retrained, as a vesimod model.

    Parameters
    ----------
    weights : Path
        HDF5 file of a whole model, as Keras 2 saves it: layers and weights.
    output : Path
        The ``.onnx`` file.
    voxel_size_nm, smooth_voxels : float
        Of the volumes that the network was trained on, and of the Gaussian that they were filtered
        with, 0 for none. The file does not tell where it was retrained on others.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    ModelSpec
        What the new model says about itself.

    Raises
    ------
    ModelError
        The file is no such model, or has layers that CryoVesNet's networks have not; or sizes that
        cannot be.
    FileNotFoundError, FileExistsError
        Also what else `check_files` raises.
    """
    if not (0 < voxel_size_nm < math.inf and 0 <= smooth_voxels < math.inf):
        raise ModelError(
            f"{weights}: trained on voxels of {voxel_size_nm:g} nm, smoothed by {smooth_voxels:g} "
            "voxels? Give a size above 0 and a sigma of 0 or more"
        )
    check_files([weights], [output], overwrite=overwrite)
    digest = sha256_of(weights)
    model, halo, divisor = _converted(weights)
    edge = -(-TILE_CORE // divisor) * divisor + 2 * halo
    spec = ModelSpec(
        name=output.stem,
        version=digest[:8],
        voxel_size_nm=voxel_size_nm,
        normalisation=Normalisation(smooth_voxels, centre="mean", spread="std", clip=None),
        tile=(edge, edge, edge),
        halo=halo,
        divisor=divisor,
        outputs=("probability",),
        training_data=f"imported from the Keras file {weights.name}, SHA-256 {digest}",
        licence=LICENCE,
    )
    helper.set_model_props(model, {METADATA_KEY: spec.to_json()})
    with atomic_path(output) as temporary:
        onnx.save(model, temporary)
    return spec


def _converted(weights: Path) -> tuple[onnx.ModelProto, int, int]:
    """Make a model of a Keras file that was run once; return its halo and its divisor, too."""
    layers, values = read_keras(weights)
    try:
        graph, reach, divisor = to_graph(layers, values)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = 10  # onnxruntime 1.20 reads it
        in_strips(model)
        _try(model, edge=4 * divisor)
    except ModelError as error:
        raise ModelError(f"{weights}: {error}") from error
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ModelError(
            f"{weights}: layers and weights do not fit together ({error!r}); "
            "save the whole model again with Keras 2"
        ) from error
    return model, -(-reach // divisor) * divisor, divisor


def read_keras(path: Path) -> tuple[list[Layer], Weights]:
    """Read the layers of a Keras 2 model, in order, and their weights by layer and kind.

    Raises
    ------
    ModelError
        Not HDF5, or without layers or weights.
    """
    try:
        with h5py.File(path) as file:
            if "model_config" not in file.attrs or "model_weights" not in file:
                raise ModelError(
                    f"{path}: holds no whole Keras model; write it with model.save(NAME.h5)"
                )
            layers = json.loads(file.attrs["model_config"])["config"]["layers"]
            values: Weights = {}
            for name, group in file["model_weights"].items():
                values[name] = {
                    full.rpartition("/")[2].removesuffix(":0"): np.asarray(group[full], np.float32)
                    for full in map(_text, group.attrs["weight_names"])
                }
    except ModelError:
        raise
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: not a Keras model in HDF5 ({error})") from error
    return list(layers), values


def to_graph(layers: list[Layer], values: Weights) -> tuple[onnx.GraphProto, int, int]:
    """Convert layers to an ONNX graph from ``volume`` to ``probability``.

    Returns
    -------
    onnx.GraphProto
        Batch and tile sizes are free.
    int
        Voxels to each side that a result depends on.
    int
        Divisor that tile edges must have.
    """
    nodes: list[onnx.NodeProto] = []
    constants: dict[str, npt.NDArray[Any]] = {"twice": np.array([1, 1, 2, 2, 2], np.float32)}
    # Of each layer's output: its name in the graph, voxels of context, voxels of input a voxel.
    made: dict[str, tuple[str, int, int]] = {}
    divisor = 1

    def add(kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def constant(layer: str, kind: str) -> str:
        value = values[layer][kind]
        if kind == "kernel":
            value = np.ascontiguousarray(value.transpose(4, 3, 0, 1, 2))
        constants[f"{layer}.{kind}"] = value
        return f"{layer}.{kind}"

    for layer in layers:
        kind, name, config = layer["class_name"], layer["config"]["name"], layer["config"]
        if kind == "InputLayer":
            made[name] = ("volume", 0, 1)
            continue
        sources = [made[source[0]] for source in layer["inbound_nodes"][0]]
        result, reach, scale = sources[0]
        if kind == "Conv3D":
            _require(name, config, kernel_size=([3, 3, 3], [1, 1, 1]), strides=([1, 1, 1],))
            around = config["kernel_size"][0] // 2
            _require(name, config, padding=("same",) if around else ("same", "valid"))
            _require(name, config, activation=("linear", "sigmoid"), dilation_rate=([1, 1, 1],))
            inputs = [result, constant(name, "kernel"), constant(name, "bias")]
            result = add("Conv", inputs, name, pads=[around] * 6)
            reach += around * scale
            if config["activation"] == "sigmoid":
                result = add("Sigmoid", [result], f"{name}.sigmoid")
        elif kind == "BatchNormalization":
            parts = ("gamma", "beta", "moving_mean", "moving_variance")
            inputs = [result, *(constant(name, part) for part in parts)]
            result = add("BatchNormalization", inputs, name, epsilon=config["epsilon"])
        elif kind == "Activation":
            _require(name, config, activation=("relu",))
            result = add("Relu", [result], name)
        elif kind == "MaxPooling3D":
            _require(name, config, pool_size=([2, 2, 2],), strides=([2, 2, 2],))
            result = add("MaxPool", [result], name, kernel_shape=[2] * 3, strides=[2] * 3)
            reach, scale = reach + scale, 2 * scale
            divisor = max(divisor, scale)
        elif kind == "UpSampling3D":
            _require(name, config, size=([2, 2, 2],))
            how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}
            result = add("Resize", [result, "", "twice"], name, nearest_mode="floor", **how)
            scale //= 2
        elif kind == "Concatenate":
            result = add("Concat", [source[0] for source in sources], name, axis=1)
            reach = max(source[1] for source in sources)
        elif kind != "Dropout":  # which does nothing once training is over
            raise ModelError(f"layer {name} is a {kind}, which CryoVesNet's networks have not")
        made[name] = (result, reach, scale)
    add("Identity", [result], "probability")
    graph = helper.make_graph(
        nodes,
        "cryovesnet",
        [_volume("volume")],
        [_volume("probability")],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return graph, reach, divisor


def _try(model: onnx.ModelProto, edge: int) -> None:
    """Run a model on an empty tile, which finds weights whose shapes do not fit."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # failures are reported in our own words
    tile = np.zeros((1, 1, edge, edge, edge), np.float32)
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        (result,) = session.run(["probability"], {"volume": tile})
    except Exception as error:  # onnxruntime's own exceptions share no base class but this
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"its layers do not run one after the other ({reason})") from error
    if result.shape != tile.shape:
        raise ModelError(f"returns {result.shape} for a tile of {tile.shape}, not a probability")


def _text(name: str | bytes) -> str:
    """Return a string of HDF5, of either kind, as a string."""
    return name.decode() if isinstance(name, bytes) else name


def _volume(name: str) -> onnx.ValueInfoProto:
    """One channel of float32 of any size."""
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", 1, "Z", "Y", "X"])


def _require(layer: str, config: dict[str, Any], **allowed: tuple[Any, ...]) -> None:
    """Refuse settings of a layer that the conversion does not know."""
    for name, values in allowed.items():
        value = config.get(name, values[0])
        if value not in values:
            raise ModelError(f"layer {layer} has {name} {value}; known here: {values}")
