"""Lines in which an option stands where a value is due, and what usage errors point to."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from vesimod.cli import app, run_app
from vesimod.commands.command_line import named_command


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run_app(app, "vesimod", list(words)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["segment", "t.mrc", "-o", "--overwrite"], "-o needs a value, but the option --overwrite"),
        (["connect", "t.mrc", "v.mod", "--network", "-o", "n.mod"], "--network needs a value"),
        (["segment", "t.mrc", "--radius-nm", "12", "--invert"], "--radius-nm needs a value"),
        (["batch", "*.mrc", "-o", "-h"], "-o needs a value, but the option -h"),
        (["model", "copy", "a.mod", "b.mod", "--as", "--overwrite"], "vesimod model copy --help"),
    ],
)
def test_an_option_is_no_value_of_another(
    words: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert told in refused(capsys, *words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["segment", "connect", "model info"])
def test_usage_errors_point_to_the_help_of_the_command(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = command.split()
    assert refused(capsys, *words).endswith(f"(see vesimod {command} --help)")
    assert refused(capsys, *words, "--nosuch").endswith(f"(see vesimod {command} --help)")


def test_a_value_at_the_end_of_the_line_is_missed_by_its_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = refused(capsys, "segment", "t.mrc", "--model")
    assert line.endswith("'--model' requires an argument. (see vesimod segment --help)")


def test_negative_numbers_and_words_after_two_dashes_are_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = str(tmp_path / "absent.mrc")
    line = refused(capsys, "connect", absent, "v.mod", "--thresholds", "-5", "-1", "3")
    assert "absent.mrc" in line
    assert "no such file" in refused(capsys, "segment", "-o", "x.mod", "--", "--overwrite").lower()


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ([], "vesimod"),
        (["--debug", "segment", "model"], "vesimod segment"),
        (["model", "info", "copy"], "vesimod model info"),
        (["segmnt"], "vesimod"),
    ],
)
def test_the_command_of_a_line(words: list[str], name: str) -> None:
    assert named_command(typer.main.get_command(app), "vesimod", words)[1] == name
