"""Which file is read and which is written: every command checks that they differ."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from vesimod_imod.core.errors import InputError
from vesimod_imod.core.files import check_writable, mark_path

#: What is written beside a model: its record, the state that it replaced.
RECORD, BACKUP = ".json", "~"
_RESERVED = (RECORD, BACKUP)
#: What an output may be called, by what it is; the usual ending first.
ENDINGS = {
    "a model": (".mod", ".fid", ".imod"),
    "a table": (".csv",),
    "a volume": (".mrc", ".rec", ".map", ".ccp4", ".st"),
    "a picture": (".png",),
    "a report": (".html", ".htm"),
}


def check_files(
    inputs: Iterable[Path | None],
    outputs: Sequence[Path | None],
    *,
    overwrite: bool = False,
    records: bool = True,
) -> None:
    """Refuse to write over an input, or two things into one file; then see that all can be written.

    Files are the same also through links, hard ones included, and where their names differ only
    in case or in the form of accents, which many file systems do not tell apart. The names of
    an output with ``.json`` and ``~`` after them are taken, too: a model's record and its former
    state are written there.

    Parameters
    ----------
    inputs, outputs : iterables of Path
        None stands for a file that is not wanted.
    overwrite : bool
        Outputs may exist.
    records : bool
        Outputs are such that a record may be written beside them, or be taken for one.

    Raises
    ------
    InputError
        Two of the files are the same, or an output has a reserved ending.
    OSError
        See `vesimod_imod.core.files.check_writable`.
    """
    read = [Path(path) for path in inputs if path is not None]
    written = [Path(path) for path in outputs if path is not None]
    for path in written if records else ():
        _check_ending(path)
    for index, path in enumerate(written):
        for other in [*read, *written[:index]]:
            if _same(path, other):
                raise InputError(_told(path, other))
        for kept in (path.with_name(path.name + ending) for ending in _RESERVED):
            for other in read:
                if _same(kept, other):
                    raise InputError(
                        f"{other}: would be replaced, since what is written beside {path.name} has "
                        "that name; choose another output"
                    )
    cut_short = any(mark_path(path).exists() for path in written)  # one mark stands for all
    for path in written:
        check_writable(path, overwrite, cut_short=cut_short)


def check_kind(path: Path | None, kind: str) -> None:
    """Refuse an output whose ending says that it is something else; without one, anything goes.

    Parameters
    ----------
    path : Path or None
    kind : str
        One of `ENDINGS`.

    Raises
    ------
    InputError
        Names the right ending.
    """
    if path is None or path.suffix.casefold() in ("", *ENDINGS[kind]):
        return
    right = ENDINGS[kind][0]
    raise InputError(
        f"{path}: {kind} ends in {right}, not in {path.suffix}; "
        f"name it {path.with_suffix(right).name}"
    )


def _check_ending(path: Path) -> None:
    ending = next((e for e in _RESERVED if path.name.casefold().endswith(e)), None)
    if ending is not None:
        raise InputError(
            f"{path}: names that end in {ending} are for the records and former states of models; "
            "choose another name"
        )


def _same(a: Path, b: Path) -> bool:
    """Whether two paths lead, or would lead, to one file on some file system."""
    try:
        if a.exists() and b.exists() and a.samefile(b):
            return True
    except OSError:  # one of them cannot be looked at: then its name has to do
        pass
    return _plain(a) == _plain(b)


def _plain(path: Path) -> str:
    return unicodedata.normalize("NFC", str(path.resolve())).casefold()


def _told(path: Path, other: Path) -> str:
    if path.name == other.name:
        return f"{path}: named twice; every input and output needs its own file"
    return f"{path} and {other} are the same file; every input and output needs its own file"
