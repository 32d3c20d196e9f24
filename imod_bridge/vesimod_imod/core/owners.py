"""Which process owns a file that is there only while somebody works, and whether it still lives."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SILENT_S = 3600.0  # after which the owner of a file, on another computer, is taken for dead
_TOKEN = re.compile(r"([0-9a-f]{8})-([0-9]+)-([0-9a-f]{8})")


@dataclass(frozen=True)
class Owner:
    """A process, told apart from those that had, or will have, its number.

    Parameters
    ----------
    host : str
        The computer, or the container with numbers of its own, as a short hash of its name.
    pid : int
    start : str
        When the process began, as a short hash of what the system says.
    """

    host: str
    pid: int
    start: str

    def __str__(self) -> str:
        return f"{self.host}-{self.pid}-{self.start}"

    @property
    def is_here(self) -> bool:
        """Whether it runs, or ran, on this computer."""
        return self.host == _short(_host())

    def lives(self, file: Path) -> bool:
        """Whether the owner of a file still works.

        Of a process on another computer that can only be told from the file: somebody has
        written to it, or touched it, within the last hour.
        """
        if self.is_here:
            return _short(_start_of(self.pid)) == self.start or _is_hidden(self.pid)
        with suppress(OSError):
            return time.time() - file.stat().st_mtime < SILENT_S
        return False


def this_process() -> Owner:
    """Return the owner of what this process makes."""
    return Owner(_short(_host()), os.getpid(), _short(_start_of(os.getpid())))


def parse_owner(text: str) -> Owner | None:
    """Find an owner, as `str` gives it, in a text."""
    found = _TOKEN.search(text)
    return None if found is None else Owner(found[1], int(found[2]), found[3])


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _host() -> str:
    """Name this computer, and where process numbers are counted anew, e.g. in a container."""
    with suppress(OSError, AttributeError):
        return f"{platform.node()} {Path('/proc/self/ns/pid').readlink()}"
    return platform.node()


def _is_hidden(pid: int) -> bool:
    """Whether there is a process that the system does not show us."""
    if sys.platform != "win32":
        with suppress(ProcessLookupError):
            try:
                os.kill(pid, 0)  # sends nothing
            except PermissionError:
                return not Path(f"/proc/{pid}/stat").exists()
    return False


def _start_of(pid: int) -> str:
    """Say when a process began, in the system's own words; nothing where there is none."""
    if sys.platform == "win32":
        return _windows_start_of(pid)
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        # The name of the program, in brackets, may hold anything.
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        state, *numbers = stat.rpartition(")")[2].split()
        return "" if state in "ZX" else f"{boot.strip()} {numbers[18]}"
    if Path("/proc/self/stat").exists():
        return ""
    # macOS
    line = ["ps", "-o", "lstart=", "-p", str(pid)]
    return subprocess.run(line, capture_output=True, text=True, check=False).stdout.strip()


def _windows_start_of(pid: int) -> str:
    """`_start_of` on Windows."""
    if sys.platform != "win32":
        raise NotImplementedError
    import ctypes

    query_limited_information, still_active = 0x1000, 259
    kernel = ctypes.windll.kernel32
    handle = kernel.OpenProcess(query_limited_information, False, pid)
    if not handle:
        return ""
    try:
        code, times = ctypes.c_ulong(), [ctypes.c_ulonglong() for _ in range(4)]
        kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.GetProcessTimes(handle, *map(ctypes.byref, times))
        return "" if code.value != still_active else str(times[0].value)
    finally:
        kernel.CloseHandle(handle)
