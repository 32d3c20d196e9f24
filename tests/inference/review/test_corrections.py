"""What a person changed, and what becomes of it in a new prediction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vesimod.io.sphere_table import TableError
from vesimod.review.correction_table import (
    VERDICTS,
    as_json,
    counts,
    read_corrections,
    write_corrections,
)
from vesimod.review.corrections import find_corrections
from vesimod.review.merge import merge
from vesimod_imod.core.object_names import REJECTED
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.read import SphereReading

GRID = Grid((200, 200, 200), (2.0, 1.0, 1.0))
SIZE = GRID.voxel_size_nm


def reading(centres, radii, ids=None, *, labelled=True, source="explicit", names=("a",), objects=1):
    spheres = Spheres(centres, radii, ids=[] if ids is None else ids)
    n = len(spheres)
    return SphereReading(
        spheres,
        [],
        np.broadcast_to(np.array(labelled), n).copy(),
        np.broadcast_to(np.array(source, "U8"), n).copy(),
        np.broadcast_to(np.array(objects), n).copy(),
        np.arange(1, n + 1),
        names,
        np.empty(0, np.int64),
        GRID,
    )


def lattice(n=27, spacing=40):
    side = round(n ** (1 / 3))
    return np.stack(np.meshgrid(*[np.arange(side)] * 3), -1).reshape(-1, 3) * spacing + 20.0


PREDICTED = reading(lattice(), np.full(27, 15.0), np.arange(1, 28))


def edited(**changes):
    """The prediction with some rows changed: row -> (centre, radius), or None to remove it."""
    centres, radii = PREDICTED.spheres.centres.copy(), PREDICTED.spheres.radii_nm.copy()
    for row, change in changes.items():
        k = int(row[1:])
        if change is not None:
            centres[k], radii[k] = change
    keep = [k for k in range(27) if changes.get(f"r{k}", 0) is not None]
    return centres[keep], radii[keep], PREDICTED.spheres.ids[keep]


def verdicts(corrected):
    return {
        row.predicted_id or -row.corrected_id: row.verdict
        for row in find_corrections(PREDICTED, corrected, SIZE)
    }


@pytest.mark.parametrize("labelled", [True, False])
def test_every_verdict(labelled):
    c = PREDICTED.spheres.centres
    centres, radii, ids = edited(
        r3=(c[3] + [2, 3, 0], 15.0), r5=(c[5], 18.0), r7=None, r8=(c[8] + [0, 0, 5], 12.0)
    )
    centres = np.vstack([centres, [[5, 5, 45.0]]])
    radii, ids = np.append(radii, 11.0), np.append(ids if labelled else ids + 100, 900)
    order = np.random.default_rng(0).permutation(len(ids))
    flags = np.append(np.full(26, labelled), False)[order]
    corrected = reading(centres[order], radii[order], ids[order], labelled=flags)
    rows = find_corrections(PREDICTED, corrected, SIZE)
    assert counts(rows) == {
        "kept": 23, "moved": 2, "resized": 1, "added": 1, "removed": 1, "ambiguous": 0,
    }  # fmt: skip
    by_id = {row.predicted_id: row for row in rows}
    assert by_id[4].verdict == "moved"
    assert by_id[4].distance_nm == pytest.approx(np.hypot(2 * 2, 3))
    assert by_id[6].verdict == "resized"
    assert (by_id[6].predicted_radius_nm, by_id[6].radius_nm) == (15, 18)
    assert by_id[8].verdict == "removed"
    assert by_id[9].note == "resized, too"
    assert by_id[None].corrected_id == 900
    assert by_id[1].corrected_id == (1 if labelled else 101)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), labelled=st.booleans())
def test_everybody_is_told_of_once(seed, labelled):
    rng = np.random.default_rng(seed)
    keep = rng.random(27) < 0.7
    centres = PREDICTED.spheres.centres[keep] + rng.normal(0, 8, (keep.sum(), 3))
    extra = rng.uniform(0, 200, (rng.integers(0, 10), 3))
    ids = np.append(PREDICTED.spheres.ids[keep], 500 + np.arange(len(extra)))
    corrected = reading(
        np.vstack([centres, extra]), rng.uniform(10, 20, len(ids)), ids,
        labelled=(ids < 500) & labelled,
    )  # fmt: skip
    rows = find_corrections(PREDICTED, corrected, SIZE)
    before = [row.predicted_id for row in rows if row.predicted_id is not None]
    after = [row.corrected_id for row in rows if row.corrected_id is not None]
    assert before == PREDICTED.spheres.ids.tolist()
    assert sorted(after) == sorted(ids.tolist())
    assert {row.verdict for row in rows} <= set(VERDICTS)


def test_nothing_changed_and_nothing_there():
    assert set(verdicts(PREDICTED).values()) == {"kept"}
    empty = reading(np.empty((0, 3)), [])
    assert set(verdicts(empty).values()) == {"removed"}
    assert [row.verdict for row in find_corrections(empty, PREDICTED, SIZE)] == ["added"] * 27
    assert find_corrections(empty, empty, SIZE) == []


def test_label_wins_over_a_nearer_neighbour():
    c = PREDICTED.spheres.centres
    # Sphere 2 moved towards sphere 1's place, which was removed.
    target = c[0] + 0.45 * (c[1] - c[0])
    centres, radii, ids = edited(r0=None, r1=(target, 15.0))
    found = verdicts(reading(centres, radii, ids))
    assert (found[1], found[2]) == ("removed", "moved")


def test_ids_given_anew_are_not_believed():
    order = np.roll(np.arange(27), 1)
    shuffled = reading(PREDICTED.spheres.centres[order], np.full(27, 15.0), np.arange(1, 28))
    rows = find_corrections(PREDICTED, shuffled, SIZE)
    assert counts(rows)["kept"] == 27
    # Not even where the wrong sphere is near enough to have moved there.
    centres = np.array([[50, 50, 50 + 25.0 * k] for k in range(4)])
    before = reading(centres, np.full(4, 15.0), [1, 2, 3, 4])
    after = reading(centres, np.full(4, 15.0), [2, 3, 4, 5])
    rows = find_corrections(before, after, SIZE)
    assert [(row.verdict, row.corrected_id) for row in rows] == [
        ("kept", 2), ("kept", 3), ("kept", 4), ("kept", 5),
    ]  # fmt: skip


def test_far_move_is_ambiguous():
    centres, radii, ids = edited(r0=(np.array([150.0, 150, 150]), 15.0))
    rows = find_corrections(PREDICTED, reading(centres, radii, ids), SIZE)
    assert rows[0].verdict == "ambiguous"
    assert "moved far, or removed and another one added" in rows[0].note


def test_two_candidates_are_ambiguous():
    c = PREDICTED.spheres.centres
    centres, radii, ids = edited(r0=None)
    pair = np.array([c[0] + [0, 5, 0], c[0] - [0, 5.5, 0]])
    corrected = reading(
        np.vstack([centres, pair]), np.append(radii, [4.0, 4.0]), np.append(ids, [100, 101]),
        labelled=np.append(np.ones(26, bool), [False, False]),
    )  # fmt: skip
    rows = find_corrections(PREDICTED, corrected, SIZE)
    assert (rows[0].verdict, rows[0].corrected_id) == ("ambiguous", 100)
    assert rows[0].note == "another sphere is as near"
    assert rows[-1].corrected_id == 101


def test_second_click_in_a_vesicle_is_ambiguous():
    centres, radii, ids = edited()
    corrected = reading(
        np.vstack([centres, centres[4] + [0, 3, 0]]), np.append(radii, 5.0), np.append(ids, 99),
        labelled=np.append(np.ones(27, bool), False),
    )  # fmt: skip
    row = find_corrections(PREDICTED, corrected, SIZE)[-1]
    assert (row.verdict, row.note) == ("ambiguous", "its centre lies inside sphere 5")


def test_default_radius_is_nobody_s_decision():
    centres, radii, ids = edited()
    source = np.array(["explicit"] * 26 + ["default"])
    rows = find_corrections(PREDICTED, reading(centres, radii * 2, ids, source=source), SIZE)
    assert [row.verdict for row in rows] == ["resized"] * 26 + ["kept"]
    assert np.isnan(rows[-1].radius_nm)
    assert rows[-1].note == "no radius of its own"


def test_clicks_on_nothing_are_no_spheres():
    centres, radii, ids = edited()
    corrected = reading(
        np.vstack([centres, [[100, 100, 90.0]]]), np.append(radii, np.nan), np.append(ids, 99),
        names=("vesicles", REJECTED), objects=[1] * 27 + [2],
    )  # fmt: skip
    assert len(find_corrections(PREDICTED, corrected, SIZE)) == 27


def test_table_round_trip(tmp_path):
    c = PREDICTED.spheres.centres
    centres, radii, ids = edited(r3=(c[3] + 2, 15.0), r7=None)
    rows = find_corrections(PREDICTED, reading(centres, radii, ids), SIZE)
    path = tmp_path / "table.csv"
    write_corrections(path, rows)
    back = read_corrections(path)
    assert [repr(row) for row in back] == [repr(rounded(row)) for row in rows]
    assert path.read_bytes().count(b"\r\n") == len(rows) + 1
    with pytest.raises(FileExistsError):
        write_corrections(path, rows)
    values = as_json(rows)
    assert values[7]["verdict"] == "removed"
    assert values[7]["radius_nm"] is None


def rounded(row):
    numbers = {k: round(v, 4) for k, v in vars(row).items() if isinstance(v, float)}
    return replace(row, **numbers)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("verdict,", "decision,", "no column verdict"),
        ("kept,", "liked,", "no verdict 'liked'"),
        ("kept,1,", "kept,one,", "predicted_id is 'one'"),
        ("20.0000", "twenty", "is 'twenty'"),
        (",20.0000,20.0000,20.0000,15.0000,1.0000", ",,,,15.0000,1.0000", "needs its position"),
    ],
)
def test_table_that_somebody_spoilt(tmp_path, old, new, message):
    path = tmp_path / "table.csv"
    write_corrections(path, find_corrections(PREDICTED, PREDICTED, SIZE))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(TableError, match=message):
        read_corrections(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TableError, match="not a CSV table"):
        read_corrections(path)


def merged(corrected, centres, radii, ids=None):
    rows = find_corrections(PREDICTED, corrected, SIZE)
    return merge(rows, Spheres(centres, radii, ids=[] if ids is None else ids), SIZE)


def test_a_person_s_decision_always_wins():
    c = PREDICTED.spheres.centres
    centres, radii, ids = edited(r3=(c[3] + [0, 6, 0], 18.0), r5=(c[5], 11.0), r7=None)
    centres = np.vstack([centres, [[5, 5, 45.0]]])
    corrected = reading(
        centres, np.append(radii, 9.0), np.append(ids, 900),
        labelled=np.append(np.ones(26, bool), False),
    )  # fmt: skip
    # The new network finds everything as before, nothing at 900, one more, and 10 nowhere.
    new = np.delete(c, 9, axis=0)
    new = np.vstack([new, [[45, 5, 45.0]]])
    result = merged(corrected, new, np.full(27, 15.0), np.arange(1, 28))
    np.testing.assert_array_equal(result.decided.ids, corrected.spheres.ids)
    np.testing.assert_array_equal(result.decided.centres, corrected.spheres.centres)
    np.testing.assert_array_equal(result.decided.radii_nm, corrected.spheres.radii_nm)
    np.testing.assert_array_equal(result.new.centres, [[45, 5, 45]])
    assert result.new.ids.tolist() == [901]
    conflicts = {conflict.id: conflict.text for conflict in result.conflicts}
    assert sorted(conflicts) == [4, 6, 8, 10, 900]
    assert conflicts[4] == "the new prediction has it 6.0 nm off, radius -3.0 nm"
    assert conflicts[6] == "the new prediction has it 0.0 nm off, radius +4.0 nm"
    assert conflicts[8] == "the new prediction has what was removed: dropped"
    assert conflicts[10] == conflicts[900] == "the new prediction has nothing here"


def test_moved_away_sphere_does_not_return():
    far = np.array([5, 5, 45.0])
    centres, radii, ids = edited(r0=(far, 15.0))
    result = merged(reading(centres, radii, ids), PREDICTED.spheres.centres, np.full(27, 15.0))
    assert len(result.new) == 0
    assert any(conflict.text.endswith("moved away: dropped") for conflict in result.conflicts)


def test_click_without_a_size_takes_the_new_radius():
    centres, radii, ids = edited()
    corrected = reading(
        np.vstack([centres, [[5, 5, 45.0]]]), np.append(radii, 7.0), np.append(ids, 900),
        source=["explicit"] * 27 + ["default"],
    )  # fmt: skip
    new = np.vstack([PREDICTED.spheres.centres, [[6, 5, 45.0]]])
    result = merged(corrected, new, np.append(np.full(27, 15.0), 13.0))
    assert result.decided.radii_nm[-1] == 13
    np.testing.assert_array_equal(result.decided.centres[-1], [5, 5, 45])
    lonely = merged(corrected, PREDICTED.spheres.centres, np.full(27, 15.0))
    assert np.isnan(lonely.decided.radii_nm[-1])


def test_new_sphere_inside_a_decided_one_is_dropped():
    new = np.vstack([PREDICTED.spheres.centres, PREDICTED.spheres.centres[2] + [0, 8, 0]])
    result = merged(PREDICTED, new, np.append(np.full(27, 15.0), 5.0))
    assert len(result.new) == 0
    assert [conflict.new_id for conflict in result.conflicts] == [28]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_merging_twice_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    keep = rng.random(27) < 0.8
    centres = PREDICTED.spheres.centres[keep] + rng.normal(0, 2, (keep.sum(), 3))
    corrected = reading(centres, rng.uniform(10, 20, keep.sum()), PREDICTED.spheres.ids[keep])
    rows = find_corrections(PREDICTED, corrected, SIZE)
    new = Spheres(rng.uniform(0, 200, (20, 3)), rng.uniform(10, 20, 20))
    first = merge(rows, new, SIZE)
    everything = Spheres.concatenate([first.decided, first.new])
    second = merge(rows, everything, SIZE)
    np.testing.assert_array_equal(second.decided.centres, first.decided.centres)
    np.testing.assert_array_equal(second.new.centres, first.new.centres)


def test_radius_set_where_none_was_known():
    before = reading([[50, 50, 50.0]], [np.nan], source="none")
    (row,) = find_corrections(before, reading([[50, 50, 50.0]], [12.0]), SIZE)
    assert row.verdict == "resized"
