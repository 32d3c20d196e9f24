"""Models that 3dmod 4.8.2 saved after real mouse and key edits: the verdict, sphere by sphere.

`original.mod` holds spheres 0, 1 and 2 at model points (30, 40, 20), (70, 50, 30) and
(95, 75, 45) of tomo.mrc (x 120, y 100, z 60, 1 nm), with radii 8, 12 and 6.5. Their voxel
positions (z, y, x) are those less half a voxel in x and y. What 3dmod makes of a model in each
case, and hence what is right, is known from watching it:

* a click appended to a contour with sizes gets size -1, in a contour of its own none: both
  have the object's 5 pixels, which nobody chose for them;
* a moved point keeps label, size and value;
* a lone point deleted leaves its contour, empty, with the label; Shift+D takes the contour;
* on another volume of the same place 3dmod converts the points by MINX, and in this version
  leaves the radii, which still count in the old pixels, as the pixel size of the header does.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy import ndimage
from vesimod.review.corrections import find_corrections
from vesimod_imod.core.spheres import Grid
from vesimod_imod.sphere_model.read import read_sphere_model

TOMO = Grid((60, 100, 120), (1.0, 1.0, 1.0))
S0 = (0, (20, 39.5, 29.5), 8.0, "explicit")
S1 = (1, (30, 49.5, 69.5), 12.0, "explicit")
S2 = (2, (45, 74.5, 94.5), 6.5, "explicit")
UNCHANGED = [S0, S1, S2]

# file: spheres (id, voxel position, radius in nm, where the radius is from),
#       verdicts on 0, 1, 2 and on further spheres, words in a warning or none, and why
CASES = {
    "original": (UNCHANGED, "kept kept kept", None, "nothing was done to it"),
    "edited-1": (
        [
            S0,
            (1, (30, 53.16667, 73.5), 12.0, "explicit"),
            (3, (30, 29.83333, 25.5), 5.0, "default"),
            S2,
            (4, (30, 63.16667, 38.83333), 5.0, "default"),
        ],
        "kept moved kept added added",
        "2 points have no size",
        "sphere 1 was moved; a point was added to its contour: the label stays with the point "
        "that has a size; a further point in a new contour has neither label nor size",
    ),
    "edited-2": (
        [S0, S2, (3, (30, 29.83333, 25.5), 5.0, "default")],
        "kept removed kept added",
        "1 points have no size",
        "point 1 was deleted: its empty contour still has the label; one was added in a "
        "contour of its own, and another added and deleted again, which leaves an empty contour",
    ),
    "edited-3": ([S0, S2], "kept removed kept", None, "contour 1 was deleted, label and all"),
    "flipped-Y": (UNCHANGED, "kept kept kept", None, "y and z swapped and flag 16: swap back"),
    "loaded-on-binned-2x": (
        UNCHANGED,
        "kept kept kept",
        "taken in the former",
        "points halved with the pixel size 20 Angstrom in MINX; radii still in 1 nm pixels",
    ),
    "loaded-on-subarea": (
        UNCHANGED,
        "kept kept kept",
        None,
        "points count from the loaded part: MINX says -200, -100, -100 Angstrom",
    ),
    "loaded-on-trimmed": (
        UNCHANGED,
        "kept kept kept",
        None,
        "the trimmed file starts at x 20, y 10, z 10, which its origin states",
    ),
    "loaded-on-trimvol-rx": (
        UNCHANGED,
        "kept kept kept",
        None,
        "the header states the rotation by -90 degrees about x: turn back",
    ),
    "loaded-on-trimvol-yz": (
        UNCHANGED,
        "kept kept kept",
        "trimvol -yz",
        "such a header says nothing, 3dmod converts nothing: as they are, with a warning",
    ),
}


def read(shared, name, grid=TOMO):
    return read_sphere_model(shared / "saved-by-3dmod" / f"{name}.mod", grid)


def test_no_file_is_forgotten(shared):
    files = {path.stem for path in (shared / "saved-by-3dmod").glob("*.mod")}
    assert files == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_spheres(shared, name):
    expected, _, warning, _ = CASES[name]
    reading = read(shared, name)
    spheres = reading.spheres
    assert spheres.ids.tolist() == [row[0] for row in expected]
    np.testing.assert_allclose(spheres.centres, [row[1] for row in expected], atol=1e-4)
    np.testing.assert_allclose(spheres.radii_nm, [row[2] for row in expected], rtol=1e-6)
    assert reading.radius_source.tolist() == [row[3] for row in expected]
    assert reading.labelled.tolist() == [row[0] < 3 for row in expected]
    scores = {0: 0.25, 1: 0.5, 2: 0.75}
    assert spheres.scores.tolist() == [scores.get(row[0], 1.0) for row in expected]
    if warning is None:
        assert reading.warnings == []
    else:
        assert len(reading.warnings) == 1
        assert warning in reading.warnings[0]


@pytest.mark.parametrize("name", CASES)
def test_verdicts(shared, name):
    expected = CASES[name][1].split()
    corrections = find_corrections(read(shared, "original"), read(shared, name), (1, 1, 1))
    assert [row.verdict for row in corrections] == expected
    assert [row.predicted_id for row in corrections[:3]] == [0, 1, 2]
    for row in corrections:
        if row.verdict == "kept":
            assert row.corrected_id == row.predicted_id
            assert row.distance_nm < 1e-4
        if row.verdict == "added":
            assert np.isnan(row.radius_nm)  # nobody set it


def test_figures_of_the_moved_sphere(shared):
    corrections = find_corrections(read(shared, "original"), read(shared, "edited-1"), (1, 1, 1))
    moved = corrections[1]
    assert moved.distance_nm == pytest.approx(np.hypot(4, 11 / 3), abs=1e-4)
    assert moved.radius_nm == moved.predicted_radius_nm == 12


def test_deleted_point_is_told_from_a_lost_one(shared):
    assert read(shared, "edited-2").emptied_ids.tolist() == [1]
    assert read(shared, "edited-3").emptied_ids.tolist() == []
    rows = find_corrections(read(shared, "original"), read(shared, "edited-2"), (1, 1, 1))
    assert rows[1].note == "its point was deleted"


@pytest.mark.parametrize("name", CASES)
def test_without_the_tomogram(shared, name):
    """In the pixels of the file that 3dmod last showed; radii in nm are the same."""
    reading = read(shared, name, None)
    expected = np.array([row[1] for row in CASES[name][0]], float)
    z, y, x = expected.T
    in_file = {
        "loaded-on-binned-2x": (z / 2, (y + 0.5) / 2 - 0.5, (x + 0.5) / 2 - 0.5),
        "loaded-on-trimmed": (z - 10, y - 10, x - 20),
        "loaded-on-trimvol-rx": (100 - (y + 0.5), z - 0.5, x),
    }.get(name, (z, y, x))
    np.testing.assert_allclose(reading.spheres.centres, np.transpose(in_file), atol=1e-4)
    np.testing.assert_allclose(reading.spheres.radii_nm, [row[2] for row in CASES[name][0]])


def test_spheres_lie_on_the_vesicles_of_the_image(shared):
    """The dark shells painted into tomo.mrc, found without any model."""
    mrcfile = pytest.importorskip("mrcfile")
    with mrcfile.open(shared / "saved-by-3dmod" / "tomo.mrc", permissive=True) as file:
        smooth = ndimage.gaussian_filter(file.data.astype(float), 1)
    labels, _ = ndimage.label(smooth < -40)
    counts = Counter(labels[labels > 0].tolist())
    shells = [np.argwhere(labels == k) for k, n in counts.items() if n > 500]
    found = sorted((*(s.min(axis=0) + s.max(axis=0)) / 2, np.ptp(s[:, 0]) / 2) for s in shells)
    spheres = read(shared, "loaded-on-trimvol-rx").spheres
    np.testing.assert_allclose(np.array(found)[:, :3], spheres.centres, atol=0.75)
    np.testing.assert_allclose(np.array(found)[:, 3], spheres.radii_nm, atol=1.5)
