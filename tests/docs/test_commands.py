"""The commands that the README and docs/ show run as they stand, on the demo tomogram.

Each page has a folder of its own, in which its commands run one after the other, so that later ones
find what earlier ones wrote. Files that a page takes for granted are stand-ins made of the demo.
Python blocks follow; those of
the README and of python.md: tests/test_python_docs.py.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import drawn
import pytest
import vesimod
from markdown_it import MarkdownIt
from vesimod.io.tomogram import read_tomogram
from vesimod.network.shipped import find_model

ROOT = Path(__file__).resolve().parents[2]
DEMO = Path(str(resources.files("vesimod"))) / "demo"
PAGES = {path.name: path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}
PROGRAMS = {
    "vesimod": "vesimod",
    "vesimod-train": "vesimod_train",
    "vesimodpip": "vesimod.pip",
}
# A person in 3dmod who finds the first vesicle wrong, and the second one too small.
PERSON = """
import sys
import vesimod
tomogram, model = sys.argv[1:]
spheres = vesimod.read_spheres(model, tomogram)[1:]
radii = spheres["radius_nm"].copy()
radii[0] += 3
corrected = spheres.with_columns(radius_nm=radii)
vesimod.write_spheres("TS_01_rec_corrected.mod", corrected, tomogram, overwrite=True)
"""
# What is shown and not run, by the words that a line begins with, and why.
NOT_RUN = {
    "make": "makes a venv or trains for hours; CI runs `make test`",
    "source .venv/bin/activate": "changes the terminal it is typed in",
    "pip install": "CI installs all of it in venvs of their own",
    "pip wheel": "CI builds it",
    "pip download": "tests/release runs the script that does it",
    "python3 -m venv vesimod": "tests/release runs the script that does it",
    "vesimod/bin/pip": "tests/release runs the script that does it",
    "uv tool install": "changes the user's own programs",
    "pipx install": "changes the user's own programs",
    "sh vesimod-0.1.0-linux/install.sh": "tests/release/test_wheelhouse.py",
    "vesimod-0.1.0-windows": "for Windows",
    "py -m venv": "for Windows",
    ".venv\\Scripts\\": "for Windows",
    "python benchmarks/": "minutes, and for developers",
    "submfg": "IMOD's; tests/inference/commands/test_etomo.py runs the com files",
    "processchunks": "IMOD's; tests/inference/commands/test_etomo.py runs the com files",
    "cd /data": "a job for SLURM",
    "source /path/to": "a job array for SLURM, which a test of its own runs",
    "tomogram=$(": "the same",
    'vesimod segment "$tomogram"': "the same",
    "vesimod edit": "runs as long as 3dmod does; tests/inference/commands/test_edit.py",
    "vesimod watch": "runs until Ctrl-C; tests/inference/commands/test_edit.py",
    "vesimod-train import-cryovesnet": "the weights are not ours to pass on; "
    "tests/training/export/test_cryovesnet.py",
    "vesimod segment TOMOGRAM.mrc --model cryovesnet.onnx": "the same",
    "vesimod-train finetune": "minutes; tests/training/fitting/test_finetune.py",
    "vesimod-train adapt": "minutes; tests/training/fitting/test_adapt.py",
    "vesimod-train simulate": "minutes; tests/training/simulate/test_simulate.py",
    "vesimod-train fit": "hours; tests/training/fitting/test_fit_export.py",
    "vesimod-train export": "needs what `fit` makes; tests/training/fitting/test_fit_export.py",
    "vesimod-train quantise": "minutes; tests/training/export/test_quantise.py",
}
# Lines that are no commands but what one prints or reads.
PRINTED = {
    "point at": "vesimod edit",
    "sphere ": "vesimod edit",
    "moved ": "vesimod corrections",
    "note: positions": "vesimod corrections",
    "removed ": "vesimod corrections",
    "added ": "vesimod corrections",
    "104 kept": "vesimod corrections",
    "runtime.RunAfterStep": "vesimod etomo --batchruntomo",
    "InputFile": "options.txt",
    "OutputModel": "options.txt",
    "Threshold": "options.txt",
    "RadiusRangeNm": "options.txt",
}


def blocks(page: Path) -> list[list[str]]:
    """Lines of each block that is neither Python nor marked as text, without comments."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    texts = [
        token.content
        for token in tokens
        if token.type in ("fence", "code_block") and token.info not in ("python", "text")
    ]
    lines = [[line.strip() for line in text.splitlines()] for text in texts]
    return [[line for line in block if line and not line.startswith("#")] for block in lines]


def scripts(page: Path) -> list[str]:
    """Blocks of Python that no other test runs."""
    if page.name in ("README.md", "python.md"):
        return []
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return [token.content for token in tokens if token.info == "python"]


def shown(page: Path) -> list[str]:
    return [line for block in blocks(page) for line in block]


def to_run(page: Path) -> list[str]:
    left_out = (*NOT_RUN, *PRINTED)
    return [line for line in shown(page) if not line.startswith(left_out)]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the pages take for granted, and our programs on the PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "person.py").write_text(PERSON, encoding="utf-8")
    scripts = {name: ["-m", module] for name, module in PROGRAMS.items()}
    for name, words in (scripts | {"3dmod": [str(programs / "person.py")]}).items():
        line = shlex.join([sys.executable, *words])
        (programs / name).write_text(f'#!/bin/sh\nexec {line} "$@"\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    folder = tmp_path / "desk"
    for name in (".", "data", "2025-05-07"):
        (folder / name).mkdir(exist_ok=True, parents=True)
        shutil.copy(DEMO / "demo.mrc", folder / name / "TS_01_rec.mrc")
        (folder / name / "TS_01.edf").write_text(
            "#Etomo\nSetup.DatasetName=TS_01\nSetup.AxisType=Single Axis\n", encoding="latin-1"
        )
    shutil.copy(DEMO / "demo.mrc", folder / "TS_02_rec.mrc")
    shutil.copy(DEMO / "synapse.mrc", folder / "TS_03_rec.mrc")
    shutil.copy(DEMO / "synapse_guide.mod", folder / "TS_03_guide.mod")
    (folder / "tuned").mkdir()
    for name in ("better", "fast", "other", "third", "tuned/ours"):
        shutil.copy(find_model("fast"), folder / f"{name}.onnx")
    truth = vesimod.read_spheres(DEMO / "demo_truth.csv")
    vesimod.write_spheres(folder / "damaged.mod", truth, DEMO / "demo.mrc")
    whole = (folder / "damaged.mod").read_bytes()
    (folder / "damaged.mod").write_bytes(whole[:-40])
    options = [block for block in blocks(PAGES["etomo.md"]) if block[0].startswith("InputFile")]
    text = "\n".join(options[0]).replace("TS_01_vesicles.mod", "TS_01_options.mod")
    (folder / "options.txt").write_text(text, encoding="utf-8")
    grid = read_tomogram(folder / "TS_01_rec.mrc").grid
    inside = drawn.box(range(2, 94, 4), (4, 155), (4, 155))
    drawn.draw(folder / "outline.mod", grid, {"outline": (drawn.CLOSED, inside)})
    zone = drawn.line(range(4, 92, 4), 148, (10, 150))
    drawn.draw(folder / "az.mod", grid, {"active zone": (drawn.OPEN, zone)})
    (folder / "measured").mkdir()
    (folder / "groups.csv").write_text("synapse,group\nTS_01,a\nTS_02,b\n", encoding="utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("sh") is None, reason="the pages' commands are for a shell")
@pytest.mark.parametrize("name", [n for n, page in PAGES.items() if to_run(page) or scripts(page)])
def test_commands_run(name: str, desk: Path) -> None:
    lines = to_run(PAGES[name])
    if any(line.startswith("vesimod-train") for line in lines):
        pytest.importorskip("torch", reason="training needs torch: pip install 'vesimod[train]'")
    for line in lines:
        assert shlex.split(line)[0] in (*PROGRAMS, "3dmod"), (
            f"{name} shows {line}: run it or say why"
        )
        done = subprocess.run(
            ["sh", "-c", line], cwd=desk, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        assert "ERROR" not in done.stdout, line
        options = shlex.split(line, comments=True)
        for flag in {"-o", "-output", "-table"} & set(options):
            assert (desk / options[options.index(flag) + 1]).exists(), line
    for script in scripts(PAGES[name]):
        line = [sys.executable, "-c", script]
        done = subprocess.run(line, cwd=desk, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="a job for SLURM is a bash script")
def test_the_job_array_runs(desk: Path) -> None:
    tokens = MarkdownIt().parse(PAGES["many.md"].read_text(encoding="utf-8"))
    (job,) = [token.content for token in tokens if token.info == "bash"]
    lines = [line for line in job.splitlines() if not line.startswith("source ")]
    assert len(lines) == len(job.splitlines()) - 1
    (desk / "tomograms.txt").write_text("TS_03_rec.mrc\nTS_02_rec.mrc\n", encoding="utf-8")
    (desk / "vesicles").mkdir()
    subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=desk,
        env=os.environ | {"SLURM_ARRAY_TASK_ID": "2"},
        check=True,
        capture_output=True,
    )
    assert [path.name for path in (desk / "vesicles").glob("*.mod")] == ["TS_02_rec_vesicles.mod"]


def test_what_is_not_run_is_shown_somewhere() -> None:
    lines = [line for page in PAGES.values() for line in shown(page)]
    for start in (*NOT_RUN, *PRINTED):
        assert any(line.startswith(start) for line in lines), start
