"""One run at a time on one output; what dead ones left is cleared, what live ones hold is not."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from vesimod_imod.core import locks
from vesimod_imod.core.files import PREFIX, atomic_path, remove_leftovers, remove_own_files
from vesimod_imod.core.locks import InUseError, lock_path, only_writer
from vesimod_imod.core.owners import SILENT_S, parse_owner, this_process

HOLDER = """
import os, sys, time
from pathlib import Path
from vesimod_imod.core.files import atomic_path
from vesimod_imod.core.locks import only_writer
with only_writer([Path(sys.argv[1])]), atomic_path(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print("holds", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path):
    """Another process that writes x.mod, in the middle of it."""
    line = [sys.executable, "-c", HOLDER, str(tmp_path / "x.mod")]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_live_owner_is_named_and_left_alone(tmp_path: Path, holder: subprocess.Popen) -> None:
    before = names(tmp_path)
    assert len(before) == 2  # its lock and its temporary file
    refused = pytest.raises(InUseError, match=rf"x\.mod: process {holder.pid} on .*, since 2")
    with refused, only_writer([tmp_path / "x.mod"]):
        raise AssertionError
    remove_leftovers(tmp_path / "x.mod")
    with only_writer([tmp_path / "y.mod"]), atomic_path(tmp_path / "y.mod") as temporary:
        temporary.write_text("y")
    assert names(tmp_path) == [*before, "y.mod"]


def test_a_dead_owner_is_taken_over(tmp_path: Path, holder: subprocess.Popen) -> None:
    holder.kill()
    holder.wait()
    assert len(names(tmp_path)) == 2
    with only_writer([tmp_path / "x.mod"]):
        assert names(tmp_path) == [".x.mod.lock"]
    assert names(tmp_path) == []


def test_a_process_that_has_the_number_of_a_dead_one_is_not_the_owner(tmp_path: Path) -> None:
    lock = lock_path(tmp_path / "x.mod")
    lock.write_text(f"process {os.getpid()}\n{replace(this_process(), start='0' * 8)}\n")
    with only_writer([tmp_path / "x.mod"]):
        pass
    assert not lock.exists()


@pytest.mark.parametrize(("age_s", "free"), [(0.0, False), (1.1 * SILENT_S, True)])
def test_owners_on_other_computers_live_while_they_give_signs(
    tmp_path: Path, age_s: float, free: bool
) -> None:
    elsewhere = replace(this_process(), host="0" * 8)
    files = [lock_path(tmp_path / "x.mod"), tmp_path / f"{PREFIX}{elsewhere}-0.mod"]
    for file in files:
        file.write_text(f"process 1 on elsewhere\n{elsewhere}\n")
        os.utime(file, (time.time() - age_s,) * 2)
    if free:
        with only_writer([tmp_path / "x.mod"]):
            pass
        assert names(tmp_path) == []
    else:
        with (
            pytest.raises(InUseError, match=r"process 1 on elsewhere.*delete .*\.x\.mod\.lock"),
            only_writer([tmp_path / "x.mod"]),
        ):
            raise AssertionError
        assert all(file.exists() for file in files)


def test_the_lock_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "RENEWAL_S", 0.01)
    with only_writer([tmp_path / "x.mod"]):
        os.utime(lock_path(tmp_path / "x.mod"), (0, 0))
        deadline = time.monotonic() + 30
        while lock_path(tmp_path / "x.mod").stat().st_mtime == 0:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_without_links_a_lock_works_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holder: subprocess.Popen
) -> None:
    def link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    with only_writer([tmp_path / "y.mod"]):
        assert parse_owner(lock_path(tmp_path / "y.mod").read_text()) == this_process()
    with (
        pytest.raises(InUseError, match=f"process {holder.pid}"),
        only_writer([tmp_path / "x.mod"]),
    ):
        raise AssertionError
    lock_path(tmp_path / "y.mod").touch()  # somebody is about to write who holds it
    with pytest.raises(InUseError, match="a process"), only_writer([tmp_path / "y.mod"]):
        raise AssertionError
    os.utime(lock_path(tmp_path / "y.mod"), (0, 0))
    with only_writer([tmp_path / "y.mod"]):
        pass


@pytest.mark.slow
def test_of_many_that_take_over_a_dead_one_s_lock_one_gets_it(tmp_path: Path) -> None:
    file, ready, got = tmp_path / "x.mod", threading.Barrier(8), []

    def run() -> None:
        ready.wait()
        try:
            with only_writer([file]):
                got.append(file)
                ready.wait()
        except InUseError:
            ready.wait()

    for _ in range(20):
        lock_path(file).write_text(f"process 1\n{replace(this_process(), start='0' * 8)}\n")
        got.clear()
        threads = [threading.Thread(target=run) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == 1
        assert names(tmp_path) == []


def test_what_an_interrupted_cleaning_left_goes_when_the_process_ends(tmp_path: Path) -> None:
    writing = atomic_path(tmp_path / "x.mod")
    writing.__enter__()
    assert len(names(tmp_path)) == 1
    remove_own_files()
    assert names(tmp_path) == []


def test_a_folder_that_a_killed_process_left_goes_too(tmp_path: Path) -> None:
    for start in ("0" * 8, this_process().start):
        new = tmp_path / f"{PREFIX}{replace(this_process(), start=start)}-0.new"
        new.mkdir()
        (new / "tomo.mrc").touch()
    remove_leftovers(tmp_path / "pyto")
    assert names(tmp_path) == [f"{PREFIX}{this_process()}-0.new"]  # somebody works in it
