"""What a new user reads: help, refusals that name the remedy, tables that fit the screen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_line import vesimod
from vesimod.commands.segmenting import NEXT_STEP, summary
from vesimod.io.provenance import Provenance
from vesimod.io.tomogram import write_volume
from vesimod.pipeline import Segmentation
from vesimod.runs.outputs import Settings
from vesimod.runs.summary import MOST_COLUMNS, Row, markdown
from vesimod_imod.core.spheres import Grid, Spheres

NO_MAP = np.zeros((1, 1, 1), np.float32)


def test_the_command_alone_prints_its_help(capsys) -> None:
    assert vesimod() == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("Usage: vesimod ")
    assert "segment" in captured.out
    assert captured.err == ""


def test_help_has_a_short_option_and_ends_with_examples(capsys) -> None:
    assert vesimod("segment", "-h") == 0
    last = capsys.readouterr().out.split("Examples:")[1]
    assert last.count("  vesimod segment TS_01_rec.mrc") == 2
    assert "docs/post-processing.md" in last


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("segment", "vesimod segment"),
        ("merge a", "vesimod merge"),
        ("model info", "vesimod model info"),
        ("nothing", "vesimod"),
    ],
)
def test_refusals_name_the_help_of_their_command(line: str, command: str, capsys) -> None:
    assert vesimod(*line.split()) == 2
    assert f"(see {command} --help)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "name", "right"),
    [
        ("-o", "x.txt", "x.mod"),
        ("--table", "x.xlsx", "x.csv"),
        ("--dropped", "x.mod", "x.csv"),
        ("--labels", "x.tif", "x.mrc"),
        ("--probability", "x.csv", "x.mrc"),
        ("--picture", "x.html", "x.png"),
        ("--report", "x.pdf", "x.html"),
    ],
)
def test_endings_that_contradict_the_content(
    tmp_path: Path, capsys, option: str, name: str, right: str
) -> None:
    if option == "--report":
        pytest.importorskip("jinja2", reason="reports need the extra report")
    grid = Grid((20, 20, 20), (2.0, 2.0, 2.0))
    write_volume(tmp_path / "t.mrc", np.zeros(grid.shape, np.float32), grid)
    assert vesimod("segment", tmp_path / "t.mrc", option, tmp_path / name) == 2
    error = capsys.readouterr().err
    assert f"name it {right}" in error
    assert error.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["t.mrc"]


def test_found_nothing_says_what_was_looked_for() -> None:
    dropped = Spheres(np.zeros((3, 3)), np.full(3, 20.0)).with_measures(reason=["a", "b", "a"])
    result = Segmentation(Spheres.empty(), dropped, NO_MAP, 4.4, 0.5)
    made = {"voxel_size_nm": [2.0, 2.2, 2.2], "dropped": {"faint": 2, "small": 1}, "seconds": 3.0}
    record = Provenance("n", "", "t", "", {}, made)
    assert summary(result, Settings(threshold=0.5, invert=True), record) == (
        "found no vesicle of 12 to 75 nm radius with a bright membrane, voxels of 2.2 nm, "
        "threshold 0.50 (as set); 3 candidates were dropped: 2 faint, 1 small, in 3 s"
    )
    assert "`dropped`" in NEXT_STEP


def test_found_some_says_how_dense_they_are() -> None:
    spheres = Spheres(np.zeros((2, 3)), np.array([20.0, 22.0]))
    result = Segmentation(spheres, Spheres.empty(), NO_MAP, 4.4, 0.5)
    record = Provenance("n", "", "t", "", {}, {"searched_um3": 0.01, "seconds": 61.0})
    assert summary(result, Settings(), record) == (
        "found 2 vesicles, radius 21.0 +- 1.0 nm, 200 in a cubic micrometre, in 61 s"
    )
    assert summary(result, Settings(), None) == "found 2 vesicles, radius 21.0 +- 1.0 nm"


def test_the_table_of_a_batch_fits_a_terminal() -> None:
    names = [f"2025-11-26_grid3_position_{k:02}_tilt_series_rec_bin4_filtered" for k in (7, 8)]
    rows = [
        Row(Path(f"{name}_vesicles.mod"), "failed", None, 2.23, 12345, 123.4, 99.9, 12345, 86400)
        for name in names
    ]
    lines = markdown(rows).splitlines()
    assert all(len(line) <= MOST_COLUMNS for line in lines)
    assert lines[2].startswith("| 2025")
    assert ".." in lines[2]
