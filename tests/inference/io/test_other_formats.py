"""Files that are no MRC, named by their first bytes; pipes and devices."""

from __future__ import annotations

import bz2
import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from mrc_files import ramp, write_header
from vesimod.io.tomogram import TomogramError, read_tomogram
from vesimod_imod.core.errors import VesimodError
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.model.files import read_mod
from vesimod_imod.sphere_model.write import write_sphere_model

VOXELS = np.zeros((6, 10, 12), np.float32)


def em(order: str, machine: int, kind: int = 5) -> bytes:
    head = bytes((machine, 0, 0, kind)) + struct.pack(order + "3i", 12, 10, 6)
    return head.ljust(512, b"\0") + VOXELS.tobytes()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"II*\0" + bytes(2000), "TIFF.*tif2mrc"),
        (b"MM\0*" + bytes(2000), "TIFF.*tif2mrc"),
        (b"II+\0" + bytes(2000), "TIFF.*tif2mrc"),
        (b"\x89HDF\r\n\x1a\n" + bytes(2000), "HDF5.*e2proc3d"),
        (b"# AmiraMesh BINARY-LITTLE-ENDIAN 2.1\n" + bytes(2000), "Amira.*MRC"),
        (b"# Avizo BINARY-LITTLE-ENDIAN 2.1\n" + bytes(2000), "Avizo.*MRC"),
        (em("<", 6), "EM format.*e2proc3d"),
        (em(">", 3), "EM format.*e2proc3d"),
        (em(">", 0), "EM format.*e2proc3d"),
        (em("<", 6)[:700], "EM format.*e2proc3d"),
        (struct.pack(">3i", 3, 4000, 1) + bytes(2000), "DigitalMicrograph.*dm2mrc"),
        (struct.pack(">iqi", 4, 4000, 1) + bytes(2000), "DigitalMicrograph.*dm2mrc"),
        (b"\x93NUMPY\x01\0" + bytes(2000), "numpy.*mrcfile"),
        (b"\x89PNG\r\n\x1a\n" + bytes(2000), "PNG"),
        (b"PK\x03\x04" + bytes(2000), "zip.*unzip"),
        (b"\xfd7zXZ\0" + bytes(2000), "unxz"),
        (bytes(344) + b"n+1\0" + bytes(2000), "NIfTI"),
    ],
)
def test_named_by_first_bytes(tmp_path, content, named):
    path = tmp_path / "a.mrc"
    path.write_bytes(content)
    with pytest.raises(TomogramError, match=named):
        read_tomogram(path)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_named_inside_of_compressed_files(tmp_path, pack):
    path = tmp_path / "a.em.packed"
    path.write_bytes(pack(em("<", 6)))
    with pytest.raises(TomogramError, match="EM format"):
        read_tomogram(path)


def test_a_model_is_not_a_tomogram(tmp_path):
    write_sphere_model(tmp_path / "a.mod", Spheres.empty(), Grid((6, 10, 12), (2.0, 2.0, 2.0)))
    with pytest.raises(TomogramError, match=r"IMOD model.*swapped"):
        read_tomogram(tmp_path / "a.mod")


@pytest.mark.parametrize("nx", range(1, 20))
@pytest.mark.parametrize("order", ["<", ">"])
def test_small_volumes_are_taken_for_nothing_else(tmp_path, nx, order):
    voxels = np.arange(2 * 3 * nx).reshape(2, 3, nx).astype(order + "f4")
    path = write_header(tmp_path / "a.mrc", voxels, 2, order=order)
    assert np.array_equal(read_tomogram(path).voxels, voxels)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_or_a_device_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.mrc")
    for path in (tmp_path / "pipe.mrc", Path("/dev/zero")):
        for reader in (read_tomogram, read_mod):
            with pytest.raises(OSError, match=r"pipe or a device"):
                reader(path)


@pytest.mark.parametrize(
    "size", [(32768, 1 << 30, 1 << 30), (1 << 30, 1 << 30, 4), (65535, 65535, 65535)]
)
def test_sizes_that_overflow(tmp_path, size):
    path = write_header(tmp_path / "a.mrc", ramp("f4"), 2)
    raw = bytearray(path.read_bytes())
    struct.pack_into("<3i", raw, 0, *size)
    path.write_bytes(bytes(raw))
    with pytest.raises(TomogramError, match=r"more than any disk holds|cut short"):
        read_tomogram(path)
    packed = tmp_path / "a.mrc.gz"
    packed.write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(TomogramError, match=r"more than any disk holds|unpack it first"):
        read_tomogram(packed)


def test_field_cases(shared: Path) -> None:
    for name, named in [
        ("field-cases/dynamo.em", "EM format"),
        ("slices/pp676_SIRT_XY_18.12A.tif", "TIFF"),
        ("cryovesnet/weights.h5", "HDF5|eman"),  # the latter where h5py is not installed
        ("mod/correct111.mod", "IMOD model"),
        ("hostile/dims_wrap0_header.mrc", "32768 x 1073741824 x 1073741824"),
    ]:
        with pytest.raises(VesimodError, match=named):
            read_tomogram(shared / name)
