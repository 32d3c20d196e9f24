"""Compressed files are unpacked as far as their header says; extended headers may be missing."""

from __future__ import annotations

import bz2
import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from mrc_files import ramp, write_header
from vesimod.io import mrc_bytes
from vesimod.io.tomogram import TomogramError, read_tomogram

PACKERS = pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
MB = 1 << 20


def packed(folder: Path, content: bytes, pack) -> Path:
    path = folder / "a.mrc.packed"
    path.write_bytes(pack(content))
    return path


@pytest.fixture
def plain(tmp_path) -> bytes:
    return write_header(tmp_path / "a.mrc", ramp("f4"), 2, extended=b"x" * 88).read_bytes()


@pytest.mark.slow
@PACKERS
def test_never_more_than_declared(tmp_path, plain, pack, monkeypatch):
    """A bomb: 64 MB behind a volume of 96 bytes are never looked at."""
    path = packed(tmp_path, plain + bytes(64 * MB), pack)
    unpacked = 0

    class Counting:
        def __init__(self, *arguments):
            self.stream = original(*arguments)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.stream.close()

        def read(self, count):
            nonlocal unpacked
            block = self.stream.read(count)
            unpacked += len(block)
            return block

    original = {gzip.compress: gzip.open, bz2.compress: bz2.open}[pack]
    magic = path.read_bytes()[:2]
    monkeypatch.setitem(mrc_bytes._OPENERS, magic, Counting)
    assert np.array_equal(read_tomogram(path).voxels, ramp("f4"))
    assert unpacked < 8 * MB


@PACKERS
def test_a_declared_volume_that_memory_cannot_hold(tmp_path, plain, pack, monkeypatch):
    raw = bytearray(plain)
    struct.pack_into("<3i", raw, 0, 2000, 2000, 1000)
    monkeypatch.setattr(mrc_bytes, "free_memory_gb", lambda: 4.0)
    with pytest.raises(TomogramError, match=r"declares 16 GB, and 4 GB .* unpack it first"):
        read_tomogram(packed(tmp_path, bytes(raw), pack))


@PACKERS
def test_a_file_that_holds_less_than_declared_takes_no_memory(tmp_path, plain, pack):
    raw = bytearray(plain)
    struct.pack_into("<3i", raw, 0, 500, 500, 500)
    with pytest.raises(TomogramError, match=rf"cut short: {len(raw)} bytes"):
        read_tomogram(packed(tmp_path, bytes(raw), pack))


@PACKERS
@pytest.mark.parametrize("end", [-1, -8, -20, 100, 30])
def test_cut_short_while_copied(tmp_path, plain, pack, end):
    path = packed(tmp_path, plain, pack)
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(TomogramError, match=r"cannot be decompressed|cut short"):
        read_tomogram(path)


def test_a_damaged_byte_is_noticed(tmp_path, plain):
    """By the checksum, wherever the byte lies."""
    good = gzip.compress(plain)
    path = tmp_path / "a.mrc.gz"
    for at in range(10, len(good)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :])
        with pytest.raises(TomogramError):
            read_tomogram(path)


@pytest.mark.parametrize("pack", [None, gzip.compress, bz2.compress])
@pytest.mark.parametrize("announced", [88, 96, 49920])
def test_an_extended_header_that_is_not_there(tmp_path, pack, announced):
    path = write_header(tmp_path / "a.mrc", ramp("f4"), 2)
    raw = bytearray(path.read_bytes())
    struct.pack_into("<i", raw, 92, announced)
    path.write_bytes(raw if pack is None else pack(bytes(raw)))
    tomogram = read_tomogram(path)
    assert np.array_equal(tomogram.voxels, ramp("f4"))
    assert f"extended header of {announced} bytes that is not there" in tomogram.warnings[0]
    path.write_bytes(raw[:-4] if pack is None else pack(bytes(raw[:-4])))
    with pytest.raises(TomogramError, match="cut short"):
        read_tomogram(path)


def test_field_case(shared: Path) -> None:
    tomogram = read_tomogram(shared / "field-cases/no_ext_header.mrc")
    assert tomogram.grid.shape == (24, 40, 40)
    assert "extended header of 49920 bytes" in tomogram.warnings[0]
