"""Ask pip whether each system that we name gets wheels of all dependencies; nothing is installed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
# Extras and the systems that README.md names them for. Wheels of pip's older manylinux tags run on later systems too.
LINUX = [f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 26, 24, 17, 12, 5)]
PLATFORMS = {"Windows": ["win_amd64"], "Linux": [*LINUX, "manylinux2014_x86_64"]}
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
EXTRAS = ("cpu",)


def resolve(platform: str, python: str, requirements: list[str]) -> subprocess.CompletedProcess[str]:
    """Let pip choose wheels for another system."""
    tags = [word for tag in PLATFORMS[platform] for word in ("--platform", tag)]
    with tempfile.TemporaryDirectory() as target:
        line = ["-m", "pip", "install", "--dry-run", "--quiet", "--only-binary=:all:"]
        line += ["--python-version", python, "--target", target, *tags, *requirements]
        return subprocess.run([sys.executable, *line], capture_output=True, text=True, check=False)


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    failed = False
    for extra in EXTRAS:
        requirements = project["dependencies"] + project["optional-dependencies"][extra]
        for platform in PLATFORMS:
            for python in PYTHONS:
                done = resolve(platform, python, requirements)
                failed |= done.returncode != 0
                print(f"{platform}, Python {python}, [{extra}]:", "no" if done.returncode else "yes")
                if done.returncode:
                    print(done.stderr)
    sys.exit(failed)


if __name__ == "__main__":
    main()
