"""Writing files so that a failure never costs the user what was there before.

All temporary files are made here, under names that tell their owner, and cleared here: at once
where a run fails or is interrupted, by the next run in the same folder where one was killed.
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from vesimod_imod.core.owners import parse_owner, this_process
from vesimod_imod.core.windows import check_closed, check_name, replace

PREFIX = ".vesimod-"  # of temporary files; the owner follows
FULL = (errno.ENOSPC, errno.EDQUOT)
_numbers = count()
_own: dict[Path, int] = {}  # that are there now, and must not be when this process ends
_written: set[Path] = set()


def check_writable(path: Path, overwrite: bool, *, cut_short: bool = False) -> None:
    """Refuse an output early, before hours of work go into it.

    Parameters
    ----------
    path : Path
    overwrite : bool
        `path` may exist.
    cut_short : bool
        It is known to be of a run that did not end; else its own mark tells.

    Raises
    ------
    FileExistsError
        `path` exists and `overwrite` is false.
    NotADirectoryError, PermissionError, IsADirectoryError
        The folder is missing, cannot be written to, or `path` is a folder or, on Windows, open.
    InputError
        Windows takes the name for something else than a file.
    """
    path = Path(path)
    check_name(path)
    if not path.parent.is_dir():
        raise NotADirectoryError(f"{path.parent}: no such folder; create it or choose another")
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder; name a file")
    if path.exists() and not overwrite:
        unfinished = cut_short or mark_path(path).exists()
        why = "is of a run that was cut short" if unfinished else "exists already"
        raise FileExistsError(f"{path}: {why}; `overwrite=True` replaces it")
    if path.exists():
        check_closed(path)
    try:  # os.access is not to be trusted on network shares, nor for Windows folders
        with temporary_path(path):
            pass
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(path, error) from error
        raise PermissionError(
            f"{path.parent}: cannot write there ({error.strerror}); choose another folder"
        ) from error


def make_folder(folder: Path) -> None:
    """Make an output folder, and those around it, where it is not there yet.

    Raises
    ------
    NotADirectoryError
        It is a file, or lies in one.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise NotADirectoryError(f"{folder}: is a file, or lies in one; name a folder") from error


def check_regular(path: Path) -> None:
    """Refuse an input that is no file, before reading it hangs: a pipe or a device may never end.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        There is no such file, or it is a folder.
    OSError
        It is a pipe, a socket or a device.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder; name a file")
    if path.is_file():
        return
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    raise OSError(f"{path}: is a pipe or a device, not a file; write its content to a file first")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; rename it to `path` when the block succeeds.

    On any exception, Ctrl-C included, the temporary file is removed and `path` stays as it was.

    Raises
    ------
    OSError
        Of a full disk, it names `path` and the disk.
    """
    path = Path(path)
    remove_leftovers(path)
    try:
        with temporary_path(path) as temporary:
            yield temporary
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            replace(temporary, path)
            _written.add(path)
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(path, error) from error
        raise


@contextmanager
def temporary_path(path: Path) -> Iterator[Path]:
    """Give an empty file beside `path` with the same ending; it is gone after the block."""
    temporary = path.with_name(f"{PREFIX}{this_process()}-{next(_numbers)}{path.suffix}")
    own(temporary)
    try:
        # "x", for others may write to the folder; results are shared, unlike mkstemp's files.
        temporary.open("xb").close()
        yield temporary
    finally:
        remove_own(temporary)  # which a rename may have done


def mark_path(path: Path) -> Path:
    """Path of a file that is there while `path` and what belongs to it are written."""
    return path.with_name(f"{path.name}.unfinished")


@contextmanager
def marked_unfinished(path: Path, others: Iterable[Path] = ()) -> Iterator[None]:
    """Mark files as unfinished while they are written, so that a kill, or a failure, shows later.

    Parameters
    ----------
    path : Path
        The file that is written last.
    others : iterable of Path
        What belongs to it; without any of them the mark would say nothing.
    """
    mark = mark_path(path)
    mark.touch()
    try:
        yield
    except BaseException:
        if not any(file.exists() for file in (path, *others)):
            mark.unlink(missing_ok=True)
        raise
    mark.unlink(missing_ok=True)  # a part of this run may have had the same mark


def remove_leftovers(path: Path) -> None:
    """Remove temporary files and folders that killed processes left in the folder of `path`."""
    with suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if not entry.name.startswith(PREFIX):
                continue
            file, owner = Path(entry.path), parse_owner(entry.name)
            if owner is not None and not owner.lives(file):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(file, ignore_errors=True)
                else:
                    with suppress(OSError):
                        file.unlink(missing_ok=True)


def has_written() -> bool:
    """Whether this process has written a file."""
    return bool(_written)


def own(file: Path) -> None:
    """Have a file removed when this process ends, however it ends, unless it is killed."""
    _own[file] = os.getpid()


def remove_own(file: Path) -> None:
    """Remove a file of `own`, if it is there still."""
    with suppress(OSError):
        file.unlink(missing_ok=True)
    _own.pop(file, None)


def remove_own_files() -> None:
    """Remove what this process would leave behind if it ended now; needed after Ctrl-C only."""
    for file, process in list(_own.items()):
        if process == os.getpid():  # what was forked from it owns nothing of its
            remove_own(file)


def disk_full(path: Path, error: OSError) -> OSError:
    """Return an error that says which file had no space, and on which disk."""
    disk = path.absolute().parent
    while not os.path.ismount(disk) and disk != disk.parent:
        disk = disk.parent
    what = os.strerror(error.errno or errno.ENOSPC)
    return OSError(
        error.errno, f"{what} (the disk is {disk}); free some, or write elsewhere", str(path)
    )


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


atexit.register(remove_own_files)
