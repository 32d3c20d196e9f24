"""Nothing is found in noise, and what is found elsewhere is not taken for noise."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import vesimod
from scipy import ndimage
from vesimod import load_model
from vesimod.io.tomogram import Tomogram, read_tomogram
from vesimod.network.model import Model
from vesimod.pipeline import segment
from vesimod.radial.rays import RaySampler
from vesimod.vesicles import noise as noise_rule
from vesimod.vesicles.detect import NOISE
from vesimod.vesicles.noise import is_noise
from vesimod.vesicles.snap import snap
from vesimod_imod.core.spheres import Grid, Spheres

DEMO = Path(vesimod.__file__).parent / "demo" / "demo.mrc"
GRID = Grid((96, 160, 160), (2.2,) * 3)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("fast", device="cpu", threads=1)


def noise(seed: int, blur: float) -> Tomogram:
    grey = np.random.default_rng(seed).normal(size=GRID.shape).astype(np.float32)
    return Tomogram(ndimage.gaussian_filter(grey, blur), GRID, Path("noise"))


# Seeds in which vesicles were found before, by one network or another.
@pytest.mark.parametrize(
    ("seed", "blur"),
    [
        (0, 0.0),
        (11, 0.0),
        (43, 0.0),
        (60, 0.0),
        (76, 0.0),
        (0, 3.0),
        (27, 3.0),
        (44, 3.0),
        (1, 2.0),
        (1, 1.0),
        (8, 1.0),
        (1, 0.6),
        (1, 5.0),
        (15, 5.0),
    ],
)
def test_nothing_is_found_in_noise(model: Model, seed: int, blur: float) -> None:
    assert len(segment(noise(seed, blur), model).spheres) == 0


def test_what_is_taken_for_noise_is_said(model: Model) -> None:
    result = segment(noise(0, 3.0), model)
    assert NOISE in result.dropped.measures["reason"]
    assert any("taken for noise" in note for note in result.notes)


def some(count: int, score: float = 0.93, **measures: float) -> Spheres:
    """Vesicles as they are in clear tomograms, but for what `measures` and their score say."""
    usual = {"centre_shift_nm": 0.6, "lumen_ratio": 1.4, "membrane_z": 14.0} | measures
    columns = {name: np.full(count, value) for name, value in usual.items()}
    places = np.random.default_rng(0).uniform(20, 70, (count, 3))
    return Spheres(places, np.full(count, 22.0), np.full(count, score), measures=columns)


@pytest.fixture(scope="module")
def blurred() -> tuple[RaySampler, RaySampler]:
    """Blurred noise, in which membranes are as clear by chance as in tomograms, and no vesicle."""
    voxels = np.asarray(noise(0, 3.0).voxels)[:60, :80, :80]
    return RaySampler(voxels, (2.2,) * 3), RaySampler(
        np.zeros((30, 40, 40), np.float32), (4.4,) * 3
    )


@pytest.mark.parametrize(
    "sign", [{"centre_shift_nm": 8.0}, {"lumen_ratio": np.nan}, {"membrane_z": 4.0}]
)
def test_one_sign_alone_may_be_missing_but_not_two(blurred, sign: dict[str, float]) -> None:
    density, network = blurred
    assert not is_noise(density, network, some(3), 3)
    assert not is_noise(
        density,
        network,
        some(3, **sign, **({} if "membrane_z" in sign else {"membrane_z": 25.0})),
        3,
    )
    assert is_noise(density, network, some(3, **sign), 60)


def test_clear_vesicles_are_not_compared_at_all(blurred, monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(*_: object, **__: object) -> None:
        raise AssertionError("it takes a while")

    monkeypatch.setattr(noise_rule, "fit_membranes", fit)
    assert not is_noise(*blurred, some(5), 6)
    assert not is_noise(*blurred, some(0), 6)
    with pytest.raises(AssertionError):
        is_noise(*blurred, some(5, centre_shift_nm=8.0), 50)


@pytest.fixture(scope="module")
def white() -> tuple[RaySampler, RaySampler]:
    """White noise, in which nothing is as clear as a membrane."""
    voxels = np.asarray(noise(3, 0.0).voxels)[:60, :80, :80]
    return RaySampler(voxels, (2.2,) * 3), RaySampler(
        np.zeros((30, 40, 40), np.float32), (4.4,) * 3
    )


def test_what_a_glance_says_the_whole_comparison_says(
    blurred, white, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [
        (place, some(count, membrane_z=z, centre_shift_nm=shift), candidates)
        for place in (blurred, white)
        for count, z, shift in ((1, 4.0, 8.0), (1, 6.0, 8.0), (3, 20.0, 8.0), (4, 34.0, 0.6))
        for candidates in (4, 30)
    ]
    whole: list[int] = []
    compare = noise_rule.z_by_chance

    def counted(*given: np.ndarray) -> np.ndarray:
        whole.append(1)
        return compare(*given)

    monkeypatch.setattr(noise_rule, "z_by_chance", counted)
    quick = [is_noise(*place, spheres, candidates) for place, spheres, candidates in cases]
    assert len(whole) < len(cases) // 3  # in most there is no need of it
    monkeypatch.setattr(noise_rule, "_at_a_glance", lambda *_: None)
    assert quick == [is_noise(*place, spheres, candidates) for place, spheres, candidates in cases]
    assert set(quick) == {False, True}


def test_scores_that_are_never_high_are_of_noise(white) -> None:
    assert not is_noise(*white, some(5, membrane_z=8.0), 5)
    assert is_noise(*white, some(5, score=0.9, membrane_z=8.0), 5)
    assert not is_noise(*white, some(5, score=0.9), 5)  # whose membranes are far clearer


def test_three_high_scores_are_of_vesicles_and_one_only_of_a_clear_one(blurred, white) -> None:
    doubtful = {"centre_shift_nm": 8.0, "lumen_ratio": 0.1}
    for density, network in (blurred, white):
        assert is_noise(density, network, some(3, membrane_z=6.2, **doubtful), 60)
        assert not is_noise(density, network, some(3, score=0.97, membrane_z=6.2, **doubtful), 60)
    lonely = some(1, score=0.97, membrane_z=6.2, **doubtful)
    assert is_noise(*blurred, lonely, 4)
    assert not is_noise(*white, lonely, 4)


# In the one that is left out, the only vesicle is centred outside.
CORNERS = sorted(set(product((0, 48), (0, 80), (0, 80))) - {(0, 80, 80)})


@pytest.mark.parametrize("corner", CORNERS)
def test_parts_of_a_tomogram_keep_their_vesicles(
    model: Model, corner: tuple[int, int, int]
) -> None:
    """Each holds one to twelve."""
    tomogram = read_tomogram(DEMO)
    box = tuple(slice(k, k + n) for k, n in zip(corner, (48, 80, 80), strict=True))
    voxels = np.asarray(tomogram.voxels)[box]
    part = replace(tomogram, voxels=voxels, grid=replace(tomogram.grid, shape=voxels.shape))
    result = segment(part, model)
    assert len(result.spheres) >= 1
    assert not any("taken for noise" in note for note in result.notes)


@pytest.mark.parametrize("value", [0.0, 900.0])
def test_padding_is_nothing_to_compare_with(model: Model, value: float) -> None:
    """A part of the demo with vesicles, and as much padding beside it: the same vesicles."""
    whole = read_tomogram(DEMO)
    part = np.asarray(whole.voxels)[:48, :80, :80].astype(np.float32)
    padded = np.pad(part, ((0, 0), (0, 0), (0, 90)), constant_values=value)
    bare, beside = (
        segment(replace(whole, voxels=v, grid=replace(whole.grid, shape=v.shape)), model)
        for v in (part, padded)
    )
    assert not any("taken for noise" in note for note in beside.notes)
    assert abs(len(beside.spheres) - len(bare.spheres)) <= 1
    assert len(bare.spheres) >= 3


def test_a_click_in_padding_becomes_no_sphere() -> None:
    grey = np.random.default_rng(0).normal(size=(50, 60, 60)).astype(np.float32)
    padded = np.pad(grey, ((0, 0), (0, 0), (0, 60)))
    clicks = np.array([[25.0, 30.0, 100.0], [20.0, 20.0, 90.0], [30.0, 40.0, 95.0]])
    for _ in range(2):
        assert not snap(padded, (2.0,) * 3, clicks).found.any()
    assert not snap(np.zeros_like(grey), (2.0,) * 3, clicks / 2).found.any()
