"""How much memory there is, and how much of it to use."""

from __future__ import annotations

import contextlib
import ctypes
import math
import sys
from pathlib import Path

GB = 1e9
USED_SHARE = 0.25  # of what is free: acquisition programs on the same PC must not be starved
ASSUMED_GB = 8.0  # where the system does not say
LEAST_GB = 0.5
ARRAYS_SHARE = 0.5  # of the memory, beyond which whole volumes go to temporary files
FLOAT_BYTES = 4


class _WindowsMemory(ctypes.Structure):
    """The structure MEMORYSTATUSEX of the Windows API."""

    _fields_ = (
        ("length", ctypes.c_ulong),
        ("load", ctypes.c_ulong),
        *((name, ctypes.c_ulonglong) for name in ("total", "free", "a", "b", "c", "d", "e")),
    )


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


def free_memory_gb() -> float:
    """Memory in GB that programs can still get, within this process's own limits."""
    if sys.platform == "win32":
        status = _WindowsMemory()
        status.length = ctypes.sizeof(status)
        ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return float(status.free) / GB
    free = [ASSUMED_GB]
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        available = next(line for line in lines if line.startswith("MemAvailable"))
        free = [float(available.split()[1]) * 1024 / GB]
    # Containers and cluster queues set a limit of their own; "max" is not a number.
    with contextlib.suppress(OSError, ValueError):
        limit = float(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
        used = float(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii"))
        free.append((limit - used) / GB)
    return min(free)
