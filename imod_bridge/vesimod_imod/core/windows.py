"""What Windows does differently with files; elsewhere these functions ask for nothing more."""

from __future__ import annotations

import os
import time
from pathlib import Path

from vesimod_imod.core.errors import InputError

ON_WINDOWS = os.name == "nt"
TRIES, PAUSE_S = 10, 0.05  # virus scanners hold a new file for a moment
_PORTS = (f"{name}{number}" for name in ("com", "lpt") for number in range(1, 10))
_DEVICES = {"con", "prn", "aux", "nul", *_PORTS}
_NOT_IN_NAMES = '<>:"|?*'


def check_name(path: Path) -> None:
    """Refuse a name that Windows takes for something else than a file.

    ``nul.mod`` is a device there, and ``a:b.mod`` a hidden part of the file ``a``: what is
    written to either cannot be found again.

    Raises
    ------
    InputError
    """
    if not ON_WINDOWS:
        return
    if path.name.partition(".")[0].strip().casefold() in _DEVICES:
        raise InputError(f"{path}: is the name of a device on Windows; choose another name")
    wrong = sorted(set(path.name) & set(_NOT_IN_NAMES))
    if wrong:
        raise InputError(f"{path}: Windows has no {' '.join(wrong)} in names; choose another name")


def check_closed(path: Path) -> None:
    """Refuse to replace a file that another program holds open, before work goes into it.

    Raises
    ------
    PermissionError
    """
    if not ON_WINDOWS:  # where files that are open can be replaced
        return
    try:
        with path.open("rb+"):
            pass
    except PermissionError as error:
        raise _held(path, error) from error


def replace(source: Path, target: Path) -> None:
    """Rename a file over another one; on Windows with patience, for that may be open.

    Raises
    ------
    PermissionError
        It names the target, and what to do.
    """
    for tries_left in reversed(range(TRIES if ON_WINDOWS else 1)):
        try:
            source.replace(target)
        except PermissionError as error:
            if not tries_left:
                raise _held(target, error) from error
            time.sleep(PAUSE_S)
        else:
            return


def _held(path: Path, error: OSError) -> PermissionError:
    remedy = "close it in other programs, or write elsewhere"
    return PermissionError(error.errno, f"{error.strerror}; {remedy}", str(path))
