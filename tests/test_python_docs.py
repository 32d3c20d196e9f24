"""The Python that docs/python.md and the README show, run as it stands, on the demo."""

from __future__ import annotations

import re
import shutil
import sys
import types
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import vesimod

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "python.md"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


class Viewer:
    """Stands in for napari's, which is not installed with vesimod."""

    def add_image(self, data: np.ndarray, *, scale: tuple[float, ...]) -> None:
        assert (data.ndim, len(scale)) == (3, 3)

    def add_points(self, data, *, size, features, name, out_of_slice_display) -> None:
        assert len(data) == len(size) == len(features["id"]) > 0
        assert (name, out_of_slice_display) == ("vesicles", True)


@pytest.mark.slow
def test_the_page_of_python_runs_and_prints_what_it_says(tmp_path, monkeypatch, capsys) -> None:
    pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "napari", types.SimpleNamespace(Viewer=Viewer))
    names: dict[str, object] = {}
    script, *others = blocks(PAGE, "python")
    for _ in range(2):  # as a notebook is run again
        exec(script, names)
    printed = capsys.readouterr().out
    said = blocks(PAGE, "text")[0]
    printed = printed[: len(printed) // 2]
    assert NUMBER.sub("#", printed) == NUMBER.sub("#", said)
    for a, b in zip(NUMBER.findall(printed), NUMBER.findall(said), strict=True):
        assert float(a) == pytest.approx(float(b), rel=0.01, abs=0.11)
    for other in others:
        exec(other, names)
    assert "1 resized" in capsys.readouterr().out
    written = vesimod.read_spheres("demo.mod")
    assert np.isclose(written["radius_nm"], 21.5).sum() == 1


def test_the_first_script_is_short() -> None:
    lines = [line for line in blocks(PAGE, "python")[0].splitlines() if line.strip()]
    assert len(lines) <= 16


@pytest.mark.slow
def test_the_readme_runs(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(Path(str(resources.files("vesimod"))) / "demo" / "demo.mrc", "TS_01_rec.mrc")
    for block in blocks(ROOT / "README.md", "python"):
        exec(block, {})
    assert capsys.readouterr().out.startswith("Spheres(")
    assert len(vesimod.read_spheres("TS_01.mod")) > 20
