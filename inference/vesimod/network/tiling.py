"""Cut a volume into tiles for a network, and read them.

Neighbouring tiles overlap by twice the network's receptive field, of which each keeps its half:
every voxel of the result is what the network would give for the whole volume at once. So the
tiling is free to follow the memory there is. At the volume's own edges nothing is added, but for
a few reflected voxels where its size does not divide by what the network pools.

Some networks take a tile strip by strip along y, so that memory does not grow with its length:
tiles are then as long as what is wanted, and overlap along z and x only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from vesimod_imod.core.arrays import Volume

Shape = tuple[int, int, int]
Span = tuple[int, int]
Box = tuple[Span, Span, Span]
MAX_TILES = 200  # along one axis


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


@dataclass(frozen=True)
class Strips:
    """How a network takes a tile strip by strip along y.

    Parameters
    ----------
    first, step, last : int
        Rows of the first strip, of the others, and of the last; multiples of the divisor.
    held : float
        Rows for which a tile of several strips takes memory.
    slack : float
        Rows for which a tile of one strip does, over those that it has.
    """

    first: int
    step: int
    last: int
    held: float
    slack: float = 1.0

    def rows_in_memory(self, rows: int) -> float:
        """Rows for which a tile of so many takes memory."""
        return self.held if rows > self.first + self.last else self.slack * rows

    def cut(self, axis: AxisTile) -> list[AxisTile]:
        """Cut a tile's y axis into strips; one may have fewer rows than it should."""
        starts = [axis.low]
        if axis.high - axis.low > self.first + self.last:
            end = axis.high - self.last
            starts += [*range(axis.low + self.first, end, self.step), end]
        ends = [*starts[1:], axis.high]
        return [replace(axis, low=low, high=high) for low, high in zip(starts, ends, strict=True)]


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
    shape: Shape,
    max_voxels: float,
    halo: int,
    divisor: int,
    wanted: Box | None = None,
    strips: Strips | None = None,
) -> list[Tile]:
    """Cut a volume into the tiles that cost least.

    Parameters
    ----------
    shape : (int, int, int)
        Of the volume (z, y, x).
    max_voxels : float
        A tile takes memory for no more, unless the halo alone asks for it.
    halo, divisor
        As in `axis_tiles`.
    wanted : three (int, int), optional
        The part of the volume whose result is wanted; default: all.
    strips : Strips, optional
        How the network takes a tile; default: whole.

    Returns
    -------
    list of Tile
        All of one size; those along x follow each other.
    """
    box = wanted or ((0, shape[0]), (0, shape[1]), (0, shape[2]))
    axes = [_choices(n, halo, divisor, span) for n, span in zip(shape, box, strict=True)]
    best, least = None, np.inf
    for z, y, x in product(*axes):
        size = _in_memory(_edge(z), _edge(y), _edge(x), strips)
        work = _edge(z) * _edge(y) * _edge(x) * len(z) * len(y) * len(x)
        # Too large is worse than any cost, and the more so the larger.
        cost = work if size <= max_voxels else 1e30 * size
        if cost < least:
            best, least = (z, y, x), cost
    assert best is not None  # one tile is always a choice
    return list(product(*best))


def kept_box(tile: Tile) -> Box:
    """Return the voxels that a tile keeps: first and one beyond the last, along each axis."""
    z, y, x = ((axis.first, axis.last) for axis in tile)
    return z, y, x


def read_tile(volume: Volume, tile: Tile) -> Volume:
    """Cut a tile out of a volume, continued by reflection where it ends too early."""
    ends = [place.high > n for place, n in zip(tile, volume.shape, strict=True)]
    inside = [slice(axis.low, axis.high) for axis in tile]
    part = volume[tuple(np.s_[:] if end else span for end, span in zip(ends, inside, strict=True))]
    for axis in np.flatnonzero(ends):
        # By the volume's voxels: a tile's, or a strip's, may be too few to be reflected.
        last = volume.shape[axis] - 1
        way = np.arange(tile[axis].low, tile[axis].high) % max(2 * last, 1)
        part = part.take(np.minimum(way, 2 * last - way), axis)
    return np.ascontiguousarray(part, np.float32)


def voxels_in_memory(tiles: Sequence[Tile], strips: Strips | None = None) -> float:
    """Voxels for which each tile takes memory; without `strips`, all that the network sees."""
    z, y, x = (axis.high - axis.low for axis in tiles[0])
    return _in_memory(z, y, x, strips)


def redundancy(tiles: Sequence[Tile]) -> float:
    """Return voxels computed over those of one tile in the place of all, minus 1."""
    axes = list(zip(*tiles, strict=True))
    alone = np.prod([max(t.high for t in axis) - min(t.low for t in axis) for axis in axes])
    return voxels_in_memory(tiles) * len(tiles) / float(alone) - 1.0


def _in_memory(z: int, y: int, x: int, strips: Strips | None) -> float:
    """Voxels for which a tile of that size takes memory."""
    return float(z * x) * (y if strips is None else strips.rows_in_memory(y))


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
