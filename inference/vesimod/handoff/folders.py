"""Outputs that are folders: whole or not at all, as files are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vesimod_imod.core.files import temporary_path


@contextmanager
def atomic_folder(path: Path, overwrite: bool, ours: str) -> Iterator[Path]:
    """Give an empty folder beside `path` that takes its place when the block succeeds.

    Parameters
    ----------
    path : Path
    overwrite : bool
        `path` may exist, if it is a folder of that kind.
    ours : str
        A file that each such folder holds: nothing else is ever replaced.

    Raises
    ------
    FileExistsError, NotADirectoryError
        See `check_folder`.
    """
    check_folder(path, overwrite, ours)
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
        finally:
            for folder in (new, old):
                shutil.rmtree(folder, ignore_errors=True)


def check_folder(path: Path, overwrite: bool, ours: str) -> None:
    """Refuse an output folder early.

    Raises
    ------
    FileExistsError
        It exists and `overwrite` is false, or it is something else.
    NotADirectoryError
        The folder around it is missing.
    """
    if not path.absolute().parent.is_dir():
        raise NotADirectoryError(f"{path.parent}: no such folder; create it or choose another")
    if not path.exists():
        return
    if not (path.is_dir() and (path / ours).exists()):
        raise FileExistsError(f"{path}: exists and is something else; choose another output")
    if not overwrite:
        raise FileExistsError(f"{path}: exists already; `overwrite=True` replaces it")
