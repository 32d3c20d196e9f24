"""What an MRC header cannot mean is refused or said, and the voxels are read as before."""

from __future__ import annotations

import gzip
import itertools
import struct
from pathlib import Path

import numpy as np
import pytest
from mrc_files import ramp, write_header
from vesimod.io.region import read_region
from vesimod.io.tomogram import TomogramError, read_tomogram, read_volume
from vesimod_imod.core.errors import VesimodError

VOXELS = ramp("<f4")
MAPC, NSYMBT, NLABL, ISPG, MZ, MAP, MACHINE = 64, 92, 220, 88, 36, 208, 212


def written(folder: Path, *changes: tuple[int, bytes], order: str = "<") -> Path:
    """A volume whose header differs in some bytes from a good one."""
    voxels = VOXELS.astype(f"{order}f4")
    path = write_header(folder / "t.mrc", voxels, 2, order=order, origin=(10.0, 20.0, 30.0))
    raw = bytearray(path.read_bytes())
    for place, value in changes:
        raw[place : place + len(value)] = value
    path.write_bytes(bytes(raw))
    return path


def ints(*numbers: int, order: str = "<") -> bytes:
    return struct.pack(f"{order}{len(numbers)}i", *numbers)


@pytest.mark.parametrize("axes", [a for a in itertools.permutations((1, 2, 3)) if a != (1, 2, 3)])
def test_exchanged_axes_are_refused(tmp_path: Path, axes: tuple[int, int, int]) -> None:
    grid = read_tomogram(written(tmp_path)).grid
    path = written(tmp_path, (MAPC, ints(*axes)))
    named = " ".join(map(str, axes))
    for read in (read_tomogram, read_volume):
        with pytest.raises(TomogramError, match=rf"t\.mrc: its axes are exchanged .*{named}"):
            read(path)
    with pytest.raises(VesimodError, match="exchanged"):
        read_region(path, grid)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([(MAPC, ints(1, 1, 1))], "names its axes 1 1 1, which is no order"),
        ([(MAPC, ints(1, 2, 0))], "names its axes 1 2 0"),
        ([(NSYMBT, ints(-4))], "states an extended header of -4 bytes"),
        ([(NSYMBT, ints(-(2**31)))], "an extended header of -2147483648 bytes"),
        ([(NLABL, ints(11))], "counts 11 labels where 10"),
        ([(NLABL, ints(-1))], "counts -1 labels"),
        ([(MAP, b"XYZ!")], "has the stamp 'XYZ!'"),
        ([(MAP, b"map ")], "has the stamp 'map '"),
        ([(MAP, b"\xff\xff\xff\x7f")], "has the stamp 'ff ff ff 7f'"),
        ([(MACHINE, b"\x11\x11")], "machine stamp 11 11 00 00, but its numbers are little"),
        ([(MACHINE, b"JUNK")], "machine stamp 4a 55 4e 4b"),
        ([(ISPG, ints(401)), (MZ, ints(1))], "a stack of volumes of 1 sections; the 2 sections"),
    ],
)
def test_what_cannot_be_is_said_and_the_voxels_are_read(
    tmp_path: Path, changes: list[tuple[int, bytes]], said: str
) -> None:
    for _ in range(2):
        tomogram = read_tomogram(written(tmp_path, *changes), 2.0)
        (warning,) = [text for text in tomogram.warnings if "its header" in text and said in text]
        assert warning.endswith("may be damaged")
        np.testing.assert_array_equal(tomogram.voxels, VOXELS)
        assert tomogram.grid.origin_nm == (-3.0, -2.0, -1.0)


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [(MAPC, ints(0, 0, 0))],
        [(MACHINE, b"\0\0\0\0")],
        [(MACHINE, b"\x44\x41\0\0")],
        [(NLABL, ints(10))],
        [(ISPG, ints(1))],
        [(MAP, struct.pack("<3f", 0, 0, 0))],  # older than the stamp
        [(MAP, struct.pack("<3f", 300, 100, 200))],
    ],
)
def test_sound_headers_are_not_doubted(tmp_path: Path, changes: list[tuple[int, bytes]]) -> None:
    assert not read_volume(written(tmp_path, *changes)).warnings


def test_a_big_endian_file_is_not_doubted(tmp_path: Path) -> None:
    assert not read_volume(written(tmp_path, order=">")).warnings
    (said,) = read_volume(written(tmp_path, (MACHINE, b"DD"), order=">")).warnings
    assert "its numbers are big-endian" in said


@pytest.mark.parametrize("packed", [False, True])
def test_bytes_after_the_voxels_are_told(tmp_path: Path, packed: bool) -> None:
    raw = written(tmp_path).read_bytes()
    for more in (b"\0", bytes(48), b"x" * 5_000_000):
        path = tmp_path / ("m.mrc.gz" if packed else "m.mrc")
        path.write_bytes(gzip.compress(raw + more) if packed else raw + more)
        tomogram = read_volume(path)
        np.testing.assert_array_equal(tomogram.voxels, VOXELS)
        (said,) = tomogram.warnings
        assert "bytes follow the 4 x 3 x 2 voxels" in said
        assert packed or f"{len(more)} bytes" in said
