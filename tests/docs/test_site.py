"""The documentation site: it builds without a word, is whole, and leads to answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
import vesimod
from markdown_it import MarkdownIt
from site_pages import COUNTED, Page, clicks_from, read_site

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
WRITTEN = sorted(path for path in DOCS.glob("*.md") if path.name != "api.md")  # docstrings
# What users of programs like this one ask most (docs/questions.md names the threads), the page and
# section that answers, and words without which it is no answer.
QUESTIONS = {
    "nothing was found": ("troubleshooting.html", "found-nothing", ("voxel size", "--dropped")),
    "which voxel size": ("troubleshooting.html", "the-voxel-size-is-wrong", ("--voxel-size-nm",)),
    "found too much": ("troubleshooting.html", "found-too-much", ("score", "--threshold")),
    "bright membranes": ("troubleshooting.html", "membranes-are-bright", ("--invert",)),
    "is the mask inside": ("regions.html", "", ("inside of the contours is searched", "above 0")),
    "time, memory, GPU": ("performance.html", "the-short-version", ("GB of memory", "CPU-s")),
    "which TensorFlow": ("troubleshooting.html", "wheels-that-clash", ("Uninstall",)),
    "spheres in 3dmod": ("coordinates.html", "where-a-position-is", ("0.5", "3dmod")),
    "mirrored or turned": ("coordinates.html", "mirrored-and-turned", ("trimvol -rx", "napari")),
    "correct and train": (
        "training.html",
        "fine-tune-a-model-on-your-own-tomograms",
        ("learn-from", "finetune"),
    ),
}


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    return read_site(site)


def test_pages_make_a_browser_fetch_nothing_from_elsewhere(site: Path, pages) -> None:
    for page in pages.values():
        assert page.fetched
        assert not [address for address in page.fetched if "//" in address], page.name
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(\s*[\"']?(https?:)?//|@import", sheet.read_text("utf-8"))


@pytest.mark.parametrize("source", WRITTEN, ids=lambda path: path.stem)
def test_blocks_lists_and_tables_of_a_page_are_in_the_site(source: Path, pages) -> None:
    text = source.read_text(encoding="utf-8")
    tokens = MarkdownIt().enable("table").parse(text)
    kinds = [token.type for token in tokens]
    expected = {
        "pre": kinds.count("fence") + kinds.count("code_block"),
        "table": kinds.count("table_open"),
        "li": kinds.count("list_item_open"),
    }
    page = pages[f"{source.stem}.html"]
    assert {kind: page.counts[kind] for kind in COUNTED} == expected


def test_every_page_is_listed_with_its_question(pages) -> None:
    rows = re.findall(r"^\| \[.*?\]\(.*?\) \| (.*?) \|$", (DOCS / "pages.md").read_text(), re.M)
    assert all(question.endswith("?") for question in rows)
    decisions = {name for name in pages if name.startswith("decisions/0")}
    assert len(rows) == len(set(rows)) == len(pages) - len(decisions)
    assert pages["pages.html"].pages | {"pages.html"} == set(pages) - decisions
    assert decisions <= pages["decisions/index.html"].pages


@pytest.mark.parametrize("question", QUESTIONS)
def test_questions_are_answered_within_two_clicks(question: str, pages) -> None:
    name, section, words = QUESTIONS[question]
    assert clicks_from("index.html", pages)[name] <= 2
    answer = " ".join(pages[name].sections[section].split())
    assert not [word for word in words if word not in answer]


def test_the_questions_are_those_of_the_page(pages) -> None:
    asked = [words for words in pages["questions.html"].sections if words]
    assert len(asked) == len(QUESTIONS) == 10
    for name, section, _ in QUESTIONS.values():
        assert name in pages["questions.html"].pages, section


def test_every_page_is_within_three_clicks(pages) -> None:
    clicks = clicks_from("index.html", pages)
    assert set(clicks) == set(pages)
    assert max(clicks.values()) <= 3


def test_the_reference_has_every_command_and_option(pages) -> None:
    from vesimod.cli import app
    from vesimod_train.cli import app as training

    for name, application in (("vesimod", app), ("vesimod-train", training)):
        text = " ".join(pages[f"reference/{name}.html"].sections.values())
        group = typer.main.get_command(application)
        commands = [each for each in group.commands.values() if not each.hidden]  # type: ignore[attr-defined]
        assert len(commands) > 5
        for command in commands:
            within = getattr(command, "commands", {command.name: command}).values()
            for each in within:
                assert f"{each.name}" in text
                flags = [flag for option in each.params for flag in option.opts]
                assert not [flag for flag in flags if flag.startswith("-") and flag not in text]


def test_python_has_every_name() -> None:
    shown = re.findall(r"^::: vesimod\.(\w+)$", (DOCS / "api.md").read_text(), re.M)
    assert sorted(shown) == sorted(name for name in vesimod.__all__ if name[0] != "_")


def test_pictures_are_drawn_and_shown(tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("matplotlib", reason="pictures need pip install matplotlib")
    monkeypatch.syspath_prepend(str(DOCS / "tools"))
    import drawings

    drawings.draw(tmp_path)
    text = "".join(path.read_text(encoding="utf-8") for path in DOCS.glob("*.md"))
    for name in drawings.PICTURES:
        assert (tmp_path / name).stat().st_size > 2000
        assert (DOCS / "images" / name).exists()
        assert f"images/{name}" in text


def test_links_that_leave_the_documentation(monkeypatch) -> None:
    for package in ("mkdocs", "nbconvert"):
        pytest.importorskip(package, reason="the site needs pip install --group docs")
    monkeypatch.syspath_prepend(str(DOCS / "tools"))
    import hooks

    text = "[a](../models/fast.md#scores) [b](../training/vesimod_train/config.py) [c](clicking.md)"
    assert hooks.relink(text, "docs/x.md") == "[a](models/fast.md#scores) b [c](clicking.md)"
    assert hooks.relink("[a](../../CONTRIBUTING.md)", "docs/decisions/x.md") == (
        "[a](../contributing.md)"
    )
    assert hooks.relink("[a](docs/x.md#y)", "CONTRIBUTING.md") == "[a](x.md#y)"
    assert hooks.relink("[a](https://x.org/y.md)", "docs/x.md") == "[a](https://x.org/y.md)"
