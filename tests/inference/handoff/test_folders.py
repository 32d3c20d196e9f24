"""Folders that are outputs: the old one or the new one is there at any time."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from vesimod.handoff import folders
from vesimod.handoff.folders import atomic_folder

KILLED = 77
EXCHANGES = sys.platform == "linux"


def write(path: Path, text: str, overwrite: bool = True) -> None:
    with atomic_folder(path, overwrite, ["a"]) as folder:
        (folder / "a").write_text(text)


def held(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(params=[True, False], ids=["exchanged", "renamed"])
def one_way(request, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both ways of taking an old folder's place."""
    if not request.param:
        monkeypatch.setattr(folders, "_exchange", lambda *_: False)
    return bool(request.param)


@pytest.mark.usefixtures("one_way")
def test_the_new_one_takes_the_place_and_leaves_nothing(tmp_path: Path) -> None:
    for text in ("first", "second", "third"):
        write(tmp_path / "x", text)
        assert held(tmp_path) == {"x/a": text}


@pytest.mark.usefixtures("one_way")
def test_a_failure_keeps_the_old_one(tmp_path: Path) -> None:
    write(tmp_path / "x", "first")

    def fail() -> None:
        with atomic_folder(tmp_path / "x", True, ["a"]) as folder:
            (folder / "a").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert held(tmp_path) == {"x/a": "first"}


@pytest.mark.usefixtures("one_way")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    write(tmp_path / "x", "first")
    try:
        (tmp_path / "link").symlink_to("x")
    except OSError:
        pytest.skip("no links here")
    write(tmp_path / "link", "second")
    assert (tmp_path / "link").is_symlink()
    assert held(tmp_path) == {"x/a": "second"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")
def test_killed_at_any_moment_the_old_or_the_new_one_is_there(
    tmp_path: Path, one_way: bool
) -> None:
    """Before each rename, and as the old one is removed."""
    for moment in range(1, 12):
        place = tmp_path / str(moment)
        place.mkdir()
        write(place / "x", "first")
        code = in_child(lambda place=place, moment=moment: dying(place / "x", moment))
        there = {text for name, text in held(place).items() if not name.startswith(".")}
        assert there & {"first", "second"}
        if one_way and EXCHANGES:
            assert (place / "x" / "a").read_text() in ("first", "second")
        write(place / "x", "third")
        after = held(place)
        assert after.pop("x~/a", "first") == "first"  # of a kill between two renames
        assert after == {"x/a": "third"}
        if code == 0:
            return
        assert code == KILLED
    raise AssertionError("it never came through")


def dying(path: Path, last: int) -> None:
    """Write, but end the process before its `last` rename, removal or new folder."""
    count = 0

    def watch(event: str, _: tuple[object, ...]) -> None:
        nonlocal count
        if event in ("os.rename", "os.remove", "os.rmdir", "shutil.rmtree", "os.mkdir"):
            count += 1
            if count == last:
                os._exit(KILLED)

    sys.addaudithook(watch)
    write(path, "second")


def in_child(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(60)
            work()
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
