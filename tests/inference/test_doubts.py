"""The advice to invert: only where vesicles with bright membranes are found."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from vesimod.doubts import PART_NM, _crowded_part, question_polarity
from vesimod.io.tomogram import Tomogram, read_tomogram
from vesimod.network.model import Model, load_model
from vesimod.network.polarity import bright_structures
from vesimod.pipeline import segment
from vesimod.settings import SearchSettings
from vesimod_imod.core.spheres import Grid

DEMO = Path(str(resources.files("vesimod"))) / "demo" / "demo.mrc"


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("fast", threads=1)


@pytest.fixture(scope="module")
def dark() -> Tomogram:
    demo = read_tomogram(DEMO)
    voxels = np.array(demo.voxels[8:88, 10:150, 20:160], np.float32)
    return Tomogram(voxels, Grid(voxels.shape, demo.grid.voxel_size_nm), Path("part.mrc"))


def advised(tomogram: Tomogram, model: Model, invert: bool = False) -> bool:
    result = segment(tomogram, model, invert=invert)
    result = question_polarity(tomogram, model, result, SearchSettings(invert=invert))
    return any("run again with `invert=True`" in note for note in result.notes)


def test_bright_membranes_are_noticed(dark, model):
    bright = replace(dark, voxels=-dark.voxels)
    assert advised(bright, model)
    assert not advised(bright, model, invert=True)
    assert not advised(dark, model)


@pytest.mark.parametrize("seed", [1, 2])
def test_bright_grains_without_vesicles_are_no_evidence(model, seed):
    """What stands out is bright, as with gold in an inverted map or with dirt, but it is round."""
    rng = np.random.default_rng(seed)
    voxels = rng.normal(size=(48, 90, 90)).astype(np.float32)
    grains = np.zeros(voxels.shape, np.float32)
    grains[tuple(rng.integers(0, n, 60) for n in voxels.shape)] = 4000.0
    voxels += ndimage.gaussian_filter(grains, 3.0)
    tomogram = Tomogram(voxels, Grid(voxels.shape, (2.2,) * 3), Path("noise.mrc"))
    assert bright_structures(tomogram, 4.4)
    assert not advised(tomogram, model)


def test_the_part_looked_at_is_where_candidates_are(dark):
    wide = replace(
        dark,
        voxels=np.broadcast_to(np.float32(0), (60, 1000, 1000)),
        grid=Grid((60, 1000, 1000), (2.2,) * 3),
    )
    crowd = np.array([[30, 800, 100], [30, 805, 110], [30, 790, 95], [30, 100, 500]], np.float64)
    part, low = _crowded_part(wide, crowd)
    assert np.all(crowd[:3] >= low)
    assert np.all(crowd[:3] < low + part.voxels.shape)
    assert part.grid.shape == part.voxels.shape
    assert np.all(np.array(part.voxels.shape) * 2.2 <= np.array(PART_NM) + 5)
    part, low = _crowded_part(wide, np.empty((0, 3)))
    assert np.all(np.abs(low + np.array(part.voxels.shape) / 2 - [30, 500, 500]) < 2)
