"""ASCII models."""

from __future__ import annotations

import numpy as np
import pytest
from vesimod_imod.core.spheres import Grid
from vesimod_imod.model.chunks import ModFormatError, join_chunks, parse_chunks
from vesimod_imod.model.files import read_mod
from vesimod_imod.model.header import FLIPPED_YZ, header_of, image_reference_of
from vesimod_imod.model.objects import objects_of
from vesimod_imod.sphere_model.describe import describe
from vesimod_imod.sphere_model.read import spheres_of

TEXT = """# imod ascii file version 2.0

imod 2
max 120 100 60
offsets 0 0 0
angles 0 0 0
scale 1 1 1.5
drawmode   1
b&w_level  0,255
pixsize    1.1
units      nm
flipped    0
refcurscale 11 11 16.5
refcurtrans -220 0 0
refcurrot 0 0 0
refoldtrans -220 0 0
slicerAngle 1 0 0 0 5 6 7 a label

object 0 2 1
name round vesicles
color 1 0.5 0 0
open
scattered
linewidth 1
pointsize 5
symbol    1
contour 0 0 1
30 40 20 8 0.25
contour 1 3 2
70 50 30 12
95 75 45
contflags 16
mesh 0 1 2
1 2 3
-22
-1

object 1 1 0
name cell  # a comment
contour 0 0 3
1 1 5
9 1 5
9 9 5
# end of IMOD model
"""


def test_contents(tmp_path):
    path = tmp_path / "ascii.mod"
    path.write_bytes(TEXT.encode())
    model = read_mod(path)
    header, reference = header_of(model), image_reference_of(model)
    assert header.size == (120, 100, 60)
    assert header.pixel_size_nm == pytest.approx(1.1)
    assert header.scale == (1, 1, 1.5)
    assert header.flags == 0xF000
    assert reference.scale == (11, 11, 16.5)
    assert reference.translation == reference.full_translation == (-220, 0, 0)
    first, second = objects_of(model)
    assert (first.name, first.kind, first.default_radius) == ("round vesicles", "scattered", 5)
    assert (second.name, second.kind) == ("cell", "closed")
    assert first.colour == (1, 0.5, 0)
    assert first.counts.tolist() == [1, 2]
    assert first.surfaces.tolist() == [0, 3]
    np.testing.assert_array_equal(first.points, [[30, 40, 20], [70, 50, 30], [95, 75, 45]])
    np.testing.assert_array_equal(first.sizes, [8, 12, -1])
    np.testing.assert_array_equal(first.values, [0.25, np.nan, np.nan])
    spheres = spheres_of(model, Grid((60, 100, 120), (1.65, 1.1, 1.1), (0, 0, 22))).spheres
    np.testing.assert_allclose(spheres.centres[0], [20, 39.5, 29.5], atol=1e-5)
    np.testing.assert_allclose(spheres.radii_nm, [8.8, 13.2, 5.5], rtol=1e-6)
    assert describe(model)[0].startswith(str(path))
    # What was read can be written as a binary model.
    assert objects_of(parse_chunks(join_chunks(model)))[0].name == "round vesicles"


def test_windows_line_ends_flips_and_missing_references(tmp_path):
    path = tmp_path / "ascii.mod"
    lines = [line for line in TEXT.split("\n") if not line.startswith("ref")]
    text = "\r\n".join(lines).replace("flipped    0", "flipped    1")
    path.write_bytes(text.replace("units      nm", "units      pixels").encode())
    model = read_mod(path)
    assert header_of(model).flags == 0x3000 | FLIPPED_YZ
    assert header_of(model).pixel_size_nm is None
    assert image_reference_of(model) is None
    assert len(objects_of(model)[0].points) == 3


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("imod 2", "image 2", "not an IMOD model"),
        ("imod 2", "imod two", "numbers must follow"),
        ("imod 2", "imod 3", "states 3 objects, 2 follow"),
        ("object 0 2 1", "object 0 3 1", "states 3 contours, 2 follow"),
        ("95 75 45", "95 75", "3 numbers must follow"),
        ("95 75 45", "", "numbers must follow"),
        ("contour 0 0 3", "contour 0 0 4", "numbers must follow"),
        ("contour 0 0 3", "contour 0 0 999999999", "numbers must follow"),
        ("contour 0 0 3", "contour 0 0 2.5", "whole numbers must follow"),
        ("70 50 30 12", "70 50 1e300 12", "numbers must follow"),
        ("max 120 100 60", "max 120 100 1e12", "whole numbers"),
        ("pixsize    1.1", "pixsize    none", "numbers must follow"),
        ("mesh 0 1 2", "mesh 0 1 2000", "inside a mesh"),
    ],
)
def test_damage(tmp_path, old, new, message):
    path = tmp_path / "ascii.mod"
    assert old in TEXT
    path.write_bytes(TEXT.replace(old, new).encode())
    with pytest.raises(ModFormatError, match=message) as caught:
        read_mod(path)
    assert str(caught.value).startswith(f"{path}: byte ")
    assert 0 <= caught.value.offset <= len(path.read_bytes())


def test_other_files_are_refused(tmp_path):
    for content in (b"", b"\x00" * 5000, b"some text\n", bytes(range(256)) * 40):
        path = tmp_path / "other.mod"
        path.write_bytes(content)
        with pytest.raises(ModFormatError, match="not an IMOD model"):
            read_mod(path)
