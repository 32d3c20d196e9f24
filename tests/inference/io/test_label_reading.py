"""Label volumes of any origin: regions, bodies without ids, ids in pieces, what is no label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vesimod.io.label_reading import read_labels
from vesimod.io.label_volume import paint_spheres
from vesimod.io.tomogram import Tomogram, read_tomogram
from vesimod_imod.core.spheres import Grid, Spheres

GRID = Grid((40, 60, 80), (2.0, 2.0, 2.0))
SPHERES = Spheres(
    [[20, 20, 20], [20, 40, 40], [12, 20, 60], [28, 44, 64]], [16.0, 20.0, 14.0, 18.0]
)


def volume(voxels: np.ndarray) -> Tomogram:
    return Tomogram(voxels, GRID, Path("labels.mrc"))


def painted(*ids: int) -> np.ndarray:
    return paint_spheres(Spheres(SPHERES.centres, SPHERES.radii_nm, ids=ids), GRID)


def test_each_id_is_a_vesicle():
    reading = read_labels(volume(painted(1, 2, 3, 4)))
    assert reading.spheres.ids.tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(reading.spheres.centres, SPHERES.centres, atol=0.05)
    np.testing.assert_allclose(reading.spheres.radii_nm, SPHERES.radii_nm, atol=0.3)
    assert np.array_equal(reading.inside, painted(1, 2, 3, 4) > 0)
    assert reading.warnings == []


def pyto_like() -> np.ndarray:
    """Active zone 2, cytoplasm 3 around vesicles from 10 on, as Pyto paints them."""
    labels = painted(35, 36, 48, 52).astype(np.int16)
    labels[(labels == 0) & (np.arange(60)[:, None] > 8)] = 3
    labels[:, 4:7] = 2
    return labels


def test_regions_of_pyto_are_no_vesicles():
    reading = read_labels(volume(pyto_like()))
    assert reading.spheres.ids.tolist() == [35, 36, 48, 52]
    assert not reading.inside[pyto_like() == 3].any()
    (warning,) = reading.warnings
    assert warning.startswith("ids 2, 3 are taken for regions, as in Pyto's label volumes")
    assert len(read_labels(volume(pyto_like()), first_vesicle_id=1).spheres) == 6
    assert read_labels(volume(pyto_like()), first_vesicle_id=40).spheres.ids.tolist() == [48, 52]


@pytest.mark.parametrize("ids", [(1, 2, 3, 4), (7, 8, 9, 10), (2, 3, 35, 36), (1, 2, 3, 40)])
def test_vesicles_below_10_stay_where_they_are_round(ids):
    reading = read_labels(volume(painted(*ids)))
    assert reading.spheres.ids.tolist() == list(ids)
    assert reading.warnings == []


def test_bodies_without_ids_are_each_a_vesicle():
    reading = read_labels(volume((painted(1, 2, 3, 4) > 0).astype(np.int8)))
    np.testing.assert_allclose(
        np.sort(reading.spheres.radii_nm), np.sort(SPHERES.radii_nm), atol=0.3
    )
    (warning,) = reading.warnings
    assert "id 1 is in several bodies: a mask without ids?" in warning


def test_an_id_in_several_bodies_and_crumbs():
    labels = painted(1, 2, 3, 4)
    labels[labels == 3] = 2
    labels[1, 1, 1] = 4
    reading = read_labels(volume(labels))
    # The largest keeps the id.
    assert reading.spheres.ids.tolist() == [1, 2, 4, 5]
    np.testing.assert_allclose(reading.spheres.centres[1], SPHERES.centres[1], atol=0.05)
    np.testing.assert_allclose(reading.spheres.centres[3], SPHERES.centres[2], atol=0.05)
    assert len(reading.warnings) == 2
    assert "id 2 is in several bodies" in reading.warnings[0]
    assert "1 bodies much smaller" in reading.warnings[1]
    assert not reading.inside[1, 1, 1]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.5, "fractions"),
        (np.nan, "fractions"),
        (np.inf, "fractions"),
        (-1, "negative"),
        (1e12, "too large"),
    ],
)
def test_what_is_no_label_volume(value, message):
    labels = painted(1, 2, 3, 4).astype(np.float64)
    labels[0, 0, 0] = value
    with pytest.raises(ValueError, match=message):
        read_labels(volume(labels))


@pytest.mark.parametrize("kind", ["i1", "i2", "u2", "f2", "f4", ">i2", ">f4"])
def test_labels_of_every_type(kind):
    reading = read_labels(volume(painted(1, 2, 3, 100).astype(kind)))
    assert reading.spheres.ids.tolist() == [1, 2, 3, 100]


def test_a_volume_without_labels_holds_nothing():
    assert len(read_labels(volume(np.zeros(GRID.shape, np.int16))).spheres) == 0


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, (1 << 31) - 1), min_size=4, max_size=4, unique=True))
def test_ids_of_any_size_cost_no_memory(ids):
    labels = painted(1, 2, 3, 4).astype(np.int64)
    reading = read_labels(volume(np.append(0, ids)[labels]))
    assert reading.spheres.ids.tolist() == sorted(ids)


def test_real_labels_of_pyto(shared: Path) -> None:
    """Ids and radii (nm, from the table of the same synapse) of whole vesicles."""
    labels = read_tomogram(shared / "pyto/labels.mrc")
    reading = read_labels(labels)
    assert reading.spheres.ids.min() >= 10
    assert {36, 48, 49, 50, 52, 58, 59, 60, 61} <= set(reading.spheres.ids.tolist())
    assert "ids 2, 3 are taken for regions" in reading.warnings[0]
    mask = read_labels(read_tomogram(shared / "field-cases/mask.mrc"))
    true = read_labels(read_tomogram(shared / "field-cases/labels.mrc"))
    assert len(mask.spheres) == len(true.spheres) == 4
    assert np.array_equal(mask.inside, true.inside)
