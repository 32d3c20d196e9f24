"""Descriptions for bioimage.io, judged by that project's own validator."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from vesimod.network.model import load_model
from vesimod.network.spec import ModelError
from vesimod_train.export.bioimageio import describe

pytestmark = pytest.mark.slow

SHIPPED = Path(__file__).resolve().parents[3] / "models/fast.onnx"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "fast.onnx"
    path.write_bytes(SHIPPED.read_bytes())
    return path


def verdict(description: Path) -> str:
    """What the validator says; in a process of its own, as it leaves files open."""
    script = "import sys; from bioimageio.spec import load_description as load;"
    script += "print(load(sys.argv[1]).validation_summary.status)"
    done = subprocess.run(
        [sys.executable, "-c", script, str(description)], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


def test_the_validator_accepts_it(model: Path) -> None:
    *_, description = describe(model)
    assert verdict(description) == "valid-format"


def test_the_validator_sees_another_weights_file(model: Path) -> None:
    *_, description = describe(model)
    weights = model.with_name("fast.bioimageio.onnx")
    weights.write_bytes(weights.read_bytes() + b"\0")
    assert verdict(description) == "failed"


def test_the_tensors_are_what_the_model_computes(model: Path) -> None:
    describe(model)
    loaded = load_model(str(model), device="cpu", threads=1)
    volume = np.load(model.with_name("fast_volume.npy"))
    for name, array in zip(loaded.spec.outputs, loaded.run(volume[0, 0]), strict=True):
        np.testing.assert_allclose(
            np.load(model.with_name(f"fast_{name}.npy"))[0, 0], array, atol=1e-4
        )
    assert np.load(model.with_name("fast_probability.npy")).max() > 0.9  # it shows a vesicle


def test_halo_and_voxel_size_are_the_model_s(model: Path) -> None:
    *_, description = describe(model)
    content = yaml.safe_load(description.read_text())
    spec = load_model(str(model), device="cpu").spec
    for axis in content["outputs"][0]["axes"][2:]:
        assert (axis["halo"], axis["scale"]) == (spec.halo, spec.voxel_size_nm)
    assert content["inputs"][0]["axes"][2]["size"]["min"] > 2 * spec.halo


def test_nothing_is_replaced_unasked(model: Path) -> None:
    tensor = model.with_name("fast_distance.npy")
    tensor.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="fast_distance"):
        describe(model)
    assert {path.name for path in model.parent.iterdir()} == {"fast.onnx", "fast_distance.npy"}
    assert tensor.read_bytes() == b"mine"


def test_a_foreign_model_is_refused(model: Path) -> None:
    graph = onnx.load(model)
    del graph.metadata_props[:]
    onnx.save(graph, model)
    with pytest.raises(ModelError, match=r"fast\.onnx: carries no"):
        describe(model)
