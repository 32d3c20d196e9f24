"""Connectors and tethers of tiny synapses: what is accepted, measured and refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from synapses import rod, synapse
from vesimod.connectors.clusters import connected, shape_of
from vesimod.connectors.distances import distance_volume
from vesimod.connectors.find import ConnectSettings, find_connectors
from vesimod.connectors.select import VolumeLimits
from vesimod.connectors.shape import box_of, euler_number, hollows
from vesimod.connectors.synapse import synapse_of
from vesimod.connectors.thresholds import default_thresholds, mean_and_sd
from vesimod_imod.core.errors import InputError

BOTH = rod(3, 9, 5) | rod(12, 15, 7)


def test_a_tether_and_a_connector() -> None:
    found = find_connectors(
        synapse(BOTH, voxel_size_nm=2.0), ConnectSettings(thresholds=(0, 5, 10))
    )
    tether, connector = found.connectors
    assert (tether.kind, tether.vesicles, tether.threshold) == ("tether", (10,), 5)
    assert (connector.kind, connector.vesicles, connector.threshold) == ("connector", (10, 11), 10)
    measured = tether.features
    assert measured.voxels == measured.surface_voxels == 6
    assert measured.course.length_nm == measured.course.straight_nm == 12.0
    assert measured.boundary_distance_nm == 14.0
    assert measured.az_nm == 7.0
    assert (measured.grey_mean, measured.grey_sd) == (5.0, 0.0)
    assert measured.place.tolist() == [9.0, 9.0, 5.5]
    assert (measured.euler, measured.loops, measured.hollows) == (1, 0, 0)
    assert found.labels()[9, 9, 3] == tether.number
    assert np.bincount(found.labels().ravel())[1:].tolist() == [6, 3]
    one, other = found.vesicles
    assert (one.tethers, one.connectors, one.linked) == (1, 1, (11,))
    assert (other.tethers, other.connectors, other.linked) == (0, 1, (10,))
    assert one.cluster == other.cluster == 1
    assert (one.az_nm, other.az_nm) == (14.0, 26.0)
    assert (one.layer, other.layer) == (8, 14)


def test_volume_limits_and_reasons() -> None:
    made = synapse(rod(12, 14, 7) | rod(12, 15, 7, y=12) | rod(3, 9, 5))
    two = synapse(rod(12, 15, 7), {10: slice(1, 12), 11: slice(13, 16)})
    small = find_connectors(two, ConnectSettings((10,))).refused
    assert [r.reason for r in small] == ["fewer than 3 voxels"]
    large = find_connectors(made, ConnectSettings((10,), VolumeLimits(3, 6.0)))
    assert [c.features.voxels for c in large.connectors] == [3]
    assert [r.reason for r in large.refused] == ["6 nm3, not below 6 nm3"]
    assert large.refused[0].place == (9.0, 9.0, 5.5)


def test_the_box_of_the_boundaries_cuts_when_compatible() -> None:
    way = {(9, y, 12): 1 for y in range(9, 17)} | {(9, y, 14): 1 for y in range(9, 17)}
    made = synapse(way | {(9, 16, 13): 1})
    assert len(find_connectors(made, ConnectSettings((5,))).connectors) == 1
    assert not find_connectors(made, ConnectSettings((5,), compatible=True)).connectors


def test_a_region_breaks_a_rod() -> None:
    region = np.ones((20, 20, 20), bool)
    region[9, 9, 5] = False
    found = find_connectors(synapse(BOTH, region=region), ConnectSettings((10,)))
    assert [c.kind for c in found.connectors] == ["connector"]


def test_thresholds_come_from_the_region() -> None:
    made = synapse(BOTH)
    found = find_connectors(made)
    assert (found.mean, found.sd) == mean_and_sd(made.grey, made.inside())
    values = made.grey[made.inside()].astype(float)
    assert found.mean == pytest.approx(values.mean())
    assert found.sd == pytest.approx(values.std())
    assert found.thresholds == default_thresholds(found.mean, found.sd)
    assert len(found.thresholds) == 15


def test_without_an_active_zone_there_are_connectors_only() -> None:
    plates = {10: slice(1, 3), 11: slice(9, 12)}
    found = find_connectors(synapse(rod(3, 9, 5), plates), ConnectSettings((10,)))
    assert [c.kind for c in found.connectors] == ["connector"]
    assert found.layers is None
    assert np.isnan(found.connectors[0].features.az_nm)
    assert np.isnan(found.vesicles[0].az_nm)


def test_layers_count_every_voxel_once() -> None:
    made = synapse(BOTH)
    layers = find_connectors(made, ConnectSettings((10,))).layers
    assert layers.voxels.sum() == made.grey.size - (made.boundaries == 1).sum()
    assert layers.centres.sum() == 2
    occupied = (layers.voxels * np.nan_to_num(layers.occupancy)).sum()
    assert occupied == pytest.approx((made.boundaries > 1).sum())


@settings(max_examples=40, deadline=None)
@given(arrays(bool, (4, 20, 5)), st.sampled_from([(1.0, 1.0, 1.0), (2.0, 1.0, 0.5)]))
def test_distances_are_those_of_scipy(body, size) -> None:
    if not body.any():
        assert np.isinf(distance_volume(body, size)).all()
        return
    expected = ndimage.distance_transform_edt(~body, size)
    assert distance_volume(body, size) == pytest.approx(expected, abs=1e-5)


def ring(*more):
    flat = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2), *more]
    return box_of(np.array([(0, y, x) for y, x in flat]))


def test_loops_and_hollows() -> None:
    assert euler_number(ring()) == 0
    assert euler_number(ring((1, 1))) == 1
    shell = np.argwhere(np.ones((3, 3, 3), bool) & (np.arange(27).reshape(3, 3, 3) != 13))
    assert (euler_number(box_of(shell)), hollows(box_of(shell))) == (2, 1)


def test_clusters() -> None:
    pairs = [(2, 3), (2, 3), (3, 4), (2, 4), (5, 6)]
    assert connected((1, 2, 3, 4, 5, 6), pairs).tolist() == [3, 1, 1, 1, 2, 2]
    shape = shape_of((2, 3, 4), pairs)
    assert (shape.connectors, shape.links, shape.loops, shape.link_loops) == (4, 3, 2, 1)
    assert (shape.branches, shape.link_branches) == (2, 0)


def test_dilating_boundaries_shortens_what_is_between() -> None:
    made = synapse(BOTH)
    labels = np.where(made.boundaries > 1, made.boundaries, 0)
    wider, _ = synapse_of(
        made.grey, labels, made.boundaries == 1, None, made.voxel_size_nm, dilate_nm=1.0
    )
    found = find_connectors(wider, ConnectSettings((10,), VolumeLimits(1)))
    assert [c.features.voxels for c in found.connectors] == [4, 1]


def test_vesicles_in_the_active_zone_are_said() -> None:
    made = synapse(BOTH)
    labels = np.where(made.boundaries > 1, made.boundaries, 0)
    zone = np.zeros(labels.shape, bool)
    zone[5:14, 5:14, 1:10] = True
    _, notes = synapse_of(made.grey, labels, zone, None, made.voxel_size_nm)
    assert "vesicles that overlap the active zone: 2;" in notes[0]
    with pytest.raises(InputError, match="vesicles 2 lie within the active zone altogether"):
        synapse_of(made.grey, labels, zone | (labels == 2), None, made.voxel_size_nm)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vesicles": np.zeros((20, 20, 20), int)}, "the vesicles: no voxel of it lies"),
        ({"active_zone": np.zeros((20, 20, 20), bool)}, "the active zone: no voxel of it lies"),
        ({"region": np.ones((20, 20, 19), bool)}, "the region has"),
        ({"region": "vesicles"}, "the region: all of it lies within"),
    ],
)
def test_input_that_cannot_be_used(change, message) -> None:
    made = synapse(BOTH)
    given = {
        "grey": made.grey,
        "vesicles": np.where(made.boundaries > 1, made.boundaries, 0),
        "active_zone": made.boundaries == 1,
        "region": None,
        "voxel_size_nm": made.voxel_size_nm,
    } | change
    if isinstance(given["region"], str):
        given["region"] = made.boundaries > 1
    with pytest.raises(InputError, match=message):
        synapse_of(**given)


@pytest.mark.parametrize("thresholds", [(), (np.nan,), tuple(range(300))])
def test_thresholds_that_are_none(thresholds) -> None:
    with pytest.raises(InputError, match="thresholds: 1 to 254 finite numbers"):
        find_connectors(synapse(BOTH), ConnectSettings(thresholds=thresholds))


def test_one_grey_value_is_refused() -> None:
    with pytest.raises(InputError, match="one grey value throughout"):
        find_connectors(synapse({}))
