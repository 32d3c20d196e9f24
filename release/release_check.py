"""Do all that a release needs, without releasing: `make release-check`.

What it makes lies in dist/release afterwards. `--part build` runs no tests and installs nothing; CI
has it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from wheelhouse import collect

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist" / "release"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSION = PROJECT["version"]
MOST_MIB = 400
NO_NETWORK = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}


class ReleaseError(Exception):
    """What keeps this state from being released."""


def main() -> None:
    """Run the steps, and say of each how long it took; exit 1 at the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=["build", "all"], default="all")
    steps: list[Callable[[], str]] = [versions_agree, build, builds_again]
    if parser.parse_args().part == "all":
        steps += [quick_tests_of_sdist, installs_offline, wheels_for_windows, list_parts, audit]
    for step in steps:
        start = time.monotonic()
        try:
            outcome = step()
        except ReleaseError as error:
            sys.exit(f"ERROR: release - {step.__name__}: {error}")
        print(f"{step.__name__}: {outcome} ({time.monotonic() - start:.0f} s)", flush=True)


def versions_agree() -> str:
    """See that the tag, if there is one, the changelog and the citation are of this version."""
    tags = output("git", "tag", "--points-at", "HEAD").split() if (ROOT / ".git").exists() else []
    wrong = [tag for tag in tags if tag.startswith("v") and tag != f"v{VERSION}"]
    if wrong:
        raise ReleaseError(f"tag {wrong[0]} on version {VERSION}; change pyproject.toml or the tag")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    if not re.search(rf"^## {re.escape(VERSION)}\b", changes, re.MULTILINE):
        raise ReleaseError(f"CHANGELOG.md has no section {VERSION}")
    if f"version: {VERSION}\n" not in (ROOT / "CITATION.cff").read_text(encoding="utf-8"):
        raise ReleaseError(f"CITATION.cff is not of version {VERSION}")
    if f"## {VERSION} (unreleased)" in changes:
        return f"{VERSION}, still called unreleased in CHANGELOG.md"
    return f"{VERSION}, tagged {' '.join(tags)}" if tags else f"{VERSION}, no tag on this commit"


def build() -> str:
    """Build the sdist, and the wheel from it; see that an index would take both."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", DIST, ROOT, environment=build_environment())
    run(sys.executable, "-m", "twine", "check", "--strict", sdist(), wheel())
    return f"{sdist().name}, {wheel().name}"


def builds_again() -> str:
    """Build both again, elsewhere and from the sdist: they are the same to the last bit."""
    with tempfile.TemporaryDirectory() as name:
        source = unpacked(Path(name) / "another place")
        # A checkout has none; where there is one, it takes another place in the archive.
        (source / "PKG-INFO").unlink()
        line = [sys.executable, "-m", "build", "--outdir", name, source]
        run(*line, environment=build_environment())
        for first in (sdist(), wheel()):
            was, again = sha256(first), sha256(Path(name) / first.name)
            if was != again:
                raise ReleaseError(f"{first.name}: SHA-256 {was[:12]}, built again {again[:12]}")
    return f"both again to the last bit; the wheel has SHA-256 {sha256(wheel())}"


def quick_tests_of_sdist() -> str:
    """Run the quick tests in the unpacked sdist, on its own code."""
    with tempfile.TemporaryDirectory() as name:
        source = unpacked(Path(name))
        packages = [source / part for part in ("imod_bridge", "inference", "training")]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(map(str, packages)),
            "OMP_NUM_THREADS": "1",
        }
        line = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-n", "2"]
        told = run(*line, "-m", "not slow", environment=environment, folder=source)
    return told.splitlines()[-1].strip("= ")


def installs_offline() -> str:
    """Install from the folder for offline PCs without a network, and run the demo."""
    folder = DIST / f"vesimod-{VERSION}-linux"
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    collect(folder, wheel(), "Linux", [python], "cpu")
    environment = {name: v for name, v in os.environ.items() if name != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as name:
        target = Path(name) / "vesimod"
        line = ["sh", folder / "install.sh", target]
        run(*alone(), *line, environment=environment | NO_NETWORK | {"PYTHON": sys.executable})
        run(*alone(), target / "bin" / "vesimod", "demo", environment=environment, folder=target)
        shutil.rmtree(target / "vesimod-demo")
        bom = DIST / f"vesimod-{VERSION}.cdx.json"
        line = ["-m", "cyclonedx_py", "environment", "--output-reproducible", "--pyproject"]
        line += [ROOT / "pyproject.toml", "--of", "JSON", "-o", bom]
        run(sys.executable, *line, target / "bin" / "python")
        run(target / "bin" / "python", "-m", "pip", "uninstall", "--quiet", "--yes", "pip")
        size = int(output("du", "-sk", target).split()[0]) // 1024
    if size > MOST_MIB:
        raise ReleaseError(f"the environment takes {size} MiB, more than {MOST_MIB}")
    return f"{'network off' if alone() else 'no index'}; {size} MiB by du, without pip"


def wheels_for_windows() -> str:
    """Collect the folder for Windows."""
    folder = DIST / f"vesimod-{VERSION}-windows"
    collect(folder, wheel(), "Windows", ["3.12"], "cpu")
    return f"{len(list((folder / 'wheels').iterdir()))} wheels"


def list_parts() -> str:
    """See that the list of parts names what was installed, and nothing of this machine."""
    text = (DIST / f"vesimod-{VERSION}.cdx.json").read_text(encoding="utf-8")
    names = {part["name"].lower() for part in json.loads(text)["components"]}
    missing = {re.split(r"[^\w-]", line)[0] for line in PROJECT["dependencies"]} - names
    if missing:
        raise ReleaseError(f"the list of parts lacks {', '.join(sorted(missing))}")
    if "file:" in text:
        raise ReleaseError("the list of parts names files of this machine")
    return f"{len(names)} parts in vesimod-{VERSION}.cdx.json"


def audit() -> str:
    """Ask for known faults of the parts; where nobody answers, say that nothing is known."""
    folder = DIST / f"vesimod-{VERSION}-linux" / "wheels"
    with tempfile.TemporaryDirectory() as name:
        pins = Path(name) / "pins.txt"
        parts = [
            file.name.split("-")[:2] for file in folder.iterdir() if "vesimod" not in file.name
        ]
        pins.write_text("".join(f"{part}=={version}\n" for part, version in parts))
        line = [sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps", "-f", "json"]
        line += ["--timeout", "5"]
        done = subprocess.run([*line, "-r", str(pins)], capture_output=True, text=True, check=False)
    if not done.stdout:
        return f"NOT CHECKED, the service cannot be reached: {done.stderr.splitlines()[-1][:100]}"
    told = json.loads(done.stdout)["dependencies"]
    faults = [f"{each['name']} {v['id']}" for each in told for v in each.get("vulns", [])]
    if faults:
        raise ReleaseError(f"known faults: {', '.join(faults)}; renew with make constraints")
    unknown = [each["name"] for each in told if "skip_reason" in each]
    checked = f"{len(told) - len(unknown)} parts without a known fault"
    return f"{checked}, {len(unknown)} NOT CHECKED" if unknown else checked


def sdist() -> Path:
    """Path of the sdist."""
    return DIST / f"vesimod-{VERSION}.tar.gz"


def wheel() -> Path:
    """Path of the wheel."""
    return DIST / f"vesimod-{VERSION}-py3-none-any.whl"


def unpacked(folder: Path) -> Path:
    """Unpack the sdist into a folder; return the folder of its files."""
    with tarfile.open(sdist()) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"vesimod-{VERSION}"


def build_environment() -> dict[str, str]:
    """Return an environment in which files in archives have the date of the commit."""
    date = output("git", "log", "-1", "--format=%ct") if (ROOT / ".git").exists() else "1577836800"
    return os.environ | {"SOURCE_DATE_EPOCH": date.strip()}


def alone() -> list[str]:
    """Words that start a program without any network, where this system allows that."""
    line = ["unshare", "-rn"]
    allowed = (
        shutil.which("unshare") and not subprocess.run([*line, "true"], check=False).returncode
    )
    return line if allowed else []


def sha256(file: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def output(*command: object) -> str:
    """Return what a program prints."""
    return run(*command)


def run(*command: object, environment: dict[str, str] | None = None, folder: Path = ROOT) -> str:
    """Run a program; return what it prints, or raise with the last lines of that."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).splitlines()[-15:]
        raise ReleaseError(f"{' '.join(words)} failed:\n" + "\n".join(lines))
    return done.stdout


if __name__ == "__main__":
    main()
