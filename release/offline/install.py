"""Install vesimod from the folder that this file lies in, without internet.

    python install.py [FOLDER]

Makes a virtual environment in FOLDER (default: ``vesimod`` in the home folder) and installs there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
WHEELS = HERE / "wheels"
SUMS = HERE / "SHA256SUMS"


class InstallError(Exception):
    """Why nothing can be installed, and what to do."""


def main(arguments: list[str]) -> int:
    """Install, or print one line that says why not; return the exit code."""
    # Of "C:\\my programs\\" in quotes, Python gets the last quote, too: no folder's name holds one.
    named = arguments[0].rstrip('"') if arguments else Path.home() / "vesimod"
    target = Path(named).absolute()
    try:
        check_files()
        check_python()
        install(target)
    except InstallError as error:
        print(f"ERROR: vesimod - {error}", file=sys.stderr)
        return 2
    print(how_to_start(target))
    return 0


def check_files() -> None:
    """Compare all files with their checksums, and refuse wheels that are not on the list."""
    lines = SUMS.read_text(encoding="utf-8").splitlines() if SUMS.is_file() else []
    expected = {line[66:]: line[:64] for line in lines}
    if not expected:
        raise InstallError(f"{SUMS}: is missing or empty; copy the whole folder again")
    for name, digest in expected.items():
        file = HERE / name
        if not file.is_file():
            raise InstallError(f"{file}: is missing; copy the whole folder again")
        if hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            raise InstallError(f"{file}: is damaged or was changed; copy the whole folder again")
    for file in WHEELS.iterdir():
        if f"wheels/{file.name}" not in expected:
            raise InstallError(f"{file}: is not in {SUMS.name}; remove it")
    print(f"checked {len(expected)} files")


def check_python() -> None:
    """Refuse a Python, or a system, that the wheels are not for."""
    names = [file.name for file in WHEELS.glob("*.whl")]
    found = {(int(a), int(b)) for n in names for a, b in re.findall(r"-cp(\d)(\d+)-cp", n)}
    versions = ", ".join(f"{a}.{b}" for a, b in sorted(found))
    if found and sys.version_info[:2] not in found:
        raise InstallError(
            f"{sys.executable}: is Python {sys.version_info[0]}.{sys.version_info[1]}, but the "
            f"wheels are for {versions}; install one of these"
        )
    if sys.maxsize < 2**32:
        raise InstallError(f"{sys.executable}: is a Python of 32 bits; install one of 64 bits")
    for system, tag in (("nt", "-win_amd64.whl"), ("posix", "linux")):
        other = any(tag in name for name in names)
        if other and os.name != system:
            raise InstallError(f"{HERE}: is for {'Windows' if system == 'nt' else 'Linux'}")
    for module in ("ensurepip", "venv"):
        if importlib.util.find_spec(module) is None:
            raise InstallError(
                f"{sys.executable}: lacks {module}; on Debian and Ubuntu, "
                "install the package python3-venv"
            )


def install(target: Path) -> None:
    """Make the environment, or use the one that is there, and install into it."""
    if target.exists() and not (target / "pyvenv.cfg").is_file() and any(target.iterdir()):
        raise InstallError(f"{target}: is a folder with other files; name a new one")
    print(f"making {target}", flush=True)
    venv.create(target, with_pip=True)
    requirements = (HERE / "requirements.txt").read_text(encoding="utf-8").split()
    # Settings of this PC, e.g. of an index that cannot be reached, must not matter.
    foreign = ("PIP_", "PYTHONPATH", "PYTHONHOME")
    environment = {name: v for name, v in os.environ.items() if not name.startswith(foreign)}
    environment["PIP_CONFIG_FILE"] = os.devnull
    line = [str(program(target, "python")), "-m", "pip", "install", "--quiet", "--upgrade"]
    line += ["--disable-pip-version-check", "--no-index", "--find-links", str(WHEELS)]
    # pip takes an earlier state of the same version for up to date.
    ours = [*line, "--no-deps", "--force-reinstall", *requirements]
    starts = [str(program(target, "vesimod")), "--version"]
    for command in ([*line, *requirements], ours, starts):
        if subprocess.run(command, env=environment, check=False).returncode:
            raise InstallError(f"{target}: not installed; the lines above say why")


def program(target: Path, name: str) -> Path:
    """Path of a program in the environment."""
    return target / ("Scripts" if os.name == "nt" else "bin") / name


def how_to_start(target: Path, windows: bool = os.name == "nt") -> str:
    """Say what to type next. PowerShell only repeats a name in quotes, unless & stands before."""
    if windows:
        scripts = f"{target}\\Scripts"
        first = (
            f'In each new window, first, in the Command Prompt:\n    "{scripts}\\activate.bat"\n'
            f'or, in PowerShell:\n    & "{scripts}\\Activate.ps1"'
        )
    else:
        first = f"In each new terminal, first:\n    . '{target}/bin/activate'"
    return f"Done. {first}\nthen, to try it:\n    vesimod demo"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
