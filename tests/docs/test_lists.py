"""The README's lists of commands are those of the command lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from vesimod.cli import app

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def names(application: typer.Typer) -> set[str]:
    commands = typer.main.get_command(application).commands  # type: ignore[attr-defined]
    return {name for name, command in commands.items() if not command.hidden}


def test_the_readme_has_every_command_and_no_other() -> None:
    assert set(re.findall(r"`vesimod ([a-z]+)", README)) == names(app)


def test_the_readme_has_every_command_of_training_and_no_other() -> None:
    pytest.importorskip("torch", reason="training needs torch: pip install 'vesimod[train]'")
    from vesimod_train.cli import app as training

    shown = set(re.findall(r"`vesimod-train ([a-z-]+)", README))
    assert shown <= names(training)
    for name in names(training):
        assert re.search(rf"`(vesimod-train )?{name}\b", README), name


def options(command: str) -> set[str]:
    """All options of a command, long and short, but for --help."""
    parameters = typer.main.get_command(app).commands[command].params  # type: ignore[attr-defined]
    return {option for each in parameters for option in each.opts if option.startswith("-")}


def section(heading: str) -> str:
    return README.split(f"## {heading}")[1].split("\n## ")[0]


def options_in(text: str) -> set[str]:
    return set(re.findall(r"`(--?[a-z][a-z-]*)", text))


def test_the_readme_has_every_option_of_segment_and_no_other() -> None:
    rows = re.findall(r"^\| (`-.*?) \| ", section("`vesimod segment TOMOGRAM`"), re.MULTILINE)
    assert options_in(" ".join(rows)) == options("segment")


def test_the_readme_says_in_what_the_options_of_batch_differ() -> None:
    segment, batch = options("segment"), options("batch")
    shown = options_in(section("Many tomograms"))
    assert segment - batch == shown & segment == {"--table", "--region"}
    assert batch - segment == shown - segment == {"--regions", "--chunks", "--slabs"}
