"""Networks to start from: read back from a checkpoint, or from an exported model."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import nn
from vesimod.network.spec import METADATA_KEY, ModelError, ModelSpec, Normalisation

from vesimod_train.config import OUTPUTS, Config, ConfigError
from vesimod_train.networks.checkpoints import load_checkpoint, new_network
from vesimod_train.networks.unet import SCALE_NM, SOFTNESS_NM, UNet

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
    if config.target != target_of(spec_or_config):
        return with_what_fits(network, new_network(config))
    size = (len(network.up), network.head.in_channels, spec_or_config.voxel_size_nm)
    wanted = (config.poolings, config.channels, config.voxel_size_nm)
    if size != wanted:
        raise ConfigError(
            f"{config.base}: poolings, channels, voxel_size_nm are {size}, the configuration "
            f"says {wanted}; make them equal"
        )
    if config.two_heads and network.inside is None:
        return with_two_heads(network)
    return network


def target_of(about: Config | ModelSpec) -> str:
    """Say what a network tells: a target of `vesimod_train.config`."""
    if isinstance(about, Config):
        return about.target
    return next(target for target, outputs in OUTPUTS.items() if about.tells(outputs[0]))


@torch.no_grad()
def with_what_fits(known: UNet, network: UNet) -> UNet:
    """Give a new network the layers of another that it has, too, but for the heads.

    A network that tells other things, at another voxel size, has use for them: they know membranes
    from noise.
    """
    state = network.state_dict()
    for name, value in known.state_dict().items():
        shared = name.partition(".")[0] in ("down", "up", "merge") and name in state
        if shared and state[name].shape == value.shape:
            state[name] = value
    network.load_state_dict(state)
    return network.eval()


def with_two_heads(network: UNet) -> UNet:
    """Give a network a head of its own for the log odds, which starts with what it says already."""
    inside = copy.deepcopy(network.head)
    with torch.no_grad():
        for values in inside.parameters():
            values.mul_(SCALE_NM / SOFTNESS_NM)
    network.inside = inside
    return network


@torch.no_grad()
def renormalise(network: UNet, batches: Iterable[torch.Tensor]) -> None:
    """Give batch normalisations statistics of data again; the network computes what it did.

    Those of an exported network were folded away (`network_of_onnx`). To train with the statistics
    of each batch, their scale must be that of the data first.

    Parameters
    ----------
    network : UNet
        In evaluation mode; changed in place.
    batches : iterable of (N, 1, Z, Y, X) tensors
        Volumes to take statistics of.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm3d)]
    seen: dict[nn.Module, list[torch.Tensor]] = {norm: [] for norm in norms}

    def watch(norm: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        values = inputs[0].transpose(0, 1).flatten(1)
        seen[norm].append(torch.stack([values.mean(1), values.square().mean(1)]))

    hooks = [norm.register_forward_pre_hook(watch) for norm in norms]
    for batch in batches:
        network(batch)
    for hook in hooks:
        hook.remove()
    for norm in norms:
        mean, square = torch.stack(seen[norm]).mean(0)
        variance = square - mean.square()
        assert norm.running_mean is not None and norm.running_var is not None  # noqa: PT018
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        norm.bias.add_(scale * (mean - norm.running_mean))
        norm.weight.copy_(scale * torch.sqrt(variance + norm.eps))
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)


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
    ours = replace(Normalisation(), background_voxels=spec.normalisation.background_voxels)
    if "head.weight" not in tensors or spec.normalisation != ours:
        raise refusal
    channels = tensors["head.weight"].shape[1]
    poolings = sum(name.startswith("up.") and name.endswith(".weight") for name in tensors)
    network = UNet(channels, poolings, "inside.weight" in tensors)
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
