"""Pairs of a tomogram and an IMOD model: what counts, what does not, and the cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from painted import image, paint
from vesimod.io.tomogram import read_tomogram, write_volume
from vesimod.network.spec import Normalisation
from vesimod.review.correction_table import counts
from vesimod_imod.core.object_names import CORRECTED, NEW, NOT_VESICLES, REJECTED, UNCERTAIN
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.model.coordinates import to_model
from vesimod_imod.model.files import read_mod
from vesimod_imod.model.objects import ModelObject
from vesimod_imod.sphere_model.read import read_sphere_model
from vesimod_imod.sphere_model.write import SphereObject, write_sphere_model, write_sphere_objects
from vesimod_train.cli import app
from vesimod_train.config import Config, ConfigError
from vesimod_train.data import cache, learn
from vesimod_train.data.find_pairs import find_pairs
from vesimod_train.data.learn import learn_from, write_pair
from vesimod_train.data.pairs import (
    MARGIN,
    NOT_VESICLES_WEIGHT,
    PairError,
    read_pair,
)
from vesimod_train.fitting.fit import load_examples
from vesimod_train.fitting.losses import distance_loss
from vesimod_train.simulate import RECIPES

GRID = Grid((48, 120, 120), (2.2, 2.2, 2.2), origin_nm=(0.0, 44.0, -22.0))
CENTRES = np.array([[24.0, 30.0, 30.0], [20.0, 60.0, 34.0], [26.0, 35.0, 70.0], [24.0, 95.0, 95.0]])
RADII = np.array([20.0, 18.0, 24.0, 20.0])
HOW = Normalisation()


def region(name: str, low: float, high: float) -> ModelObject:
    """A box from (low, low) to (high, high) in x and y, drawn in the first and last section."""
    square = np.array([[low, low], [low, high], [high, high], [high, low]])
    positions = np.concatenate([np.insert(square, 0, z, axis=1) for z in (0.0, 47.0)])
    return ModelObject(
        name, 0, (0.0, 1.0, 0.0), 0, 0, to_model(positions).astype(np.float32), np.array([4, 4]),
        np.zeros(2, np.int64), np.full(8, -1, np.float32), np.full(8, np.nan, np.float32),
        ("", ""),
    )  # fmt: skip


@pytest.fixture(scope="module")
def volume() -> np.ndarray:
    return image(paint(GRID.shape, 2.2, CENTRES, RADII), 2.2, snr=2.0)


def write(folder: Path, volume: np.ndarray, objects=None, regions=()) -> tuple[Path, Path]:
    folder.mkdir(exist_ok=True)
    tomogram, model = folder / "ts.mrc", folder / "ts.mod"
    write_volume(tomogram, volume, GRID)
    objects = objects or [SphereObject("vesicles", Spheres(CENTRES, RADII))]
    write_sphere_objects(model, objects, GRID, others=regions)
    return tomogram, model


def at(centre) -> tuple[int, ...]:
    """Voxel of the example, which has voxels of twice the size, at a place in the volume."""
    return tuple(np.rint((np.array(centre) + 0.5) / 2 - 0.5).astype(int))


def test_all_of_a_tomogram_without_a_region_counts(tmp_path: Path, volume: np.ndarray) -> None:
    example, notes = read_pair(*write(tmp_path, volume), 4.4, HOW)
    assert example.volume.shape == (24, 60, 60)
    assert (example.weight == 1).all()
    assert any("counts as reviewed" in note for note in notes)
    assert not any("darker" in note for note in notes)
    np.testing.assert_allclose(example.spheres.centres, (CENTRES + 0.5) / 2 - 0.5, atol=1e-3)
    assert example.distance_nm[at(CENTRES[2])] > 15
    membrane = np.abs(example.distance_nm - 3) < 2
    assert example.volume[membrane].mean() < example.volume[example.distance_nm < -5].mean() - 0.5


def test_what_was_not_reviewed_is_left_out(tmp_path: Path, volume: np.ndarray) -> None:
    lookalike = Spheres(np.array([[24.0, 60.0, 60.0]]), np.array([12.0]), ids=[7])
    unsure = Spheres(np.array([[10.0, 20.0, 62.0]]), np.array([np.nan]), ids=[8])
    clicked = Spheres(np.array([[24.0, 50.0, 15.0]]), np.array([10.0]), ids=[9])
    objects = [
        SphereObject("vesicles", Spheres(CENTRES, RADII)),
        SphereObject(NOT_VESICLES, lookalike),
        SphereObject(UNCERTAIN, unsure),
        SphereObject(REJECTED, clicked),
    ]
    pair = write(tmp_path, volume, objects, [region("reviewed", 10, 80)])
    example, notes = read_pair(*pair, 4.4, HOW)
    # Neither the region's outline nor the vesicle outside of it.
    assert len(example.spheres) == 3
    assert example.volume.shape == (24, 60, 60), "the margin reaches to the edge here"
    assert example.weight[at([24, 70, 70])] == 1
    assert example.weight[at(CENTRES[0])] == 1
    assert example.weight[at(CENTRES[3])] == 0
    assert example.weight[at([24, 60, 60])] == NOT_VESICLES_WEIGHT
    assert example.weight[at(unsure.centres[0])] == 0
    assert example.weight[at(clicked.centres[0])] == 0
    assert any("1 lookalikes" in note for note in notes)
    np.testing.assert_array_equal(example.focus[-1], example.rejected.centres[0])


def test_what_somebody_corrected_counts_outside_of_the_region(
    tmp_path: Path, volume: np.ndarray
) -> None:
    lookalike = Spheres(np.array([[24.0, 20.0, 100.0]]), np.array([12.0]), ids=[7])
    kept, edited = (Spheres(CENTRES[i:j], RADII[i:j], ids=range(i, j)) for i, j in ((0, 3), (3, 4)))
    objects = [
        SphereObject("vesicles", kept),
        SphereObject(CORRECTED, edited),
        SphereObject(NOT_VESICLES, lookalike),
    ]
    pair = write(tmp_path, volume, objects, [region("reviewed", 10, 50)])
    example, _ = read_pair(*pair, 4.4, HOW)
    assert example.weight[at(CENTRES[0])] == 1
    assert example.weight[at(CENTRES[2])] == 0, "kept, but nobody looked there"
    assert example.weight[at(CENTRES[3])] == 1
    assert example.weight[at(CENTRES[3] + [0, RADII[3] / 2.2, 0])] == 1, "its edge is learned"
    assert example.weight[at(CENTRES[3] - [0, 25, 0])] == 0
    assert example.weight[at(lookalike.centres[0])] == NOT_VESICLES_WEIGHT
    assert len(example.spheres) == 2


def test_only_what_counts_is_kept(tmp_path: Path) -> None:
    grid = Grid((40, 160, 160), (4.4, 4.4, 4.4))
    tomogram, model = tmp_path / "a.mrc", tmp_path / "a.mod"
    data = np.random.default_rng(0).normal(size=grid.shape).astype(np.float32)
    write_volume(tomogram, data, grid)
    sphere = Spheres(np.array([[20.0, 110.0, 120.0]]), np.array([30.0]))
    others = [region("Region", 100, 130)]
    write_sphere_objects(model, [SphereObject("a", sphere)], grid, others=others)
    example, _ = read_pair(tomogram, model, 4.4, Normalisation(clip=None))
    low = 100 - MARGIN
    high = 129 + MARGIN + 1  # a voxel is inside when its centre is
    assert example.volume.shape == (40, high - low, high - low)
    np.testing.assert_allclose(example.spheres.centres[0], [20, 110 - low, 120 - low], atol=1e-3)
    inner = data[:, low:high, low:high]
    assert np.corrcoef(example.volume.ravel(), inner.ravel())[0, 1] > 0.999


def test_bright_membranes_and_nothing_reviewed(tmp_path: Path, volume: np.ndarray) -> None:
    _, notes = read_pair(*write(tmp_path / "bright", -volume), 4.4, HOW)
    assert any("not darker" in note for note in notes)
    pair = write(tmp_path / "far", volume, regions=[region("reviewed", 300, 400)])
    with pytest.raises(PairError, match="nothing of"):
        read_pair(*pair, 4.4, HOW)


def test_pairs_are_found_by_name(tmp_path: Path, volume: np.ndarray) -> None:
    tomogram, model = write(tmp_path, volume)
    assert find_pairs([tmp_path]) == find_pairs([model]) == ((str(tomogram), str(model)),)
    lone = tmp_path / "lone.mod"
    lone.write_bytes(model.read_bytes())
    with pytest.raises(PairError, match=r"no tomogram lone\.mrc"):
        find_pairs([tmp_path])
    with pytest.raises(PairError, match="no model"):
        find_pairs([tomogram])


def test_the_cache_notices_another_model(tmp_path: Path, volume: np.ndarray) -> None:
    tomogram, model = write(tmp_path, volume)
    lines: list[str] = []

    def load():
        pairs = [(str(tomogram), str(model))]
        return cache.pair_examples(tmp_path / "cache", pairs, Config(), lines.append)[0]

    first, again = load(), load()
    assert isinstance(again.volume, np.memmap)
    np.testing.assert_array_equal(first.distance_nm, again.distance_nm)
    assert len(list((tmp_path / "cache").glob("*.npz"))) == 1
    assert len(lines) == 2 * len(set(lines)), "notes are given from the cache, too"
    fewer = Spheres(CENTRES[:2], RADII[:2])
    write_sphere_model(model, fewer, GRID, overwrite=True)
    assert len(load().spheres) == 2


def test_the_cache_notices_another_recipe_and_simulator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []

    def pretend(job) -> None:
        made.append(job[0])
        shape = (4, 4, 4)
        zeros = np.zeros(shape, np.float32)
        example = cache.Example(zeros, zeros, Spheres.empty(), cache.even_weight(shape))
        cache.save_example(job[0], example)

    monkeypatch.setattr(cache, "_simulate_to_cache", pretend)
    for _ in range(2):
        cache.simulated_examples(tmp_path, "train", [1], 4.4, HOW)
    assert len(made) == 1
    monkeypatch.setitem(RECIPES, "train", replace(RECIPES["train"], gap_nm=7.25))
    cache.simulated_examples(tmp_path, "train", [1], 4.4, HOW)
    assert len(made) == 2
    monkeypatch.setattr(cache, "simulator_hash", lambda: "a newer one")
    cache.simulated_examples(tmp_path, "train", [1], 4.4, HOW)
    assert len(set(made)) == 3


def test_pairs_get_their_share_of_the_crops(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(
        "vesimod_train.fitting.fit.simulated_examples", lambda *a, **_: ["s"] * len(a[2])
    )
    monkeypatch.setattr(
        "vesimod_train.fitting.fit.pair_examples", lambda _, pairs, *__: ["p"] * len(pairs)
    )
    pairs = (("a", "b"), ("c", "d"))
    config = Config(volumes=30, pairs=pairs, validation_volumes=2, validation_pairs=(("e", "f"),))
    training, held_out = load_examples(config, tmp_path, 1, print)
    assert (training.count("s"), training.count("p")) == (30, 30)
    assert held_out == ["s", "s", "p"]


def test_paths_are_relative_to_the_configuration(tmp_path: Path) -> None:
    values = {"pairs": [["a.mrc", "a.mod"]], "base": "fast.onnx", "volumes": 0}
    config = Config.from_mapping(values, tmp_path)
    assert config.pairs == ((str(tmp_path / "a.mrc"), str(tmp_path / "a.mod")),)
    assert config.base == str(tmp_path / "fast.onnx")
    assert str(tmp_path) not in config.training_data


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pairs": [["a.mrc"]]}, "expected a list of"),
        ({"pairs": "a.mrc"}, "expected a list of"),
        ({"volumes": 0}, "nothing to learn from"),
        ({"pairs": [["a", "b"]], "validation_pairs": [["./a", "c"]]}, "split by tomogram"),
        ({"pair_share": 1.0}, "between 0 and 1"),
    ],
)
def test_bad_pairs_in_a_configuration(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Config.from_mapping(values)


def test_loss_ignores_what_nobody_knows() -> None:
    target = torch.tensor([-10.0, -10.0, 16.0, -10.0])
    weight = torch.tensor([1.0, 0.0, 1.0, 4.0])
    right = torch.tensor([-10.0, -10.0, 16.0, -10.0])
    unknown, rejected, plain = (right.clone() for _ in range(3))
    unknown[1] = rejected[3] = plain[0] = 3.0
    losses = [float(distance_loss(p, target, 1.5, weight)) for p in (unknown, plain, rejected)]
    assert losses[0] == 0
    assert losses[2] == pytest.approx(4 * losses[1])
    assert float(distance_loss(plain, target, 1.5, torch.zeros(4))) == 0


def corrected_model(path: Path, spheres: Spheres, *extra: SphereObject) -> None:
    objects = [SphereObject("vesicles", spheres), *extra]
    write_sphere_objects(path, objects, GRID, others=[region("reviewed", 5, 110)])


@pytest.mark.parametrize("invert", [False, True])
def test_a_round_of_corrections_becomes_a_pair(
    tmp_path: Path, volume: np.ndarray, invert: bool
) -> None:
    """Vesicle 2 was off, 3 missed, 4 false, 5 false and put among those that are not."""
    write_volume(tmp_path / "ts.mrc", -volume if invert else volume, GRID)
    false = np.array([[24.0, 90.0, 30.0], [24.0, 30.0, 100.0]])
    before = Spheres(
        np.concatenate([CENTRES[:1], CENTRES[1:2] + np.array([0, 3, 0]), CENTRES[3:], false]),
        np.append(RADII[[0, 1, 3]], [14.0, 15.0]),
    )
    write_sphere_model(tmp_path / "predicted.mod", before, GRID)
    after = Spheres(CENTRES[[0, 1, 3, 2]], np.append(RADII[[0, 1, 3]], np.nan), ids=[1, 2, 3, 900])
    waste = SphereObject(NOT_VESICLES, before.select(np.array([4])))
    corrected_model(tmp_path / "corrected.mod", after, waste)
    tomogram = read_tomogram(tmp_path / "ts.mrc")
    predicted = read_sphere_model(tmp_path / "predicted.mod", GRID)
    model = read_mod(tmp_path / "corrected.mod")
    lesson = learn_from(tomogram, predicted, model, invert=invert)
    assert lesson.counts == {**counts([]), "kept": 2, "moved": 1, "added": 1, "removed": 2}
    assert len(lesson.rejected) == 2
    assert not len(lesson.uncertain)
    assert lesson.edited.tolist() == [False, True, False, True]
    path = write_pair(tmp_path / "pairs", tomogram, lesson, model, invert=invert)
    example, notes = read_pair(*map(Path, find_pairs([path])[0]), 4.4, HOW)
    assert not any("darker" in note or "counts as reviewed" in note for note in notes)
    order = np.argsort(example.spheres.centres[:, 1] + 1000 * example.spheres.centres[:, 2])
    mine = np.argsort(CENTRES[:, 1] + 1000 * CENTRES[:, 2])
    np.testing.assert_allclose(
        example.spheres.centres[order], ((CENTRES + 0.5) / 2 - 0.5)[mine], atol=0.3
    )
    # The radius of the added one was measured: nobody had set it.
    np.testing.assert_allclose(example.spheres.radii_nm[order], RADII[mine], atol=1.5)
    for centre in false:
        assert example.weight[at(centre)] == NOT_VESICLES_WEIGHT
    assert example.weight[at(CENTRES[0])] == 1
    assert example.weight[0, 0, 0] == 0


@pytest.mark.parametrize("name", [UNCERTAIN, NEW])
def test_what_nobody_decided_teaches_nothing(tmp_path: Path, volume: np.ndarray, name) -> None:
    """A find that was put into `uncertain`, or left among the new ones, is not a lookalike."""
    write_volume(tmp_path / "ts.mrc", volume, GRID)
    before = Spheres(CENTRES, RADII)
    write_sphere_model(tmp_path / "predicted.mod", before, GRID)
    aside = SphereObject(name, before.select(np.array([3])))
    corrected_model(tmp_path / "corrected.mod", before.select(np.array([0, 1])), aside)
    predicted = read_sphere_model(tmp_path / "predicted.mod", GRID)
    tomogram = read_tomogram(tmp_path / "ts.mrc")
    lesson = learn_from(tomogram, predicted, read_mod(tmp_path / "corrected.mod"))
    assert lesson.counts == {**counts([]), "kept": 2, "removed": 1}
    np.testing.assert_allclose(lesson.rejected.centres, CENTRES[2:3], atol=1e-3)
    np.testing.assert_allclose(lesson.uncertain.centres, CENTRES[3:], atol=1e-3)


def test_learn_from_on_the_command_line(
    tmp_path: Path,
    volume: np.ndarray,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from vesimod.cli import run_app

    write_volume(tmp_path / "ts.mrc", volume, GRID)
    write_sphere_model(tmp_path / "predicted.mod", Spheres(CENTRES, RADII), GRID)
    corrected_model(tmp_path / "corrected.mod", Spheres(CENTRES[:3], RADII[:3]))
    names = ["ts.mrc", "predicted.mod", "corrected.mod"]
    line = ["learn-from", *[str(tmp_path / name) for name in names], "-o", str(tmp_path / "pairs")]
    assert run_app(app, "vesimod-train", line) == 0
    assert "3 vesicles, 1 lookalikes" in capsys.readouterr().out
    assert sorted(p.name for p in (tmp_path / "pairs").iterdir()) == ["ts.mod", "ts.mrc"]
    assert run_app(app, "vesimod-train", line) == 2
    assert "exists already" in capsys.readouterr().err
    (tmp_path / "pairs" / "ts.mod").unlink()
    with monkeypatch.context() as patched:
        patched.setattr(learn, "write_sphere_objects", lambda *_, **__: 1 / 0)  # a kill, nearly
        assert run_app(app, "vesimod-train", [*line, "--overwrite"]) != 0
    capsys.readouterr()
    assert run_app(app, "vesimod-train", line) == 2
    assert "ts.mrc: is of a run that was cut short" in capsys.readouterr().err
    assert run_app(app, "vesimod-train", [*line, "--overwrite"]) == 0
    assert sorted(p.name for p in (tmp_path / "pairs").iterdir()) == ["ts.mod", "ts.mrc"]
