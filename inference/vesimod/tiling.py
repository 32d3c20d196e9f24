"""Run a network over a volume in overlapping tiles.

Every tile is computed with a halo that covers the network's receptive field, the result
is cross-faded where cores overlap, and the volume is continued by reflection at its edges:
a network that returns its input gives back the volume, to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Volume = npt.NDArray[np.float32]
Network = Callable[[Volume], list[Volume]]
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Tile:
    """One tile along all axes, in voxels of the volume; may reach beyond its edges.

    Parameters
    ----------
    low, size : (int, int, int)
        First voxel and edges (z, y, x) of what the network sees.
    """

    low: Shape
    size: Shape


def axis_tiles(n: int, tile: int, halo: int, divisor: int) -> tuple[list[int], int]:
    """Place tiles along one axis.

    Parameters
    ----------
    n : int
        Voxels along the axis.
    tile : int
        Preferred tile edge, a multiple of `divisor` and larger than 2 `halo`.
    halo : int
        Voxels at each side of a tile that are not trusted, a multiple of `divisor`.
    divisor : int
        Tile edges and starts are multiples of this: a network that pools sees the same
        voxels pooled together whatever the tile, so its result does not depend on the tiling.

    Returns
    -------
    starts : list of int
        First voxel of each tile, from -halo on; the trusted cores cover 0..n.
    edge : int
        Tile edge, at most `tile`.
    """
    count = -(-n // (tile - 2 * halo))
    # As few tiles as `tile` allows, and then no larger than that number needs.
    core = _round_up(-(-n // count), divisor)
    edge = core + 2 * halo
    if count == 1:
        return [-halo], edge
    last = _round_up(n - core, divisor)
    # Evenly spread: the overlap that is left over is shared by all tiles.
    starts = [i * last // (count - 1) // divisor * divisor for i in range(count)]
    return [start - halo for start in starts], edge


def plan_tiles(shape: Shape, tile: Shape, halo: int, divisor: int) -> list[Tile]:
    """Tiles whose trusted cores cover a volume of `shape` (z, y, x)."""
    axes = [axis_tiles(n, t, halo, divisor) for n, t in zip(shape, tile, strict=True)]
    size = (axes[0][1], axes[1][1], axes[2][1])
    return [Tile((z, y, x), size) for z in axes[0][0] for y in axes[1][0] for x in axes[2][0]]


def read_tile(volume: Volume, tile: Tile) -> Volume:
    """Cut a tile out of a volume, continuing the volume by reflection.

    Reflection repeats as often as needed, so that a volume smaller than a tile works too.
    """
    rows = [
        _reflect(low, size, n)
        for low, size, n in zip(tile.low, tile.size, volume.shape, strict=True)
    ]
    return np.ascontiguousarray(volume[np.ix_(*rows)])


def predict(
    volume: Volume,
    network: Network,
    outputs: int,
    tile: Shape,
    halo: int,
    divisor: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[Volume]:
    """Apply a network to a whole volume.

    Parameters
    ----------
    volume : (z, y, x) float32
        Normalised volume at the model's voxel size.
    network : callable
        Takes a tile (z, y, x) and returns `outputs` arrays of its shape.
    outputs : int
        Number of arrays the network returns.
    tile, halo, divisor
        As in `axis_tiles`.
    progress : callable, optional
        Called with (tiles done, tiles in all) after each tile.

    Returns
    -------
    list of (z, y, x) float32
        One volume per output.
    """
    shape = volume.shape
    tiles = plan_tiles((shape[0], shape[1], shape[2]), tile, halo, divisor)
    results = [np.zeros(shape, np.float32) for _ in range(outputs)]
    weight_sum = np.zeros(shape, np.float32)
    for done, place in enumerate(tiles, 1):
        inside, core = _core(place, halo, (shape[0], shape[1], shape[2]))
        weight = _blend_weight(place, halo)[core]
        for result, output in zip(results, network(read_tile(volume, place)), strict=True):
            result[inside] += output[core] * weight
        weight_sum[inside] += weight
        if progress:
            progress(done, len(tiles))
    for result in results:
        result /= weight_sum
    return results


def redundancy(shape: Shape, tile: Shape, halo: int, divisor: int) -> float:
    """Return voxels computed over voxels wanted, minus 1."""
    tiles = plan_tiles(shape, tile, halo, divisor)
    return sum(float(np.prod(t.size)) for t in tiles) / float(np.prod(shape)) - 1.0


def _round_up(n: int, divisor: int) -> int:
    """Round up to a multiple of `divisor`."""
    return -(-n // divisor) * divisor


def _reflect(low: int, size: int, n: int) -> npt.NDArray[np.int64]:
    """Fold indices low..low+size back into 0..n-1, the edge voxel not repeated."""
    if n == 1:
        return np.zeros(size, np.int64)
    period = 2 * (n - 1)
    folded = np.abs(np.arange(low, low + size)) % period
    return np.where(folded < n, folded, period - folded)


Slices = tuple[slice, slice, slice]


def _core(tile: Tile, halo: int, shape: Shape) -> tuple[Slices, Slices]:
    """Trusted part of a tile: its place in the volume, and within the tile."""
    first = [max(low + halo, 0) for low in tile.low]
    last = [
        min(low + size - halo, n) for low, size, n in zip(tile.low, tile.size, shape, strict=True)
    ]
    z, y, x = (slice(a, b) for a, b in zip(first, last, strict=True))
    cz, cy, cx = (slice(a - low, b - low) for a, b, low in zip(first, last, tile.low, strict=True))
    return (z, y, x), (cz, cy, cx)


def _blend_weight(tile: Tile, halo: int) -> Volume:
    """Weights that fall linearly towards the edges of the trusted core, never to zero."""
    ramps = []
    for size in tile.size:
        distance = np.minimum(np.arange(size), np.arange(size)[::-1]) - halo + 1.0
        ramps.append(np.clip(distance, 0.0, None))
    z, y, x = ramps
    weight: Volume = (z[:, None, None] * y[:, None] * x).astype(np.float32)
    return weight
