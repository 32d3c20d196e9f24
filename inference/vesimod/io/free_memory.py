"""How much memory the machine has left."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from pathlib import Path

GB = 1e9
ASSUMED_GB = 8.0  # where the system does not say


class _WindowsMemory(ctypes.Structure):
    """The structure MEMORYSTATUSEX of the Windows API."""

    _fields_ = (
        ("length", ctypes.c_ulong),
        ("load", ctypes.c_ulong),
        *((name, ctypes.c_ulonglong) for name in ("total", "free", "a", "b", "c", "d", "e")),
    )


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
