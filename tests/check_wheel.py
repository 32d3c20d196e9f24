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
SIZE_LIMIT_MIB = 400
BLOCK = 4096  # bytes that a file takes at least, and a folder
LEAST_F1 = 0.94  # 0.957 when this was written
# All commands but those that need an extra, IMOD or a data set of Etomo.
WALK = """
info
segment demo_rec.mrc -o all.mod --table all.csv --labels all.mrc --picture all.png
batch demo_rec.mrc synapse_rec.mrc -o many
evaluate all.mod all.mrc
corrections demo_rec_vesicles.mod all.mod -o corrections.csv
merge corrections.csv all.mod -o merged.mod
snap demo_rec.mrc all.mod -o snapped.mod
model info merged.mod
convert all.mod all.star
convert all.mod all.pyto --tomogram demo_rec.mrc
membrane synapse_rec.mrc synapse_guide.mod -o membranes.mod
outline synapse_rec.mrc -o outline.mod
segment synapse_rec.mrc --region membranes.mod
connect synapse_rec.mrc synapse_rec_vesicles.mod --active-zone membranes.mod --region membranes.mod
measure synapse_rec.mrc synapse_rec_vesicles.mod --active-zone membranes.mod --outline outline.mod
synapse synapse_rec.mrc -o proposed
synapse synapse_rec.mrc --active-zone synapse_guide.mod --outline synapse_guide.mod
"""


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
        check_absent(python, "torch", "onnx", "skimage")
        run(python, "-m", "vesimod", "demo", cwd=folder)
        results = sorted(path.name for path in (folder / "vesimod-demo").iterdir())
        if not {"demo_rec_vesicles.mod", "demo_rec.csv", "demo_rec.png"} <= set(results):
            sys.exit(f"vesimod demo left only {results}")
        check_score(python, folder / "vesimod-demo")
        walk_commands(python, folder / "vesimod-demo")
        helpers = ["pytest", "pytest-xdist", "hypothesis", "imodmodel", "pandas", "scikit-image"]
        run(python, "-m", "pip", "install", "--quiet", *helpers)
        check_absent(python, "torch", "onnx")
        # Outside the checkout, so that the wheel is what gets imported. Slow tests would say no
        # more about how it was packed.
        tests = [ROOT / "tests" / part for part in ("imod_bridge", "inference")]
        options = ["-c", ROOT / "pyproject.toml", f"--rootdir={ROOT}", "-p", "no:cacheprovider"]
        os.environ["OMP_NUM_THREADS"] = "1"  # as in the Makefile
        quick = ["-q", "-n", "2", "-m", "not slow"]
        run(python, "-m", "pytest", *quick, *options, *tests, cwd=folder)
    print("wheel: installs and works without torch and onnx")


def walk_commands(python: Path, folder: Path) -> None:
    """Run each command on what the demo left, before test helpers bring packages of their own."""
    for line in WALK.strip().splitlines():
        run(python, "-m", "vesimod", *line.split(), cwd=folder)


def check_size(environment: Path) -> None:
    """What the environment takes on the disk, bytecode included but not pip, as `du` counts it."""
    site = next(environment.rglob("site-packages"))
    pip = [site / "pip", *site.glob("pip-*")]
    blocks = 0
    for path in environment.rglob("*"):
        if not path.is_symlink() and not any(path.is_relative_to(each) for each in pip):
            blocks += -(-path.stat().st_size // BLOCK)
    size = blocks * BLOCK / 2**20
    print(f"wheel: the environment takes {size:.0f} MiB on the disk")
    if size > SIZE_LIMIT_MIB:
        sys.exit(f"the environment takes {size:.0f} MiB, more than {SIZE_LIMIT_MIB}")


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
