"""Ask pip whether each system that we name gets wheels of all we need; nothing is installed."""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
# pip takes a platform's name literally: Linux has one for each age of its C library.
LINUX = [f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 26, 24, 17, 12, 5)]
PLATFORMS = {"Windows": ["win_amd64"], "Linux": [*LINUX, "manylinux2014_x86_64"]}
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def resolve(platform: str, python: str, requirements: list[str]) -> str:
    """Let pip choose wheels for a system; return its complaints, empty if there are none."""
    tags = [word for tag in PLATFORMS[platform] for word in ("--platform", tag)]
    with tempfile.TemporaryDirectory() as target:
        line = ["-m", "pip", "install", "--dry-run", "--quiet", "--only-binary=:all:"]
        line += ["--python-version", python, "--target", target, *tags, *requirements]
        done = subprocess.run([sys.executable, *line], capture_output=True, text=True, check=False)
    return (done.stderr or "pip failed") if done.returncode else ""


def main() -> None:
    """Print a line for each system and Python; exit 1 if one of them lacks a wheel."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = project["dependencies"] + project["optional-dependencies"]["cpu"]
    systems = list(itertools.product(PLATFORMS, PYTHONS))
    with ThreadPoolExecutor(4) as pool:  # they mostly wait for the index
        complaints = list(pool.map(lambda each: resolve(each[0], each[1], requirements), systems))
    for (platform, python), complaint in zip(systems, complaints, strict=True):
        print(f"{platform}, Python {python}: {complaint or 'wheels for all'}")
    sys.exit(any(complaints))


if __name__ == "__main__":
    main()
