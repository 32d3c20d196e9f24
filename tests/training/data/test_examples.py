"""Examples: labels lie where the vesicles are, crops and disturbances keep the pair together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from vesimod.network.spec import Normalisation
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_train.data.augment import (
    augment_intensity,
    noise_crop,
    random_crop,
    random_flip_rotate,
    training_batch,
)
from vesimod_train.data.cache import load_example, save_example, simulated_examples
from vesimod_train.data.examples import (
    INSIDE_NM,
    OUTSIDE_NM,
    Example,
    even_weight,
    make_example,
    signed_distance,
)
from vesimod_train.simulate import RECIPES

GRID = Grid((40, 44, 48), (2.0, 2.0, 2.0))
SPHERES = Spheres(np.array([[20.0, 21.0, 22.0], [10.0, 36.0, 40.0]]), np.array([22.0, 14.0]))


def test_signed_distance_is_the_distance() -> None:
    distance = signed_distance(SPHERES, GRID)
    index = np.indices(GRID.shape).reshape(3, -1).T
    expected = np.max(
        [
            r - 2.0 * np.linalg.norm(index - c, axis=1)
            for c, r in zip(SPHERES.centres, SPHERES.radii_nm, strict=True)
        ],
        axis=0,
    ).reshape(GRID.shape)
    np.testing.assert_allclose(distance, np.clip(expected, OUTSIDE_NM, INSIDE_NM), atol=1e-4)


@pytest.mark.parametrize("stretch", [1.0, 0.85, 1.2])
def test_labels_follow_the_volume_through_resampling(stretch: float) -> None:
    """A volume that is dark inside its spheres stays dark exactly where the label says."""
    volume = -(signed_distance(SPHERES, GRID) > 0).astype(np.float32)
    volume += 0.01 * np.random.default_rng(0).normal(size=GRID.shape).astype(np.float32)
    how = Normalisation(centre="mean", spread="std", clip=None)
    example = make_example(volume, GRID, SPHERES, 4.4, how, stretch)
    assert example.volume.shape == example.distance_nm.shape
    inside = example.distance_nm > 3
    outside = example.distance_nm < -3
    assert example.volume[inside].max() < example.volume[outside].min()


def test_cache_round_trip(tmp_path: Path) -> None:
    example = Example(
        np.random.default_rng(0).normal(size=(8, 9, 10)).astype(np.float32),
        np.full((8, 9, 10), OUTSIDE_NM, np.float32),
        SPHERES,
        even_weight((8, 9, 10)),
    )
    save_example(tmp_path / "a", example)
    again = load_example(tmp_path / "a")
    assert isinstance(again.volume, np.memmap)
    assert not any(again.weight.strides)
    np.testing.assert_allclose(again.volume, example.volume, atol=2e-3)
    np.testing.assert_array_equal(again.spheres.centres, SPHERES.centres)


@pytest.mark.slow
def test_simulated_examples_are_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(RECIPES["train"], shape=(24, 40, 40), vesicles=(3, 3))
    monkeypatch.setitem(RECIPES, "train", small)
    seen: list[tuple[int, int]] = []
    arguments = (tmp_path, "train", range(2), 4.4, Normalisation())
    first = simulated_examples(*arguments, progress=lambda d, t: seen.append((d, t)))
    assert seen == [(1, 2), (2, 2)]
    seen.clear()
    again = simulated_examples(*arguments, progress=lambda d, t: seen.append((d, t)))
    assert seen == []
    np.testing.assert_array_equal(first[1].volume, again[1].volume)


def linked_example() -> Example:
    """The label is the volume itself, so that any crop or turn must keep them equal."""
    volume = np.random.default_rng(0).normal(size=(10, 30, 30)).astype(np.float32)
    spheres = Spheres(np.array([[5.0, 15.0, 15.0]]), np.array([20.0]))
    return Example(volume, volume.copy(), spheres, volume.copy())


def test_crops_and_turns_keep_label_and_volume_together() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        crop = random_crop(linked_example(), (16, 16, 16), rng)
        assert crop[0].shape == (16, 16, 16)
        for volume, label, weight in (crop, random_flip_rotate(crop, rng)):
            np.testing.assert_array_equal(volume, label)
            np.testing.assert_array_equal(volume, weight)


def test_turns_keep_the_wedge_along_z() -> None:
    layered = np.broadcast_to(np.arange(8.0, dtype=np.float32)[:, None, None], (8, 8, 8))
    rng = np.random.default_rng(2)
    for _ in range(10):
        (turned,) = random_flip_rotate([layered], rng)
        assert np.ptp(turned, axis=(1, 2)).max() == 0


def test_disturbing_keeps_the_polarity() -> None:
    volume = np.random.default_rng(3).normal(size=(16, 16, 16)).astype(np.float32)
    rng = np.random.default_rng(4)
    for _ in range(50):
        disturbed = augment_intensity(volume, rng)
        assert disturbed.dtype == np.float32
        assert np.isfinite(disturbed).all()
        assert np.corrcoef(volume.ravel(), disturbed.ravel())[0, 1] > 0.4


def test_batches_depend_on_the_generator_alone() -> None:
    examples = [linked_example()]
    first = training_batch(examples, 2, (8, 8, 8), np.random.default_rng([7, 1]))
    again = training_batch(examples, 2, (8, 8, 8), np.random.default_rng([7, 1]))
    assert first[0].shape == (2, 1, 8, 8, 8)
    np.testing.assert_array_equal(first[0], again[0])


def test_a_share_of_the_crops_is_noise_without_a_vesicle() -> None:
    rng, examples = np.random.default_rng(8), [linked_example()]
    batches = [training_batch(examples, 4, (12, 8, 8), rng, noise_share=0.5) for _ in range(25)]
    distance, weight = (np.concatenate([b[i] for b in batches]) for i in (1, 2))
    assert distance.shape == weight.shape == (100, 1, 12, 8, 8)
    assert all(np.isfinite(batch[0]).all() for batch in batches)
    nowhere = (distance == OUTSIDE_NM).all(axis=(1, 2, 3, 4))
    assert 35 <= nowhere.sum() <= 65
    assert (weight[nowhere] == 1).all()


def test_noise_that_is_learned_from_is_normalised_as_volumes_are_and_has_every_grain() -> None:
    rng, grains = np.random.default_rng(9), []
    for _ in range(30):
        noise, *_ = noise_crop((32, 32, 32), rng)
        assert noise.std() == pytest.approx(1.0, abs=1e-3)
        grains.append(np.corrcoef(noise[:, :, 1:].ravel(), noise[:, :, :-1].ravel())[0, 1])
    assert min(grains) < 0.1
    assert max(grains) > 0.9


@pytest.mark.slow
def test_vesicles_cut_by_the_edge_are_labelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(
        RECIPES["validation"], shape=(32, 48, 48), vesicles=(20, 20), others=(0.0, 0.0)
    )
    monkeypatch.setitem(RECIPES, "small", recipe)
    (example,) = simulated_examples(tmp_path, "small", [1], 4.4, Normalisation())
    limit = np.array(example.volume.shape) - 0.5
    cut = np.any((example.spheres.centres < -0.5) | (example.spheres.centres > limit), axis=1)
    depth = example.spheres.radii_nm - 4.4 * np.linalg.norm(
        example.spheres.centres - np.clip(example.spheres.centres, 0, limit - 0.5), axis=1
    )
    deep = np.flatnonzero(cut & (depth > 6))
    assert len(deep)
    for centre in example.spheres.centres[deep]:
        z, y, x = np.round(np.clip(centre, 0, limit - 0.5)).astype(int)
        assert example.distance_nm[z, y, x] > 0
