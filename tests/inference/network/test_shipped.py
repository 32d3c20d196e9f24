"""Shipped models are those that were shipped, or refused; models of users are theirs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from vesimod.network import shipped
from vesimod.network.model import load_model
from vesimod.network.shipped import find_model, shipped_models
from vesimod.network.spec import ModelError


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped models that may be damaged."""
    for path in shipped_models().values():
        if path.stem in ("fast", "fast-int8"):
            shutil.copy(path, tmp_path)
    shutil.copy(find_model("fast").with_name(shipped.SUMS), tmp_path)
    found = {path.stem: path for path in tmp_path.glob("*.onnx")}
    monkeypatch.setattr(shipped, "shipped_models", lambda: found)
    return tmp_path


def test_a_damaged_model_is_refused_by_name_and_by_path(install: Path) -> None:
    path = install / "fast.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # one bit, in the weights: it would run and be wrong
    path.write_bytes(content)
    for name in ("fast", path, install / ".." / install.name / "fast.onnx"):
        with pytest.raises(ModelError, match=r"fast\.onnx: is damaged .*--force-reinstall"):
            load_model(name)
    assert find_model("fast-int8") == install / "fast-int8.onnx"


@pytest.mark.parametrize("content", [None, "", "d911db6124d4a94e  fast.onnx\n", "fast.onnx\n"])
def test_without_the_list_nothing_is_taken_for_whole(install: Path, content: str | None) -> None:
    (install / shipped.SUMS).unlink()
    if content is not None:
        (install / shipped.SUMS).write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=r"SHA256SUMS: is missing .*install vesimod again"):
        find_model("fast")


def test_models_of_users_have_no_checksum(install: Path, tmp_path: Path, data: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    shutil.copy(data / "identity.onnx", own / "fast.onnx")  # also under the name of a shipped one
    assert load_model(own / "fast.onnx", threads=1).spec.name == "identity"
    shutil.copy(data / "identity.onnx", install / "mine.onnx")
    assert load_model(install / "mine.onnx", threads=1).spec.name == "identity"
