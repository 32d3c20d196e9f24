"""What Windows does otherwise, as far as Linux can show it; docs/windows.md lists all."""

from __future__ import annotations

import ast
import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace

import mrcfile
import pytest
from vesimod.cli import app, run_app
from vesimod.commands import console
from vesimod.io import free_memory
from vesimod_imod.core import locks, owners, windows
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.files import atomic_path, check_writable
from vesimod_imod.etomo import com_files

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [
    f for part in ("imod_bridge", "inference", "training") for f in (ROOT / part).rglob("*.py")
]
POSIX_MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix", "syslog"}
POSIX_NAMES = {
    *("os.fork", "os.getuid", "os.geteuid", "os.chown", "os.mkfifo", "os.setsid", "os.killpg"),
    *("os.uname", "os.statvfs", "os.posix_fallocate", "os.getloadavg", "os.sched_getaffinity"),
    *("os.nice", "os.kill", "signal.SIGKILL", "signal.SIGHUP", "signal.SIGALRM", "signal.alarm"),
}
GUARD = re.compile(r"sys\.platform|os\.name|hasattr\(|ON_WINDOWS")
WIN32 = SimpleNamespace(platform="win32")


def functions(file: Path) -> Iterator[tuple[str, ast.AST]]:
    """Outermost functions of a module with their text, and the module's other statements."""
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.parse(text).body:
        yield "\n".join(lines[node.lineno - 1 : node.end_lineno]), node


def test_what_only_posix_has_is_asked_for_first() -> None:
    for file in SOURCES:
        for text, node in functions(file):
            for part in ast.walk(node):
                used = ""
                if isinstance(part, ast.Import):
                    used = next((a.name for a in part.names if a.name in POSIX_MODULES), "")
                elif isinstance(part, ast.ImportFrom) and part.module in POSIX_MODULES:
                    used = str(part.module)
                elif isinstance(part, ast.Attribute) and ast.unparse(part) in POSIX_NAMES:
                    used = ast.unparse(part)
                assert not used or GUARD.search(text), f"{file.relative_to(ROOT)} uses {used}"
            assert not re.search(r"[\"']/(dev|tmp|var|usr)/", text), file


def test_texts_are_written_with_the_same_bytes_everywhere() -> None:
    """Programs on Linux stumble over line ends of Windows, and all over its code page."""
    found = 0
    for file in SOURCES:
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
                continue
            modes = [a.value for a in call.args if isinstance(a, ast.Constant)]
            writes = call.func.attr == "write_text" or (call.func.attr == "open" and "w" in modes)
            if writes and "zarr" not in ast.unparse(call.func):
                found += 1
                names = {keyword.arg for keyword in call.keywords}
                assert {"encoding", "newline"} <= names, f"{file}:{call.lineno}"
            if call.func.attr == "read_text":
                assert call.keywords or len(call.args), f"{file}:{call.lineno}"
    assert found > 10


@pytest.fixture
def on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are renamed, held and named as on Windows; what asks for the system gets an answer."""
    monkeypatch.setattr(windows, "ON_WINDOWS", True)
    monkeypatch.setattr(locks, "sys", WIN32)
    monkeypatch.setattr(owners, "sys", WIN32)
    kernel = SimpleNamespace(
        OpenProcess=lambda _access, _inherit, pid: pid if pid == os.getpid() else 0,
        GetExitCodeProcess=lambda _handle, code: setattr(code._obj, "value", 259),
        GetProcessTimes=lambda _handle, start, *_others: setattr(start._obj, "value", 42),
        GlobalMemoryStatusEx=lambda status: setattr(status._obj, "free", int(4e9)),
        CloseHandle=lambda _handle: None,
    )
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    replace, unlink = Path.replace, Path.unlink

    def replace_as_there(source: Path, target: Path) -> Path:
        refuse_if_open(source)
        refuse_if_open(Path(target))
        return replace(source, target)

    def unlink_as_there(path: Path, missing_ok: bool = False) -> None:
        refuse_if_open(path)
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "replace", replace_as_there)
    monkeypatch.setattr(Path, "unlink", unlink_as_there)


def small_tomogram(path: Path) -> None:
    """A corner of the demo with a few vesicles."""
    with mrcfile.open(Path(str(resources.files("vesimod"))) / "demo" / "demo.mrc") as whole:
        corner, size = whole.data[:48, :80, :80], whole.voxel_size
    with mrcfile.new(path) as part:
        part.set_data(corner)
        part.voxel_size = size


def refuse_if_open(path: Path) -> None:
    """Windows neither replaces nor removes a file that is open or mapped, by ourselves too."""
    name = str(path.resolve())
    held = {os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()}
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    if name in held or any(line.endswith(name) for line in maps.splitlines()):
        raise PermissionError(13, "Access is denied", name)


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/maps").exists(), reason="open files are seen in /proc; Windows has its own"
)


@needs_proc
@pytest.mark.usefixtures("on_windows")
def test_the_stand_in_refuses_what_windows_does(tmp_path: Path) -> None:
    file = tmp_path / "a.mod"
    file.write_bytes(b"former")
    with file.open("rb"), pytest.raises(PermissionError), atomic_path(file) as temporary:
        temporary.write_bytes(b"new")
    assert file.read_bytes() == b"former"
    assert [path.name for path in tmp_path.iterdir()] == ["a.mod"]


@needs_proc
@pytest.mark.slow
@pytest.mark.usefixtures("on_windows")
def test_the_demo_runs_and_what_it_leaves_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    small_tomogram(Path("small.mrc"))
    lines = [
        [
            "segment",
            str(tmp_path / "small.mrc"),
            "-o",
            "s.mod",
            "--table",
            "s.csv",
            "--labels",
            "labels.mrc",
        ],
        ["snap", "small.mrc", "s.mod", "-o", "snapped.mod"],
        ["corrections", "s.mod", "snapped.mod", "-o", "c.csv", "--tomogram", "small.mrc"],
        ["convert", "s.mod", "out.star", "--tomogram", "small.mrc"],
    ]
    again = [[*line, "--overwrite"] for line in lines]
    for line in [["demo"], *lines, *again, ["evaluate", "labels.mrc", "s.csv"]]:
        assert run_app(app, "vesimod", line) == 0, (line, capsys.readouterr().err)
    assert list(tmp_path.rglob(".*")) == []
    # A drive or a share would mean nothing on another PC.
    assert tmp_path.name not in (tmp_path / "s.mod.json").read_text(encoding="utf-8")
    assert b"\r" not in (tmp_path / "out.star").read_bytes()


@pytest.mark.usefixtures("on_windows")
def test_a_process_and_free_memory_are_known() -> None:
    assert owners.this_process().lives(Path())
    assert not owners.Owner(owners.this_process().host, os.getpid() + 1, "0" * 8).lives(Path())
    assert free_memory.free_memory_gb() > 0


@pytest.mark.usefixtures("on_windows")
def test_free_memory_is_what_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_memory, "sys", WIN32)
    assert free_memory.free_memory_gb() == pytest.approx(4.0)


def test_a_rename_waits_for_a_virus_scanner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "ON_WINDOWS", True)
    monkeypatch.setattr(windows, "PAUSE_S", 0.0)
    rename, refused = Path.replace, iter(range(3))

    def busy(source: Path, target: Path) -> Path:
        if next(refused, None) is not None:
            raise PermissionError(13, "Access is denied", str(source))
        return rename(source, target)

    monkeypatch.setattr(Path, "replace", busy)
    with atomic_path(tmp_path / "a.csv") as temporary:
        temporary.write_bytes(b"whole")
    assert (tmp_path / "a.csv").read_bytes() == b"whole"


@contextmanager
def held(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A file that a spreadsheet holds: it can be read, not opened to write."""
    plain = Path.open

    def guarded(self: Path, mode: str = "r", *rest: object, **named: object) -> object:
        if self == path and "+" in mode:
            raise PermissionError(13, "Permission denied", str(self))
        return plain(self, mode, *rest, **named)  # type: ignore[call-overload]

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", guarded)
        yield


def test_a_file_that_is_open_elsewhere_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "spheres.csv"
    table.touch()
    with held(table, monkeypatch):
        check_writable(table, overwrite=True)  # here it may be replaced nevertheless
        monkeypatch.setattr(windows, "ON_WINDOWS", True)
        with pytest.raises(PermissionError, match="close it in other programs") as caught:
            check_writable(table, overwrite=True)
    assert caught.value.filename == str(table)


@pytest.mark.parametrize("name", ["nul.mod", "CON", "com1.tar.mod", "a:b.mod", "what?.csv"])
def test_names_that_lead_nowhere_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    check_writable(tmp_path / name, overwrite=False)
    monkeypatch.setattr(windows, "ON_WINDOWS", True)
    with pytest.raises(InputError, match="choose another name"):
        check_writable(tmp_path / name, overwrite=False)
    for usual in ("console.mod", "nul_rec.mod", "TS 01.mod", "a'b.mod", "com10.mod"):
        check_writable(tmp_path / usual, overwrite=False)


class Windows(PureWindowsPath):
    """A path of Windows that needs no Windows."""

    def absolute(self) -> Windows:
        return self


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (r"C:\data\TS_01\TS_01_rec.mrc", "TS_01_rec.mrc"),
        (r"c:\Data\ts_01\sub\x.mod", "sub/x.mod"),
        (r"D:\other\x.mod", "D:/other/x.mod"),
        (r"\\server\share\TS 01\x.mod", "//server/share/TS 01/x.mod"),
    ],
)
def test_com_files_hold_drives_and_shares_with_slashes(path: str, name: str) -> None:
    told = com_files._name(Windows(r"C:\data\TS_01"), Windows(path))  # type: ignore[arg-type]
    assert told == name
    assert com_files._entry("InputFile", told) == f"InputFile {name}"


def test_com_files_quote_a_python_with_a_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(com_files, "Path", PureWindowsPath)
    program = [r"C:\Program Files\vesimod\Scripts\python.exe", "-m", "vesimod.pip"]
    assert com_files.quote_command(program) == (
        '"C:/Program Files/vesimod/Scripts/python.exe" -m vesimod.pip'
    )
    assert com_files.quote_command([r"\\server\vesimod\python.exe"]) == (
        "//server/vesimod/python.exe"
    )


def test_names_are_quoted_for_its_shells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "sys", WIN32)
    quoted = [console.quoted(PureWindowsPath(p)) for p in (r"C:\a\b.mod", r"\\s\my data\b.mod")]  # type: ignore[arg-type]
    assert quoted == [r"C:\a\b.mod", r'"\\s\my data\b.mod"']


COMMANDS = [
    ["info"],
    ["--help"],
    ["segment", "--help"],
    ["segment", "Ωmega→.mrc", "--picture", "ł.png"],
    ["model", "info", "Ωmega→_vesicles.mod"],
    ["snap", "Ωmega→.mrc", "Ωmega→_vesicles.mod", "-o", "Ж.mod"],
    ["corrections", "Ωmega→_vesicles.mod", "Ж.mod", "-o", "ж.csv"],
    ["evaluate", "Ωmega→_vesicles.mod", "Ж.mod", "--tomogram", "Ωmega→.mrc"],
    ["convert", "Ωmega→_vesicles.mod", "ж.star", "--tomogram", "Ωmega→.mrc"],
    ["batch", "Ω*.mrc", "-o", "çö→"],
    ["segment", "Ω.mrc"],
    ["etomo", "Ωmega→"],
]
REFUSED = COMMANDS[-2:]


@pytest.mark.slow
def test_no_letter_ends_a_command_whatever_the_code_page(tmp_path: Path) -> None:
    """Output in a pipe or a log has the code page of Windows, which lacks most letters."""
    small_tomogram(tmp_path / "Ωmega→.mrc")
    environment = os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    shown = ""
    for words in COMMANDS:
        line = [sys.executable, "-m", "vesimod", *words]
        done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, check=False)
        told = (done.stdout + done.stderr).decode("cp1252")
        assert done.returncode == (2 if words in REFUSED else 0), told
        assert "Traceback" not in told
        assert "codec can't" not in told
        shown += told
    assert r"\u03a9mega\u2192_vesicles.mod" in shown
