"""Names and numbers that files bring along are shown, quoted, or refused in one line."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from vesimod.cli import app, run_app
from vesimod.commands.chunks import write_chunks
from vesimod.commands.console import quoted, say, tell, warn
from vesimod.io.csv_table import TableError
from vesimod.io.sphere_table import read_spheres_csv
from vesimod.network.model import load_model
from vesimod.network.runtime import MOST_THREADS, checked_threads, default_threads
from vesimod.runs.summary import Row, markdown
from vesimod_imod.core.clean_text import is_printable
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.etomo.com_files import Task, beyond_ascii, write_com_files
from vesimod_imod.etomo.pip_options import Entries, entries_text
from vesimod_imod.live.viewer import Viewer
from vesimod_imod.model.files import read_mod
from vesimod_imod.sphere_model.read import spheres_of
from vesimod_imod.sphere_model.write import SphereObject, write_sphere_objects

GRID = Grid((60, 100, 120), (1.0, 1.0, 1.0))


@pytest.mark.parametrize("show", [say, tell, warn])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028", "\x85"])
def test_a_line_end_in_a_name_forges_no_line(
    show, end: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show(f"wrote a{end}ERROR: vesimod - b")
    out, err = capsys.readouterr()
    assert len((out + err).splitlines()) == 1


def test_nor_does_one_in_a_table(tmp_path: Path) -> None:
    row = Row(tmp_path / "a\nERROR: b_vesicles.mod", "failed", notes=("c\nERROR: d",))
    lines = markdown([row]).splitlines()
    assert len(lines) == 4
    assert not any(line.startswith("ERROR") for line in lines)
    entries = Entries({"InputFile": ["a\nERROR: b"]}, ["c\nERROR: d"])
    assert len(entries_text("p", entries).splitlines()) == 4


@pytest.mark.parametrize("name", ["a\nquit.mod", "a\tb.mod", "a b.mod", "a\x1b.mod"])
def test_3dmod_is_told_no_name_that_it_would_take_for_commands(name: str) -> None:
    with pytest.raises(InputError, match="3dmod cannot be told"):
        Viewer.check_name(Path(name))


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize("name", ["a\nb.mrc", "\x1b[2J'\\.mrc", "\u202e\u00fc.mrc", "\udcff.mrc"])
def test_a_suggested_command_names_what_cannot_be_shown(name: str) -> None:
    word = quoted(Path(name))
    assert is_printable(word)
    done = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert done.stdout == os.fsencode(name)


@pytest.mark.parametrize("show", [say, tell, warn])
def test_escape_codes_do_not_reach_the_terminal(show, capsys: pytest.CaptureFixture[str]) -> None:
    show("a\x1b]0;title\x07b")
    out, err = capsys.readouterr()
    assert r"a\x1b]0;title\x07b" in out + err


def test_nor_do_those_of_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(app, "vesimod", ["model", "info", str(tmp_path / "\x1b[2J.mod")]) == 2
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows quotes otherwise")
@pytest.mark.parametrize("name", ["a b.mrc", "it's.mrc", 'q".mrc', "a;rm.mrc", "$HOME.mrc"])
def test_a_suggested_command_names_the_file(name: str) -> None:
    assert shlex.split(quoted(Path(name))) == [name]


@pytest.mark.parametrize("name", ["=cmd.mrc", "a\x1b[2J.mrc", "a\tb.mrc"])
def test_com_files_refuse_what_would_not_arrive(tmp_path: Path, name: str) -> None:
    task = Task(tmp_path / name, tmp_path / "m.mod")
    with pytest.raises(InputError, match="cannot hold this name"):
        write_com_files(tmp_path, [task], ["/usr/bin/python3"])
    assert list(tmp_path.iterdir()) == []


def test_letters_beyond_ascii_are_named() -> None:
    assert beyond_ascii([Path("TS_1"), Path("TS_\u00fc")]) == ["TS_\u00fc"]


@pytest.mark.parametrize("name", ["TS_\u00fc", "TS_1"])
@pytest.mark.parametrize("finished", [False, True])
def test_they_are_warned_of_where_com_files_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, finished: bool
) -> None:
    file = tmp_path / f"{name}.mrc"
    tasks = [Task(tmp_path / "b.mrc" if finished else file, tmp_path / "m.mod")]
    write_chunks(tmp_path, tasks, finished=[file.with_suffix(".mod")] if finished else [])
    assert (tmp_path / "vesimod.com").exists()
    warned = "SyntaxError of Python 2" in capsys.readouterr().err
    assert warned != name.isascii()


@pytest.mark.parametrize("number", ["inf", "nan", "1e30", "1.5", str(1 << 40)])
def test_ids_fit_into_32_bits(tmp_path: Path, number: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"id,z,y,x,radius_nm\n{number},1,2,3,4\n", encoding="utf-8")
    with pytest.raises(TableError, match="no whole number that fits"):
        read_spheres_csv(path)


@pytest.mark.parametrize("number", ["inf", "nan", "1e30"])
def test_positions_lie_somewhere(tmp_path: Path, number: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"z,y,x,radius_nm\n1,{number},3,4\n", encoding="utf-8")
    with pytest.raises(TableError, match="position"):
        read_spheres_csv(path)


def test_clicks_at_1e30_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "m.mod"
    spheres = Spheres(np.array([[5.0, 5, 5], [5, 1e30, 5]]), np.array([4.0, 4]))
    write_sphere_objects(path, [SphereObject("a", spheres)], GRID)
    reading = spheres_of(read_mod(path), GRID)
    assert len(reading.spheres) == 1
    assert "1 points without a valid position are left out" in reading.warnings


@pytest.mark.parametrize("threads", [0, -1, 99999999])
def test_threads_are_as_many_as_a_machine_has(threads: int) -> None:
    with pytest.raises(InputError, match="1 to 1024"):
        checked_threads(threads)


@pytest.mark.parametrize(
    ("wish", "said"),
    [("garbage", True), ("0", True), ("1e9", True), ("2", False), ("2,1", False), (" ", False)],
)
def test_what_the_environment_asks_for_in_vain_is_said(
    monkeypatch: pytest.MonkeyPatch, wish: str, said: bool
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", wish)
    model = Path(__file__).parents[2] / "data" / "dark.onnx"
    assert load_model(model, device="cpu", threads=1).notes == ()
    notes = load_model(model, device="cpu").notes
    assert [note.startswith(f"OMP_NUM_THREADS is {wish!r}, no whole number") for note in notes] == (
        [True] if said else []
    )


@pytest.mark.parametrize("wish", ["garbage", "0", "-3", "99999999", "1e9"])
def test_the_environment_cannot_ask_for_too_many(
    monkeypatch: pytest.MonkeyPatch, wish: str
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", wish)
    assert 1 <= default_threads() <= MOST_THREADS


@pytest.mark.parametrize("radius", ["0", "-4", "inf", "-inf", "1_0", ""])
def test_no_sphere_has_such_a_radius(tmp_path: Path, radius: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"z,y,x,radius_nm\n1,2,3,{radius}\n", encoding="utf-8")
    with pytest.raises(TableError, match="radius"):
        read_spheres_csv(path)


def test_a_radius_may_be_unknown(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("z,y,x,radius_nm\n1,2,3,nan\n", encoding="utf-8")
    assert np.isnan(read_spheres_csv(path).radii_nm).all()
