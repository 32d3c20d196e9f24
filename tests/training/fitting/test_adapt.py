"""Self-training: what it learns from, what it says, and that it refuses where it cannot help."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from painted import image, paint, scatter
from vesimod import load_model, read_tomogram, segment
from vesimod.io.tomogram import write_volume
from vesimod_imod.core.object_names import UNCERTAIN, VESICLES
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.model.files import read_mod
from vesimod_imod.sphere_model.read import spheres_of
from vesimod_train.data.pairs import read_pair
from vesimod_train.data.self_labels import self_labels, write_self_labels
from vesimod_train.fitting.adapt import RECORD, AdaptError, adapt, adapt_config

pytestmark = pytest.mark.slow
GRID = Grid((64, 128, 128), (2.2, 2.2, 2.2))


def tomogram(path: Path, count: int, seed: int = 5) -> Spheres:
    spheres = Spheres(*scatter(GRID.shape, 2.2, count, seed=seed)) if count else Spheres.empty()
    painted = paint(GRID.shape, 2.2, spheres.centres, spheres.radii_nm)
    noise = np.random.default_rng(seed).normal(size=GRID.shape).astype(np.float32)
    write_volume(path, image(painted, 2.2, snr=1.0, seed=seed) if count else noise, GRID)
    return spheres


def test_sure_finds_teach_and_doubtful_ones_do_not(tmp_path: Path) -> None:
    truth = tomogram(tmp_path / "a.mrc", 24)
    volume, model = read_tomogram(tmp_path / "a.mrc"), load_model("fast", threads=1)
    found = segment(volume, model)
    labels = self_labels(volume, found)
    assert len(labels.sure) > 0.7 * len(truth)
    way = np.linalg.norm((labels.sure.centres[:, None] - truth.centres) * 2.2, axis=2)
    assert (way.min(axis=1) < 5).all()
    write_self_labels(tmp_path / "a.mod", volume, labels)
    reading = spheres_of(read_mod(tmp_path / "a.mod"), volume.grid)
    assert set(reading.names) <= {VESICLES, UNCERTAIN}
    example, _ = read_pair(tmp_path / "a.mrc", tmp_path / "a.mod", 4.4, model.spec.normalisation)
    inside = example.distance_nm > 0
    assert inside.any()
    assert (example.weight[inside] == 1).all()
    # Nothing is learned at finds that are not sure; all else is background.
    at = np.rint((labels.doubtful.centres + 0.5) / 2 - 0.5).astype(int)
    at = np.clip(at, 0, np.array(example.weight.shape) - 1)
    assert (example.weight[tuple(at.T)][~inside[tuple(at.T)]] == 0).all()
    assert example.weight.mean() > 0.5


def test_a_model_adapts_and_says_what_it_did(tmp_path: Path) -> None:
    tomogram(tmp_path / "a.mrc", 24)
    fast = load_model("fast", threads=1).path
    lines: list[str] = []
    output = tmp_path / "run/fast-adapted.onnx"
    config = replace(adapt_config(fast, steps=2, replay=1), validation_volumes=1)
    inputs = [tmp_path / "a.mrc"], tmp_path / "run", output
    done = adapt(config, *inputs, rounds=1, threads=1, report=lines.append)
    assert len(done.found) == 2
    assert done.agreement[0] > 0.9  # two steps change little
    assert any("beyond doubt" in line for line in lines)
    record = json.loads((tmp_path / "run" / RECORD).read_text(encoding="utf-8"))
    assert record["found"] == list(done.found)
    spec = load_model(str(output), threads=1).spec
    assert "1 tomograms with vesicles that it found itself" in spec.training_data


def test_without_sure_finds_nothing_is_written(tmp_path: Path) -> None:
    tomogram(tmp_path / "empty.mrc", 0)
    fast = load_model("fast", threads=1).path
    with pytest.raises(AdaptError, match="adapting cannot help"):
        adapt(
            adapt_config(fast), [tmp_path / "empty.mrc"], tmp_path, tmp_path / "new.onnx", threads=1
        )
    assert not (tmp_path / "new.onnx").exists()


def test_two_tomograms_of_one_name_are_refused(tmp_path: Path) -> None:
    paths = [tmp_path / "x/a.mrc", tmp_path / "y/a.mrc"]
    fast = load_model("fast", threads=1).path
    with pytest.raises(AdaptError, match="rename one"):
        adapt(adapt_config(fast), paths, tmp_path / "run", tmp_path / "new.onnx", threads=1)
