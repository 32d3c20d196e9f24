"""Run a network over a volume in tiles.

Neighbouring tiles overlap by twice the network's receptive field, of which each keeps its half:
every voxel of the result is what the network would give for the whole volume at once. So the
tiling is free to follow the memory there is. At the volume's own edges nothing is added, but for
a few reflected voxels where its size does not divide by what the network pools.

Tiles of one grey value (what a tomogram was padded with) are computed once: the network's answer
depends on nothing but the tile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

Volume = npt.NDArray[np.float32]
Network = Callable[[Volume], list[Volume]]
Shape = tuple[int, int, int]
Span = tuple[int, int]
Box = tuple[Span, Span, Span]
MAX_TILES = 200  # along one axis
LEAST_FLAT = 64  # voxels: fewer may be alike by chance
FLAT = 1e-4  # of the normalised grey values' unit; resampling rounds a constant by far less


@dataclass(frozen=True)
class AxisTile:
    """One tile along one axis, in voxels of the volume.

    Parameters
    ----------
    low, high : int
        What the network sees; `high` may lie beyond the volume by less than the divisor.
    first, last : int
        What is kept of it.
    """

    low: int
    high: int
    first: int
    last: int


Tile = tuple[AxisTile, AxisTile, AxisTile]


def axis_tiles(n: int, count: int, halo: int, divisor: int, wanted: Span) -> list[AxisTile]:
    """Cut one axis into tiles of one size.

    Parameters
    ----------
    n : int
        Voxels along the axis.
    count : int
        Tiles to cut it into; fewer come back where the halos leave no room for as many.
    halo : int
        Voxels next to a cut that are not kept, a multiple of `divisor`.
    divisor : int
        Tiles start at and have multiples of this: a network that pools sees the same voxels
        pooled together whatever the tile, so its result does not depend on the tiling.
    wanted : (int, int)
        First voxel whose result is wanted, and one beyond the last.

    Returns
    -------
    list of AxisTile
        What they keep covers `wanted`, without overlap.
    """
    low = max(0, wanted[0] - halo) // divisor * divisor
    high = min(_round_up(n, divisor), _round_up(wanted[1] + halo, divisor))
    edge = _round_up(-(-(high - low + 2 * halo * (count - 1)) // count), divisor)
    step = edge - 2 * halo
    if count == 1 or step < divisor:
        return [AxisTile(low, high, *wanted)] if count == 1 else []
    lows = [min(low + i * step, high - edge) for i in range(count)]
    lows = sorted(set(lows))
    cuts = [wanted[0], *(start + halo for start in lows[1:]), wanted[1]]
    tiles = zip(lows, cuts[:-1], cuts[1:], strict=True)
    return [AxisTile(start, start + edge, a, b) for start, a, b in tiles if a < b]


def plan_tiles(
    shape: Shape, max_voxels: float, halo: int, divisor: int, wanted: Box | None = None
) -> list[Tile]:
    """Cut a volume into the tiles that cost least.

    Parameters
    ----------
    shape : (int, int, int)
        Of the volume (z, y, x).
    max_voxels : float
        A tile has no more, unless the halo alone asks for it.
    halo, divisor
        As in `axis_tiles`.
    wanted : three (int, int), optional
        The part of the volume whose result is wanted; default: all.

    Returns
    -------
    list of Tile
        All of one size; those along x follow each other.
    """
    box = wanted or ((0, shape[0]), (0, shape[1]), (0, shape[2]))
    axes = [_choices(n, halo, divisor, span) for n, span in zip(shape, box, strict=True)]
    best, least = None, np.inf
    for z, y, x in product(*axes):
        size = _edge(z) * _edge(y) * _edge(x)
        # Too large is worse than any cost, and the more so the larger.
        cost = size * len(z) * len(y) * len(x) if size <= max_voxels else 1e30 * size
        if cost < least:
            best, least = (z, y, x), cost
    assert best is not None  # one tile is always a choice
    return list(product(*best))


def predict(
    volume: Volume,
    network: Network,
    results: Sequence[Volume],
    tiles: Sequence[Tile],
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Apply a network tile by tile.

    Parameters
    ----------
    volume : (z, y, x) float32
        Normalised volume at the model's voxel size.
    network : callable
        Takes a tile (z, y, x) and returns one array of its shape for each of `results`.
    results : sequence of (z, y, x) float32
        Filled where the tiles keep something.
    tiles : sequence of Tile
        From `plan_tiles`.
    progress : callable, optional
        Called with (tiles done, tiles in all) after each tile.
    """
    grey, answer = np.nan, list[Volume]()  # of the last tile of one grey value
    for done, tile in enumerate(tiles, 1):
        kept = tuple(slice(*span) for span in kept_box(tile))
        within = tuple(slice(axis.first - axis.low, axis.last - axis.low) for axis in tile)
        seen = read_tile(volume, tile)
        flat = seen.size >= LEAST_FLAT and np.ptp(seen) <= FLAT
        if flat and abs(seen.flat[0] - grey) <= FLAT:
            outputs = answer
        else:
            outputs = network(seen)
            if flat:
                grey, answer = float(seen.flat[0]), [output.copy() for output in outputs]
        for result, output in zip(results, outputs, strict=True):
            result[kept] = output[within]
        # They lie in onnxruntime's memory: kept until the next tile is done, they break it up so
        # that it takes 1.6 times as much.
        del outputs, output
        if progress:
            progress(done, len(tiles))


def kept_box(tile: Tile) -> Box:
    """Return the voxels that a tile keeps: first and one beyond the last, along each axis."""
    z, y, x = ((axis.first, axis.last) for axis in tile)
    return z, y, x


def read_tile(volume: Volume, tile: Tile) -> Volume:
    """Cut a tile out of a volume, continued by reflection where it ends too early."""
    inside = tuple(
        slice(axis.low, min(axis.high, n)) for axis, n in zip(tile, volume.shape, strict=True)
    )
    piece = volume[inside]
    for axis, place in enumerate(tile):
        missing = place.high - place.low - piece.shape[axis]
        if missing:
            width = [(0, missing if other == axis else 0) for other in range(3)]
            # A single voxel has nothing to reflect but itself.
            piece = np.pad(piece, width, mode="reflect" if piece.shape[axis] > 1 else "edge")
    return np.ascontiguousarray(piece, np.float32)


def tile_voxels(tiles: Sequence[Tile]) -> int:
    """Voxels that the network sees of each tile."""
    return int(np.prod([axis.high - axis.low for axis in tiles[0]]))


def redundancy(tiles: Sequence[Tile]) -> float:
    """Return voxels computed over voxels kept, minus 1."""
    computed = float(tile_voxels(tiles)) * len(tiles)
    kept = sum(float(np.prod([axis.last - axis.first for axis in tile])) for tile in tiles)
    return computed / kept - 1.0


def _choices(n: int, halo: int, divisor: int, wanted: Span) -> list[list[AxisTile]]:
    """All ways to cut one axis, coarsest first, each into smaller tiles than the one before."""
    choices: list[list[AxisTile]] = []
    for count in range(1, MAX_TILES):
        tiles = axis_tiles(n, count, halo, divisor, wanted)
        if not tiles:
            break
        if not choices or _edge(tiles) < _edge(choices[-1]):
            choices.append(tiles)
    return choices


def _edge(tiles: Sequence[AxisTile]) -> int:
    """Voxels that each tile along an axis has."""
    return tiles[0].high - tiles[0].low


def _round_up(n: int, divisor: int) -> int:
    """Round up to a multiple of `divisor`."""
    return -(-n // divisor) * divisor
