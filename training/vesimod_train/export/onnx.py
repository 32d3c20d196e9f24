"""A trained network as one self-describing ``.onnx`` file, shipped only if it computes the same."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper
from vesimod.network.model import load_model
from vesimod.network.prediction import predict
from vesimod.network.spec import METADATA_KEY, ModelSpec, Normalisation
from vesimod.network.spec_values import MEANINGS
from vesimod.network.tiling import plan_tiles
from vesimod_imod.core.errors import VesimodError
from vesimod_imod.core.file_roles import check_files
from vesimod_imod.core.files import atomic_path

from vesimod_train.config import CONNECTORS, MEMBRANES, OUTPUTS, VESICLES, Config
from vesimod_train.export.strips import in_strips
from vesimod_train.networks.checkpoints import load_checkpoint
from vesimod_train.networks.unet import (
    ExportedConnectors,
    ExportedMembranes,
    ExportedUNet,
    UNet,
)

OPSET = 18
SHIPPED_AS = {VESICLES: ExportedUNet, MEMBRANES: ExportedMembranes, CONNECTORS: ExportedConnectors}
#: What was taught as the surface.
SURFACES = {
    VESICLES: "radius is the membrane's outer edge",
    MEMBRANES: "the outline runs through the middle of the membrane",
    CONNECTORS: "nothing was asked within vesicles and membranes",
}
TOLERANCE = 1e-4  # largest difference between torch and onnxruntime that may ship
# Edges in voxels, in units of the network's divisor, on which the two are compared.
PARITY_SHAPES = ((4, 4, 4), (5, 9, 7), (12, 12, 12), (1, 16, 3))
STRIPS = 11  # such units beyond the first strip: several whole ones, and a part of one
TILE_CORE = 96  # voxels kept of a tile: a third of the work is halo, half a GB of memory
# A voxel of a strip. Several networks run one after the other.
BYTES_A_CHANNEL = 19
LICENCE = "MIT"


class ParityError(VesimodError, RuntimeError):
    """torch and onnxruntime do not compute the same."""


def export(checkpoint: Path, output: Path, *, overwrite: bool = False) -> float:
    """Write the EMA network of a checkpoint as ONNX.

    Parameters
    ----------
    checkpoint : Path
        From `vesimod_train.fitting.fit.fit`.
    output : Path
        The ``.onnx`` file; weights and metadata are inside.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    float
        Largest difference between torch and onnxruntime over several sizes.

    Raises
    ------
    ParityError
        That difference is above 1e-4; nothing is written.
    ConfigError, FileExistsError
        See `load_checkpoint` and `check_files`.
    """
    check_files([checkpoint], [output], overwrite=overwrite)
    config, network, step = load_checkpoint(checkpoint)
    shipped = SHIPPED_AS[config.target]
    return write_model(shipped(network).eval(), model_spec(config, network, step), output)


def write_model(network: torch.nn.Module, spec: ModelSpec, output: Path) -> float:
    """Write a network as ONNX unless onnxruntime computes something else; return the difference.

    Parameters
    ----------
    network : Module
        Returns what `spec.outputs` says, in evaluation mode.
    spec : ModelSpec
        Goes into the file.
    output : Path
        The ``.onnx`` file; an existing one is replaced.

    Raises
    ------
    ParityError
        As in `export`.
    """
    with atomic_path(output) as temporary:
        onnx.save(in_strips(to_onnx(network, spec)), temporary)
        difference = parity(temporary, network)
        if not difference <= TOLERANCE:  # also true for NaN
            raise ParityError(
                f"{output}: torch and onnxruntime differ by {difference:.2g}, more than "
                f"{TOLERANCE:g}; not written. Train longer, or export with another torch"
            )
    return difference


def model_spec(config: Config, network: UNet, step: int) -> ModelSpec:
    """Describe the network of a run for whoever uses it."""
    return unet_spec(
        [network],
        config.voxel_size_nm,
        config.normalisation,
        name=config.name,
        version=config.version,
        training_data=f"{config.training_data}, {step} steps; {SURFACES[config.target]}",
        target=config.target,
    )


def unet_spec(
    networks: Sequence[UNet],
    voxel_size_nm: float,
    normalisation: Normalisation,
    *,
    name: str,
    version: str,
    training_data: str,
    target: str = VESICLES,
) -> ModelSpec:
    """Describe a model of one or several U-Nets."""
    widest = max(network.head.in_channels for network in networks)
    halo = max(network.receptive_radius for network in networks)
    edge = TILE_CORE + 2 * halo
    return ModelSpec(
        name=name,
        version=version,
        voxel_size_nm=voxel_size_nm,
        normalisation=normalisation,
        tile=(edge, edge, edge),
        halo=halo,
        divisor=max(network.divisor for network in networks),
        outputs=OUTPUTS[target],
        meanings={name: MEANINGS[name] for name in OUTPUTS[target]},
        training_data=training_data,
        licence=LICENCE,
        bytes_per_voxel=BYTES_A_CHANNEL * widest,
    )


def to_onnx(network: torch.nn.Module, spec: ModelSpec) -> onnx.ModelProto:
    """Convert a network to an ONNX graph with free batch and tile sizes, and its metadata."""
    example = torch.zeros(2, 1, *[4 * spec.divisor] * 3)  # batch 1 would be taken for fixed
    size = torch.export.Dim
    free = {0: size("N"), **{axis: spec.divisor * size(f"tile{axis}") for axis in (2, 3, 4)}}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it lists what is not installed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own use of what torch deprecates
        program = torch.onnx.export(
            network,
            (example,),
            input_names=["volume"],
            output_names=list(spec.outputs),
            dynamic_shapes={"volume": free},
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # so the exporter promises where it is given no file
    graph = program.model_proto
    # The exporter notes its stack trace at each node: paths of the computer it ran on.
    for part in (*graph.graph.node, *graph.graph.value_info, *graph.graph.initializer, graph.graph):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    helper.set_model_props(graph, {METADATA_KEY: spec.to_json()})
    onnx.checker.check_model(graph)
    return graph


def parity(path: Path, network: torch.nn.Module) -> float:
    """Largest difference between torch and onnxruntime on random input of several sizes.

    Each is computed as a whole; one more, large enough for several strips, strip by strip.
    """
    model = load_model(str(path), device="cpu")
    spec = model.spec
    assert model.strips is not None  # every model that is exported has them
    long = (4, model.strips.first // spec.divisor + STRIPS, 5)
    rng = np.random.default_rng(0)
    worst = 0.0
    for strips, shape in (*((None, shape) for shape in PARITY_SHAPES), (model.strips, long)):
        volume = rng.normal(size=[n * spec.divisor for n in shape]).astype(np.float32)
        with torch.no_grad():
            expected = network(torch.from_numpy(volume[None, None]))
        computed = [np.empty_like(volume) for _ in expected]
        tiles = plan_tiles(volume.shape, np.inf, spec.halo, spec.divisor)
        predict(volume, model.run, computed, tiles, strips=strips)
        for a, b in zip(expected, computed, strict=True):
            worst = float(np.maximum(worst, np.abs(a.numpy()[0, 0] - b).max()))
    return worst
