"""Reading MRC as IMOD does, and writing what IMOD reads."""

from __future__ import annotations

import bz2
import gzip
import struct
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
from mrc_files import ramp, write_header
from vesimod.io.tomogram import TomogramError, read_tomogram, write_mrc, write_volume
from vesimod_imod.core.spheres import Grid


@pytest.mark.parametrize(
    ("mode", "dtype"), [(0, "i1"), (1, "i2"), (2, "f4"), (6, "u2"), (12, "f2")]
)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("has_map", [True, False])
def test_modes_byte_orders_and_old_headers(
    tmp_path: Path, mode: int, dtype: str, order: str, has_map: bool
) -> None:
    voxels = ramp(order + dtype)
    path = write_header(tmp_path / "a.mrc", voxels, mode, order=order, has_map=has_map)
    tomogram = read_tomogram(path)
    assert np.array_equal(tomogram.voxels, voxels)
    assert tomogram.grid == Grid((2, 3, 4), (2.0, 2.0, 2.0))


# (header minimum, maximum, IMOD flags or None, environment) -> signed?  IMOD's own table.
SIGNED_CASES = [
    (0, 255, 1, None, True),
    (-128, 127, 0, None, False),
    (-128, 127, 0, "1", False),
    (-128, 127, 0, "2", True),
    (-128, 127, 1, "-2", False),
    (-5, 100, None, None, True),
    (0, 200, None, None, False),
    (-100, 150, None, None, True),
    (-10, 250, None, None, False),
    (0, 100, None, None, False),
    (0, 100, None, "1", True),
    (-5, 100, None, "-1", False),
]


@pytest.mark.parametrize(("low", "high", "flags", "environment", "signed"), SIGNED_CASES)
def test_bytes_signed_as_imod_decides(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    low: float,
    high: float,
    flags: int | None,
    environment: str | None,
    signed: bool,
) -> None:
    monkeypatch.delenv("READ_MODE0_SIGNED", raising=False)
    if environment is not None:
        monkeypatch.setenv("READ_MODE0_SIGNED", environment)
    voxels = np.full((2, 3, 4), 200, np.uint8)
    path = write_header(tmp_path / "a.rec", voxels, 0, minmax=(low, high), stamp_flags=flags)
    tomogram = read_tomogram(path)
    assert int(tomogram.voxels[0, 0, 0]) == (200 - 256 if signed else 200)
    decided_by_stamp = flags is not None and environment in (None, "1")
    # A header whose minimum and maximum are true of the voxels leaves no choice either.
    told = environment is None and low - 1 <= tomogram.voxels[0, 0, 0] <= high + 1
    assert len(tomogram.notes) == (0 if decided_by_stamp or told else 1)
    assert all(len(note) < 120 for note in tomogram.notes)


@pytest.mark.parametrize("opener", [gzip.open, bz2.open])
def test_compressed(tmp_path: Path, opener: Any) -> None:
    plain = write_header(tmp_path / "a.mrc", ramp("f4"), 2)
    packed = tmp_path / "a.mrc.packed"
    with opener(packed, "wb") as out:
        out.write(plain.read_bytes())
    assert np.array_equal(read_tomogram(packed).voxels, ramp("f4"))
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(TomogramError, match="decompressed"):
        read_tomogram(packed)


def test_plain_files_are_memory_mapped(tmp_path: Path) -> None:
    path = write_header(tmp_path / "a.mrc", ramp("f4"), 2, extended=b"x" * 88)
    tomogram = read_tomogram(path)
    assert isinstance(tomogram.voxels, np.memmap)
    assert np.array_equal(tomogram.voxels, ramp("f4"))


@pytest.mark.parametrize(
    ("flags", "version", "sign"), [(None, 0, -1), (4, 0, 1), (0, 0, -1), (None, 20140, 1)]
)
def test_origin_sign(tmp_path: Path, flags: int | None, version: int, sign: int) -> None:
    path = write_header(
        tmp_path / "a.mrc",
        ramp("f4"),
        2,
        origin=(-100.0, -200.0, -300.0),
        stamp_flags=flags,
        version=version,
    )
    expected = tuple(sign * v for v in (-30.0, -20.0, -10.0))
    assert read_tomogram(path).grid.origin_nm == pytest.approx(expected)


def test_anisotropic_voxels_tilt_and_start(tmp_path: Path) -> None:
    path = write_header(
        tmp_path / "a.mrc",
        ramp("i2"),
        1,
        angstrom=(10.0, 20.0, 30.0),
        stamp_flags=0,
        tilt=(-90.0, 0.0, 5.0),
        start=(7, 8, 9),
    )
    tomogram = read_tomogram(path)
    assert tomogram.grid.voxel_size_nm == pytest.approx((3.0, 2.0, 1.0))
    assert tomogram.grid.tilt_angles_deg == (5.0, 0.0, -90.0)
    assert tomogram.start == (9, 8, 7)


@pytest.mark.parametrize("angstrom", [0.0, 1.0, 0.5, 101.0, float("nan"), -8.0])
def test_impossible_voxel_size_names_the_option(tmp_path: Path, angstrom: float) -> None:
    path = write_header(tmp_path / "a.mrc", ramp("f4"), 2, angstrom=(angstrom,) * 3)
    with pytest.raises(TomogramError, match="`voxel_size_nm`"):
        read_tomogram(path)
    tomogram = read_tomogram(path, 1.5)
    assert tomogram.grid.voxel_size_nm == (1.5, 1.5, 1.5)
    # What 3dmod will go by: the header, or 1 Angstrom where it says nothing.
    stated = angstrom / 10 if angstrom > 0 else 0.1
    assert tomogram.grid.header_voxel_size_nm == pytest.approx((stated,) * 3)
    write_mrc(tmp_path / "labels.mrc", ramp("u2"), tomogram)
    with pytest.raises(TomogramError, match="`voxel_size_nm`"):
        read_tomogram(tmp_path / "labels.mrc")
    with pytest.raises(TomogramError, match="15` is outside"):
        read_tomogram(path, 15)


def test_refuses_what_is_no_volume(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_tomogram(tmp_path / "absent.mrc")
    with pytest.raises(IsADirectoryError, match="folder"):
        read_tomogram(tmp_path)
    text = tmp_path / "text.mrc"
    text.write_text("these are notes about a tomogram\n" * 100)
    with pytest.raises(TomogramError, match="not an MRC header"):
        read_tomogram(text)
    text.write_text("short")
    with pytest.raises(TomogramError, match="5 bytes"):
        read_tomogram(text)
    image = write_header(tmp_path / "image.mrc", ramp("f4")[:1], 2)
    with pytest.raises(TomogramError, match="single 2D image"):
        read_tomogram(image)
    empty = write_header(tmp_path / "empty.mrc", ramp("f4")[:0], 2)
    with pytest.raises(TomogramError, match="empty volume"):
        read_tomogram(empty)
    complex_volume = write_header(tmp_path / "fft.mrc", ramp("c8"), 4)
    with pytest.raises(TomogramError, match="mode 4"):
        read_tomogram(complex_volume)
    cut = write_header(tmp_path / "cut.mrc", ramp("f4"), 2)
    cut.write_bytes(cut.read_bytes()[:-1])
    with pytest.raises(TomogramError, match=r"1119 bytes where .* need 1120"):
        read_tomogram(cut)


def test_written_volume_lies_on_its_tomogram(tmp_path: Path) -> None:
    source = write_header(
        tmp_path / "a.mrc",
        ramp("i2"),
        1,
        angstrom=(10.0, 20.0, 30.0),
        origin=(-50.0, 0.0, 20.0),
        stamp_flags=0,
        start=(1, 2, 3),
    )
    tomogram = read_tomogram(source)
    labels = ramp("u2")
    write_mrc(tmp_path / "labels.mrc", labels, tomogram)
    again = read_tomogram(tmp_path / "labels.mrc")
    assert np.array_equal(again.voxels, labels)
    assert again.grid.voxel_size_nm == pytest.approx(tomogram.grid.voxel_size_nm)
    assert again.grid.origin_nm == pytest.approx(tomogram.grid.origin_nm)
    assert again.start == tomogram.start
    assert mrcfile.validate(tmp_path / "labels.mrc")


def test_write_refuses_and_leaves_things_alone(tmp_path: Path) -> None:
    grid = Grid((2, 3, 4), (2.0, 2.0, 2.0))
    path = tmp_path / "out.mrc"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="`overwrite=True`"):
        write_volume(path, ramp("f4"), grid)
    with pytest.raises(ValueError, match="dtype"):
        write_volume(path, ramp("U3"), grid, overwrite=True)
    assert path.read_text() == "precious"
    assert [p.name for p in tmp_path.iterdir()] == ["out.mrc"]


def test_real_files(shared: Path) -> None:
    lysosome = read_tomogram(shared / "tomograms/lysosome_wbp_bin2_256x256x192_int8.mrc")
    assert lysosome.grid.shape == (192, 256, 256)
    assert lysosome.voxels.dtype == np.int8
    # Written by a program that knows no MAP stamp.
    pyto = read_tomogram(shared / "pyto/labels.mrc")
    assert pyto.grid.shape == (60, 155, 155)
    assert pyto.grid.voxel_size_nm == pytest.approx((1.684,) * 3, abs=1e-3)
    subject = read_tomogram(shared / "saved-by-3dmod/tomo.mrc")
    assert subject.grid == Grid((60, 100, 120), (1.0, 1.0, 1.0))


@pytest.mark.parametrize(
    ("version", "sign"),
    [
        (20139, -1),
        (20140, 1),
        (20141, 1),
        (10 * datetime.now(tz=timezone.utc).year + 19, 1),
        (10 * datetime.now(tz=timezone.utc).year + 20, -1),
        (538976288, -1),  # four blanks
        (-1, -1),
    ],
)
def test_chance_in_the_version_does_not_turn_the_origin(tmp_path, version, sign):
    path = write_header(
        tmp_path / "a.mrc", ramp("f4"), 2, origin=(100.0, 200.0, 300.0), version=version
    )
    assert read_tomogram(path).grid.origin_nm == pytest.approx((sign * 30, sign * 20, sign * 10))


@pytest.mark.parametrize("order", ["<", ">"])
def test_headers_older_than_the_stamp_have_the_origin_elsewhere(tmp_path, order):
    """In z, x, y, as libiimod reads files without MAP."""
    path = write_header(
        tmp_path / "a.mrc",
        ramp(order + "f4"),
        2,
        origin=(7.0, 7.0, 7.0),
        has_map=False,
        order=order,
    )
    raw = bytearray(path.read_bytes())
    struct.pack_into(order + "3f", raw, 208, 30.0, 10.0, 20.0)
    path.write_bytes(raw)
    assert read_tomogram(path).grid.origin_nm == pytest.approx((-3.0, -2.0, -1.0))


@pytest.mark.parametrize(
    ("kind", "version", "flags", "inverted"),
    [
        (b"FEI1", 20140, None, True),
        (b"FEI2", 20140, None, True),
        (b"FEI1", 20141, None, False),
        (b"FEI1", 0, None, False),
        (b"FEI1", 20140, 4, False),
        (b"SERI", 20140, None, False),
    ],
)
def test_rows_of_the_first_fei_files_run_downwards(tmp_path, kind, version, flags, inverted):
    """As newer IMOD shows them, so that models lie on what it shows."""
    voxels = ramp("f4")
    path = write_header(
        tmp_path / "a.mrc",
        voxels,
        2,
        extended_type=kind,
        version=version,
        stamp_flags=flags,
        extended=bytes(96),
    )
    tomogram = read_tomogram(path)
    assert np.array_equal(tomogram.voxels, voxels[:, ::-1] if inverted else voxels)
    assert any("IMOD 4.8 shows it the other way up" in note for note in tomogram.notes) is inverted
    # What is written for it lies on it, in any IMOD: nothing in its header says FEI.
    write_mrc(tmp_path / "copy.mrc", tomogram.voxels, tomogram)
    assert np.array_equal(read_tomogram(tmp_path / "copy.mrc").voxels, tomogram.voxels)
