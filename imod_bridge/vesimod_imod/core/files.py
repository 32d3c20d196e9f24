"""Writing files so that a failure never costs the user what was there before."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vesimod_imod.core.errors import InputError


def check_writable(path: Path, overwrite: bool) -> None:
    """Refuse an output early, before hours of work go into it.

    Raises
    ------
    FileExistsError
        `path` exists and `overwrite` is false.
    NotADirectoryError, PermissionError, IsADirectoryError
        The folder is missing, cannot be written to, or `path` is a folder.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise NotADirectoryError(f"{path.parent}: no such folder; create it or choose another")
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder; name a file")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path}: exists already; `overwrite=True` replaces it")
    try:  # os.access is not to be trusted on network shares, nor for Windows folders
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise PermissionError(
            f"{path.parent}: cannot write there ({error.strerror}); choose another folder"
        ) from error


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


def check_distinct(files: Iterable[Path]) -> None:
    """Refuse to write two things into one file, or over the tomogram.

    Raises
    ------
    InputError
        Two of the paths are the same file.
    """
    seen: set[Path] = set()
    for file in files:
        resolved = file.resolve()
        if resolved in seen:
            raise InputError(f"{file}: named twice; every input and output needs its own file")
        seen.add(resolved)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; rename it to `path` when the block succeeds.

    On any exception, Ctrl-C included, the temporary file is removed and `path` stays as it was.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files private; results are shared
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files that killed processes left when they wrote `path`."""
    start = f".{path.stem}-"
    for other in path.parent.iterdir():
        middle = other.name.removeprefix(start).removesuffix(path.suffix)
        if other.name == f"{start}{middle}{path.suffix}" and re.fullmatch(r"[a-z0-9_]{8}", middle):
            other.unlink(missing_ok=True)


def _umask() -> int:
    """Read the process's umask, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
