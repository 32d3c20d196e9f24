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
