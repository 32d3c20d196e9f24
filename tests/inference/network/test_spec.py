"""What a model says about itself, and how grey values are normalised."""

from __future__ import annotations

import json

import numpy as np
import pytest
from vesimod.network.spec import ModelError, ModelSpec, Normalisation, normalise

SPEC = ModelSpec(
    name="a",
    version="1",
    voxel_size_nm=4.4,
    normalisation=Normalisation(),
    tile=(64, 64, 64),
    halo=16,
    divisor=8,
    outputs=("probability", "distance"),
)


def test_round_trip() -> None:
    assert ModelSpec.from_json(SPEC.to_json()) == SPEC


def test_unknown_entries_are_ignored() -> None:
    text = json.dumps({**json.loads(SPEC.to_json()), "colour": "red"})
    assert ModelSpec.from_json(text) == SPEC


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format 2"),
        ({"outputs": ["distance"]}, "probability"),
        ({"contrast": "bright"}, "contrast"),
        ({"voxel_size_nm": 0}, "voxel size"),
        ({"tile": [20, 64, 64]}, "multiples of 8"),
        ({"tile": [32, 64, 64]}, "larger than two halos"),
        ({"halo": 12}, "multiples of 8"),
        ({"tile": [64]}, "unreadable"),
        ({"normalisation": {"centre": "mode"}}, "normalisation"),
        ({"normalisation": {"sigma": 1}}, "unreadable"),
        ({"tile": [1e400, 64, 64]}, "impossible tile"),
        ({"tile": [64.0, 64, 64]}, "impossible tile"),
        ({"tile": "644"}, "impossible tile"),
        ({"tile": [1 << 40, 64, 64]}, "impossible tile"),
        ({"divisor": 8.0}, "impossible divisor"),
        ({"divisor": True}, "impossible divisor"),
        ({"halo": -8}, "impossible halo"),
        ({"halo": None}, "impossible halo"),
        ({"voxel_size_nm": float("nan")}, "impossible voxel size"),
        ({"outputs": "probability"}, "impossible outputs"),
        ({"outputs": ["probability", "probability"]}, "impossible outputs"),
        ({"outputs": ["probability", {}]}, "impossible outputs"),
        ({"threshold": "0.5"}, "impossible threshold"),
        ({"bytes_per_voxel": [1]}, "impossible bytes_per_voxel"),
        ({"name": ["fast"]}, "impossible name"),
        ({"version": 4}, "impossible version"),
        ({"normalisation": {"clip": "6"}}, "impossible clip"),
        ({"normalisation": {"clip": 0}}, "impossible clip"),
        ({"normalisation": {"smooth_voxels": 1e9}}, "impossible smooth_voxels"),
        ({"normalisation": []}, "unreadable"),
        ({"format": "\x1b[31m1"}, "x1b"),
        ({"format": True}, "format True"),
        ({"name": None, "voxel_size_nm": "big"}, "unreadable"),
    ],
)
def test_impossible_specs_are_refused(change: dict[str, object], message: str) -> None:
    text = json.dumps({**json.loads(SPEC.to_json()), **change})
    with pytest.raises(ModelError, match=message):
        ModelSpec.from_json(text)


DEEP = '{"format":1,"name":' + "[" * 100_000


@pytest.mark.parametrize("text", ["", "[1]", '{"format": 1}', "no json", DEEP])
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="unreadable"):
        ModelSpec.from_json(text)


@pytest.mark.parametrize("how", [Normalisation(), Normalisation(1.0, "mean", "std", None)])
def test_contrast_and_offset_do_not_matter(how: Normalisation) -> None:
    volume = np.random.default_rng(0).normal(size=(12, 13, 14)).astype(np.float32)
    np.testing.assert_allclose(normalise(volume * 7 + 100, how), normalise(volume, how), atol=1e-4)


def test_gold_does_not_squeeze_the_contrast() -> None:
    volume = np.random.default_rng(0).normal(size=(20, 20, 20)).astype(np.float32)
    plain = normalise(volume, Normalisation())
    volume[5:8, 5:8, 5:8] = -100
    gold = normalise(volume, Normalisation())
    np.testing.assert_allclose(gold[10:], plain[10:], atol=0.05)
    assert gold.min() == -6.0


def test_mostly_padding_and_constant_volumes() -> None:
    volume = np.zeros((10, 10, 10), np.float32)
    assert np.array_equal(normalise(volume, Normalisation()), volume)
    volume[4:6] = np.random.default_rng(0).normal(size=(2, 10, 10))
    assert np.isfinite(normalise(volume, Normalisation())).all()
