"""Collect all wheels for a PC without internet, with an installer, checksums and licences.

    python release/wheelhouse.py --system Windows --python 3.12 --extras cpu,report

Works for a system and Pythons other than those that it runs on. `make wheelhouse` calls it.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from licences import licence_list
from resolve_wheels import PLATFORMS

ROOT = Path(__file__).resolve().parents[1]
OFFLINE = Path(__file__).resolve().parent / "offline"
CONSTRAINTS = ROOT / ".ci" / "constraints.txt"
# As uv names them. pip by itself takes the conditions of requirements for this system's, and
# would forget what only Windows needs.
UV_PLATFORMS = {"Windows": "x86_64-pc-windows-msvc", "Linux": "x86_64-manylinux_2_28"}


def main() -> None:
    """Collect a folder for each system that was asked for."""
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--system", choices=PLATFORMS, action="append", help="default: all")
    parser.add_argument("--python", nargs="+", default=[here], help="default: the running one")
    parser.add_argument("--extras", default="cpu", help="separated by commas")
    parser.add_argument("--wheel", type=Path, help="default: one is built")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "dist")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        wheel = options.wheel or build_wheel(Path(name))
        for system in options.system or PLATFORMS:
            folder = options.output / f"{'-'.join(wheel.name.split('-')[:2])}-{system.lower()}"
            collect(folder, wheel, system, options.python, options.extras)
            size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
            print(f"{folder}: {size / 2**20:.0f} MiB")


def build_wheel(folder: Path) -> Path:
    """Build vesimod's wheel."""
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


def collect(folder: Path, wheel: Path, system: str, pythons: list[str], extras: str) -> None:
    """Fill a folder anew: wheels for each Python, installer, licences, checksums."""
    shutil.rmtree(folder, ignore_errors=True)
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    shutil.copy(wheel, wheels)
    for python in pythons:
        download(wheels, system, python, extras)
    version = wheel.name.split("-")[1]
    (folder / "requirements.txt").write_text(f"vesimod[{extras}]=={version}\n", encoding="utf-8")
    words = {
        "@VERSION@": version,
        "@SYSTEM@": system,
        "@VERSIONS@": " ".join(pythons),
        "@COMMAND@": "install.bat" if system == "Windows" else "sh install.sh",
        "@PROGRAMS@": " ".join(f"python{python}" for python in pythons),
    }
    others = ".sh" if system == "Windows" else ".bat"
    for source in (file for file in OFFLINE.iterdir() if file.suffix != others):
        write_script(source, folder / source.name, words)
    licences = licence_list(sorted(wheels.glob("*.whl")))
    (folder / "LICENCES.txt").write_text(licences, encoding="utf-8")
    write_sums(folder)


def download(wheels: Path, system: str, python: str, extras: str) -> None:
    """Fetch the wheels that vesimod needs on a system with one Python."""
    with tempfile.TemporaryDirectory() as name:
        pins = Path(name) / "pins.txt"
        line = ["-m", "uv", "pip", "compile", ROOT / "pyproject.toml", "--quiet"]
        line += ["--no-header", "--no-annotate", "--constraints", CONSTRAINTS, "-o", pins]
        line += [word for extra in extras.split(",") for word in ("--extra", extra)]
        line += ["--python-platform", UV_PLATFORMS[system], "--python-version", python]
        run(sys.executable, *line)
        tags = [word for tag in PLATFORMS[system] for word in ("--platform", tag)]
        line = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", *tags]
        run(sys.executable, *line, "--python-version", python, "--dest", wheels, "-r", pins)


def write_script(source: Path, target: Path, words: dict[str, str]) -> None:
    """Copy an installer's file with words filled in, and the line ends that its system wants."""
    text = source.read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(word, value)
    ends = "\n" if source.suffix in (".sh", ".py") else "\r\n"
    target.write_bytes(text.replace("\n", ends).encode("utf-8"))


def write_sums(folder: Path) -> None:
    """Write the checksums of all files, in the form of the program sha256sum."""
    files = sorted(f for f in folder.rglob("*") if f.is_file() and f.name != "SHA256SUMS")
    lines = (
        f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.relative_to(folder).as_posix()}\n"
        for f in files
    )
    (folder / "SHA256SUMS").write_bytes("".join(lines).encode("utf-8"))


def run(*command: object) -> None:
    """Run a program; end with its exit code if it fails."""
    done = subprocess.run([str(word) for word in command], check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
