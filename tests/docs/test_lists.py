"""The README's lists of commands are those of the command lines."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import typer
from vesimod.cli import app

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


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


def test_the_readme_has_every_extra_and_no_other() -> None:
    rows = re.findall(r"^\| (`.*?`) \| ", section("Install").split("| extra |")[1], re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(re.findall(r"`([a-z]+)`", " ".join(rows))) == set(project["optional-dependencies"])


def test_where_vesimod_comes_from_stands_in_two_places_that_agree() -> None:
    """What a first release changes; all other pages name extras of what is installed."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    source = re.compile(r"install (?:-e )?\"([./][^\"]*)\"")
    naming = {page.name for page in pages if source.search(page.read_text(encoding="utf-8"))}
    assert naming == {"README.md", "start.md"}
    start = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
    assert set(source.findall(start)) == {source.findall(section("Install"))[0]}


# Which commands of a page fail, or do less, without an extra.
NEEDED = {
    "figures": r"vesimod (measure|evaluate)\b.*--picture|vesimod (measure\b.*--groups|synapse\b)",
    "report": r"vesimod report\b|vesimod (segment|batch)\b.*--report\b",
}


@pytest.mark.parametrize("extra", NEEDED)
def test_pages_that_show_a_command_name_the_extra_that_it_needs(extra: str) -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    texts = {page.name: page.read_text(encoding="utf-8") for page in pages}
    showing = [
        name
        for name, text in texts.items()
        for line in text.splitlines()
        if re.match(rf"\s*({NEEDED[extra]})", line)
    ]
    assert showing
    assert not [name for name in dict.fromkeys(showing) if f"`{extra}`" not in texts[name]]
