"""How much of the free memory a run uses."""

from __future__ import annotations

import math

from vesimod.io.free_memory import GB, free_memory_gb

__all__ = ["GB", "LEAST_GB", "default_memory_gb", "free_memory_gb", "share_memory"]

USED_SHARE = 0.25  # of what is free: acquisition programs on the same PC must not be starved
LEAST_GB = 0.5
ARRAYS_SHARE = 0.5  # of the memory, beyond which whole volumes go to temporary files
FLOAT_BYTES = 4


def default_memory_gb() -> float:
    """Memory in GB that a run may use unless told otherwise: a quarter of what is free."""
    return max(USED_SHARE * free_memory_gb(), LEAST_GB)


def share_memory(
    shape: tuple[int, int, int], volumes: int, memory_gb: float | None
) -> tuple[bool, float]:
    """Decide whether whole volumes go to temporary files, and what is left for the network.

    Parameters
    ----------
    shape : (int, int, int)
        Of the tomogram at the model's voxel size.
    volumes : int
        How many of them there are, float32: the network's input and its outputs.
    memory_gb : float or None
        What may be used; None for `default_memory_gb`.

    Returns
    -------
    in_files : bool
    memory_gb : float
    """
    memory_gb = default_memory_gb() if memory_gb is None else memory_gb
    needed_gb = volumes * FLOAT_BYTES * math.prod(shape) / GB
    in_files = needed_gb > ARRAYS_SHARE * memory_gb
    return in_files, max(memory_gb - (0.0 if in_files else needed_gb), LEAST_GB)
