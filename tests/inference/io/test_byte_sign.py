"""Signed or unsigned bytes where the header's minimum and maximum say nothing."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mrc_files import write_header
from vesimod.io.tomogram import read_tomogram, read_volume

NOTHING = [(0.0, 0.0), (0.0, -1.0), (float("nan"), float("nan")), (-2.1, 1.4), (0.0, 100.0)]


@pytest.fixture(autouse=True)
def _no_wish(monkeypatch):
    monkeypatch.delenv("READ_MODE0_SIGNED", raising=False)


def grey(middle: float, spread: float, seed: int = 1) -> np.ndarray:
    """Smooth noise, as neighbouring voxels of tomograms are alike."""
    noise = np.random.default_rng(seed).normal(size=(12, 40, 50))
    smooth = (noise[:, :, 1:] + noise[:, :, :-1]) / np.sqrt(2)
    return middle + spread * smooth


def file(folder: Path, voxels: np.ndarray, minmax: tuple[float, float]) -> Path:
    return write_header(folder / "a.mrc", voxels, 0, minmax=minmax)


@pytest.mark.parametrize("minmax", NOTHING)
@pytest.mark.parametrize("middle", [-40, 0, 40])
def test_signed_by_the_voxels(tmp_path, minmax, middle):
    voxels = np.clip(np.rint(grey(middle, 30)), -128, 127).astype(np.int8)
    tomogram = read_tomogram(file(tmp_path, voxels, minmax))
    assert np.array_equal(tomogram.voxels, voxels)
    # (-2.1, 1.4) makes IMOD take them as signed, which they are.
    shown_otherwise = minmax != (-2.1, 1.4)
    assert len(tomogram.warnings) == shown_otherwise
    assert len(tomogram.notes) == (not shown_otherwise)
    if shown_otherwise:
        assert "taken as signed" in tomogram.warnings[0]
        assert "READ_MODE0_SIGNED" in tomogram.warnings[0]


@pytest.mark.parametrize("minmax", NOTHING)
@pytest.mark.parametrize("middle", [90, 128, 170])
def test_unsigned_by_the_voxels(tmp_path, minmax, middle):
    voxels = np.clip(np.rint(grey(middle, 30)), 0, 255).astype(np.uint8)
    tomogram = read_tomogram(file(tmp_path, voxels, minmax))
    assert np.array_equal(tomogram.voxels, voxels)
    assert bool(tomogram.warnings) is (minmax == (-2.1, 1.4))


@pytest.mark.parametrize("minmax", NOTHING[:3])
def test_labels_stay_what_they_are(tmp_path, minmax):
    """Ids lie beside a background of 0, however large they are."""
    labels = np.zeros((12, 40, 50), np.uint8)
    for number in range(1, 250, 4):
        labels[number % 12, 2 * (number % 19) : 2 * (number % 19) + 2, number % 45 :][:, :4] = (
            number
        )
    assert np.array_equal(read_volume(file(tmp_path, labels, minmax)).voxels, labels)


def test_possible_statistics_are_believed_and_doubted(tmp_path):
    """Signed bytes behind a header of unsigned ones, and the other way round."""
    signed = np.clip(np.rint(grey(0, 30)), -128, 127).astype(np.int8)
    unsigned = (signed.astype(np.int16) + 128).astype(np.uint8)
    for voxels, true, false in (
        (signed, (-128.0, 127.0), (0.0, 255.0)),
        (unsigned, (0.0, 255.0), (-128.0, 127.0)),
    ):
        assert read_tomogram(file(tmp_path, voxels, true)).warnings == ()
        tomogram = read_tomogram(file(tmp_path, voxels, false))
        assert np.array_equal(tomogram.voxels.view(voxels.dtype), voxels)
        assert tomogram.voxels.dtype != voxels.dtype
        (warning,) = tomogram.warnings
        assert f"by the voxels they are {'un' * (voxels is unsigned)}signed" in warning


@pytest.mark.parametrize("signed", [False, True])
def test_a_stamp_is_believed_and_doubted(tmp_path, signed):
    voxels = np.clip(np.rint(grey(0, 30)), -128, 127).astype(np.int8)
    path = file(tmp_path, voxels, (-128.0, 127.0))
    with path.open("r+b") as stream:
        stream.seek(152)
        stream.write(struct.pack("<ii", 1146047817, int(signed)))
    tomogram = read_tomogram(path)
    assert tomogram.voxels.dtype == (np.int8 if signed else np.uint8)
    assert len(tomogram.warnings) == (not signed)


def test_white_noise_that_fills_all_values_is_not_doubted(tmp_path):
    voxels = np.random.default_rng(0).integers(0, 256, (12, 40, 50)).astype(np.uint8)
    assert read_tomogram(file(tmp_path, voxels, (0.0, 255.0))).warnings == ()
    assert read_tomogram(file(tmp_path, voxels.view(np.int8), (-128.0, 127.0))).warnings == ()


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(st.integers(-60, 60), st.integers(8, 40), st.integers(0, 5))
def test_the_same_picture_whatever_way_it_is_stored(tmp_path_factory, middle, spread, seed):
    """Signed bytes and the same bytes plus 128 differ by 128 everywhere, in whatever file."""
    folder = tmp_path_factory.mktemp("bytes")
    signed = np.clip(np.rint(grey(middle, spread, seed)), -127, 127).astype(np.int8)
    unsigned = (signed.astype(np.int16) + 128).astype(np.uint8)
    # Else nothing tells, and nothing is torn apart.
    assume((signed < 0).mean() > 0.1 and (signed > 0).mean() > 0.1)
    first = read_tomogram(file(folder, signed, (0.0, 0.0))).voxels.astype(np.int16)
    second = read_tomogram(file(folder, unsigned, (0.0, 0.0))).voxels.astype(np.int16)
    assert np.all(second - first == 128)


def test_field_case(shared: Path) -> None:
    good = read_tomogram(shared / "field-cases/ok.mrc")
    doubtful = read_tomogram(shared / "field-cases/signed_stats0.mrc")
    assert np.array_equal(good.voxels, doubtful.voxels)
    assert "by the voxels" in doubtful.warnings[0]
