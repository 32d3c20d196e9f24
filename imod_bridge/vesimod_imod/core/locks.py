"""One run at a time on one output: a lock file that tells who holds it, and since when.

A lock of a process that died is taken over. Whether one on another computer lives is seen from
the lock's date, which its owner renews every minute.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from vesimod_imod.core.errors import VesimodError
from vesimod_imod.core.files import (
    check_writable,
    marked_unfinished,
    own,
    remove_leftovers,
    remove_own,
    temporary_path,
)
from vesimod_imod.core.owners import parse_owner, this_process

RENEWAL_S = 60.0
YOUNG_S = 2.0  # a lock that says nothing may be one that is being made


class InUseError(VesimodError, RuntimeError):
    """Another run that is alive writes the same files."""


def lock_path(file: Path) -> Path:
    """Path of the lock that stands for a file."""
    return file.with_name(f".{file.name}.lock")


@contextmanager
def only_writer(files: Iterable[Path]) -> Iterator[None]:
    """Hold the locks of files that are to be written.

    What killed runs left in their folders, temporary files and locks, is removed.

    Raises
    ------
    InUseError
        A process that is alive holds one; the message names it.
    OSError
        See `check_writable`.
    """
    with ExitStack() as held:
        locks = []
        # One may be named twice, or in two ways; that is not for us to judge.
        for file in {file.parent.resolve() / file.name: file for file in files}.values():
            lock = lock_path(file)
            check_writable(lock, overwrite=True)
            _take(lock, file)
            held.callback(remove_own, lock)
            locks.append(lock)
        over = threading.Event()
        threading.Thread(target=_renew, args=(locks, over), daemon=True).start()
        held.callback(over.set)
        yield


@contextmanager
def writing(path: Path, others: Iterable[Path | None] = ()) -> Iterator[None]:
    """Write files that belong together: nobody else meanwhile, and a kill shows later.

    Parameters
    ----------
    path : Path
        The file that is written last; it bears the mark of `marked_unfinished`.
    others : iterable of Path
        What belongs to it; None stands for a file that is not wanted.

    Raises
    ------
    InUseError, OSError
        See `only_writer`.
    """
    files = [path, *(other for other in others if other is not None)]
    with only_writer(files), marked_unfinished(path, files):
        yield


def _take(lock: Path, file: Path) -> None:
    """Make the lock, or refuse; dead owners' locks in the folder are moved out of the way."""
    remove_leftovers(lock)
    with _one_at_a_time(lock.parent), temporary_path(lock) as mine:
        for other in lock.parent.glob(".*.lock"):
            _remove_if_dead(other)
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        mine.write_text(
            f"process {os.getpid()} on {platform.node()}, since {since}\n{this_process()}\n",
            encoding="utf-8",
            newline="\n",
        )
        while not _linked(mine, lock):
            holder = _remove_if_dead(lock)
            if holder is not None:
                remedy = f"wait for it, stop it, or write elsewhere; if it is dead, delete {lock}"
                raise InUseError(f"{file}: {holder}, is writing it; {remedy}")
    own(lock)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Keep others from taking locks in a folder meanwhile, where the system can.

    Without it two that take over a dead one's lock at the same moment may both succeed.
    """
    if sys.platform == "win32":  # nor can a file that is open be replaced there
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network disks cannot
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _remove_if_dead(lock: Path) -> str | None:
    """Say who holds a lock; None where there is none, or was one of a dead process."""
    try:
        text = lock.read_text(encoding="utf-8", errors="replace")
        age_s = time.time() - lock.stat().st_mtime
    except FileNotFoundError:
        return None
    except PermissionError:  # Windows: somebody is just removing it
        return "a process"
    owner = parse_owner(text)
    if owner is None and (text or age_s < YOUNG_S):
        return "a process"  # or a file of another program
    if owner is not None and owner.lives(lock):
        return text.splitlines()[0]
    with temporary_path(lock) as dead, suppress(FileNotFoundError):
        lock.replace(dead)  # two that take it over at once cannot both succeed
        if dead.read_text(encoding="utf-8", errors="replace") != text:
            _linked(dead, lock)  # somebody was faster: it is theirs
    return None


def _linked(source: Path, lock: Path) -> bool:
    """Give a file that is there a second name, unless that is taken."""
    try:
        os.link(source, lock)
    except FileExistsError:
        return False
    except OSError:  # a disk without links: there is a moment in which the lock says nothing
        try:
            with lock.open("xb") as stream:
                stream.write(source.read_bytes())
        except FileExistsError:
            return False
    return True


def _renew(locks: list[Path], over: threading.Event) -> None:
    """Show those on other computers that the owner lives."""
    while not over.wait(RENEWAL_S):
        for lock in locks:
            with suppress(OSError):
                os.utime(lock)
