"""Run an ONNX session on a tile strip by strip along y.

Networks of vesimod-train keep the rows that their layers still need from one strip to the next
(`vesimod_train.export.strips`): each input ``past_K`` takes what ``next_K`` gave. Memory then
follows the strip instead of the tile, and no row is computed twice. Given ``volume`` alone, the
graph takes it for a whole tile: ``past_K`` are then the zeros before it, ``end_of_tile`` is the row
of zeros after it. A network without such inputs takes whole tiles only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from vesimod_imod.core.arrays import Volume

from vesimod.network.spec import END, NEXT, PAST, ModelSpec
from vesimod.network.tiling import Strips
from vesimod.network.trial import checked_outputs, ended_in_time, try_network

FLOAT_BYTES = 4
GOES_ON = np.zeros((1, 1, 1, 0, 1), np.float32)  # no row after a strip's last: more will follow
ROWS_OF_DIVISOR = 4  # a strip has; fewer take 3 % longer, more take memory
# onnxruntime's memory grows by doubling; the last strip brings a halo's worth of results besides.
SLACK = 1.7


@dataclass(frozen=True)
class _Past:
    """Rows that a layer keeps: its channels, their number, and voxels of the tile to one of it."""

    channels: int
    rows: int
    scale: int


def takes_strips(session: Any) -> bool:
    """Whether a session's network takes a tile strip by strip."""
    return any(node.name == END for node in session.get_overridable_initializers())


class Runner:
    """Computes tiles with a session; see `Network` in `vesimod.network.prediction`.

    Parameters
    ----------
    ort : module
        onnxruntime.
    session : InferenceSession
    spec : ModelSpec
    device : {"cpu", "cuda"}
        Where the rows are kept.

    Raises
    ------
    ModelError
        The network fails `vesimod.network.trial.try_network`.
    """

    def __init__(self, ort: Any, session: Any, spec: ModelSpec, device: str) -> None:
        self._ort, self._session, self._spec, self._device = ort, session, spec, device
        self._kept: list[Any] = []  # onnxruntime's values, on its device
        try_network(self.run_least_tile, ort, spec, on_gpu=device != "cpu")
        self._past = self._look() if takes_strips(session) else []
        self.strips = self._plan() if self._past else None

    def __call__(self, rows: Volume, first: bool = True, last: bool = True) -> list[Volume]:
        """Compute a tile (z, y, x) or its next rows; return all rows that are finished."""
        if first and last:
            arrays = self._compute(self._spec.outputs, {"volume": rows[None, None]})
            return checked_outputs(arrays, rows.shape, self._spec.outputs)
        if last:
            # Its results are larger than those before: they would be put beside the pieces of
            # memory that are there.
            self.release()
        binding = self._session.io_binding()
        binding.bind_cpu_input("volume", np.ascontiguousarray(rows[None, None]))
        for number, value in enumerate([] if first else self._kept):
            binding.bind_ortvalue_input(f"{PAST}{number}", value)
        for name in self._spec.outputs:
            binding.bind_output(name)
        if first:
            self._kept = [self._empty(past, rows.shape) for past in self._past]
        if not last:
            goes_on = self._ort.OrtValue.ortvalue_from_numpy(GOES_ON)
            binding.bind_ortvalue_input(END, goes_on)
            for number, value in enumerate(self._kept):
                # In place of what it took: by then each layer has its own copy of that.
                binding.bind_ortvalue_output(f"{NEXT}{number}", value)
        options = self._ort.RunOptions()
        with ended_in_time(options, rows.shape):
            self._session.run_with_iobinding(binding, options)
        if last:
            self._kept = []
        values = binding.get_outputs()[: len(self._spec.outputs)]
        # How many rows are finished by now is the network's affair.
        shape = (rows.shape[0], None, rows.shape[2])
        return checked_outputs([value.numpy() for value in values], shape, self._spec.outputs)

    def release(self) -> None:
        """Give the session's memory back to the system."""
        # It is given back after a run only: one of the least tile.
        shrink = self._ort.RunOptions()
        arenas = "cpu:0" if self._device == "cpu" else "cpu:0;gpu:0"
        shrink.add_run_config_entry("memory.enable_memory_arena_shrinkage", arenas)
        self.run_least_tile(shrink)

    def run_least_tile(self, options: Any) -> Sequence[Any]:
        """Compute the smallest tile there is, with `options` of onnxruntime; return its arrays."""
        least = np.zeros((1, 1, *[self._spec.divisor] * 3), np.float32)
        arrays: Sequence[Any] = self._session.run(
            list(self._spec.outputs), {"volume": least}, options
        )
        return arrays

    def _compute(self, names: Sequence[str], feed: dict[str, Any]) -> Sequence[Any]:
        """Return the outputs with these names."""
        options = self._ort.RunOptions()
        with ended_in_time(options, feed["volume"].shape[2:]):
            arrays: Sequence[Any] = self._session.run(list(names), feed, options)
        return arrays

    def _look(self) -> list[_Past]:
        """Learn from a small strip what is kept; nothing where optional inputs do not count."""
        edge = self._spec.divisor
        strip = np.zeros((1, 1, edge, self._spec.halo + edge, edge), np.float32)
        optional = [node.name for node in self._session.get_overridable_initializers()]
        count = sum(name.startswith(PAST) for name in optional)
        names = [self._spec.outputs[0], *(f"{NEXT}{number}" for number in range(count))]
        finished, *kept = self._compute(names, {"volume": strip, END: GOES_ON})
        if finished.shape == strip.shape:
            return []
        return [_Past(each.shape[1], each.shape[3], edge // each.shape[2]) for each in kept]

    def _plan(self) -> Strips:
        """Say how many rows a strip has, and how many rows' memory a tile takes."""
        step = ROWS_OF_DIVISOR * self._spec.divisor
        kept = FLOAT_BYTES * sum(past.channels * past.rows / past.scale**2 for past in self._past)
        first = self._spec.halo + self._spec.divisor
        held = kept / self._spec.bytes_per_voxel + max(2 * step, SLACK * first)
        return Strips(first, step, self._spec.divisor, held, SLACK)

    def _empty(self, past: _Past, tile: Sequence[int]) -> Any:
        z, x = tile[0] // past.scale, tile[2] // past.scale
        shape = [1, past.channels, z, past.rows, x]
        return self._ort.OrtValue.ortvalue_from_shape_and_type(shape, np.float32, self._device, 0)
