"""Run a network over a volume tile by tile, each strip of one grey value only once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from vesimod_imod.core.arrays import Volume

from vesimod.network.tiling import Strips, Tile, read_tile

# Takes a tile (z, y, x), or the next of its rows along y, then whether they are its first and its
# last; returns, for each result, the rows that are finished by then and were not returned before.
Network = Callable[[Volume, bool, bool], list[Volume]]
LEAST_FLAT = 64  # voxels: fewer may be alike by chance
FLAT = 1e-4  # of the normalised grey values' unit; resampling rounds a constant by far less


def predict(
    volume: Volume,
    network: Network,
    results: Sequence[Volume],
    tiles: Sequence[Tile],
    progress: Callable[[int, int], None] | None = None,
    strips: Strips | None = None,
) -> None:
    """Apply a network tile by tile.

    Parameters
    ----------
    volume : (z, y, x) float32
        Normalised volume at the model's voxel size.
    network : Network
        Gives as many arrays as there are `results`.
    results : sequence of (z, y, x) float32
        Filled where the tiles keep something.
    tiles : sequence of Tile
        From `plan_tiles`.
    progress : callable, optional
        Called with (strips done, strips in all) after each strip; without `strips`, they are tiles.
    strips : Strips, optional
        How the network takes a tile; default: whole.
    """
    cut = [[tile[1]] if strips is None else strips.cut(tile[1]) for tile in tiles]
    done, count = 0, sum(map(len, cut))
    network = FlatOnce(network, strips)
    for tile, parts in zip(tiles, cut, strict=True):
        row = tile[1].low
        for part in parts:
            rows = read_tile(volume, (tile[0], part, tile[2]))
            outputs = network(rows, part is parts[0], part is parts[-1])
            _keep(results, outputs, tile, row)
            row += outputs[0].shape[1]
            # They lie in onnxruntime's memory: kept until the next strip is done, they break it
            # up so that it takes 1.6 times as much.
            del outputs
            done += 1
            if progress:
                progress(done, count)


class FlatOnce:
    """A `Network` that computes tiles, or strips, of one grey value only once.

    Tomograms are padded with one value, and the answer depends on nothing but what is seen.

    Parameters
    ----------
    network : Network
        What to spare.
    strips : Strips or None
        How it takes a tile.
    """

    def __init__(self, network: Network, strips: Strips | None) -> None:
        self._network, self._in_strips = network, strips is not None
        # A strip also shows what came before it, as far as the network looks.
        self._enough = 0 if strips is None else 2 * strips.first + strips.step
        self._grey, self._answer = np.nan, list[Volume]()
        self._rows = 0  # of that grey value in a row, up to now

    def __call__(self, rows: Volume, first: bool, last: bool) -> list[Volume]:
        """Compute a tile (z, y, x) or its next rows, or give the answer that is known."""
        flat = rows.size >= LEAST_FLAT and bool(np.ptp(rows) <= FLAT)
        if flat and not abs(rows.flat[0] - self._grey) <= FLAT:
            self._grey, self._answer, self._rows = float(rows.flat[0]), [], 0
        if self._in_strips and (first or not flat):
            self._rows = 0
        # The last strip of a tile also gives what waited for the tile's end.
        reusable = flat and self._rows >= self._enough and not (self._in_strips and last)
        if flat:
            self._rows += rows.shape[1]
        if reusable and self._answer and self._answer[0].shape[1] == rows.shape[1]:
            return self._answer
        outputs = self._network(rows, first, last)
        if flat:
            self._answer = [output.copy() for output in outputs]
        return outputs


def _keep(results: Sequence[Volume], outputs: Sequence[Volume], tile: Tile, row: int) -> None:
    """Write what a tile keeps of some of its rows, whose first is `row` of the volume."""
    z, y, x = tile
    first, last = max(y.first, row), min(y.last, row + outputs[0].shape[1])
    if first >= last:
        return
    within = (
        slice(z.first - z.low, z.last - z.low),
        slice(first - row, last - row),
        slice(x.first - x.low, x.last - x.low),
    )
    for result, output in zip(results, outputs, strict=True):
        result[z.first : z.last, first:last, x.first : x.last] = output[within]
