"""Provenance beside a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from vesimod.io.provenance import (
    Provenance,
    fingerprint,
    provenance_path,
    read_provenance,
    write_provenance,
)


@pytest.fixture
def files(tmp_path):
    tomogram, model = tmp_path / "TS_01_rec.mrc", tmp_path / "TS_01_rec_vesicles.mod"
    tomogram.write_bytes(bytes(range(256)) * 4000)
    model.write_bytes(b"IMODV1.2")
    made = Provenance("fast 1", "ab" * 32, tomogram.name, fingerprint(tomogram), {"threshold": 0.5})
    write_provenance(model, made)
    return tomogram, model, made


def test_round_trip(files):
    tomogram, model, made = files
    assert provenance_path(model).name == "TS_01_rec_vesicles.mod.json"
    assert read_provenance(model, tomogram) == (made, [])
    assert made.software.startswith("vesimod ")
    content = json.loads(provenance_path(model).read_text())
    assert content["weights_sha256"] == "ab" * 32
    assert not [path for path in model.parent.iterdir() if path.name.startswith(".")]


def test_lost(files):
    _, model, _ = files
    provenance_path(model).unlink()
    made, notes = read_provenance(model)
    assert made is None
    assert "is not known" in notes[0]


def test_stale(files):
    tomogram, model, made = files
    model.write_bytes(b"IMODV1.2 edited")
    found, notes = read_provenance(model, tomogram)
    assert found == made
    assert "was edited since vesimod wrote it" in notes[0]
    data = bytearray(tomogram.read_bytes())
    data[-1] ^= 1
    tomogram.write_bytes(data)
    assert "tells of another tomogram" in read_provenance(model, tomogram)[1][1]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", "null", '{"model_fingerprint": ""}', '{"a": 1}', "\xff"]
)
def test_spoilt(files, content):
    _, model, _ = files
    provenance_path(model).write_bytes(content.encode("latin-1"))
    made, notes = read_provenance(model)
    assert made is None
    assert "cannot be read" in notes[0]


def test_fingerprint_sees_size_and_content(tmp_path):
    path = tmp_path / "a"
    seen = set()
    for content in (b"", b"\0", b"\0\0", b"\0" * 10_000_000, b"\0" * 9_999_999 + b"x"):
        path.write_bytes(content)
        seen.add(fingerprint(path))
    assert len(seen) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"results": []},
        {"parameters": None},
        {"tomogram": 5},
        {"weights_sha256": ["a"]},
        {"model_fingerprint": {}},
        {"results": {"voxel_size_nm": "big"}},
        {"results": {"voxel_size_nm": [1, 2]}},
        {"results": {"notes": "one"}},
        {"results": {"seconds": "x"}},
        {"results": {"searched_um3": [1]}},
        {"results": {"threshold": True}},
        {"results": {"seconds": []}},
        {"parameters": {"voxel_size_nm": "x"}},
        {"parameters": {"voxel_size_nm": [2.0]}},
        {"parameters": {"threshold": {}}},
        {"parameters": {"radius_nm": "12"}},
        {"parameters": {"radius_nm": [12]}},
    ],
)
def test_a_record_of_wrong_types_is_not_used(tmp_path: Path, change: dict[str, object]) -> None:
    model = tmp_path / "m.mod"
    model.write_bytes(b"x")
    write_provenance(model, Provenance("n", "w", "t", "f", {}))
    assert read_provenance(model)[0] is not None
    path = provenance_path(model)
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | change), encoding="utf-8")
    found, (note,) = read_provenance(model)
    assert found is None
    assert "cannot be read" in note
