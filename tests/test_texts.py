"""Texts for users: a library names keywords, which the command line shows as flags."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import typer
from vesimod.cli import app, run_app
from vesimod.io.tomogram import write_volume
from vesimod_imod.core.spheres import Grid

ROOT = Path(__file__).resolve().parents[1]
KEYWORD = re.compile(r"`([a-z]\w*)(?:=[^`]*)?`")
FLAG = re.compile(r"(?<![\w-])--?[a-z][\w-]*")
# A remedy may be a whole command with its options: of pip, of IMOD, or one of ours.
COMMANDS = re.compile(r"\b(pip|newstack|clip|alterheader|trimvol|3dmod|vesimod(-train)? [a-z]+)\b")
COMMAND_LINE = ("commands", "cli.py", "errors.py", "etomo")


def texts_of_libraries() -> Iterator[tuple[Path, str]]:
    """Strings of the packages outside their command lines; docstrings are not for users."""
    for folder in ("imod_bridge", "inference", "training"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            if any(part in COMMAND_LINE for part in file.parts):
                continue
            tree = ast.parse(file.read_text(encoding="utf-8"))
            docs = {
                id(node.value)
                for node in ast.walk(tree)
                if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            }
            parts = {
                id(part)
                for node in ast.walk(tree)
                if isinstance(node, ast.JoinedStr)
                for part in ast.walk(node)
                if part is not node
            }
            for node in ast.walk(tree):
                if id(node) in docs or id(node) in parts:
                    continue
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield file, node.value
                elif isinstance(node, ast.JoinedStr):
                    yield (
                        file,
                        "".join(
                            str(part.value) if isinstance(part, ast.Constant) else "X"
                            for part in node.values
                        ),
                    )


def options() -> set[str]:
    """Return the long options of all commands, as keywords."""
    command = typer.main.get_command(app)
    names = set()
    for each in [command, *command.commands.values()]:  # type: ignore[attr-defined]
        for parameter in each.params:
            names |= {o[2:].replace("-", "_") for o in parameter.opts if o.startswith("--")}
    return names


def test_libraries_name_no_flags() -> None:
    for file, text in texts_of_libraries():
        if " " in text and not COMMANDS.search(text):
            assert not FLAG.search(text), f"{file.relative_to(ROOT)}: {text}"


def test_keywords_in_texts_are_options_of_the_command_line() -> None:
    found = {name for _, text in texts_of_libraries() for name in KEYWORD.findall(text)}
    assert {"overwrite", "voxel_size_nm", "invert", "device"} <= found
    assert found <= options()


def test_the_command_line_shows_flags(tmp_path: Path, capsys) -> None:
    tomogram, model = tmp_path / "a.mrc", tmp_path / "a_vesicles.mod"
    write_volume(tomogram, np.zeros((4, 5, 6), np.float32), Grid((4, 5, 6), (2.0, 2.0, 2.0)))
    model.touch()
    assert run_app(app, "vesimod", ["segment", str(tomogram)]) == 2
    error = capsys.readouterr().err
    assert "`" not in error
    assert error.startswith(f"ERROR: vesimod - {model}: exists already; --overwrite replaces it")
