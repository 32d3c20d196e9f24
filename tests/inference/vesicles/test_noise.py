"""Nothing is found in noise, and what is found elsewhere is not taken for noise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import vesimod
from scipy import ndimage
from vesimod import load_model
from vesimod.io.tomogram import Tomogram, read_tomogram
from vesimod.network.model import Model
from vesimod.pipeline import network_maps, segment
from vesimod.radial.rays import RaySampler
from vesimod.vesicles.detect import NOISE
from vesimod.vesicles.noise import is_noise
from vesimod_imod.core.spheres import Grid

DEMO = Path(vesimod.__file__).parent / "demo" / "demo.mrc"


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("fast", device="cpu", threads=1)


def noise(seed: int, blur: float) -> Tomogram:
    grey = np.random.default_rng(seed).normal(size=(96, 160, 160)).astype(np.float32)
    return Tomogram(
        ndimage.gaussian_filter(grey, blur), Grid(grey.shape, (2.2,) * 3), Path("noise")
    )


# Seeds in which vesicles were found before.
@pytest.mark.parametrize(("seed", "blur"), [(0, 0.0), (0, 3.0), (1, 3.0), (3, 3.0)])
def test_nothing_is_found_in_noise(model: Model, seed: int, blur: float) -> None:
    result = segment(noise(seed, blur), model)
    assert len(result.spheres) == 0
    assert NOISE in result.dropped.measures["reason"]
    assert any("taken for noise" in note for note in result.notes)


def test_a_few_vesicles_are_not_taken_for_noise(model: Model) -> None:
    tomogram = read_tomogram(DEMO)
    maps = network_maps(tomogram, model)
    found = segment(tomogram, model).spheres
    density = RaySampler(tomogram.voxels, tomogram.grid.voxel_size_nm)
    few = found.select(np.arange(3))
    assert not is_noise(density, maps["probability"], (4.4,) * 3, few)
    faint = few.with_measures(membrane_z=np.full(3, 2.5))
    assert is_noise(density, maps["probability"], (4.4,) * 3, faint)


def test_part_of_a_tomogram_keeps_its_vesicles(model: Model) -> None:
    tomogram = read_tomogram(DEMO)
    voxels = np.asarray(tomogram.voxels)[20:70, 30:110, 30:110]
    part = replace(tomogram, voxels=voxels, grid=replace(tomogram.grid, shape=voxels.shape))
    assert len(segment(part, model).spheres) >= 4
