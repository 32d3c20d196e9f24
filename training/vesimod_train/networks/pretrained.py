"""Networks to start from: read back from a checkpoint, or from an exported model."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from vesimod.network.spec import METADATA_KEY, ModelError, ModelSpec, Normalisation

from vesimod_train.config import Config, ConfigError
from vesimod_train.networks.checkpoints import load_checkpoint
from vesimod_train.networks.unet import UNet

_PREFIX = "network."  # ExportedUNet holds the network under this name
_BATCH_NORM_EPS = 1e-5


def base_network(config: Config) -> UNet:
    """Read the network that a configuration starts from, in evaluation mode.

    Raises
    ------
    ConfigError
        It has another size or voxel size than the configuration says.
    """
    network, spec_or_config = read_network(Path(config.base))
    size = (len(network.up), network.head.in_channels, spec_or_config.voxel_size_nm)
    wanted = (config.poolings, config.channels, config.voxel_size_nm)
    if size != wanted:
        raise ConfigError(
            f"{config.base}: poolings, channels, voxel_size_nm are {size}, the configuration "
            f"says {wanted}; make them equal"
        )
    return network


def read_network(path: Path) -> tuple[UNet, Config | ModelSpec]:
    """Read a network and what it says about itself, from .onnx or a checkpoint."""
    if path.suffix.lower() == ".onnx":
        return network_of_onnx(path)
    config, network, _ = load_checkpoint(path)
    return network, config


def network_of_onnx(path: Path) -> tuple[UNet, ModelSpec]:
    """Read the weights of an exported U-Net back from its ONNX file.

    The exporter folds each batch normalisation into the convolution before it. Here it comes
    back as the normalisation that adds the convolution's bias: the outputs are the same, and
    what the statistics of the batches were is lost.

    Raises
    ------
    ModelError
        The file is not ONNX, or holds another kind of network.
    """
    try:
        model = onnx.load(path)
        stored = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    except FileNotFoundError:
        raise
    except Exception as error:  # protobuf's own kinds
        raise ModelError(f"{path}: not an ONNX file ({type(error).__name__})") from error
    properties = {p.key: p.value for p in model.metadata_props}
    if METADATA_KEY not in properties:
        raise ModelError(f"{path}: has no vesimod metadata; export it with vesimod-train export")
    spec = ModelSpec.from_json(properties[METADATA_KEY])
    tensors = {
        name.removeprefix(_PREFIX): torch.from_numpy(value.copy())
        for name, value in stored.items()
        if name.startswith(_PREFIX)
    }
    refusal = ModelError(
        f"{path}: is not a single U-Net of vesimod-train (float32), e.g. an ensemble of several or "
        "an imported network; take one as exported, such as fast"
    )
    if "head.weight" not in tensors or spec.normalisation != Normalisation():
        raise refusal
    channels = tensors["head.weight"].shape[1]
    poolings = sum(name.startswith("up.") and name.endswith(".weight") for name in tensors)
    network = UNet(channels, poolings)
    state = network.state_dict()
    for name, value in state.items():
        layer, _, kind = name.rpartition(".")
        part, _, index = layer.rpartition(".")
        if name in tensors:
            state[name] = tensors[name]
        elif kind == "weight" and value.dim() == 1:  # cancels the running variance of 1
            state[name] = torch.full_like(value, (1 + _BATCH_NORM_EPS) ** 0.5)
        elif kind == "bias":
            state[name] = tensors.get(f"{part}.{int(index) - 1}.weight_bias", torch.empty(0))
        elif kind == "weight":
            raise refusal
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise refusal from error
    return network.eval(), spec
