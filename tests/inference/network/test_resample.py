"""Resampling keeps things where they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vesimod.network import resample as module
from vesimod.network.resample import model_to_volume, resample, resampled_shape, volume_to_model

sizes = st.floats(0.5, 9.0)


def test_same_voxel_size_changes_nothing() -> None:
    volume = np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32)
    assert np.array_equal(resample(volume, (2.2,) * 3, (2.2,) * 3), volume)


@given(st.tuples(*[st.integers(1, 12)] * 3), st.tuples(*[sizes] * 3), st.tuples(*[sizes] * 3))
@settings(max_examples=60, deadline=None)
def test_constant_stays_constant(
    shape: tuple[int, int, int],
    source: tuple[float, float, float],
    target: tuple[float, float, float],
) -> None:
    result = resample(np.full(shape, 3.5, np.float32), source, target)
    assert result.shape == resampled_shape(shape, source, target)
    np.testing.assert_allclose(result, 3.5, rtol=1e-5)


@pytest.mark.parametrize("target", [1.3, 2.0, 3.7, 4.0])
def test_blob_stays_where_it_is(target: float) -> None:
    """A Gaussian's centre of mass, through the point conversion, is where it was."""
    centre = np.array([20.3, 24.8, 30.1])
    z, y, x = np.indices((44, 50, 61))
    squared = (z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2
    volume = np.exp(-squared / (2 * 4.0**2)).astype(np.float32)
    source_nm, target_nm = (2.0, 2.0, 2.0), (target,) * 3
    result = resample(volume, source_nm, target_nm)
    where = np.array([np.average(i, weights=result) for i in np.indices(result.shape)])
    expected = volume_to_model(centre[None], source_nm, target_nm)[0]
    np.testing.assert_allclose(where, expected, atol=0.05)


@pytest.mark.slow
@given(st.lists(st.tuples(*[st.floats(-5, 500)] * 3), min_size=1), sizes, sizes)
def test_point_conversion_round_trip(
    points: list[tuple[float, float, float]], a: float, b: float
) -> None:
    volume_nm, model_nm = (a, a, 2 * a), (b, b, b)
    there = volume_to_model(np.array(points), volume_nm, model_nm)
    np.testing.assert_allclose(model_to_volume(there, volume_nm, model_nm), points, atol=1e-6)


@pytest.mark.parametrize("dtype", ["i1", "u1", ">i2", "f2", "f4"])
def test_slabs_equal_the_whole(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    volume = np.random.default_rng(1).integers(0, 100, (40, 30, 20)).astype(dtype)
    source_nm, target_nm = (1.5, 2.0, 2.5), (4.4, 4.4, 1.1)
    whole = resample(volume, source_nm, target_nm)
    monkeypatch.setattr(module, "SLAB_VOXELS", 3000)
    assert np.array_equal(resample(volume, source_nm, target_nm), whole)


def test_reducing_averages() -> None:
    """White noise loses variance: every voxel counts, none is skipped (no aliasing)."""
    noise = np.random.default_rng(2).normal(size=(32, 32, 32)).astype(np.float32)
    reduced = resample(noise, (1.0,) * 3, (4.0,) * 3)
    assert reduced.std() < 0.12  # 4^3 voxels averaged under a triangle of twice that width
    assert abs(reduced.mean() - noise.mean()) < 0.02
