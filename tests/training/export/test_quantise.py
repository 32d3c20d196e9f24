"""8-bit versions of models: nearly the same distances, or no file."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from painted import image, paint, scatter
from vesimod.network.model import load_model
from vesimod.network.shipped import shipped_models
from vesimod.network.spec import ModelError, ModelSpec, normalise
from vesimod_train.export import quantise as quantise_module
from vesimod_train.export.onnx import ParityError
from vesimod_train.export.quantise import quantise

pytestmark = pytest.mark.slow

SHAPE = (40, 64, 64)


@cache
def small_tile(spec: ModelSpec, seed: int) -> np.ndarray:
    """A painted tomogram in the place of a simulated one, which takes seconds."""
    nm = (spec.voxel_size_nm,) * 3
    centres, radii = scatter(SHAPE, nm, 12, seed=seed)
    volume = image(paint(SHAPE, nm, centres, radii), nm, snr=1, seed=seed)
    return normalise(volume.astype(np.float32), spec.normalisation)[None, None]


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(quantise_module, "tile", small_tile)
    return shipped_models()["fast"]


def test_distances_are_nearly_the_same(fast: Path, tmp_path: Path) -> None:
    off_nm = quantise([fast], tmp_path / "small.onnx", "7")
    assert 0 < off_nm < 0.2
    exact, model = (
        load_model(str(path), device="cpu", threads=1) for path in (fast, tmp_path / "small.onnx")
    )
    assert (model.spec.name, model.spec.version) == ("small", "7")
    assert "8 bits" in model.spec.training_data
    assert model.strips is None
    assert (tmp_path / "small.onnx").stat().st_size < 0.4 * fast.stat().st_size
    volume = small_tile(exact.spec, 99)[0, 0]
    a, b = (each.predict(volume)["probability"] for each in (exact, model))
    assert (a > 0.5).sum() > 1000
    assert np.abs(a - b)[np.abs(a - 0.5) < 0.45].mean() < 0.03


def test_the_average_of_several(fast: Path, tmp_path: Path) -> None:
    """Of a network with itself: what it gives alone."""
    for count in (1, 2):
        assert quantise([fast] * count, tmp_path / f"{count}.onnx") < 0.2
    volume = small_tile(load_model(str(fast), device="cpu", threads=1).spec, 99)[0, 0]
    alone, twice = (
        load_model(str(tmp_path / f"{count}.onnx"), device="cpu", threads=1).predict(volume)
        for count in (1, 2)
    )
    np.testing.assert_allclose(twice["distance"], alone["distance"], atol=0.05)


def test_what_would_be_too_rough_is_not_written(
    fast: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantise_module, "TOLERANCE_NM", 1e-4)
    with pytest.raises(ParityError, match="32 bits"):
        quantise([fast], tmp_path / "small.onnx", "7")
    assert not list(tmp_path.iterdir())


def test_only_single_networks_are_taken(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="ensemble of several"):
        quantise([shipped_models()["accurate"]], tmp_path / "small.onnx")
    with pytest.raises(ModelError, match="not a single U-Net"):
        quantise([shipped_models()["fast-int8"]], tmp_path / "small.onnx")
