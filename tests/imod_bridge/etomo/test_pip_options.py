"""Options in IMOD's manner."""

from __future__ import annotations

import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vesimod_imod.etomo.pip_options import (
    Entries,
    PipError,
    entries_text,
    help_text,
    load_adoc,
    parse_adoc,
    parse_entries,
)

OPTIONS = parse_adoc(load_adoc())


def parse(*argv: str, stdin: str = "") -> Entries:
    return parse_entries(argv, OPTIONS, io.StringIO(stdin))


def test_the_autodoc_is_complete_and_its_names_can_be_told_apart() -> None:
    names = [name for option in OPTIONS for name in {option.long, option.short}]
    assert len(names) == len(set(names)) >= 15
    for option in OPTIONS:
        assert option.usage, option.long
        assert option.type in {"FN", "CH", "F", "FP", "I", "B", "PF"}
    # IMOD refuses a program in which the name of one option starts that of another.
    for a in OPTIONS:
        for b in OPTIONS:
            if a is not b:
                for name in (a.long, a.short):
                    assert not b.long.startswith(name), (name, b.long)
                    assert not b.short.startswith(name), (name, b.short)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.long)
def test_every_option_is_found_by_each_unique_abbreviation(option) -> None:
    if option.type == "PF":
        return
    value = [] if option.type == "B" else ["x"]
    for name in (option.long, option.short):
        for length in range(1, len(name) + 1):
            start = name[:length]
            others = [
                other
                for other in OPTIONS
                if other is not option
                and any(name.startswith(start) for name in (other.long, other.short))
            ]
            standard_input = "StandardInput".startswith(start)
            if others or standard_input:
                continue
            for dashes in ("-", "--"):
                assert parse(f"{dashes}{start}", *value).values[option.long] == (value or ["1"])


def test_command_line_and_arguments() -> None:
    entries = parse("-OutputTable", "t.csv", "in.mrc", "--invert", "out.mod", "-thresho", "0.4")
    assert entries.text("InputFile", argument=0) == "in.mrc"
    assert entries.text("OutputModel", argument=1) == "out.mod"
    assert entries.text("OutputTable") == "t.csv"
    assert entries.number("Threshold") == 0.4
    assert entries.switch("InvertContrast")
    assert not entries.switch("OverwriteOutput")
    assert entries.whole_number("ThreadLimit") is None


@pytest.mark.parametrize(
    "line",
    [
        "InputFile my tomo.mrc",
        "InputFile\tmy tomo.mrc",
        "InputFile = my tomo.mrc",
        "Inp=my tomo.mrc",
        "  input   my tomo.mrc   # the second one",
    ],
)
def test_standard_input_lines(line: str) -> None:
    text = f"# a comment\n\n{line}\nInvert\nEndInput\nnot read\n"
    entries = parse("-StandardInput", stdin=text)
    assert entries.values == {"InputFile": ["my tomo.mrc"], "InvertContrast": ["1"]}


def test_the_last_entry_counts_unless_entries_accumulate() -> None:
    lines = "InputFile a\nInputFile b\nSummaryFile c\nSummaryFile d\n"
    entries = parse("-S", stdin=lines)
    assert entries.values == {"InputFile": ["b"], "SummaryFile": ["c", "d"]}


def test_parameter_file(tmp_path) -> None:
    file = tmp_path / "options.txt"
    file.write_text("InputFile a#1.mrc\n", encoding="utf-8")
    assert parse("-ParameterFile", str(file)).text("InputFile") == "a#1.mrc"


@pytest.mark.parametrize(
    ("argv", "stdin", "message"),
    [
        (["-Foo", "1"], "", "Illegal option: Foo"),
        (["-"], "", "Illegal option: -"),
        (["-Output", "x"], "", "ambiguous"),
        (["-InputFile"], "", "value was expected"),
        (["-StandardInput"], "InputFile\n", "Missing a value"),
        (["-StandardInput"], "ParameterFile x\n", "parameter file"),
        (["-StandardInput"], "=\n", "Illegal input line"),
    ],
)
def test_mistakes_are_named(argv: list[str], stdin: str, message: str) -> None:
    with pytest.raises(PipError, match=message):
        parse(*argv, stdin=stdin)


def test_values_of_the_wrong_kind() -> None:
    entries = parse("-Threshold", "high", "-ThreadLimit", "1.5", "in")
    with pytest.raises(PipError, match="Threshold needs a number, found high"):
        entries.number("Threshold")
    with pytest.raises(PipError, match="ThreadLimit needs a whole number"):
        entries.whole_number("ThreadLimit")
    entries = parse("-StandardInput", stdin="InvertContrast maybe\n")
    with pytest.raises(PipError, match="boolean option InvertContrast: maybe"):
        entries.switch("InvertContrast")
    assert not parse("-StandardInput", stdin="InvertContrast 0\n").switch("InvertContrast")


def test_help_and_entries_for_the_log() -> None:
    text = help_text("vesimodpip", OPTIONS, "[input_file]")
    for option in OPTIONS:
        assert f"-{option.short}  OR  -{option.long}" in text
    assert max(map(len, text.splitlines())) < 80
    shown = entries_text("vesimodpip", parse("-InputFile", "a.mrc", "b"))
    assert shown.splitlines()[1:3] == ["  InputFile = a.mrc", "  Non-option arguments:   b"]


@given(st.lists(st.text(max_size=12), max_size=6), st.text(max_size=60))
def test_any_input_is_understood_or_refused_in_words(argv: list[str], stdin: str) -> None:
    with suppress(PipError, OSError):
        entries = parse(*argv, stdin=stdin)
        assert all(values for values in entries.values.values())
