"""Tilt series given as tomograms: a warning for whatever gives them away."""

from __future__ import annotations

from pathlib import Path

import mrcfile
import numpy as np
import pytest
from mrc_files import write_header
from vesimod.io.tomogram import read_tomogram

VOXELS = np.random.default_rng(1).normal(size=(21, 24, 28)).astype(np.float32)
ANGLES = np.linspace(-60, 60, 21)
# The order of a dose-symmetric scheme.
SYMMETRIC = ANGLES[np.argsort(np.abs(ANGLES), kind="stable")]
SERIALEM = b"SerialEM: Acquired on ...   Tilt axis angle = 84.8, binning = 1  spot = 6"


def doubts(path: Path) -> list[str]:
    return [text for text in read_tomogram(path).warnings if "tilt series" in text]


@pytest.mark.parametrize(
    "name", ["TS_01.st", "TS_01.ali", "TS.preali", "a.mrcs", "TS_01.ST", "TS_01_ali.mrc"]
)
def test_by_name(tmp_path, name):
    (doubt,) = doubts(write_header(tmp_path / name, VOXELS, 2))
    assert "its name ends in" in doubt


@pytest.mark.parametrize("name", ["TS_01_rec.mrc", "TS_01.rec", "first.mrc", "a_list.mrc"])
def test_no_doubt_about_a_volume(tmp_path, name):
    assert doubts(write_header(tmp_path / name, VOXELS, 2)) == []


def test_by_the_microscope_s_label(tmp_path):
    (doubt,) = doubts(write_header(tmp_path / "a.mrc", VOXELS, 2, label=SERIALEM))
    assert "tilt axis angle" in doubt


def test_reconstructions_keep_the_microscope_s_label(tmp_path):
    both = SERIALEM.ljust(80) + b"TILT: Tomographic reconstruction"
    assert doubts(write_header(tmp_path / "a.mrc", VOXELS, 2, label=both)) == []


def serialem_records() -> bytes:
    """Two words of 16 bits a section: the angle, and the magnification."""
    return np.column_stack([np.rint(100 * SYMMETRIC), np.full(21, 400)]).astype("<i2").tobytes()


def fei_records(step: int, offset: int, kind: str) -> bytes:
    rows = np.zeros((21, step), np.uint8)
    rows[:, :4] = np.frombuffer(np.int32(step).tobytes(), np.uint8) if offset else 0
    size = np.dtype(kind).itemsize
    rows[:, offset : offset + size] = ANGLES.astype(kind).view(np.uint8).reshape(21, size)
    return rows.tobytes()


@pytest.mark.parametrize(
    "extended",
    [
        serialem_records(),
        fei_records(128, 0, "<f4") + bytes(128 * 1003),
        fei_records(768, 100, "<f8"),
    ],
    ids=["SerialEM", "FEI", "FEI1"],
)
def test_by_tilt_angles(tmp_path, extended):
    (doubt,) = doubts(write_header(tmp_path / "a.mrc", VOXELS, 2, extended=extended))
    assert "tilt angles from -60 to 60 degrees" in doubt


@pytest.mark.parametrize(
    "extended",
    [
        bytes(42),
        b"key=value; " * 40,
        np.random.default_rng(2).bytes(21 * 128),
        np.full(21, 1250, "<i2").tobytes(),
        np.full(21 * 32, 0x7F800001, "<u4").tobytes(),  # numbers that signal when they are read
    ],
)
def test_other_extended_headers_are_no_tilt_angles(tmp_path, extended):
    assert doubts(write_header(tmp_path / "a.mrc", VOXELS, 2, extended=extended)) == []


def test_by_the_header_of_an_image_stack(tmp_path):
    for stack in (True, False):
        with mrcfile.new(tmp_path / "a.mrc", overwrite=True) as out:
            out.set_data(VOXELS)
            if stack:
                out.set_image_stack()
            out.voxel_size = 20.0
        assert bool(doubts(tmp_path / "a.mrc")) is stack


def test_field_case(shared: Path) -> None:
    (doubt,) = doubts(shared / "field-cases/tiltseries.st")
    assert ".st" in doubt
    assert "tilt axis angle" in doubt
    for good in ("field-cases/ok.mrc", "saved-by-3dmod/tomo.mrc", "pyto/labels.mrc"):
        assert doubts(shared / good) == []
