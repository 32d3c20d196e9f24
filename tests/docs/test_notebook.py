"""The tutorial notebook runs as it stands, and prints what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

for package in ("nbconvert", "ipykernel", "matplotlib", "pandas"):
    pytest.importorskip(package, reason="the notebook needs pip install --group docs")
pytestmark = pytest.mark.slow

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "tutorial.ipynb"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def printed(path: Path) -> list[str]:
    import nbformat

    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return ["".join(output["text"]) for output in outputs if output["output_type"] == "stream"]


def test_the_notebook_prints_what_it_says(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute"]
    line += ["--output-dir", str(tmp_path), str(NOTEBOOK)]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    now, said = printed(tmp_path / NOTEBOOK.name), printed(NOTEBOOK)
    assert len(said) >= 6
    assert [NUMBER.sub("#", text) for text in now] == [NUMBER.sub("#", text) for text in said]
    numbers = [[float(n) for n in NUMBER.findall("".join(texts))] for texts in (now, said)]
    assert numbers[0] == pytest.approx(numbers[1], rel=0.05, abs=0.11), "run `make notebook`"


def test_every_cell_of_code_was_run_in_its_order() -> None:
    import nbformat

    cells = [c for c in nbformat.read(NOTEBOOK, as_version=4).cells if c.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [o for cell in cells for o in cell.outputs if o["output_type"] == "error"]
