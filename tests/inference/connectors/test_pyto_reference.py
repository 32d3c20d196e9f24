"""Equal to numbers that Pyto 1.11.2 gave: one synapse voxel by voxel, and 22 tiny cases."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from scipy import ndimage
from vesimod.connectors.bodies import bodies_of
from vesimod.connectors.clusters import connected, shape_of
from vesimod.connectors.course import Ends
from vesimod.connectors.features import Scene, measure
from vesimod.connectors.find import ConnectSettings, find_connectors
from vesimod.connectors.hierarchy import Rule, find_hierarchy, levels_of
from vesimod.connectors.select import VolumeLimits
from vesimod.connectors.synapse import synapse_of

pytestmark = pytest.mark.slow
VOXEL_NM = 2.2
NEAR = {"rel": 1e-5, "abs": 2e-6}


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def box_of(boundaries):
    ends = [
        np.flatnonzero(boundaries.any(axis=tuple(a for a in range(3) if a != axis)))[[0, -1]]
        for axis in range(3)
    ]
    return tuple(slice(int(first), int(last) + 1) for first, last in ends)


@pytest.fixture(scope="module")
def synth(shared):
    folder = shared / "pyto-reference" / "synth"
    volume = np.load(folder / "input.npz")
    labels = volume["labels"]
    params = json.loads((folder / "params.json").read_text())
    boundaries = np.where(labels >= 2, labels, 0)
    box = box_of(boundaries)
    part, thresholds = boundaries[box], params["thresholds"]
    levels = levels_of(volume["grey"][box], thresholds, labels[box] == 1)
    found = find_hierarchy(levels, part, thresholds)
    scene = Scene(volume["grey"][box], part, bodies_of(part, (1.0,) * 3), params["active_zone"])
    measured = [measure(found, n, scene) for n in range(1, len(found.segments) + 1)]
    return folder, volume, params, box, found, measured


def connections(synth, **options):
    _, volume, params, *_ = synth
    labels, voxel_nm3 = volume["labels"], VOXEL_NM**3
    vesicles = np.where(labels >= 10, labels, 0)
    made, notes = synapse_of(volume["grey"], vesicles, labels == 2, labels == 1, (VOXEL_NM,) * 3)
    assert not notes
    limits = VolumeLimits(params["class_volumes"][1], params["class_volumes"][2] * voxel_nm3)
    settings = ConnectSettings(tuple(params["thresholds"]), limits, compatible=True, **options)
    return find_connectors(made, settings)


def test_every_voxel_of_the_hierarchy(synth) -> None:
    folder, volume, _, box, found, _ = synth
    own = np.zeros(volume["labels"].shape, np.int32)
    own[box] = found.own_labels()
    assert np.array_equal(own, np.load(folder / "hierarchy_labels.npz")["own"])


def test_every_segment(synth) -> None:
    folder, _, _, _, found, measured = synth
    expected = rows_of(folder / "segments.csv")
    assert len(found.segments) == len(expected) == 182
    for row, segment, parent, features in zip(
        expected, found.segments, found.parents, measured, strict=True
    ):
        assert int(row["level"]) == segment.level
        assert int(row["parent"]) == parent
        assert row["is_new"] == str(int(not segment.children))
        assert row["contacts"] == " ".join(map(str, segment.contacts))
        assert int(row["own_voxels"]) == len(segment.own)
        for column, value in {
            "mean": features.grey_mean,
            "std": features.grey_sd,
            "min": features.grey_min,
            "max": features.grey_max,
            "volume": features.voxels,
            "surface": features.surface_voxels,
            "bound_dist": features.boundary_distance_nm,
            "dist_mean": features.az_nm,
        }.items():
            assert value == pytest.approx(float(row[column]), **NEAR), (row["id"], column)


def test_lengths(synth) -> None:
    expected = np.array([float(row["length"]) for row in rows_of(synth[0] / "segments.csv")])
    got = np.array([features.course.length_nm for features in synth[-1]])
    assert got == pytest.approx(expected, abs=2e-6)


def test_leaves_and_their_topology(synth) -> None:
    folder, *_, found, measured = synth
    expected = rows_of(folder / "classes_new.csv")
    assert [int(row["id"]) for row in expected] == found.leaves()
    for row in expected:
        features = measured[int(row["id"]) - 1]
        topology = (features.euler, features.loops, features.hollows)
        assert topology == (int(row["euler"]), int(row["loops"]), int(row["holes"]))


def test_classes_clusters_and_layers(synth) -> None:
    folder = synth[0]
    found = connections(synth)
    classes = [row["cls"] for row in rows_of(folder / "classes_new.csv")]
    assert len(found.of_kind("tether")) == classes.count("tether_good")
    assert len(found.of_kind("connector")) == classes.count("connector_good")
    assert len(found.refused) == classes.count("connector_big")
    expected = rows_of(folder / "clusters_vesicles.csv")
    for column, field in (
        ("cluster_connectivity", "cluster"),
        ("cluster_distance", "distance_cluster"),
    ):
        rows = zip(expected, found.vesicles, strict=True)
        pairs = {(row[column], getattr(vesicle, field)) for row, vesicle in rows}
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    whole = rows_of(folder / "clusters_connectivity.csv")[-1]
    shape = found.clusters
    assert shape.vesicles == int(whole["n_vesicles"])
    assert (shape.connectors, shape.links) == (int(whole["n_connectors"]), int(whole["n_links"]))
    assert (shape.loops, shape.branches) == (int(whole["loops_conn"]), int(whole["branches_conn"]))
    assert shape.link_branches == int(whole["branches_link"])
    for row in rows_of(folder / "clusters_connectivity.csv")[:-1]:
        members = [
            int(v["vesicle"]) for v in expected if v["cluster_connectivity"] == row["cluster"]
        ]
        links = [c.vesicles for c in found.of_kind("connector")]
        one = shape_of(members, links)
        assert (one.connectors, one.loops) == (int(row["n_connectors"]), int(row["loops_conn"]))
        assert set(connected(members, [p for p in links if p[0] in members])) == {1}
    layers = rows_of(folder / "layers.csv")
    for column, field, digits in (
        ("volume", "voxels", 0),
        ("grey_mean", "grey_mean", 2),
        ("grey_std", "grey_sd", 3),
        ("grey_min", "grey_min", 0),
        ("grey_max", "grey_max", 0),
        ("n_centres", "centres", 0),
        ("occupancy", "occupancy", 5),
    ):
        values = [float(row[column]) for row in layers]
        assert getattr(found.layers, field) == pytest.approx(values, abs=0.501 * 10.0**-digits)
    vesicles = rows_of(folder / "vesicles.csv")
    assert [int(row["layer_of_centre"]) for row in vesicles] == [v.layer for v in found.vesicles]
    for row, vesicle in zip(vesicles, found.vesicles, strict=True):
        assert vesicle.az_nm / VOXEL_NM == pytest.approx(float(row["dist_min"]), abs=0.051)


def test_tiny_cases(shared) -> None:
    folder = shared / "pyto-reference" / "tiny"
    cases, arrays = json.loads((folder / "cases.json").read_text()), np.load(folder / "cases.npz")
    segments = rows_of(folder / "segments.csv")
    assert len(cases) == 22
    for name, case in cases.items():
        expected = [row for row in segments if row["case"] == name]
        _check_tiny(name, case, arrays, expected)


def _check_tiny(name, case, arrays, expected) -> None:
    args = case["args"]
    labels = arrays[f"{name}__labels"]
    boundaries = np.where(np.isin(labels, case["boundary_ids"]), labels, 0)
    box = box_of(boundaries)
    inside, part = labels[box] == case["region"], boundaries[box]
    if "free_size" in args:
        inside &= ndimage.distance_transform_edt(part == 0) <= args["free_size"]
    grey = arrays[f"{name}__grey"][box]
    rule = Rule(args.get("n", 2), args.get("mode") == "at_least")
    levels = levels_of(grey, case["thresholds"], inside)
    found = find_hierarchy(levels, part, case["thresholds"], rule)
    if case["error"]:  # then Pyto gave nothing to compare with
        return
    assert len(found.segments) == case["n_segments"] == len(expected), name
    own = np.zeros(labels.shape, np.int32)
    own[box] = found.own_labels()
    reference = arrays[f"{name}__own"] if f"{name}__own" in arrays else np.zeros_like(own)
    assert np.array_equal(own, reference), name
    tops = args.get("keep") == "new_branch_tops"
    kept = found.branch_tops() if tops else found.leaves()
    assert kept == [row["id"] for row in case["classes"]], name
    scene = Scene(grey, part, bodies_of(part, (1.0,) * 3), case["az"])
    between = args.get("contact", "b2c")
    ends = Ends(between[0] == "b", between[-1] == "b")
    for number, row in enumerate(expected, 1):
        features = measure(found, number, scene, ends)
        way = features.course
        assert int(row["parent"]) == found.parents[number - 1], name
        assert (int(row["volume"]), int(row["surface"])) == (
            features.voxels,
            features.surface_voxels,
        )
        assert features.grey_mean == pytest.approx(float(row["mean"]), **NEAR), name
        assert features.grey_sd == pytest.approx(float(row["std"]), **NEAR), name
        assert features.az_nm == pytest.approx(float(row["dist_mean"]), **NEAR), name
        if way is None:
            assert row["length"] in ("", "-1.0"), name
            continue
        length = way.straight_nm if args.get("line") == "straight" else way.length_nm
        assert length == pytest.approx(float(row["length"]), **NEAR), name
        assert features.boundary_distance_nm == pytest.approx(float(row["bound_dist"]), **NEAR)
