"""Build the wheel, install it with ``[cpu]`` alone, and use it as a user without torch would.

Run by ``make wheel``; exits non-zero at the first thing that is wrong.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIZE_LIMIT_MB = 400
LEAST_F1 = 0.94  # 0.957 when this was written


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(sys.executable, "-m", "build", "--wheel", "--outdir", folder / "dist", ROOT)
        (wheel,) = (folder / "dist").glob("*.whl")
        environment = folder / "venv"
        venv.create(environment, with_pip=True)
        python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        run(python, "-m", "pip", "install", "--quiet", f"{wheel}[cpu]")
        check_size(environment)
        check_absent(python, "torch", "onnx")
        run(
            python, "-m", "pip", "install", "--quiet", "pytest", "hypothesis", "imodmodel", "pandas"
        )
        check_absent(python, "torch", "onnx")
        # Outside the checkout, so that the wheel is what gets imported.
        tests = [ROOT / "tests" / part for part in ("imod_bridge", "inference")]
        options = ["-c", ROOT / "pyproject.toml", f"--rootdir={ROOT}", "-p", "no:cacheprovider"]
        run(python, "-m", "pytest", "-q", *options, *tests, cwd=folder)
        run(python, "-m", "vesimod", "demo", cwd=folder)
        results = sorted(path.name for path in (folder / "vesimod-demo").iterdir())
        if not {"demo_rec_vesicles.mod", "demo_rec.csv", "demo_rec.png"} <= set(results):
            sys.exit(f"vesimod demo left only {results}")
        check_score(python, folder / "vesimod-demo")
    print("wheel: installs and works without torch and onnx")


def check_size(environment: Path) -> None:
    """What `pip install vesimod[cpu]` adds to an empty venv, pip itself not counted."""
    site = next(environment.rglob("site-packages"))
    files = [
        p for p in site.rglob("*") if p.is_file() and "pip" not in p.relative_to(site).parts[0]
    ]
    megabytes = sum(p.stat().st_size for p in files if "__pycache__" not in p.parts) / 1e6
    print(f"wheel: [cpu] install takes {megabytes:.0f} MB")
    if megabytes > SIZE_LIMIT_MB:
        sys.exit(f"the CPU install takes {megabytes:.0f} MB, more than {SIZE_LIMIT_MB}")


def check_score(python: Path, folder: Path) -> None:
    """The vesicles that the demo found are the true ones."""
    code = (
        "import sys, vesimod; from importlib.resources import files; "
        "truth = files('vesimod') / 'demo' / 'demo_truth.csv'; "
        "print(vesimod.evaluate('demo_rec_vesicles.mod', truth).f1)"
    )
    line = [python, "-c", code]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=True)
    print(f"wheel: the demo's F1 is {float(done.stdout):.3f}")
    if float(done.stdout) < LEAST_F1:
        sys.exit(f"the demo's F1 is {done.stdout.strip()}, less than {LEAST_F1}")


def check_absent(python: Path, *modules: str) -> None:
    code = f"import importlib.util as u, sys; sys.exit(any(map(u.find_spec, {modules!r})))"
    if subprocess.run([python, "-c", code], check=False).returncode:
        sys.exit(f"one of {modules} came with the CPU install")


def run(*command: object, cwd: Path = ROOT) -> None:
    print("$", " ".join(map(str, command)), flush=True)
    subprocess.run([str(part) for part in command], cwd=cwd, check=True)


if __name__ == "__main__":
    main()
