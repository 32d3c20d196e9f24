"""Outputs that are folders: whole or not at all, as files are."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vesimod_imod.core.errors import InputError
from vesimod_imod.core.files import FULL, disk_full, remove_leftovers, temporary_path


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
    remove_leftovers(path)
    with temporary_path(path) as reserved:
        new = reserved.with_name(reserved.name + ".new")
        old = reserved.with_name(reserved.name + ".old")
        try:
            new.mkdir()
            yield new
            if path.exists():
                path.rename(old)
            try:
                new.rename(path)
            except OSError:
                old.rename(path)
                raise
        except OSError as error:
            if error.errno in FULL:  # it would name a file that nobody knows
                raise disk_full(path, error) from error
            raise
        finally:
            for folder in (new, old):
                shutil.rmtree(folder, ignore_errors=True)


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
