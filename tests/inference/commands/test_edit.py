"""``vesimod edit`` and ``vesimod watch`` with the real radial fit; a stand-in plays 3dmod."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import fake3dmod
import numpy as np
import pytest
from painted import image, paint
from typer.testing import CliRunner, Result
from vesimod.cli import app
from vesimod.commands import refining
from vesimod.commands.console import quoted
from vesimod.io.tomogram import write_volume
from vesimod_imod.core.locks import InUseError, only_writer
from vesimod_imod.core.object_names import REJECTED
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.live import viewer as viewer3dmod
from vesimod_imod.live.session import Session
from vesimod_imod.model.files import read_mod
from vesimod_imod.model.objects import SCATTERED, ModelObject, objects_of
from vesimod_imod.sphere_model.read import read_sphere_model
from vesimod_imod.sphere_model.write import write_sphere_model, write_sphere_objects

GRID = Grid((56, 80, 84), (2.0, 2.0, 2.0), origin_nm=(12.0, 0.0, -6.0))
CENTRES = np.array([[26.0, 25.0, 24.0], [28.5, 52.0, 55.3]])
RADII_NM = np.array([21.0, 24.0])
PATIENCE_S = 60.0


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def tomogram(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tomogram") / "TS 01_rec.mrc"
    volume = image(paint(GRID.shape, 2.0, CENTRES, RADII_NM), 2.0, snr=0.5, seed=1)
    write_volume(path, volume, GRID)
    return path


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on whose PATH a program named 3dmod lies."""
    folder = tmp_path / "bin"
    folder.mkdir()
    words = [sys.executable, fake3dmod.__file__, str(tmp_path)]
    quoted = " ".join(f'"{word}"' for word in words)
    if os.name == "nt":
        (folder / "3dmod.bat").write_text(f"@{quoted} %*\n")
    else:
        (folder / "3dmod").write_text(f'#!/bin/sh\nexec {quoted} "$@"\n')
        (folder / "3dmod").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return tmp_path


def open_for_clicks(tomogram: Path, model: Path) -> None:
    with refining.session_on(tomogram, model, None, False) as (_, file):
        file.close()


def person(act: Callable[[], None]) -> threading.Thread:
    """Do something while a command runs in the main thread."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    return thread


def wait_for(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def log(folder: Path) -> str:
    file = folder / "log.txt"
    return file.read_text() if file.exists() else ""


def model_point(centre: np.ndarray) -> str:
    z, y, x = centre
    return f"{x + 0.5} {y + 0.5} {z}"


def check_spheres(model: Path) -> None:
    reading = read_sphere_model(model, GRID)
    good = np.array([reading.object_names[n - 1] != REJECTED for n in reading.object_number])
    spheres = reading.spheres.select(good)
    order = np.argsort(spheres.centres[:, 1])
    np.testing.assert_allclose(spheres.centres[order], CENTRES, atol=1.0)
    np.testing.assert_allclose(spheres.radii_nm[order], RADII_NM, atol=2.0)
    assert np.sum(~good) == 1


def test_edit_from_nothing_to_spheres(desk: Path, tomogram: Path) -> None:
    model = desk / "cell.mod"
    clicks = np.vstack([CENTRES + np.array([1.0, -2.0, 2.0]), [[48.0, 70.0, 12.0]]])

    def act() -> None:
        lines = [f"click {model_point(click)}\n" for click in clicks]
        wait_for(lambda: "action 6 1" in log(desk))
        (desk / "person.txt").write_text("".join(lines) + "save\n")
        wait_for(lambda: "action 7 cell.mod" in log(desk))
        with (desk / "person.txt").open("a") as acts:
            acts.write("quit\n")

    thread = person(act)
    result = run("edit", tomogram, model)
    thread.join()
    assert result.exit_code == 0, result.output
    assert log(desk).startswith("action 11 1 2 -1 -1 -1\naction 15 1 1 -1 -1\naction 6 1\n")
    assert result.output.count("nm from where you put it") == 2
    assert "no sphere (" in result.output
    check_spheres(model)
    assert len(list((desk / "cell_history").iterdir())) == 3


def interrupt(
    monkeypatch: pytest.MonkeyPatch, ready: threading.Event, stop: threading.Event
) -> None:
    """Let the first run of a session say when it is ready, and end with Ctrl-C at `stop`."""
    really_run = Session.run

    def run_until_ctrl_c(session: Session, _: Callable[[], bool]) -> None:
        monkeypatch.setattr(Session, "run", really_run)
        ready.set()
        really_run(session, stop.is_set)
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "run", run_until_ctrl_c)


def test_ctrl_c_closes_3dmod_politely(
    desk: Path, tomogram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    stop.set()
    interrupt(monkeypatch, threading.Event(), stop)
    result = run("edit", tomogram, desk / "cell.mod")
    assert result.exit_code == 0, result.output
    assert "closing 3dmod" in result.output
    assert "action 4" in log(desk)


def test_watch_beside_a_3dmod_of_the_person(
    desk: Path, tomogram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watching, stop = threading.Event(), threading.Event()
    interrupt(monkeypatch, watching, stop)
    model = desk / "two words.mod"
    write_sphere_model(model, Spheres(CENTRES[:1], RADII_NM[:1]), GRID)

    def act() -> None:
        watching.wait(PATIENCE_S)
        fake = fake3dmod.Fake3dmod(desk, model)
        fake.person(f"click {model_point(CENTRES[1] + 2.0)}")
        fake.person("click 12 70 48")
        fake.save()
        wait_for(lambda: b"no vesicle" in model.read_bytes())
        stop.set()

    thread = person(act)
    result = run("watch", tomogram, model)
    thread.join()
    assert result.exit_code == 0, result.output
    assert "File > Reload Model" in result.output
    assert "ended" in result.output
    check_spheres(model)


def test_watch_says_at_the_end_where_saves_went(
    tomogram: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "cell.mod"

    def save_as(*_: object) -> None:
        fake = fake3dmod.Fake3dmod(tmp_path, model)
        fake.person("saveas other.mod")
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "run", save_as)
    result = run("watch", tomogram, model)
    assert result.exit_code == 0, result.output
    assert "what was saved as other.mod is not in cell.mod" in result.output
    monkeypatch.setattr(Session, "run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    result = run("watch", tomogram, model)
    assert "nothing was saved to cell.mod" in result.output


def test_without_3dmod_the_message_says_what_to_do(
    tmp_path: Path, tomogram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("IMOD_DIR", raising=False)
    result = run("edit", tomogram, tmp_path / "cell.mod")
    assert isinstance(result.exception, FileNotFoundError)
    words = " ".join(map(quoted, (tomogram, tmp_path / "cell.mod")))
    assert f"vesimod watch {words}" in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_3dmod_is_found_in_imod_s_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / ("3dmod.exe" if os.name == "nt" else "3dmod")
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("IMOD_DIR", str(tmp_path))
    assert viewer3dmod.find_3dmod() == program


def test_3dmod_that_cannot_open_its_window(
    tmp_path: Path, tomogram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer3dmod, "find_3dmod", lambda: Path(sys.executable))
    result = run("edit", tomogram, tmp_path / "cell.mod")
    assert "3dmod ended at once" in str(result.exception)


def test_a_name_with_blanks_is_refused_before_anything_is_made(desk: Path, tomogram: Path) -> None:
    before = sorted(desk.iterdir())
    result = run("edit", tomogram, desk / "my cell.mod")
    assert "rename the model" in str(result.exception)
    assert sorted(desk.iterdir()) == before


def test_a_model_of_the_person_gets_an_object_for_spheres(tomogram: Path, tmp_path: Path) -> None:
    from vesimod_imod.model.chunks import join_chunks

    model = tmp_path / "cell.mod"
    write_sphere_model(model, Spheres(CENTRES, RADII_NM), GRID)
    open_for_clicks(tomogram, model)
    assert not (tmp_path / "cell.mod~").exists()  # ours is ready as it is
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    xyz = np.column_stack([40 + 30 * np.cos(angle), 40 + 25 * np.sin(2 * angle), np.full(40, 20)])
    membrane = closed([xyz])
    write_sphere_objects(model, [], GRID, others=[membrane], overwrite=True)
    data = model.read_bytes()
    open_for_clicks(tomogram, model)
    first, second = objects_of(read_mod(model))
    np.testing.assert_array_equal(first.points, membrane.points)
    assert not first.flags & SCATTERED
    assert second.flags & SCATTERED
    assert second.points_per_contour == 1
    assert (tmp_path / "cell.mod~").read_bytes() == data
    assert (tmp_path / "cell_history" / "0001-start.mod").read_bytes() == data
    assert join_chunks(read_mod(model)) == model.read_bytes()


def test_clicks_in_a_closed_contour_become_spheres(tomogram: Path, tmp_path: Path) -> None:
    """A new object in 3dmod is closed: all clicks may have gone into one contour of it."""
    model = tmp_path / "cell.mod"
    aside = [[48.0, 70.0, 12.0], [8.0, 10.0, 75.0], [50.0, 10.0, 10.0]]
    clicks = np.vstack([CENTRES + np.array([1.0, -2.0, 2.0]), aside])
    write_sphere_objects(model, [], GRID, others=[closed([clicks[:, ::-1] + (0.5, 0.5, 0.0)])])
    raw = model.read_bytes()
    for _ in range(2):  # two sessions: the second has nothing to do
        with refining.session_on(tomogram, model, None, False) as (session, file):
            session.start()
            file.close()
    reading = read_sphere_model(model, GRID)
    good = reading.vesicles().spheres
    order = np.argsort(good.centres[:, 1])
    np.testing.assert_allclose(good.centres[order], CENTRES, atol=1.0)
    assert len(reading.spheres) == 5
    assert [len(item.points) for item in objects_of(read_mod(model))] == [2, 3]
    history = sorted((tmp_path / "cell_history").iterdir())
    assert history[0].read_bytes() == raw
    assert history[-1].read_bytes() == model.read_bytes()


def test_a_session_that_was_cut_short_is_said_once(
    tomogram: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "cell.mod"
    write_sphere_model(model, Spheres(CENTRES, RADII_NM), GRID)
    for _ in range(2):
        open_for_clicks(tomogram, model)
    assert "cut short" not in capfd.readouterr().err
    kill_within("refining.session_on(Path(args[0]), Path(args[1]), None, False)", tomogram, model)
    check = tmp_path / "other.mod"  # any other run in the folder clears locks of the dead
    with only_writer([check]):
        pass
    open_for_clicks(tomogram, model)
    said = capfd.readouterr().err
    assert "the last session on cell.mod was cut short" in said
    assert "cell_history" in said
    open_for_clicks(tomogram, model)
    assert "cut short" not in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert not any(path.name.startswith(".") for path in (tmp_path / "cell_history").iterdir())


def test_a_second_session_on_a_model_names_the_first(tomogram: Path, tmp_path: Path) -> None:
    model = tmp_path / "cell.mod"
    write_sphere_model(model, Spheres(CENTRES, RADII_NM), GRID)
    before = model.read_bytes()
    with (
        refining.session_on(tomogram, model, None, False),
        pytest.raises(InUseError, match=f"cell.mod: process {os.getpid()}"),
        refining.session_on(tomogram, model, None, False),
    ):
        pass
    assert model.read_bytes() == before


def kill_within(context: str, *arguments: Path) -> None:
    """Have a process end without a word while it is in a context of `refining`."""
    code = (
        "import os, sys; from pathlib import Path; from vesimod.commands import refining\n"
        f"args = sys.argv[1:]\nwith {context}:\n    os._exit(77)"
    )
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=False)
    assert done.returncode == 77


def closed(contours: list[np.ndarray]) -> ModelObject:
    """An object of closed contours, each (N, 3) x, y, z."""
    points = np.concatenate(contours).astype(np.float32)
    n = len(points)
    return ModelObject(
        "", 0, (1.0, 0.0, 1.0), 0, 0, points, np.array([len(c) for c in contours]),
        np.zeros(len(contours), np.int64), np.full(n, -1, np.float32),
        np.full(n, np.nan, np.float32), ("",) * len(contours),
    )  # fmt: skip
