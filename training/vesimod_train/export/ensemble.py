"""Several trained networks as one model that gives the mean of their distances.

Networks trained on other tomograms, or of another size, err in different places: their mean is
right more often than any of them, for the sum of their costs.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from vesimod.network.spec import ModelSpec
from vesimod_imod.core.file_roles import check_files

from vesimod_train.config import ConfigError
from vesimod_train.export.onnx import unet_spec, write_model
from vesimod_train.networks.pretrained import read_network
from vesimod_train.networks.unet import ExportedUNet, UNet

#: Axes (z, y, x) of the mirrors that a network is also looked at through: what it says of a vesicle
#: should not depend on which side is which, and where it does, the mean is right more often.
MIRRORS = ((), (1,), (2,), (1, 2))


def mirrored(network: UNet, axes: Sequence[int]) -> UNet:
    """Make the network that sees a volume as another one sees it in a mirror.

    Parameters
    ----------
    network : UNet
    axes : sequence of int
        Along which the volume is mirrored: 0 for z, 1 for y, 2 for x.

    Returns
    -------
    UNet
        Of a mirrored volume it says, mirrored, what `network` says of the volume.
    """
    result = copy.deepcopy(network)
    with torch.no_grad():
        for layer in result.modules():
            if isinstance(layer, (nn.Conv3d, nn.ConvTranspose3d)):
                layer.weight.copy_(layer.weight.flip([2 + axis for axis in axes]))
    return result


class UNetEnsemble(nn.Module):
    """Networks side by side: probability and distance of their mean."""

    def __init__(self, networks: Sequence[UNet]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, volume: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (probability, distance in nm), each (N, 1, Z, Y, X)."""
        distance, log_odds = self.networks[0](volume)
        for network in self.networks[1:]:
            more_distance, more_log_odds = network(volume)
            distance, log_odds = distance + more_distance, log_odds + more_log_odds
        share = 1 / len(self.networks)
        return torch.sigmoid(share * log_odds), share * distance


def write_ensemble(
    models: Sequence[Path],
    output: Path,
    name: str,
    version: str,
    *,
    mirrors: bool = False,
    overwrite: bool = False,
) -> float:
    """Write an ensemble of models as ONNX.

    Parameters
    ----------
    models : sequence of Path
        Exported single U-Nets (.onnx) or checkpoints, of one voxel size.
    output : Path
        The ``.onnx`` file.
    name, version : str
        Of the new model.
    mirrors : bool
        Each network is taken four times, as it is and in the mirrors `MIRRORS`.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    float
        Largest difference between torch and onnxruntime over several sizes.

    Raises
    ------
    ConfigError
        The models have different voxel sizes.
    ModelError
        A file is not a single U-Net.
    ParityError, FileExistsError
        As in `vesimod_train.export.onnx.export`.
    """
    check_files(models, [output], overwrite=overwrite)
    network, spec = read_ensemble(models, name, version, mirrors=mirrors)
    return write_model(network, spec, output)


def read_ensemble(
    models: Sequence[Path], name: str, version: str, *, mirrors: bool = False
) -> tuple[UNetEnsemble | ExportedUNet, ModelSpec]:
    """Read models as one network that gives the mean of their distances, and describe it.

    Parameters and what is raised are those of `write_ensemble`; a model alone is its own mean.
    """
    # The widest last: so whole tiles take the least memory (`vesimod_train.export.quantise`).
    parts = sorted(map(read_network, models), key=lambda part: part[0].head.in_channels)
    networks, about = zip(*parts, strict=True)
    sizes = {each.voxel_size_nm for each in about}
    ways = {each.normalisation for each in about}
    if len(ways) > 1:
        raise ConfigError(
            "the models normalise grey values differently (background_voxels of "
            f"{', '.join(f'{way.background_voxels:g}' for way in ways)}): only networks of one "
            "normalisation can be averaged"
        )
    if len(sizes) > 1:
        raise ConfigError(
            f"voxel sizes of {', '.join(f'{size:g}' for size in sorted(sizes))} nm: "
            "only networks of one voxel size make an ensemble"
        )
    data = "; ".join(each.training_data for each in about)
    if mirrors:
        networks = tuple(mirrored(network, axes) for network in networks for axes in MIRRORS)
        data = f"{data}; each as it is and in mirrors along y, x and both"
    alone = len(networks) == 1
    spec = unet_spec(
        networks,
        sizes.pop(),
        ways.pop(),
        name=name,
        version=version,
        training_data=data if alone else f"mean of: {data}",
    )
    return (ExportedUNet(networks[0]) if alone else UNetEnsemble(networks)).eval(), spec
