"""No command writes over what it reads, or two things into one file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from vesimod_imod.core.file_roles import check_files
from vesimod_imod.core.locks import writing


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    for name in ("a.mod", "é.csv"):
        (tmp_path / name).write_bytes(b"what a person made")
    (tmp_path / "soft.csv").symlink_to(tmp_path / "a.mod")
    os.link(tmp_path / "a.mod", tmp_path / "hard.csv")
    (tmp_path / "linked").symlink_to(tmp_path / "folder")
    return tmp_path


@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("a.mod", "a.mod"),
        ("a.mod", "folder/../a.mod"),
        ("a.mod", "A.MOD"),
        ("a.mod", "soft.csv"),
        ("soft.csv", "a.mod"),
        ("a.mod", "hard.csv"),
        ("folder/new.mod", "linked/new.mod"),
        ("é.csv", "e\u0301.csv"),  # the same letter in another form
    ],
)
def test_an_output_is_not_an_input(files: Path, read: str, written: str) -> None:
    with pytest.raises(ValueError, match="every input and output needs its own file"):
        check_files([None, files / read], [None, files / written], overwrite=True)
    with pytest.raises(ValueError, match="every input and output needs its own file"):
        check_files([], [files / read, files / "c.csv", files / written], overwrite=True)
    check_files([files / read, files / written], [files / "c.csv"])  # inputs may be the same


@pytest.mark.parametrize("name", ["b.mod.json", "b.JSON", "b.mod~"])
def test_names_of_records_and_backups_are_reserved(files: Path, name: str) -> None:
    with pytest.raises(ValueError, match="are for the records and former states"):
        check_files([], [files / name])
    with pytest.raises(ValueError, match="would be replaced"):
        check_files([files / "b.mod~"], [files / "b.mod"])
    check_files([files / name], [files / "c.csv"])  # they can be read


def test_the_rest_is_as_for_any_output(files: Path) -> None:
    with pytest.raises(FileExistsError, match="overwrite"):
        check_files([], [files / "a.mod"])
    with pytest.raises(NotADirectoryError):
        check_files([], [files / "none" / "a.mod"])


def test_files_of_a_run_that_was_cut_short_are_told_by_the_mark_of_any_of_them(
    files: Path,
) -> None:
    written = [files / "c.csv", files / "a.mod"]  # the first is the one that is marked
    with pytest.raises(RuntimeError), writing(written[0], written[1:]):
        raise RuntimeError
    with pytest.raises(FileExistsError, match=r"a\.mod: is of a run that was cut short"):
        check_files([], written)
    with writing(written[0], [None, *written[1:]]):
        written[0].touch()
    with pytest.raises(FileExistsError, match=r"c\.csv: exists already"):
        check_files([], written)
    assert not [path.name for path in files.iterdir() if path.suffix in (".lock", ".unfinished")]
