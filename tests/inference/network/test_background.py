"""Padding is told from data, and grey values that vary across a tomogram are evened out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from vesimod.io.padding import Unpadded, fill_values
from vesimod.network.background import is_data, local_mean, subtract_local_mean
from vesimod.network.spec import Normalisation, normalise

HOW = Normalisation(background_voxels=24.0)


def noise(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def padded(data: np.ndarray, value: float, share: float) -> np.ndarray:
    """Put a block of one value beside data, so that it fills a share of all."""
    width = round(data.shape[2] * share / (1 - share))
    return np.pad(data, [(0, 0), (0, 0), (0, width)], constant_values=value)


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.float32])
@pytest.mark.parametrize("share", [0.1, 0.35, 0.58, 0.9])
def test_padding_is_found_in_every_type(kind: type, share: float) -> None:
    data = np.clip(30 * noise((20, 40, 40)), -127, 127).astype(kind)
    assert fill_values(data) == ()
    assert fill_values(padded(data, 0, share)) == (0.0,)
    assert fill_values(padded(data, -127, share)) == (-127.0,)


@pytest.mark.parametrize("value", [-30_000, 0, 30_000])
def test_padding_makes_no_edge_however_far_its_value_lies_from_the_data(value: int) -> None:
    data = (100 * noise((20, 40, 40)) + 1000).astype(np.int16)
    whole = padded(data, value, 0.4)
    grey = Unpadded.of(whole, fill_values(whole))
    assert (grey.shape, grey.ndim, grey.size) == (whole.shape, 3, whole.size)
    box = grey[5:15, :, 30:50]
    assert box.dtype == np.float32
    np.testing.assert_array_equal(box[:, :, :10], data[5:15, :, 30:])
    np.testing.assert_allclose(box[:, :, 10:], 1000, atol=10)


def test_two_kinds_of_padding_are_found() -> None:
    data = padded(padded((30 * noise((20, 40, 40))).astype(np.int16), 0, 0.3), 500, 0.3)
    assert fill_values(data) == (0.0, 500.0)


def test_bytes_of_little_contrast_are_not_padding() -> None:
    assert fill_values(np.rint(1.5 * noise((20, 40, 40))).astype(np.int8)) == ()


def test_data_is_told_from_padding_at_another_voxel_size() -> None:
    data = padded((30 * noise((20, 40, 40))).astype(np.int8), 0, 0.5)
    valid = is_data(data, (0.0,), (1.0,) * 3, (2.0,) * 3, (10, 20, 40))
    # The data has such values of its own, here and there.
    assert valid[:, :, :19].mean() > 0.999
    assert not valid[:, :, 20:].any()


@given(st.floats(-50, 50), st.floats(0.1, 20), st.integers(2, 30))
@settings(max_examples=20, deadline=None)
def test_the_mean_of_a_constant_is_that_constant(value: float, sigma: float, edge: int) -> None:
    volume = np.full((edge, edge + 3, 2 * edge), value, np.float32)
    np.testing.assert_allclose(local_mean(volume, sigma), value, rtol=1e-5, atol=1e-5)
    subtract_local_mean(volume, sigma)
    np.testing.assert_allclose(volume, 0, atol=1e-4)


def test_the_local_mean_is_that_of_a_gaussian() -> None:
    volume = ndimage.gaussian_filter(noise((48, 64, 64)), 12.0, mode="constant")
    volume /= volume.std()
    rest = volume.copy()
    subtract_local_mean(rest, 6.0)
    weight = ndimage.gaussian_filter(np.ones_like(volume), 6.0, mode="constant")
    exact = volume - ndimage.gaussian_filter(volume, 6.0, mode="constant") / weight
    assert np.abs(rest - exact).max() < 0.1


def test_what_is_left_out_does_not_count() -> None:
    data = noise((24, 40, 40)) + 5
    whole = np.concatenate([data, np.full_like(data, 100)], axis=2)
    valid = np.zeros(whole.shape, bool)
    valid[:, :, :40] = True
    found = normalise(whole, HOW, valid=valid)
    np.testing.assert_allclose(found[:, :, :40], normalise(data, HOW), atol=0.05)
    assert not found[:, :, 40:].any()


@pytest.mark.parametrize("shade", ["step", "ramp"])
def test_a_side_that_is_darker_looks_like_the_other(shade: str) -> None:
    data = noise((40, 80, 160))
    way = np.linspace(-2, 2, 160) if shade == "ramp" else 2.0 * (np.arange(160) >= 80)
    evened = normalise(data - way.astype(np.float32), HOW)
    plain = normalise(data - way.astype(np.float32), Normalisation())
    assert abs(np.median(plain[:, :, 120:]) - np.median(plain[:, :, :40])) > 1
    assert abs(np.median(evened[:, :, 120:]) - np.median(evened[:, :, :40])) < 0.5


def test_a_volume_without_data_is_zero() -> None:
    volume = noise((8, 8, 8))
    assert not normalise(volume, HOW, valid=np.zeros(volume.shape, bool)).any()
