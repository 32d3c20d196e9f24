"""Outputs that are folders: whole or not at all, as files are."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vesimod_imod.core.errors import InputError
from vesimod_imod.core.file_roles import BACKUP
from vesimod_imod.core.files import FULL, disk_full, remove_leftovers, temporary_path

_HERE, _EXCHANGE = -100, 2  # of Linux' renameat2: paths as they stand, and RENAME_EXCHANGE


@contextmanager
def atomic_folder(path: Path, overwrite: bool, ours: Collection[str]) -> Iterator[Path]:
    """Give an empty folder beside `path` that takes its place when the block succeeds.

    Parameters
    ----------
    path : Path
    overwrite : bool
        `path` may exist, if it is a folder of that kind.
    ours : collection of str
        What such a folder holds, and nothing else: a folder with more in it is never replaced.

    Raises
    ------
    FileExistsError, NotADirectoryError
        See `check_folder`.
    OSError
        Of a full disk, it names `path` and the disk.
    """
    check_folder(path, overwrite, ours)
    path = path.resolve()  # a link to a folder stays one
    remove_leftovers(path)
    with temporary_path(path) as reserved:
        new = reserved.with_name(reserved.name + ".new")
        try:
            new.mkdir()
            yield new
            _put_in_place(new, path)
        except OSError as error:
            if error.errno in FULL:  # it would name a file that nobody knows
                raise disk_full(path, error) from error
            raise
        finally:
            shutil.rmtree(new, ignore_errors=True)


def _put_in_place(new: Path, path: Path) -> None:
    """Rename a folder over another one, so that at any time the old or the new one is there.

    Where a file system cannot exchange two names, the old one is called ``path~`` for a moment;
    there it stays, whole, if the process is killed in between.
    """
    if not path.exists():
        new.rename(path)
    elif not _exchange(new, path):
        former = path.with_name(path.name + BACKUP)
        shutil.rmtree(former, ignore_errors=True)
        path.rename(former)
        try:
            new.rename(path)
        except OSError:
            former.rename(path)
            raise
        shutil.rmtree(former, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names at once; False where the system or the file system cannot."""
    if sys.platform != "linux":
        return False
    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError):  # a C library older than 2018
        return False
    paths = (os.fsencode(path.absolute()) for path in (one, other))
    done: int = rename(_HERE, next(paths), _HERE, next(paths), _EXCHANGE)
    return done == 0


def check_folder(
    path: Path, overwrite: bool, ours: Collection[str], inputs: Iterable[Path | None] = ()
) -> None:
    """Refuse an output folder early; `ours` as in `atomic_folder`.

    Raises
    ------
    FileExistsError
        It exists and `overwrite` is false, or it holds something else.
    InputError
        One of the `inputs` is that folder, or lies in it.
    NotADirectoryError
        The folder around it is missing.
    """
    if not path.absolute().parent.is_dir():
        raise NotADirectoryError(f"{path.parent}: no such folder; create it or choose another")
    for read in inputs:
        if read is not None and path.resolve() in (read.resolve(), *read.resolve().parents):
            raise InputError(f"{path}: holds an input, {read}; choose another output")
    if not path.exists():
        return
    held = {entry.name for entry in path.iterdir()} if path.is_dir() else set()
    if not held or not held <= set(ours):
        more = ", ".join(sorted(held - set(ours))[:3])
        what = f"holds {more}, which is not replaced" if more else "exists and is something else"
        raise FileExistsError(f"{path}: {what}; choose another output")
    if not overwrite:
        raise FileExistsError(f"{path}: exists already; `overwrite=True` replaces it")
