"""The folder to install from without internet: what it holds and refuses, and that it works."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import install
import pytest
import wheelhouse
from licences import licence_list, licence_of

METADATA = "Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{more}\n"
PROGRAM = "def main():\n    print('vesimod 1.0, from the folder')\n"


def make_wheel(
    folder: Path, name: str, tag: str = "py3-none-any", more: str = "", program: str = PROGRAM
) -> Path:
    """A wheel as small as one can be, with a program of its name."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": program,
        f"{info}/METADATA": METADATA.format(name=name, more=more),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
        f"{info}/licenses/LICENSE": "Do what you like.\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    path = folder / f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in (files | {f"{info}/RECORD": record}).items():
            archive.writestr(file, text)
    return path


def collected(
    folder: Path, monkeypatch: pytest.MonkeyPatch, system: str, pythons: list[str]
) -> Path:
    """A folder as `make wheelhouse` makes it, with tiny wheels instead of downloaded ones."""

    def download(wheels: Path, system: str, python: str, extras: str) -> None:
        assert extras == "cpu"
        tag = {"Linux": "manylinux_2_28_x86_64", "Windows": "win_amd64"}[system]
        version = "cp" + python.replace(".", "")
        make_wheel(wheels, "part", f"{version}-{version}-{tag}")

    monkeypatch.setattr(wheelhouse, "download", download)
    wheel = make_wheel(folder, "vesimod", more="Provides-Extra: cpu\nLicense-Expression: MIT")
    house = folder / "a house of wheels"
    wheelhouse.collect(house, wheel, system, pythons, "cpu")
    return house


THIS_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
THIS_SYSTEM = "Windows" if os.name == "nt" else "Linux"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = collected(tmp_path, monkeypatch, THIS_SYSTEM, [THIS_PYTHON])
    monkeypatch.setattr(install, "HERE", folder)
    monkeypatch.setattr(install, "WHEELS", folder / "wheels")
    monkeypatch.setattr(install, "SUMS", folder / "SHA256SUMS")
    return folder


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="install.sh is for Linux")
def test_one_line_installs_twice_without_an_index(house: Path, tmp_path: Path) -> None:
    """Settings of pip that lead elsewhere do not matter; neither do blanks in names."""
    environment = os.environ | {"PYTHON": sys.executable, "PIP_INDEX_URL": "http://127.0.0.1:9/"}
    target = tmp_path / "my programs" / "vesimod"
    for state in ("an earlier state", "the folder"):  # of one version
        text = PROGRAM.replace("the folder", state)
        make_wheel(house / "wheels", "vesimod", more="Provides-Extra: cpu", program=text)
        wheelhouse.write_sums(house)
        done = subprocess.run(
            ["sh", house / "install.sh", target],
            env=environment,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert f"vesimod 1.0, from {state}" in done.stdout
    activate = next(line for line in done.stdout.splitlines() if "activate" in line)
    line = ["sh", "-c", f"unset PYTHONPATH\n{activate}\nvesimod"]
    shell = subprocess.run(line, capture_output=True, text=True, check=True)
    assert shell.stdout == "vesimod 1.0, from the folder\n"


def test_windows_is_told_what_each_of_its_terminals_takes() -> None:
    told = install.how_to_start(Path("my programs"), windows=True).splitlines()
    assert '    "my programs\\Scripts\\activate.bat"' in told
    assert '    & "my programs\\Scripts\\Activate.ps1"' in told


@pytest.mark.usefixtures("house")
def test_a_quote_that_cmd_leaves_at_the_end_is_no_part_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []
    monkeypatch.setattr(install, "install", asked.append)
    assert install.main([f'{tmp_path / "new"}"']) == 0
    assert asked == [tmp_path / "new"]
    assert f"{tmp_path / 'new'}" in capsys.readouterr().out


def test_all_files_are_on_the_list_of_checksums(house: Path) -> None:
    lines = (house / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    sums = {line[66:]: line[:64] for line in lines}
    files = {f.relative_to(house).as_posix(): f for f in house.rglob("*") if f.is_file()}
    assert sums.keys() == files.keys() - {"SHA256SUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256(files[name].read_bytes()).hexdigest() == digest


def damage(house: Path) -> None:
    path = next((house / "wheels").glob("part*"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def lose(house: Path) -> None:
    next((house / "wheels").glob("part*")).unlink()


def add(house: Path) -> None:
    make_wheel(house / "wheels", "stranger")


def lose_the_list(house: Path) -> None:
    (house / "SHA256SUMS").unlink()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (damage, "damaged or was changed; copy the whole folder again"),
        (lose, "is missing; copy the whole folder again"),
        (add, "stranger-1.0-py3-none-any.whl: is not in SHA256SUMS; remove it"),
        (lose_the_list, "SHA256SUMS: is missing or empty"),
    ],
)
def test_what_is_not_whole_is_refused(
    house: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change, message: str
) -> None:
    change(house)
    assert install.main([str(tmp_path / "new")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ERROR: vesimod - ")
    assert message in line
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("system", "python", "message"),
    [
        (THIS_SYSTEM, "3.9", f"is Python {THIS_PYTHON}, but the wheels are for 3.9"),
        ("Windows" if THIS_SYSTEM == "Linux" else "Linux", THIS_PYTHON, "is for "),
    ],
)
def test_wheels_for_others_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, python: str, message: str
) -> None:
    folder = collected(tmp_path, monkeypatch, system, [python])
    monkeypatch.setattr(install, "HERE", folder)
    monkeypatch.setattr(install, "WHEELS", folder / "wheels")
    with pytest.raises(install.InstallError, match=message):
        install.check_python()


@pytest.mark.usefixtures("house")
def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    assert install.main([str(tmp_path / "mine")]) == 2
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


@pytest.mark.skipif(os.name == "nt", reason="install.sh is for Linux")
def test_install_sh_says_which_python_is_missing(house: Path) -> None:
    line = [str(shutil.which("sh")), str(house / "install.sh")]
    nothing = {"PATH": "", "PYTHON": "no-such-python"}
    done = subprocess.run(line, env=nothing, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    start = f"ERROR: vesimod - no Python starts; install Python {THIS_PYTHON}"
    assert done.stderr.startswith(start)


@pytest.fixture
def batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    folder = collected(tmp_path, monkeypatch, "Windows", ["3.12", "3.11"])
    assert not (folder / "install.sh").exists()
    return (folder / "install.bat").read_bytes()


def test_install_bat_is_in_the_form_that_cmd_reads(batch: bytes) -> None:
    assert batch.count(b"\r\n") == batch.count(b"\n") > 10
    text = batch.decode("ascii")
    assert "@" not in text.replace("@echo off", "")  # all words are filled in
    for foreign in ("/bin", "/dev/null", "$", "`", "export ", "; do", "fi\r\n", "'"):
        assert foreign not in text


def test_install_bat_jumps_to_labels_and_tries_each_python(batch: bytes) -> None:
    lines = batch.decode("ascii").splitlines()
    labels = {line[1:] for line in lines if line.startswith(":")}
    assert set(re.findall(r"goto (\w+)", "\n".join(lines))) == labels == {"found", "end"}
    assert any(line.startswith("for %%V in (3.12 3.11) do (") for line in lines)
    # In brackets, cmd fills %NAME% in before the block runs: none may stand there.
    inside = [line for line in lines if line.startswith("  ")]
    assert inside
    assert not any(re.search(r"(?<!%)%\w+%", line) for line in inside)
    assert sum(line.count("(") - line.count(")") for line in lines) == 0
    # Found wherever the batch file lies, and told all that was typed.
    assert '%PYTHON% "%~dp0install.py" %*' in lines
    assert lines[-1] == "exit /b %CODE%"


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("License-Expression: MIT\nLicense: other", "MIT"),
        ("License: BSD", "BSD"),
        ("License: Copyright\n   and much text", "not named"),
        (f"License: {'long ' * 30}\nClassifier: License :: OSI Approved :: BSD License", "BSD Lic"),
        ("Summary: x", "not named"),
    ],
)
def test_licences_are_those_of_the_metadata(metadata: str, licence: str) -> None:
    assert licence_of(HeaderParser().parsestr(f"Name: x\n{metadata}\n")).startswith(licence)


def test_the_list_of_licences_names_each_wheel_and_where_its_text_is(house: Path) -> None:
    text = (house / "LICENCES.txt").read_text(encoding="utf-8")
    assert "vesimod 1.0: MIT\n    vesimod-1.0.dist-info/licenses/LICENSE\n" in text
    assert "part 1.0: not named" in text
    assert licence_list(sorted((house / "wheels").iterdir())) == text
