"""What a network returns is checked, and it is tried on a small tile first.

A model is a program from a file: it may return other arrays than it promises, numbers that are
none, want more memory than there is, or never end.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from vesimod_imod.core.arrays import Volume

from vesimod.io.free_memory import GB, free_memory_gb
from vesimod.network.spec import ModelError, ModelSpec
from vesimod.network.spec_values import CHANCES

LONGEST_TRIAL_S = 60.0  # for a few hundred voxels, which take milliseconds
SLOWEST_VOXEL_S = 1e-3  # a hundred times what the slowest shipped network takes on one core
# What outputs may hold, and what else they are likely to be. 8 bits round a little over 1;
# distances in nm are clipped in training, and none is longer than a tomogram is wide.
RANGES = {
    **dict.fromkeys(
        CHANCES, (-0.01, 1.01, "0 to 1 must be; re-export it with a sigmoid at its end")
    ),
    "distance": (-1e4, 1e4, "a distance in nm must be; re-export it"),
}


def checked_outputs(
    arrays: Sequence[Any], shape: Sequence[int | None], names: Sequence[str] = ()
) -> list[Volume]:
    """Return a network's arrays (1, 1, z, y, x) as (z, y, x) float32.

    Parameters
    ----------
    arrays : sequence of arrays
        What the session returned.
    shape : (int, int, int)
        That they must have; None where any will do.
    names : sequence of str, optional
        Of the outputs: what is known by its name must lie in its range.

    Raises
    ------
    ModelError
        An array has another shape, is not of numbers, holds NaN or infinity, or numbers that
        its name does not allow.
    """
    outputs = []
    for number, array in enumerate(arrays):
        found = np.shape(array)
        fits = len(found) == 5 and found[:2] == (1, 1)
        if not fits or any(n not in (None, m) for n, m in zip(shape, found[2:], strict=True)):
            wanted = ", ".join("any" if n is None else str(n) for n in (1, 1, *shape))
            raise ModelError(
                f"the network returns an array of shape {found} where ({wanted}) must be; "
                "re-export the model with one channel an output, as large as its input"
            )
        if np.asarray(array).dtype.kind not in "fiu":
            raise ModelError("the network returns no numbers; re-export the model")
        output = np.asarray(array, np.float32)[0, 0]
        if output.size:
            _check_range(
                float(output.min()), float(output.max()), dict(enumerate(names)).get(number)
            )
        outputs.append(output)
    return outputs


def _check_range(low: float, high: float, name: str | None) -> None:
    """Raise `ModelError` where the extremes of an output are not what it may hold."""
    if not np.isfinite([low, high]).all():  # they are NaN if any number is
        raise ModelError(
            "the network returns NaN or infinity; its weights are damaged, or its "
            "normalisation does not suit this tomogram"
        )
    least, most, wanted = RANGES.get(name or "", (-np.inf, np.inf, ""))
    if low < least or high > most:
        raise ModelError(
            f"the network's {name} reaches from {low:.4g} to {high:.4g} where {wanted}"
        )


@contextmanager
def ended_in_time(options: Any, shape: Sequence[int]) -> Iterator[None]:
    """End a run of onnxruntime with these options where it takes too long for a tile.

    Its native code hears neither of Ctrl-C nor of exceptions.

    Parameters
    ----------
    options : onnxruntime.RunOptions
    shape : sequence of int
        Of the tile, in voxels.

    Raises
    ------
    ModelError
        It had to be ended.
    """
    seconds = LONGEST_TRIAL_S + SLOWEST_VOXEL_S * math.prod(shape)
    timer = threading.Timer(seconds, lambda: setattr(options, "terminate", True))
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:  # onnxruntime's own exceptions share no base class but this
        if options.terminate:
            raise ModelError(
                f"the network does not end: {seconds:.0f} s were not enough for a tile of "
                f"{' x '.join(map(str, shape))} voxels; re-export it"
            ) from error
        raise
    finally:
        timer.cancel()


def try_network(
    run: Callable[[Any], Sequence[Any]], ort: Any, spec: ModelSpec, on_gpu: bool
) -> None:
    """Run a network once on the smallest tile that it takes.

    Parameters
    ----------
    run : callable
        Computes that tile with the options of onnxruntime that it is given.
    ort : module
        onnxruntime.
    spec : ModelSpec
    on_gpu : bool
        A GPU's driver reserves addresses that are no memory: nothing is limited then.

    Raises
    ------
    ModelError
        It fails, never ends, wants more memory than is free, or returns something else than
        it promises.
    """
    options, edge = ort.RunOptions(), spec.divisor
    try:
        with (
            _no_more_memory_than_free(on_gpu),
            ended_in_time(options, [edge] * 3),
        ):
            arrays = run(options)
        checked_outputs(arrays, [edge] * 3, spec.outputs)
    except ModelError:
        raise
    except Exception as error:  # onnxruntime's own exceptions share no base class but this
        raise ModelError(
            f"the network fails ({' '.join(str(error).split())[:200]}) for a tile of "
            f"{edge} x {edge} x {edge} voxels; re-export it"
        ) from error


@contextmanager
def _no_more_memory_than_free(on_gpu: bool) -> Iterator[None]:
    """Let an allocation beyond the free memory fail, rather than have the system kill us later."""
    if on_gpu or sys.platform != "linux":
        yield
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + int(free_memory_gb() * GB)
    if soft != resource.RLIM_INFINITY:
        limit = min(limit, soft)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
