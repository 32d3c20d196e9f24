"""Tiles cover every voxel, identity in is identity out, and the tiling does not show."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from vesimod.network.prediction import predict
from vesimod.network.tiling import AxisTile, axis_tiles, plan_tiles, read_tile, redundancy

geometry = st.integers(1, 4).flatmap(
    lambda divisor: st.tuples(st.just(divisor), st.integers(0, 3).map(lambda k: k * divisor))
)
axis = st.integers(1, 200).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.tuples(st.integers(0, n - 1), st.integers(1, n)).filter(lambda span: span[0] < span[1]),
    )
)


@pytest.mark.slow
@given(axis, geometry, st.integers(1, 9))
def test_what_is_kept_covers_what_is_wanted(
    where: tuple[int, tuple[int, int]], how: tuple[int, int], count: int
) -> None:
    (n, wanted), (divisor, halo) = where, how
    tiles = axis_tiles(n, count, halo, divisor, wanted)
    assert len(tiles) <= count
    assert tiles or count > 1
    kept = [voxel for tile in tiles for voxel in range(tile.first, tile.last)]
    assert not tiles or kept == list(range(*wanted))
    for tile in tiles:
        assert tile.high - tile.low == tiles[0].high - tiles[0].low
        assert tile.low % divisor == 0
        assert (tile.high - tile.low) % divisor == 0
        # Only the volume's own edges are nearer to what is kept than the halo.
        assert tile.low == 0 or tile.first - tile.low >= halo
        assert tile.high >= n or tile.high - tile.last >= halo


shapes = st.tuples(*[st.integers(1, 23)] * 3)


@pytest.mark.slow
@given(shapes, geometry, st.integers(1, 20000))
@settings(max_examples=60, deadline=None)
def test_identity_network_gives_back_the_volume(
    shape: tuple[int, int, int], how: tuple[int, int], max_voxels: int
) -> None:
    volume = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    same, double = np.empty_like(volume), np.empty_like(volume)
    tiles = plan_tiles(shape, max_voxels, how[1], how[0])
    predict(volume, lambda tile, _first, _last: [tile, 2 * tile], [same, double], tiles)
    np.testing.assert_array_equal(same, volume)
    np.testing.assert_array_equal(double, 2 * volume)


def pooling_network(tile: np.ndarray, _first: bool = True, _last: bool = True) -> list:
    """Something shaped like a U-Net: pools by 4, so its result depends on where tiles start."""
    z, y, x = tile.shape
    pooled = tile.reshape(z // 4, 4, y // 4, 4, x // 4, 4).max(axis=(1, 3, 5))
    blurred = ndimage.uniform_filter(pooled, 3, mode="constant")
    return [np.kron(blurred, np.ones((4, 4, 4), np.float32)) + tile]


WHOLE = (37, 50, 21)


def run(max_voxels: float, wanted: tuple | None = None) -> np.ndarray:
    volume = np.random.default_rng(3).normal(size=WHOLE).astype(np.float32)
    result = np.full(WHOLE, np.nan, np.float32)
    predict(volume, pooling_network, [result], plan_tiles(WHOLE, max_voxels, 8, 4, wanted))
    return result


@pytest.mark.parametrize("max_voxels", [1, 20**3, 24**3, 30000])
def test_result_does_not_depend_on_the_tile(max_voxels: int) -> None:
    np.testing.assert_allclose(run(max_voxels), run(np.inf), atol=1e-6)


@pytest.mark.slow
@given(st.lists(st.integers(1, 36), max_size=4, unique=True).map(sorted))
@settings(max_examples=20, deadline=None)
def test_slabs_together_are_the_whole(cuts: list[int]) -> None:
    edges = [0, *cuts, WHOLE[0]]
    slabs = [run(30**3, ((a, b), (0, WHOLE[1]), (0, WHOLE[2])))[a:b] for a, b in pairwise(edges)]
    np.testing.assert_allclose(np.concatenate(slabs), run(np.inf), atol=1e-6)


def test_tiles_of_one_grey_value_are_computed_once() -> None:
    volume = np.random.default_rng(3).normal(size=(24, 40, 160)).astype(np.float32)
    rounding = np.random.default_rng(4).uniform(-1e-6, 1e-6, (24, 40, 90))
    volume[:, :, 70:] = 0.3 + rounding  # as resampling leaves a constant
    tiles = plan_tiles(volume.shape, 24 * 40 * 40, 8, 4)
    seen = []

    def network(tile: np.ndarray, _first: bool, _last: bool) -> list:
        seen.append(tile)
        return pooling_network(tile)

    result, whole = np.zeros_like(volume), np.zeros_like(volume)
    predict(volume, network, [result], tiles)
    predict(volume, pooling_network, [whole], plan_tiles(volume.shape, np.inf, 8, 4))
    np.testing.assert_allclose(result, whole, atol=1e-5)
    assert sum(np.ptp(tile) < 1e-4 for tile in seen) == 1
    assert len(seen) < len(tiles) - 1


@pytest.mark.slow
def test_tiles_keep_to_the_limit_and_waste_little() -> None:
    for limit in (1e6, 3e6, 1.2e7):
        tiles = plan_tiles((128, 512, 512), limit, 24, 4)
        size = np.prod([axis.high - axis.low for axis in tiles[0]])
        assert size <= limit
    assert redundancy(tiles) < 0.3
    assert len(plan_tiles((128, 512, 512), 128 * 512 * 512, 24, 4)) == 1


def test_progress_counts_every_tile() -> None:
    seen: list[tuple[int, int]] = []
    volume = np.zeros((20, 20, 20), np.float32)
    tiles = plan_tiles((20, 20, 20), 12**3, 4, 4)
    predict(
        volume,
        lambda t, _first, _last: [t],
        [volume],
        tiles,
        lambda done, n: seen.append((done, n)),
    )
    assert seen == [(i + 1, len(tiles)) for i in range(len(tiles))]
    assert len(tiles) > 1


def test_redundancy_counts_halo() -> None:
    assert redundancy(plan_tiles((16, 16, 16), 16**3, 4, 4)) == 0
    assert redundancy(plan_tiles((15, 13, 9), np.inf, 4, 4)) == 0  # nothing overlaps
    assert redundancy(plan_tiles((16, 16, 32), 16 * 16 * 20, 4, 4)) == 0.25


def test_a_volume_of_one_voxel() -> None:
    (tile,) = plan_tiles((1, 1, 1), 1e6, 8, 4)
    assert read_tile(np.full((1, 1, 1), 7, np.float32), tile).tolist() == [[[7] * 4] * 4] * 4


@given(st.integers(1, 9), st.integers(0, 8), st.integers(1, 8))
def test_what_a_tile_lacks_is_reflected_by_the_volume(n: int, low: int, rows: int) -> None:
    low = min(low, n - 1)
    volume = np.random.default_rng(n).normal(size=(2, n, 3)).astype(np.float32)
    beyond = 16 + n
    expected = volume.repeat(beyond, axis=1) if n == 1 else volume
    if n > 1:
        expected = np.pad(volume, [(0, 0), (0, beyond), (0, 0)], mode="reflect")
    whole = AxisTile(0, 2, 0, 2), AxisTile(low, low + rows, low, n), AxisTile(0, 3, 0, 3)
    np.testing.assert_array_equal(read_tile(volume, whole), expected[:, low : low + rows])
