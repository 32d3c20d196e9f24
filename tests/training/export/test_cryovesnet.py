"""The published network, imported from its Keras file."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from vesimod.network.model import load_model
from vesimod.network.spec import ModelError, normalise
from vesimod_train.cli import app
from vesimod_train.export.cryovesnet import import_cryovesnet

RNG_SEED = 3


def conv(name: str, source: str, inputs: int, outputs: int, kernel: int = 3, **more: object):
    config = {
        "name": name,
        "kernel_size": [kernel] * 3,
        "strides": [1, 1, 1],
        "padding": "same",
        "activation": "linear",
        **more,
    }
    return ("Conv3D", config, [source]), {
        "kernel": (kernel, kernel, kernel, inputs, outputs),
        "bias": (outputs,),
    }


def layer(kind: str, name: str, *sources: str, **config: object):
    return (kind, {"name": name, **config}, list(sources)), {}


def norm(name: str, source: str, channels: int):
    parts = ("gamma", "beta", "moving_mean", "moving_variance")
    described, _ = layer("BatchNormalization", name, source, epsilon=1e-3)
    return described, dict.fromkeys(parts, (channels,))


SMALL_NETWORK = [
    layer("InputLayer", "input"),
    conv("first", "input", 1, 2),
    norm("norm", "first", 2),
    layer("Activation", "relu", "norm", activation="relu"),
    layer("Dropout", "dropout", "relu", rate=0.2),
    layer("MaxPooling3D", "pool", "dropout", pool_size=[2] * 3, strides=[2] * 3, padding="valid"),
    conv("middle", "pool", 2, 3),
    layer("UpSampling3D", "up", "middle", size=[2] * 3),
    layer("Concatenate", "join", "up", "dropout", axis=-1),
    conv("last", "join", 5, 1, kernel=1, activation="sigmoid", padding="valid"),
]


def write_keras(path: Path, network=SMALL_NETWORK) -> dict[str, dict[str, np.ndarray]]:
    """A file as Keras 2 saves a whole model, with random weights, which are returned."""
    rng = np.random.default_rng(RNG_SEED)
    layers = [
        {
            "class_name": kind,
            "config": config,
            "inbound_nodes": [[[source, 0, 0, {}] for source in sources]] if sources else [],
        }
        for (kind, config, sources), _ in network
    ]
    weights: dict[str, dict[str, np.ndarray]] = {}
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"config": {"layers": layers}})
        for (_, config, _), shapes in network:
            name = str(config["name"])
            group = file.create_group(f"model_weights/{name}")
            names = [f"{name}_7/{kind}:0" for kind in shapes]
            group.attrs["weight_names"] = np.array(names, "S") if names else np.zeros(0)
            weights[name] = {}
            for kind, shape in shapes.items():
                value = rng.normal(0, 0.5, shape).astype(np.float32)
                weights[name][kind] = np.abs(value) if kind == "moving_variance" else value
                group[f"{name}_7/{kind}:0"] = weights[name][kind]
    return weights


def by_hand(volume: np.ndarray, weights: dict[str, dict[str, np.ndarray]]) -> np.ndarray:
    """What SMALL_NETWORK computes, voxel by voxel, in numpy; (z, y, x) to (z, y, x)."""

    def convolve(data: np.ndarray, name: str) -> np.ndarray:
        kernel = weights[name]["kernel"]
        around = kernel.shape[0] // 2
        padded = np.pad(data, [(around, around)] * 3 + [(0, 0)])
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:3], axis=(0, 1, 2))
        return np.einsum("zyxcabd,abdco->zyxo", windows, kernel) + weights[name]["bias"]

    first = convolve(volume[..., None], "first")
    n = weights["norm"]
    scaled = (first - n["moving_mean"]) / np.sqrt(n["moving_variance"] + 1e-3)
    relu = np.maximum(n["gamma"] * scaled + n["beta"], 0)
    z, y, x, c = relu.shape
    pooled = relu.reshape(z // 2, 2, y // 2, 2, x // 2, 2, c).max(axis=(1, 3, 5))
    middle = convolve(pooled, "middle")
    for axis in range(3):
        middle = middle.repeat(2, axis)
    return 1 / (1 + np.exp(-convolve(np.concatenate([middle, relu], -1), "last")[..., 0]))


def test_small_network_computes_what_its_keras_file_says(tmp_path: Path) -> None:
    weights = write_keras(tmp_path / "small.h5")
    spec = import_cryovesnet(tmp_path / "small.h5", tmp_path / "small.onnx")
    assert (spec.divisor, spec.halo, spec.outputs) == (2, 4, ("probability",))
    volume = np.random.default_rng(4).normal(size=(6, 8, 10)).astype(np.float32)
    (computed,) = load_model(str(tmp_path / "small.onnx"), device="cpu", threads=1).run(volume)
    np.testing.assert_allclose(computed, by_hand(volume, weights), atol=1e-6)


def test_halo_covers_all_that_a_voxel_depends_on(tmp_path: Path) -> None:
    write_keras(tmp_path / "small.h5")
    halo = import_cryovesnet(tmp_path / "small.h5", tmp_path / "small.onnx").halo
    model = load_model(str(tmp_path / "small.onnx"), device="cpu", threads=1)
    volume = np.random.default_rng(5).normal(size=(24, 24, 24)).astype(np.float32)
    changed = volume.copy()
    changed[:12] += 100
    (before,), (after,) = model.run(volume), model.run(changed)
    assert np.abs(before - after)[12:].max() > 1e-3
    assert np.abs(before - after)[12 + halo :].max() == 0


@pytest.mark.parametrize("name", ["weights", "weights_v1"])
def test_published_networks_agree_with_the_original(shared, tmp_path: Path, name: str) -> None:
    folder = shared / "cryovesnet"
    spec = import_cryovesnet(folder / f"{name}.h5", tmp_path / "published.onnx")
    assert (spec.voxel_size_nm, spec.divisor, spec.halo) == (2.2, 4, 24)
    model = load_model(str(tmp_path / "published.onnx"), device="cpu", threads=2)
    reference = np.load(folder / f"reference_{name}.npz")
    for given, expected in zip(reference["x"], reference["y"], strict=True):
        (computed,) = model.run(np.ascontiguousarray(given[..., 0]))
        np.testing.assert_allclose(computed, expected[..., 0], atol=1e-4)


def test_normalisation_is_that_of_the_original(tmp_path: Path) -> None:
    write_keras(tmp_path / "small.h5")
    how = import_cryovesnet(tmp_path / "small.h5", tmp_path / "small.onnx").normalisation
    volume = np.random.default_rng(6).normal(7, 3, (20, 20, 20)).astype(np.float32)
    volume[0, 0, 0] = 1000  # neither clipped nor left out of the mean
    made = normalise(volume, how)
    assert how.smooth_voxels == 1
    assert abs(made.mean()) < 1e-4
    assert abs(made.std() - 1) < 1e-4


def test_a_network_retrained_on_other_volumes_says_so(tmp_path: Path) -> None:
    write_keras(tmp_path / "small.h5")
    line = ["import-cryovesnet", str(tmp_path / "small.h5"), "-o", str(tmp_path / "raw.onnx")]
    app([*line, "--voxel-size-nm", "1.47", "--smooth-voxels", "0"], standalone_mode=False)
    spec = load_model(str(tmp_path / "raw.onnx"), device="cpu", threads=1).spec
    assert (spec.voxel_size_nm, spec.normalisation.smooth_voxels) == (1.47, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"voxel_size_nm": 0.0},
        {"voxel_size_nm": float("nan")},
        {"smooth_voxels": -1.0},
        {"smooth_voxels": float("inf")},
    ],
)
def test_what_a_network_was_trained_on_can_be(tmp_path: Path, wrong) -> None:
    write_keras(tmp_path / "small.h5")
    with pytest.raises(ModelError, match=r"small\.h5: trained on voxels of"):
        import_cryovesnet(tmp_path / "small.h5", tmp_path / "out.onnx", **wrong)
    assert not (tmp_path / "out.onnx").exists()


def swapped(index: int, replacement) -> list:
    return [*SMALL_NETWORK[:index], replacement, *SMALL_NETWORK[index + 1 :]]


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (swapped(4, layer("Lambda", "odd", "relu")), "odd is a Lambda"),
        (swapped(3, layer("Activation", "elu", "norm", activation="elu")), "activation elu"),
        (swapped(1, conv("first", "input", 1, 2, strides=[2, 2, 2])), r"strides \[2, 2, 2\]"),
        (swapped(6, conv("middle", "pool", 7, 3)), "do not run one after the other"),
        (swapped(6, conv("middle", "absent", 2, 3)), "'absent'"),
        (swapped(9, conv("last", "join", 5, 2)), r"returns \(1, 2, 8, 8, 8\)"),
    ],
)
def test_other_networks_are_refused_in_words(tmp_path: Path, network, message: str) -> None:
    write_keras(tmp_path / "other.h5", network)
    with pytest.raises(ModelError, match=message) as caught:
        import_cryovesnet(tmp_path / "other.h5", tmp_path / "other.onnx")
    assert "other.h5" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["other.h5"]


def test_files_that_are_no_keras_model_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(ModelError, match=r"text\.h5: not a Keras model in HDF5"):
        import_cryovesnet(tmp_path / "text.h5", tmp_path / "out.onnx")
    with h5py.File(tmp_path / "weights-only.h5", "w") as file:
        file["kernel"] = np.zeros(3)
    with pytest.raises(ModelError, match=r"weights-only\.h5: holds no whole Keras model"):
        import_cryovesnet(tmp_path / "weights-only.h5", tmp_path / "out.onnx")
    with pytest.raises(FileNotFoundError):
        import_cryovesnet(tmp_path / "absent.h5", tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_command(tmp_path: Path) -> None:
    write_keras(tmp_path / "small.h5")
    line = ["import-cryovesnet", str(tmp_path / "small.h5"), "-o", str(tmp_path / "small.onnx")]
    app(line, standalone_mode=False)
    before = (tmp_path / "small.onnx").read_bytes()
    with pytest.raises(FileExistsError):
        app(line, standalone_mode=False)
    assert (tmp_path / "small.onnx").read_bytes() == before
