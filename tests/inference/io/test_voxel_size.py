"""Voxel sizes that are missing, uneven, or not what somebody states."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mrc_files import write_header
from vesimod.io.tomogram import read_tomogram, read_volume
from vesimod.io.voxel_size import VoxelSizeError, settled_voxel_size

VOXELS = np.arange(20 * 24 * 28, dtype=np.float32).reshape(20, 24, 28)
FILE = Path("a.mrc")


def file(folder: Path, *angstrom: float) -> Path:
    return write_header(folder / "a.mrc", VOXELS, 2, angstrom=angstrom or (22.0, 22.0, 22.0))


@pytest.mark.parametrize("given_nm", [22.0, 21.3, 23.5])
def test_ten_times_the_header_is_angstrom(tmp_path, given_nm):
    with pytest.raises(VoxelSizeError, match=rf"says 2.2 nm; {given_nm:g} Angstrom\?"):
        read_tomogram(file(tmp_path), given_nm)


@pytest.mark.parametrize(
    ("given_nm", "doubted"), [(2.2, 0), (2.9, 0), (1.6, 0), (4.4, 1), (1.1, 1)]
)
def test_another_size_than_the_header_is_taken_with_a_warning(tmp_path, given_nm, doubted):
    tomogram = read_tomogram(file(tmp_path), given_nm)
    assert tomogram.grid.voxel_size_nm == (given_nm,) * 3
    warnings = [text for text in tomogram.warnings if "as stated" in text]
    assert len(warnings) == doubted
    assert all("2.2 nm" in text and f"{given_nm:g} nm" in text for text in warnings)


@pytest.mark.parametrize("angstrom", [0.0, 1.0, float("nan"), 0.2, 500.0])
def test_a_header_that_knows_nothing_forbids_nothing(tmp_path, angstrom):
    """Ten times 1 Angstrom is 1 nm: a voxel size that may well be true where none is stated."""
    for size_nm in (angstrom, 1.0, 2.0):
        if 0.1 <= size_nm <= 10:
            tomogram = read_tomogram(file(tmp_path, *(angstrom,) * 3), size_nm)
            assert tomogram.grid.voxel_size_nm == (size_nm,) * 3
            assert not any("as stated" in text for text in tomogram.warnings)


@pytest.mark.parametrize(
    ("angstrom", "axes"),
    [
        ((22.0, 22.0, 0.0), "along z"),
        ((0.0, 22.0, 22.0), "along x"),
        ((22.0, float("nan"), 22.0), "along y"),
        ((22.0, -22.0, 22.0), "along y"),
        ((22.0, 22.0, 1.0), "along z"),
        ((22.0, 0.0, float("inf")), "along y and z"),
        ((0.0, 0.0, 0.0), "no voxel size, or"),
    ],
)
def test_an_axis_without_a_size_is_refused(tmp_path, angstrom, axes):
    path = file(tmp_path, *angstrom)
    with pytest.raises(VoxelSizeError, match=axes):
        read_tomogram(path)
    assert read_tomogram(path, 2.2).grid.voxel_size_nm == (2.2, 2.2, 2.2)


def test_imod_takes_the_size_of_x_where_z_has_none(tmp_path):
    """What 3dmod goes by, which models made on the file must state."""
    assert read_volume(file(tmp_path, 22.0, 22.0, 0.0)).grid.voxel_size_nm == pytest.approx(
        (2.2, 2.2, 2.2)
    )
    assert read_volume(file(tmp_path, 0.0, 22.0, 22.0)).grid.voxel_size_nm == (0.1, 0.1, 0.1)


def test_uneven_axes_are_questioned(tmp_path):
    (warning,) = read_tomogram(file(tmp_path, 22, 22, 50)).warnings
    assert "2.2 x 2.2 x 5 nm in x, y and z" in warning
    assert read_tomogram(file(tmp_path, 22, 22, 40)).warnings == ()


@pytest.mark.parametrize(
    ("given_nm", "doubt"), [(0.5, "10 nm thin"), (1.1, "22 nm thin"), (2.0, None)]
)
def test_a_volume_thinner_than_a_vesicle_is_questioned(tmp_path, given_nm, doubt):
    warnings = [t for t in read_tomogram(file(tmp_path), given_nm).warnings if "nm thin" in t]
    assert len(warnings) == (doubt is not None)
    assert all(doubt in text for text in warnings)


def test_a_volume_wider_than_a_microscope_sees_is_questioned(tmp_path):
    voxels = np.zeros((4, 4, 3000), np.int8)
    path = write_header(tmp_path / "a.mrc", voxels, 0, angstrom=(80.0, 80.0, 80.0))
    (warning,) = read_tomogram(path).warnings
    assert "24 micrometres wide" in warning


@given(st.floats(0.11, 10.0), st.floats(0.1, 10.0))
def test_whatever_is_stated_is_taken_questioned_or_refused(stated_nm, given_nm):
    """Nothing that is more than a factor 1.5 off passes in silence."""
    ratio = given_nm / stated_nm
    try:
        size, warnings = settled_voxel_size(FILE, (stated_nm,) * 3, given_nm)
    except VoxelSizeError:
        assert 9 <= ratio <= 11
    else:
        assert size == (given_nm,) * 3
        assert bool(warnings) is (max(ratio, 1 / ratio) > 1.5)


def test_field_cases(shared: Path) -> None:
    cases = shared / "field-cases"
    with pytest.raises(VoxelSizeError, match=r"says 0.88 nm; 8.8 Angstrom\?"):
        read_tomogram(cases / "header_0.88nm.mrc", 8.8)
    with pytest.raises(VoxelSizeError, match="along z"):
        read_tomogram(cases / "zsize0.mrc")
    assert read_tomogram(cases / "ok.mrc").warnings == ()
