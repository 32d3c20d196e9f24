"""A model's description for bioimage.io, so that other programs of the field can run it too."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import yaml
from vesimod.network.spec import METADATA_KEY, ModelError, ModelSpec
from vesimod.network.spec_values import CHANCES, CONNECTOR_OUTPUT, MEANINGS, VESICLE_OUTPUT
from vesimod_imod.core.file_roles import check_files
from vesimod_imod.core.files import atomic_path, sha256_of
from vesimod_imod.core.locks import writing

from vesimod_train.export.onnx import TOLERANCE, export, model_spec
from vesimod_train.export.strips import plain
from vesimod_train.networks.checkpoints import load_checkpoint

FORMAT_VERSION = "0.5.3"  # of the model description; later ones only added to it
AXES = ("z", "y", "x")
# A vesicle, as far as a network is concerned: its result is then not nothing.
SHELL_NM, SHELL_THICKNESS_NM, SHELL_DARKNESS = 20.0, 8.0, 3.0
PAPERS = [
    {
        "text": "Cicek et al., 3D U-Net: learning dense volumetric segmentation, MICCAI 2016",
        "doi": "10.1007/978-3-319-46723-8_49",
    },
    {
        "text": "Khosrozadeh et al., CryoVesNet, Journal of Cell Biology 2025: the method",
        "doi": "10.1083/jcb.202402169",
    },
]


def describe(model: Path, *, overwrite: bool = False) -> list[Path]:
    """Write what bioimage.io asks for beside a model.

    Parameters
    ----------
    model : Path
        An ``.onnx`` file that carries vesimod's metadata.
    overwrite : bool
        Replace existing files.

    Returns
    -------
    list of Path
        ``NAME.bioimageio.yaml`` (model description 0.5), ``NAME.bioimageio.onnx`` (the model
        without what only vesimod uses), and the tensors that its test asks for:
        ``NAME_volume.npy``, and one for each output, all (1, 1, Z, Y, X) float32.

    Raises
    ------
    ModelError
        The file carries no metadata of vesimod.
    FileExistsError
        One of them exists and `overwrite` is false; nothing is written.
    """
    graph = onnx.load(model)
    properties = {entry.key: entry.value for entry in graph.metadata_props}
    if METADATA_KEY not in properties:
        raise ModelError(f"{model}: carries no '{METADATA_KEY}' metadata; export it again")
    spec = ModelSpec.from_json(properties[METADATA_KEY])
    tensors = {name: beside(model, f"_{name}.npy") for name in ("volume", *spec.outputs)}
    written = files_beside(model, spec.outputs)
    *_, weights, description = written
    check_files([model], written, overwrite=overwrite)
    with atomic_path(weights) as temporary:
        onnx.save(plain(graph), temporary)
    for name, array in example(weights, spec).items():
        with atomic_path(tensors[name]) as temporary, temporary.open("wb") as file:
            np.save(file, array)
    opset = next(entry.version for entry in graph.opset_import if entry.domain in ("", "ai.onnx"))
    content = contents(spec, weights, tensors, opset)
    with atomic_path(description) as temporary:
        temporary.write_text(
            yaml.safe_dump(content, sort_keys=False), encoding="utf-8", newline="\n"
        )
    return written


def export_described(
    checkpoint: Path, output: Path, *, overwrite: bool = False
) -> tuple[float, list[Path]]:
    """Do what `vesimod_train.export.onnx.export` does, then `describe`; return what both do.

    All files are checked before the first is written, and marked as unfinished meanwhile.
    """
    outputs = model_spec(*load_checkpoint(checkpoint)).outputs
    beside_it = files_beside(output, outputs)
    check_files([checkpoint], [output, *beside_it], overwrite=overwrite)
    with writing(output, beside_it):
        return export(checkpoint, output, overwrite=True), describe(output, overwrite=True)


def files_beside(model: Path, outputs: Sequence[str]) -> list[Path]:
    """Name what `describe` writes beside a model of these outputs; the last two are no tensors."""
    endings = [f"_{name}.npy" for name in ("volume", *outputs)]
    return [beside(model, end) for end in (*endings, ".bioimageio.onnx", ".bioimageio.yaml")]


def beside(model: Path, ending: str) -> Path:
    """Path beside the model whose name begins like the model's."""
    return model.with_name(model.stem + ending)


def example(weights: Path, spec: ModelSpec) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    """Noise and one dark shell, and what the network makes of it: (1, 1, Z, Y, X) by name."""
    edge = smallest_edge(spec)
    from_centre = np.linalg.norm(np.indices((edge, edge, edge)) - edge / 2, axis=0)
    shell = np.abs(from_centre * spec.voxel_size_nm - SHELL_NM) < SHELL_THICKNESS_NM / 2
    noise = np.random.default_rng(0).normal(size=shell.shape)
    volume = (noise - SHELL_DARKNESS * shell).astype(np.float32)[None, None]
    session = onnxruntime.InferenceSession(str(weights), providers=["CPUExecutionProvider"])
    arrays = session.run(list(spec.outputs), {"volume": volume})
    return {"volume": volume, **dict(zip(spec.outputs, arrays, strict=True))}


def smallest_edge(spec: ModelSpec) -> int:
    """Voxels of the smallest tile of which something is left without its halo.

    The validator divides its length by the voxel size, and rounds down: it must come out even.
    """
    edge = -(-(2 * spec.halo + 1) // spec.divisor) * spec.divisor
    while edge * spec.voxel_size_nm / spec.voxel_size_nm != edge:
        edge += spec.divisor
    return edge


def contents(
    spec: ModelSpec, weights: Path, tensors: dict[str, Path], opset: int
) -> dict[str, Any]:
    """Everything the description says, in the order of the specification's own examples."""
    size: dict[str, Any] = {"min": smallest_edge(spec), "step": spec.divisor}
    entry = {
        "id": "volume",
        "description": "Tomogram with dark membranes, normalised as config.vesimod says.",
        "axes": axes(spec, "density", dict.fromkeys(AXES, size)),
        "data": {"type": "float32", "range": [None, None]},
        "test_tensor": file_entry(tensors["volume"]),
    }
    known = {VESICLE_OUTPUT: "Vesicles", CONNECTOR_OUTPUT: "Connectors"}
    what = known.get(spec.outputs[0], "Plasma membranes")
    return {
        "type": "model",
        "format_version": FORMAT_VERSION,
        "name": f"vesimod {spec.name}",
        "description": f"{what} in cryo-electron tomograms: 3D U-Net of the program vesimod.",
        "version": spec.version,
        "authors": [{"name": "The vesimod developers"}],
        "cite": PAPERS,
        "license": spec.licence,
        "tags": ["cryo-electron-tomography", "3d", "segmentation", what.lower(), "unet"],
        "inputs": [entry],
        "outputs": [output(spec, name, tensors[name]) for name in spec.outputs],
        "weights": {"onnx": {**file_entry(weights), "opset_version": opset}},
        "config": {
            "bioimageio": {"reproducibility_tolerance": [{"absolute_tolerance": TOLERANCE}]},
            METADATA_KEY: json.loads(spec.to_json()),
        },
    }


def output(spec: ModelSpec, name: str, tensor: Path) -> dict[str, Any]:
    """Describe one output: as large as the input, of which the halo is to be cut off."""
    sizes = {axis: {"tensor_id": "volume", "axis_id": axis} for axis in AXES}
    described = axes(spec, name, sizes)
    if spec.halo:
        for axis in described[2:]:
            axis["halo"] = spec.halo
    return {
        "id": name,
        "description": MEANINGS.get(name, name),
        "axes": described,
        "data": {"type": "float32", "range": [0.0, 1.0] if name in CHANCES else [None, None]},
        "test_tensor": file_entry(tensor),
    }


def axes(spec: ModelSpec, channel: str, sizes: dict[str, Any]) -> list[dict[str, Any]]:
    """Batch, one channel, z, y and x."""
    nm = {"unit": "nanometer", "scale": spec.voxel_size_nm}
    space = [{"type": "space", "id": axis, "size": dict(sizes[axis]), **nm} for axis in AXES]
    return [{"type": "batch"}, {"type": "channel", "channel_names": [channel]}, *space]


def file_entry(path: Path) -> dict[str, str]:
    """Name a file that lies beside the description, and its SHA-256."""
    return {"source": path.name, "sha256": sha256_of(path)}
