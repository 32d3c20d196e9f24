"""Tiles cover every voxel, identity in is identity out, and the tiling does not show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from vesimod.tiling import axis_tiles, plan_tiles, predict, redundancy

geometry = st.integers(1, 4).flatmap(
    lambda divisor: st.tuples(
        st.just(divisor),
        st.integers(0, 3).map(lambda k: k * divisor),
        st.integers(1, 5),
    )
)


@given(st.integers(1, 200), geometry)
def test_cores_cover_every_voxel(n: int, how: tuple[int, int, int]) -> None:
    divisor, halo, cores = how
    tile = 2 * halo + cores * divisor
    starts, edge = axis_tiles(n, tile, halo, divisor)
    assert edge <= tile
    assert edge % divisor == 0
    assert all((start + halo) % divisor == 0 for start in starts)
    covered = np.zeros(n, int)
    for start in starts:
        covered[max(0, start + halo) : start + edge - halo] += 1
    assert covered.min() >= 1
    assert len(starts) == -(-n // (tile - 2 * halo)), "more tiles than needed"


@given(st.tuples(*[st.integers(1, 23)] * 3), geometry)
@settings(max_examples=60, deadline=None)
def test_identity_network_gives_back_the_volume(
    shape: tuple[int, int, int], how: tuple[int, int, int]
) -> None:
    divisor, halo, cores = how
    tile = (2 * halo + cores * divisor,) * 3
    volume = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    same, double = predict(volume, lambda t: [t, 2 * t], 2, tile, halo, divisor)
    np.testing.assert_allclose(same, volume, atol=1e-6)
    np.testing.assert_allclose(double, 2 * volume, atol=1e-6)


def pooling_network(tile: np.ndarray[tuple[int, int, int], np.dtype[np.float32]]) -> list:
    """Something shaped like a U-Net: pools by 4, so its result depends on where tiles start."""
    z, y, x = tile.shape
    pooled = tile.reshape(z // 4, 4, y // 4, 4, x // 4, 4).max(axis=(1, 3, 5))
    blurred = ndimage.uniform_filter(pooled, 3, mode="nearest")
    return [np.kron(blurred, np.ones((4, 4, 4), np.float32)) + tile]


@pytest.mark.parametrize("edge", [24, 32, 44, 64])
def test_result_does_not_depend_on_the_tile(edge: int) -> None:
    volume = np.random.default_rng(3).normal(size=(37, 50, 21)).astype(np.float32)
    (whole,) = predict(volume, pooling_network, 1, (80, 80, 80), 8, 4)
    (tiled,) = predict(volume, pooling_network, 1, (edge,) * 3, 8, 4)
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


def test_progress_counts_every_tile() -> None:
    seen: list[tuple[int, int]] = []
    volume = np.zeros((20, 20, 20), np.float32)
    predict(volume, lambda t: [t], 1, (16, 16, 16), 4, 4, lambda d, t: seen.append((d, t)))
    assert seen == [(i + 1, 27) for i in range(27)]
    assert len(plan_tiles((20, 20, 20), (16, 16, 16), 4, 4)) == 27


def test_redundancy_counts_halo() -> None:
    assert redundancy((16, 16, 16), (16, 16, 16), 0, 4) == 0
    assert redundancy((8, 8, 8), (16, 16, 16), 4, 4) == 7
