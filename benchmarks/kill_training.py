"""Inputs and command lines of ``vesimod-train`` for `kill_points.py`, as small as they can be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import torch
from vesimod.io.tomogram import write_volume
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.write import write_sphere_model
from vesimod_train.config import Config
from vesimod_train.export import quantise
from vesimod_train.export.onnx import export
from vesimod_train.fitting import adapt
from vesimod_train.fitting.fit import fit
from vesimod_train.simulate import recipe

GRID = Grid((24, 24, 24), (4.4, 4.4, 4.4))
FIT = """channels = 2
poolings = 1
volumes = 0
validation_volumes = 0
pairs = [["pair.mrc", "pair.mod"]]
steps = 2
check_every = 1
batch = 1
crop = 8
bfloat16 = false
"""
FEW = ["--threads", "1"]
ROUND = ["--rounds", "1", "--steps", "1", "--replay", "1", *FEW]
TUNE = ["--from", "base.onnx", "--steps", "1", "--replay", "0", *FEW]

COMMANDS: dict[str, list[str]] = {
    "train simulate": ["simulate", "made", "--recipe", "demo"],
    "train learn-from": ["learn-from", "pair.mrc", "pair.mod", "pair_corrected.mod", "-o", "pairs"],
    "train fit": ["fit", "tiny.toml", "-o", "run", *FEW],
    "train finetune": ["finetune", "pair.mod", "-o", "run", *TUNE],
    "train export": ["export", "base.pt", "-o", "out.onnx", "--bioimageio"],
    "train ensemble": ["ensemble", "base.onnx", "base.pt", "-o", "out.onnx"],
    "train adapt": ["adapt", "pair.mrc", "-o", "run", "--from", "base.onnx", *ROUND],
    "train quantise": ["quantise", "base.onnx", "-o", "out.onnx"],
    "train import-cryovesnet": ["import-cryovesnet", "keras.h5", "-o", "out.onnx"],
}


def write_inputs(folder: Path) -> None:
    """A tomogram with its vesicles, and a network that has seen it for two steps."""
    torch.set_num_threads(1)
    small = replace(recipe.RECIPES["demo"], shape=(24, 32, 32), vesicles=(1, 1))
    for name in recipe.RECIPES:
        recipe.RECIPES[name] = small
    adapt.LEAST_SURE = 0  # a network of two steps is sure of nothing
    quantise.CALIBRATION_SEEDS, quantise.TOLERANCE_NM = range(1), np.inf
    spheres = Spheres(np.array([[12.0, 12, 12]]), np.array([24.0]))
    index = np.indices(GRID.shape) - spheres.centres[0][:, None, None, None]
    far_nm = 4.4 * np.sqrt((index**2).sum(axis=0))
    volume = np.where(np.abs(far_nm - 21.5) < 4, -1.0, 0.0)
    volume += 0.1 * np.random.default_rng(0).normal(size=GRID.shape)
    write_volume(folder / "pair.mrc", volume.astype(np.float32), GRID)
    write_sphere_model(folder / "pair.mod", spheres, GRID)
    write_sphere_model(folder / "pair_corrected.mod", spheres, GRID)
    (folder / "tiny.toml").write_text(FIT)
    config = Config.from_mapping(
        {
            "name": "base", "channels": 2, "poolings": 1, "volumes": 0, "validation_volumes": 0,
            "pairs": [[str(folder / "pair.mrc"), str(folder / "pair.mod")]], "steps": 2,
            "check_every": 2, "batch": 1, "crop": 8, "bfloat16": False,
        }
    )  # fmt: skip
    run = folder.parent / "base"
    fit(config, run, threads=1, report=lambda _text: None)
    export(run / "checkpoint.pt", folder / "base.onnx")
    (folder / "base.pt").write_bytes((run / "checkpoint.pt").read_bytes())
    _write_keras(folder / "keras.h5")


def _write_keras(path: Path) -> None:
    """A network of one convolution, as Keras 2 saves it."""
    config = {
        "name": "one", "kernel_size": [3] * 3, "strides": [1] * 3, "padding": "same",
        "activation": "sigmoid",
    }  # fmt: skip
    start = {"class_name": "InputLayer", "config": {"name": "start"}, "inbound_nodes": []}
    nodes = [[["start", 0, 0, {}]]]
    layers = [start, {"class_name": "Conv3D", "config": config, "inbound_nodes": nodes}]
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"config": {"layers": layers}})
        file.create_group("model_weights/start").attrs["weight_names"] = np.zeros(0)
        group = file.create_group("model_weights/one")
        group.attrs["weight_names"] = np.array(["one/kernel:0", "one/bias:0"], "S")
        group["one/kernel:0"] = np.full((3, 3, 3, 1, 1), 0.1, np.float32)
        group["one/bias:0"] = np.zeros(1, np.float32)
