"""Models are found, checked and started, or refused in one clear line."""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from vesimod.api.inputs import as_model
from vesimod.cli import app, run_app
from vesimod.io.sphere_table import read_spheres_csv
from vesimod.io.tomogram import read_tomogram
from vesimod.network.model import load_model
from vesimod.network.runtime import (
    DeviceError,
    MissingRuntimeError,
    default_threads,
    import_runtime,
    providers_for,
)
from vesimod.network.shipped import find_model, shipped_models
from vesimod.network.spec import ModelError
from vesimod.pipeline import network_maps
from vesimod_imod.core.errors import VesimodWarning


def test_a_model_knows_itself(data: Path) -> None:
    model = load_model(str(data / "identity.onnx"), threads=1)
    assert model.spec.name == "identity"
    assert model.spec.voxel_size_nm == 4.0
    assert model.providers[-1] == "CPUExecutionProvider"
    assert len(model.sha256) == 64


def test_identity_model_over_tiles(data: Path) -> None:
    model = load_model(str(data / "identity.onnx"), threads=1)
    volume = np.random.default_rng(0).random((30, 17, 25)).astype(np.float32)
    (probability,) = model.predict(volume).values()
    np.testing.assert_allclose(probability, volume, atol=1e-6)
    with pytest.raises(ModelError, match=r"identity.onnx: .* probability reaches from 0.* to 2"):
        model.predict(2 * volume)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_metadata.onnx", "vesimod-train export"),
        ("bad_metadata.onnx", "format 99"),
        ("missing_output.onnx", "promises"),
        ("README.md", "not an ONNX model"),
    ],
)
def test_wrong_models(data: Path, name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        load_model(str(data / name))


def test_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(FileNotFoundError, match="nonsense: neither a file nor a shipped model"):
        find_model("nonsense")


def test_there_are_shipped_models() -> None:
    assert {"fast", "accurate"} <= set(shipped_models())


@pytest.mark.parametrize(
    "name",
    [
        name if name.startswith("fast") else pytest.param(name, marks=pytest.mark.slow)
        for name in shipped_models()
        if name not in ("connectors", "outline")
    ],
)
def test_shipped_models_know_the_vesicles_of_the_demo(name: str) -> None:
    model = load_model(name, threads=2)
    assert model.spec.name == name
    # Those in 32 bits take strips, by the names of inputs that they were written with.
    assert (model.strips is None) == name.endswith("-int8")
    demo = Path(str(resources.files("vesimod"))) / "demo"
    tomogram = read_tomogram(demo / "demo.mrc")
    truth = read_spheres_csv(demo / "demo_truth.csv")
    maps = network_maps(tomogram, model)
    nm = model.spec.voxel_size_nm
    centres_nm = (truth.centres + 0.5) * tomogram.grid.voxel_size_nm
    shape = maps["probability"].shape
    inside = (centres_nm < np.array(shape) * nm).all(axis=1) & (centres_nm > 0).all(axis=1)
    assert inside.sum() >= 34
    nearest = tuple((centres_nm[inside] / nm).astype(int).T)
    assert maps["probability"][nearest].min() > 0.8
    assert maps["distance"][nearest].min() > 10.0  # nm inside of the membrane
    places_nm = (np.indices(shape).reshape(3, -1).T + 0.5) * nm
    gaps_nm = cdist(places_nm, centres_nm) - truth.radii_nm
    background = maps["probability"].ravel()[gaps_nm.min(axis=1) > 10.0]
    assert background.size > 10_000
    assert background.mean() < 0.02
    assert np.median(background) < 0.01


def test_cuda_that_is_not_there_is_an_error(data: Path) -> None:
    if "CUDAExecutionProvider" in import_runtime().get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    with pytest.raises(DeviceError, match="`device='cpu'`"):
        load_model(str(data / "identity.onnx"), device="cuda")


def test_openvino_is_taken_where_it_is_installed() -> None:
    wheel = SimpleNamespace(
        get_available_providers=lambda: ["OpenVINOExecutionProvider", "CPUExecutionProvider"]
    )
    (name, options), last = providers_for("auto", wheel, threads=3)
    assert (name, last) == ("OpenVINOExecutionProvider", "CPUExecutionProvider")
    assert options == {"device_type": "CPU", "num_of_threads": "3"}


class RefusesOpenVINO:
    """onnxruntime as its wheel for OpenVINO is where OpenVINO's own libraries do not load."""

    def __getattr__(self, name: str) -> object:
        return getattr(import_runtime(), name)

    def get_available_providers(self) -> list[str]:
        return ["OpenVINOExecutionProvider", "CPUExecutionProvider"]

    def InferenceSession(self, *arguments: object, providers: list[object], **more: object):
        if providers != ["CPUExecutionProvider"]:
            raise RuntimeError("LoadLibrary failed with error 126")
        return import_runtime().InferenceSession(*arguments, providers=providers, **more)


def test_where_openvino_refuses_the_cpu_serves_and_it_is_said(
    data: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    plain = load_model(str(data / "identity.onnx"), threads=1)
    assert plain.notes == ()
    monkeypatch.setattr("vesimod.network.model.import_runtime", RefusesOpenVINO)
    model = load_model(str(data / "identity.onnx"), threads=1)
    assert model.providers == ("CPUExecutionProvider",)
    volume = np.random.default_rng(0).random((20, 17, 25)).astype(np.float32)
    np.testing.assert_array_equal(
        model.predict(volume)["probability"], plain.predict(volume)["probability"]
    )
    assert ["OpenVINO is installed but did not start" in note for note in model.notes] == [True]
    assert load_model("fast", threads=1).notes == ()  # strips are never given to it
    with pytest.raises(ModelError, match="not an ONNX model"):
        load_model(str(data / "README.md"))
    with pytest.warns(VesimodWarning, match="OpenVINO"):
        as_model(data / "identity.onnx")
    assert run_app(app, "vesimod", ["info"]) == 0
    shown = capfd.readouterr()
    assert "fast-int8: OpenVINO is installed but did not start" in shown.err
    assert "accurate: OpenVINO" not in shown.err


def test_without_onnxruntime_says_which_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingRuntimeError, match=r"vesimod\[cpu\]"):
        load_model("fast")


def test_threads_follow_omp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert default_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert default_threads() >= 1
