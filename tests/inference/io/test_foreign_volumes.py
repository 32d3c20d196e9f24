"""Tomograms in TIFF, EMAN2's HDF5 and OME-Zarr, as those formats' own libraries write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vesimod.io.read_spheres import read_spheres
from vesimod.io.tomogram import TomogramError, read_tomogram, volume_on
from vesimod.io.voxel_size import VoxelSizeError
from vesimod_imod.core.errors import MissingPackageError
from vesimod_imod.core.spheres import Grid

VOXELS = np.arange(24 * 30 * 40, dtype=np.uint16).reshape(24, 30, 40)


def tiff(path: Path, voxels: np.ndarray = VOXELS, **options: Any) -> Path:
    tifffile = pytest.importorskip("tifffile", reason="pip install 'vesimod[tiff]'")
    tifffile.imwrite(path, voxels, **options)
    return path


def imagej(path: Path, unit: str, size: float, **options: Any) -> Path:
    metadata = {"axes": "ZYX", "spacing": 2 * size, "unit": unit}
    return tiff(path, imagej=True, resolution=(1 / size, 1 / size), metadata=metadata, **options)


def ome(path: Path, **options: Any) -> Path:
    sizes = {f"PhysicalSize{axis}": size for axis, size in zip("ZYX", (20, 15, 15), strict=True)}
    units = {f"PhysicalSize{axis}Unit": "Å" for axis in "ZYX"}
    return tiff(path, ome=True, metadata={"axes": "ZYX", **sizes, **units}, **options)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiff_is_the_volume_that_3dmod_shows(tmp_path: Path, compression: str | None) -> None:
    path = ome(tmp_path / "a.ome.tif", compression=compression)
    volume = read_tomogram(path)
    np.testing.assert_array_equal(volume.voxels, VOXELS[:, ::-1])
    assert volume.grid.voxel_size_nm == pytest.approx((2.0, 1.5, 1.5))
    assert any("bottom to top" in note for note in volume.notes)
    assert not volume.voxels.flags.writeable


@pytest.mark.parametrize(
    ("unit", "size"), [("nm", 1.2), ("micron", 0.0012), ("\\u00B5m", 0.0012), ("angstrom", 12.0)]
)
def test_tiff_of_imagej(tmp_path: Path, unit: str, size: float) -> None:
    volume = read_tomogram(imagej(tmp_path / "a.tif", unit, size))
    assert volume.grid.voxel_size_nm == pytest.approx((2.4, 1.2, 1.2), rel=1e-4)


def test_tiff_that_states_centimetres(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", resolution=(1e7 / 1.3, 1e7 / 1.3), resolutionunit="CENTIMETER")
    volume = read_tomogram(path)
    assert volume.grid.voxel_size_nm == pytest.approx((1.3, 1.3, 1.3), rel=1e-4)
    assert any("that along x is taken" in note for note in volume.notes)


def test_tiff_without_a_voxel_size(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tiff", resolution=(72, 72), resolutionunit="INCH")
    with pytest.raises(VoxelSizeError, match="states no voxel size"):
        read_tomogram(path)
    assert read_tomogram(path, 1.5).grid.voxel_size_nm == (1.5, 1.5, 1.5)
    with pytest.raises(TomogramError, match="must have been made on the same volume"):
        volume_on(path, Grid((1, 2, 3), (1.0, 1.0, 1.0)))


def eman(path: Path, size: float | None = 13.3, **options: Any) -> Path:
    h5py = pytest.importorskip("h5py", reason="pip install 'vesimod[eman]'")
    with h5py.File(path, "w") as file:
        image = file.create_group("MDF/images/0")
        image.create_dataset("image", data=VOXELS.astype(np.float32), **options)
        for axis in "xyz":
            if size is not None:
                image.attrs[f"EMAN.apix_{axis}"] = size
        image.attrs["EMAN.origin_x"] = 50.0
    return path


@pytest.mark.parametrize("options", [{}, {"chunks": (5, 10, 10), "compression": "gzip"}])
def test_hdf_of_eman2(tmp_path: Path, options: dict[str, Any]) -> None:
    volume = read_tomogram(eman(tmp_path / "a.hdf", **options))
    np.testing.assert_array_equal(volume.voxels, VOXELS)
    assert volume.grid.voxel_size_nm == pytest.approx((1.33, 1.33, 1.33))
    assert volume.grid.origin_nm == (0.0, 0.0, 5.0)


def test_hdf_that_is_something_else(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="pip install 'vesimod[eman]'")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = VOXELS
    with pytest.raises(TomogramError, match="not of EMAN2"):
        read_tomogram(tmp_path / "a.h5")
    with pytest.raises(VoxelSizeError, match="states no voxel size"):
        read_tomogram(eman(tmp_path / "b.hdf", None))
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_tomogram(tmp_path / "none.hdf")


def zarr_image(path: Path, unit: str = "angstrom", scale: float = 13.0, extra: int = 0) -> Path:
    zarr = pytest.importorskip("zarr", reason="pip install 'vesimod[zarr]'")
    voxels = VOXELS.reshape((1,) * extra + VOXELS.shape)
    group = zarr.open_group(str(path), mode="w")
    make = group.create_dataset if zarr.__version__.startswith("2.") else group.create_array
    make("s0", shape=voxels.shape, chunks=(1,) * extra + (7, 30, 40), dtype=voxels.dtype)[:] = (
        voxels
    )
    axes = [{"name": name, "type": "channel"} for name in "tc"[2 - extra :]]
    axes += [{"name": name, "type": "space", "unit": unit} for name in "zyx"]
    steps = [{"type": "scale", "scale": [1.0] * extra + [scale] * 3}]
    content = {"axes": axes, "datasets": [{"path": "s0", "coordinateTransformations": steps}]}
    group.attrs["multiscales"] = [{"version": "0.4", **content}]
    return path


@pytest.mark.parametrize("extra", [0, 1, 2])
def test_ome_zarr(tmp_path: Path, extra: int) -> None:
    volume = read_tomogram(zarr_image(tmp_path / "TS_01.zarr", extra=extra))
    np.testing.assert_array_equal(volume.voxels, VOXELS)
    assert volume.grid.voxel_size_nm == pytest.approx((1.3, 1.3, 1.3))


def test_ome_zarr_in_a_folder_of_any_name(tmp_path: Path) -> None:
    assert read_tomogram(zarr_image(tmp_path / "image")).grid.shape == VOXELS.shape


def test_ome_zarr_whose_size_is_doubtful(tmp_path: Path) -> None:
    with pytest.raises(VoxelSizeError, match="states no voxel size"):
        read_tomogram(zarr_image(tmp_path / "a.zarr", unit="furlong"))
    with pytest.raises(VoxelSizeError, match=r"outside 0\.1 to 10 nm"):
        read_tomogram(zarr_image(tmp_path / "b.zarr", unit="micrometer"))


def test_labels_in_any_of_them(tmp_path: Path) -> None:
    labels = np.zeros((24, 30, 40), np.uint16)
    labels[8:14, 9:15, 20:26] = 5
    path = tiff(tmp_path / "labels.tif", labels)
    spheres = read_spheres(path, Grid(labels.shape, (2.0, 2.0, 2.0))).spheres
    np.testing.assert_allclose(spheres.centres, [[10.5, 29 - 11.5, 22.5]])
    assert spheres.ids.tolist() == [5]


@pytest.mark.parametrize("ending", ["tif", "hdf", "zarr"])
def test_a_package_that_is_absent_is_named(tmp_path: Path, ending: str, monkeypatch) -> None:
    for package in ("tifffile", "h5py", "zarr"):
        monkeypatch.setitem(__import__("sys").modules, package, None)
    path = tmp_path / f"a.{ending}"
    path.write_bytes(b"II*\0")
    with pytest.raises(MissingPackageError, match=r"pip install \"vesimod\["):
        read_tomogram(path)


@pytest.mark.parametrize("ending", ["tif", "hdf"])
def test_damaged_files_are_named(tmp_path: Path, ending: str) -> None:
    pytest.importorskip("tifffile" if ending == "tif" else "h5py")
    path = tmp_path / f"a.{ending}"
    path.write_bytes(b"no image at all" * 100)
    with pytest.raises(TomogramError, match=f"a.{ending}"):
        read_tomogram(path)


def test_what_is_no_volume_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TomogramError, match="not one volume"):
        read_tomogram(tiff(tmp_path / "a.tif", VOXELS[0]))
    colours = np.zeros((5, 30, 40, 3), np.uint8)
    with pytest.raises(TomogramError, match="not one volume"):
        read_tomogram(tiff(tmp_path / "b.tif", colours, photometric="rgb"))
