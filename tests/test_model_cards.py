"""Each shipped model has a card, and it is that file's."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

MODELS = Path(__file__).resolve().parents[1] / "models"
ONNX = sorted(MODELS.glob("*.onnx"))


@pytest.mark.parametrize("path", ONNX, ids=lambda path: path.stem)
def test_the_card_names_the_file(path: Path) -> None:
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert card.startswith(f"# `{path.stem}`\n")
    assert f"| file | SHA-256 `{hashlib.sha256(path.read_bytes()).hexdigest()}`" in card
    assert path.stem in (MODELS.parent / "README.md").read_text(encoding="utf-8")


def test_the_checksums_are_of_the_files() -> None:
    lines = (MODELS / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in ONNX}
    assert sorted(lines) == sorted(f"{digest}  {name}" for name, digest in sums.items()), (
        "make -C models sums"
    )
