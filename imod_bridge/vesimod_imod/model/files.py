"""Reading and writing model files."""

from __future__ import annotations

import shutil
from pathlib import Path

from vesimod_imod.core.files import atomic_path, check_regular, check_writable
from vesimod_imod.model.ascii import parse_ascii
from vesimod_imod.model.chunks import ModFile, join_chunks, parse_chunks, recover_chunks


def read_mod(path: Path | str) -> ModFile:
    """Read a binary or ASCII model.

    Raises
    ------
    ModFormatError
        It is neither, or it is damaged; the message has the byte.
    """
    check_regular(Path(path))
    data = Path(path).read_bytes()
    return parse_chunks(data, path) if data[:4] == b"IMOD" else parse_ascii(data, path)


def recover_mod(path: Path | str) -> tuple[ModFile, list[str]]:
    """Read what is whole of a damaged binary model, and say what was lost."""
    check_regular(Path(path))
    return recover_chunks(Path(path).read_bytes(), path)


def write_mod(path: Path | str, model: ModFile, *, overwrite: bool = False) -> None:
    """Write a model, all or nothing; keep a file that it replaces as ``<path>~``.

    Raises
    ------
    FileExistsError
        `path` exists and `overwrite` is false.
    """
    path = Path(path)
    check_writable(path, overwrite)
    with atomic_path(path) as temporary:
        temporary.write_bytes(join_chunks(model))
        if path.exists():
            with atomic_path(path.with_name(path.name + "~")) as backup:
                shutil.copy2(path, backup)
