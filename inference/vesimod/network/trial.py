"""What a network returns is checked, and it is tried on a small tile first.

A model is a program from a file: it may return other arrays than it promises, numbers that are
none, want more memory than there is, or never end.
"""

from __future__ import annotations

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

LONGEST_TRIAL_S = 60.0  # for a few hundred voxels, which take milliseconds


def checked_outputs(arrays: Sequence[Any], shape: Sequence[int | None]) -> list[Volume]:
    """Return a network's arrays (1, 1, z, y, x) as (z, y, x) float32.

    Parameters
    ----------
    arrays : sequence of arrays
        What the session returned.
    shape : (int, int, int)
        That they must have; None where any will do.

    Raises
    ------
    ModelError
        An array has another shape, is not of numbers, or holds NaN or infinity.
    """
    outputs = []
    for array in arrays:
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
        # The extremes are NaN if any number is, and cost no copy.
        if output.size and not np.isfinite([output.min(), output.max()]).all():
            raise ModelError(
                "the network returns NaN or infinity; its weights are damaged, or its "
                "normalisation does not suit this tomogram"
            )
        outputs.append(output)
    return outputs


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
    options = ort.RunOptions()
    timer = threading.Timer(LONGEST_TRIAL_S, lambda: setattr(options, "terminate", True))
    timer.daemon = True
    timer.start()
    try:
        with _no_more_memory_than_free(on_gpu):
            arrays = run(options)
        checked_outputs(arrays, [spec.divisor] * 3)
    except ModelError:
        raise
    except Exception as error:  # onnxruntime's own exceptions share no base class but this
        if options.terminate:
            why = f"does not end: {LONGEST_TRIAL_S:.0f} s were not enough"
        else:
            why = f"fails ({' '.join(str(error).split())[:200]})"
        edge = spec.divisor
        raise ModelError(
            f"the network {why} for a tile of {edge} x {edge} x {edge} voxels; re-export it"
        ) from error
    finally:
        timer.cancel()


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
