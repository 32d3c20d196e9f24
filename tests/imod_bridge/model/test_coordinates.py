"""Where points lie: MINX, flips, rotations, and the pixel that radii count in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.coordinates import grid_of, image_reference, to_model, to_voxels
from vesimod_imod.model.files import read_mod
from vesimod_imod.model.header import (
    FLIPPED_YZ,
    Z_FROM_MINUS_HALF,
    Header,
    ImageReference,
    build_mod,
)
from vesimod_imod.sphere_model.read import read_sphere_model, spheres_of
from vesimod_imod.sphere_model.write import write_sphere_model

FLAGS = 0xF000
NO_TURN = (0.0, 0.0, 0.0)


def model(size, scale, translation=NO_TURN, rotation=NO_TURN, flags=FLAGS, views=False, **header):
    reference = ImageReference((scale,) * 3, translation, rotation, translation)
    built = build_mod(Header("m", size, flags, **header), [], reference)
    return ModFile(built.header, [*built.chunks, (b"VIEW", b"\0\0\0\1")]) if views else built


def test_centre_of_the_first_voxel():
    np.testing.assert_array_equal(to_model(np.array([[3.0, 2.0, 1.0]])), [[1.5, 2.5, 3.0]])
    grid = Grid((10, 20, 30), (1.0, 1.0, 1.0))
    at, notes = to_voxels(np.array([[0.5, 0.5, 0.0]]), model((30, 20, 10), 10.0), grid)
    np.testing.assert_array_equal(at, [[0, 0, 0]])
    assert notes == []


@given(
    origin=st.tuples(*[st.floats(-500, 500)] * 3),
    tilt=st.tuples(*[st.floats(-180, 180)] * 3),
    point=st.tuples(*[st.floats(0, 100)] * 3),
)
def test_turned_and_shifted_volumes_show_the_same_place(origin, tilt, point):
    """To another volume and back again is nothing done."""
    plain = Grid((100, 100, 100), (1.0, 1.0, 1.0))
    turned = Grid((150, 150, 150), (2.0, 2.0, 2.0), origin, tilt)
    there, _ = to_voxels(np.array([point]), model((100,) * 3, 10.0), turned)
    reference = image_reference(turned)
    back = build_mod(Header("m", (150,) * 3, FLAGS), [], reference)
    again, _ = to_voxels(to_model(there), back, plain)
    np.testing.assert_allclose(to_model(again), [point], atol=1e-3)


def test_order_of_rotations_is_z_then_y_then_x():
    # A quarter turn about z takes x to y, then one about x takes y to z.
    grid = Grid((99, 99, 99), (1.0, 1.0, 1.0), tilt_angles_deg=(90.0, 0.0, 90.0))
    at, _ = to_voxels(np.array([[10.0, 0.0, -0.5]]), model((90, 90, 90), 10.0), grid)
    np.testing.assert_allclose(to_model(at), [[0, 0, 9.5]], atol=1e-9)
    # A quarter turn about y takes z to x.
    grid = Grid((99, 99, 99), (1.0, 1.0, 1.0), tilt_angles_deg=(0.0, 90.0, 0.0))
    at, _ = to_voxels(np.array([[0.0, 3.0, 9.5]]), model((90, 90, 90), 10.0), grid)
    np.testing.assert_allclose(to_model(at), [[10, 3, -0.5]], atol=1e-9)


def test_binned_volume_in_both_versions_of_3dmod():
    full = Grid((60, 100, 120), (1.0, 1.0, 1.0))
    binned = np.array([[15.0, 20.0, 10.0]])
    old, _ = to_voxels(binned, model((60, 50, 30), 20.0, views=True), full)
    np.testing.assert_allclose(to_model(old), [[30, 40, 20]])
    flags = FLAGS | Z_FROM_MINUS_HALF
    new, _ = to_voxels(binned, model((60, 50, 30), 20.0, flags=flags, views=True), full)
    np.testing.assert_allclose(to_model(new), [[30, 40, 20.5]])  # the middle of sections 20, 21
    ours, _ = to_voxels(binned, model((60, 50, 30), 20.0), full)
    np.testing.assert_allclose(to_model(ours), [[30, 40, 20.5]])


def test_flipped_model_of_a_shifted_volume():
    grid = Grid((60, 100, 120), (1.0, 1.0, 1.0), (5.0, 0.0, 0.0))
    flipped = model((120, 60, 100), 10.0, (0.0, 0.0, -50.0), flags=FLAGS | FLIPPED_YZ)
    at, notes = to_voxels(np.array([[30.0, 20.0, 40.0]]), flipped, grid)
    np.testing.assert_allclose(to_model(at), [[30, 40, 20]])
    assert notes == []


def test_same_image_whose_pixel_size_was_put_right():
    grid = Grid((60, 100, 120), (1.3, 1.3, 1.3))
    at, notes = to_voxels(np.array([[30.0, 40.0, 20.0]]), model((120, 100, 60), 1.0), grid)
    np.testing.assert_allclose(to_model(at), [[30, 40, 20]])
    assert "stated 0.1 nm pixels, not 1.3 nm" in notes[0]


def test_model_without_reference_is_taken_as_it_is():
    bare = build_mod(Header("m", (120, 100, 60), FLAGS), [], None)
    grid = Grid((60, 100, 120), (1.3, 1.3, 1.3))
    at, notes = to_voxels(np.array([[30.0, 40.0, 20.0]]), bare, grid)
    np.testing.assert_allclose(to_model(at), [[30, 40, 20]])
    assert "does not say on which image" in notes[0]


def test_overruled_header(tmp_path):
    """3dmod goes by the header: the model states the header's pixel size for positions and
    the true one for radii, and both come back."""
    grid = Grid((60, 100, 120), (1.3, 1.3, 1.3), header_voxel_size_nm=(0.1, 0.1, 0.1))
    spheres = Spheres([[20, 40, 30], [1, 2, 3]], [22.0, 15.0])
    path = tmp_path / "m.mod"
    write_sphere_model(path, spheres, grid)
    assert image_reference(grid).scale == (1, 1, 1)
    reading = read_sphere_model(path, grid)
    assert reading.warnings == []
    np.testing.assert_allclose(reading.spheres.centres, spheres.centres, atol=1e-5)
    np.testing.assert_allclose(reading.spheres.radii_nm, spheres.radii_nm, rtol=1e-6)
    alone = read_sphere_model(path)
    np.testing.assert_allclose(alone.spheres.radii_nm, spheres.radii_nm, rtol=1e-6)
    assert alone.voxel_size_known
    np.testing.assert_allclose(alone.grid.voxel_size_nm, 1.3, rtol=1e-6)
    mended = read_sphere_model(path, Grid((60, 100, 120), (1.3, 1.3, 1.3)))
    np.testing.assert_allclose(mended.spheres.centres, spheres.centres, atol=1e-5)
    np.testing.assert_allclose(mended.spheres.radii_nm, spheres.radii_nm, rtol=1e-6)


@pytest.mark.parametrize(("factor", "word"), [(1.0, "former"), (0.5, "latter")])
def test_radii_of_a_transferred_model_by_what_its_labels_say(tmp_path, factor, word):
    """Old versions of 3dmod leave radii in the old pixels, the newest scale them."""
    full = Grid((60, 100, 120), (1.0, 1.0, 1.0))
    spheres = Spheres([[20, 40, 30], [30, 50, 70], [45, 75, 95]], [8.0, 12.0, 6.5])
    path = tmp_path / "m.mod"
    write_sphere_model(path, spheres, full)
    written = read_mod(path)
    chunks = []
    for tag, data in written.chunks:
        if tag == b"SIZE":
            data = (np.frombuffer(data, ">f4") * np.float32(factor)).astype(">f4").tobytes()
        if tag == b"CONT":
            x, y, z = np.frombuffer(data[16:], ">f4").astype(float)
            point = np.array([x / 2, y / 2, (z + 0.5) / 2 - 0.5])
            data = data[:16] + point.astype(">f4").tobytes()
        if tag == b"MINX":
            data = data[:36] + np.full(3, 20, ">f4").tobytes() + data[48:]
        chunks.append((tag, data))
    header = written.header[:128] + np.array([60, 50, 30], ">i4").tobytes() + written.header[140:]
    reading = spheres_of(ModFile(header, chunks), full)
    np.testing.assert_allclose(reading.spheres.centres, spheres.centres, atol=1e-4)
    np.testing.assert_allclose(reading.spheres.radii_nm, spheres.radii_nm, rtol=1e-6)
    assert len(reading.warnings) == 1
    assert f"taken in the {word}" in reading.warnings[0]


def test_grid_of_a_model_is_that_of_its_image(tmp_path):
    grid = Grid((40, 60, 80), (1.3, 1.1, 1.1), (20.0, 0.0, -7.0), (0.0, 0.0, -90.0))
    path = tmp_path / "m.mod"
    write_sphere_model(path, Spheres.empty(), grid)
    found, known = grid_of(read_mod(path))
    assert known
    assert found.shape == grid.shape
    for name in ("voxel_size_nm", "origin_nm", "tilt_angles_deg"):
        np.testing.assert_allclose(getattr(found, name), getattr(grid, name), rtol=1e-6)
