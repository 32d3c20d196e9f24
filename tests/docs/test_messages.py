"""Every message that the documentation quotes is one of the programs'."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from vesimod_imod.core.errors import as_flags

ROOT = Path(__file__).resolve().parents[2]
QUOTING = ("troubleshooting", "regions", "many", "exit-codes")
GAP = "..."  # stands for names and numbers


@cache
def texts() -> tuple[str, ...]:
    """All texts of the packages as a user sees them, with a gap for each value."""
    found = set()
    for folder in ("imod_bridge", "inference", "training"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
                elif isinstance(node, ast.JoinedStr):
                    found.add("".join(part_of(each) for each in node.values))
    return tuple(" ".join(as_flags(text).split()) for text in found)


def part_of(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else GAP


def quoted(page: str) -> list[str]:
    """Lines of the blocks marked as text."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```text\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


def is_said(message: str) -> bool:
    """Whether one text of the programs has all words of a message, in its order."""
    words = [re.escape(part.strip()) for part in message.split(GAP)]
    pattern = re.compile(".*".join(words))
    return any(pattern.search(text) for text in texts())


@pytest.mark.parametrize("page", QUOTING)
def test_quoted_messages_are_in_the_sources(page: str) -> None:
    lines = quoted(page)
    assert lines
    assert not [line for line in lines if not is_said(line)]


def test_a_message_that_nothing_says_is_noticed() -> None:
    assert not is_said("found no vesicle of ... to ... nm radius with a green membrane")
    assert not is_said("no such folder of ...; found no vesicle of ...")
