"""Files appear whole or not at all, and a full disk is named."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from vesimod_imod.core.files import (
    atomic_path,
    check_writable,
    make_folder,
    mark_path,
    marked_unfinished,
)


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.mod").write_text("old")

    def write() -> None:
        with atomic_path(tmp_path / "x.mod") as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left") as raised:
        write()
    assert raised.value.errno == errno.ENOSPC
    assert raised.value.filename == str(tmp_path / "x.mod")
    disk = next(folder for folder in tmp_path.parents if folder.is_mount())
    assert f"(the disk is {disk})" in str(raised.value)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_names_as_long_as_the_system_allows(tmp_path: Path) -> None:
    path = tmp_path / f"{'n' * 251}.mod"
    check_writable(path, overwrite=False)
    with atomic_path(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


def test_what_belongs_to_a_failed_run_is_marked(tmp_path: Path) -> None:
    model, table = tmp_path / "x.mod", tmp_path / "x.csv"

    def run(writes: bool) -> None:
        with marked_unfinished(model, [table]):
            if writes:
                table.touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(writes=False)
    assert not mark_path(model).exists()
    with pytest.raises(KeyboardInterrupt):
        run(writes=True)
    assert mark_path(model).exists()
    with marked_unfinished(model, [table]):
        model.touch()
    assert not mark_path(model).exists()
    with pytest.raises(FileExistsError, match=r"x\.mod: exists already"):
        check_writable(model, overwrite=False)
    mark_path(model).touch()
    with pytest.raises(FileExistsError, match=r"x\.mod: is of a run that was cut short"):
        check_writable(model, overwrite=False)


def test_an_output_folder_that_is_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.mod").write_text("mine")
    for folder in (tmp_path / "a.mod", tmp_path / "a.mod" / "out", tmp_path / "a.mod"):
        with pytest.raises(NotADirectoryError, match="is a file, or lies in one; name a folder"):
            make_folder(folder)
    assert (tmp_path / "a.mod").read_text() == "mine"
    for _ in range(2):
        make_folder(tmp_path / "b" / "c")
    assert (tmp_path / "b" / "c").is_dir()
