"""Spheres as a table: columns by name, selection, a short repr, data frames."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from vesimod_imod.core.errors import MissingPackageError, VesimodError
from vesimod_imod.core.spheres import Grid, Spheres

GRID = Grid((30, 40, 50), (2.0, 3.0, 4.0))
numbers = st.floats(-1e6, 1e6)


def three() -> Spheres:
    return Spheres(
        [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]],
        [20.0, 22.0, np.nan],
        [0.9, 0.4, 1.0],
        [5, 2, 9],
        {"membrane_z": np.array([12.0, 3.0, 0.5]), "note": np.array(["a", "b", ""])},
    )


@pytest.mark.parametrize(
    ("radii", "shown"),
    [
        ([], "Spheres(0)"),
        ([22.74], "Spheres(1, radius 22.7 nm)"),
        ([20.0, 25.4], "Spheres(2, radius 22.7 +- 2.7 nm)"),
        ([20.0, 25.4, np.nan], "Spheres(3, radius 22.7 +- 2.7 nm, 1 without a radius)"),
        ([np.nan], "Spheres(1, 1 without a radius)"),
        (np.full(5000, 20.0), "Spheres(5000, radius 20.0 +- 0.0 nm)"),
    ],
)
def test_the_repr_is_one_short_line(radii, shown) -> None:
    assert repr(Spheres(np.zeros((len(radii), 3)), radii)) == shown


def test_columns_have_the_names_of_tables() -> None:
    spheres = three()
    assert list(spheres.as_columns()) == [
        *("id", "z", "y", "x", "radius_nm", "score"),
        *("membrane_z", "note"),
    ]
    np.testing.assert_array_equal(spheres["id"], [5, 2, 9])
    np.testing.assert_array_equal(spheres["y"], [2, 5, 8])
    np.testing.assert_array_equal(spheres["note"], ["a", "b", ""])
    with pytest.raises(VesimodError, match="no column 'radius'; there are id, z, y, x, radius_nm"):
        spheres["radius"]


def test_positions_in_nm_lie_beside_those_in_voxels() -> None:
    columns = three().as_columns(GRID)
    assert list(columns)[:8] == ["id", "z", "y", "x", "z_nm", "y_nm", "x_nm", "radius_nm"]
    assert [columns[name][1] for name in ("z_nm", "y_nm", "x_nm")] == [8.0, 15.0, 24.0]


@pytest.mark.parametrize(
    ("key", "ids"),
    [
        (np.array([True, False, True]), [5, 9]),
        (np.array([2, 0]), [9, 5]),
        ([2, 0], [9, 5]),
        (pd.Series([False, True, False]), [2]),
        (slice(1, None), [2, 9]),
        (-1, [9]),
        ([], []),
    ],
)
def test_selection_keeps_all_columns_together(key, ids) -> None:
    chosen = three()[key]
    assert chosen.ids.tolist() == ids
    whole = three()
    for row, number in enumerate(ids):
        there = whole.ids.tolist().index(number)
        for name, column in chosen.as_columns().items():
            np.testing.assert_array_equal(column[row], whole[name][there])


def test_iterating_gives_sets_of_one_sphere() -> None:
    assert [one.ids.tolist() for one in three()] == [[5], [2], [9]]


def test_columns_are_replaced_and_added_in_a_copy() -> None:
    spheres = three()
    changed = spheres.with_columns(
        radius_nm=np.array([1.0, 2.0, 3.0]), z=[0, 0, 0], extra=[7, 8, 9]
    )
    np.testing.assert_array_equal(changed.radii_nm, [1, 2, 3])
    np.testing.assert_array_equal(changed.centres[:, 0], 0)
    np.testing.assert_array_equal(changed["extra"], [7, 8, 9])
    np.testing.assert_array_equal(changed["membrane_z"], spheres["membrane_z"])
    assert spheres.radii_nm[0] == 20.0
    assert spheres.centres[0, 0] == 1.0
    with pytest.raises(VesimodError, match="radii_nm has 2 entries for 3 spheres"):
        spheres.with_columns(radius_nm=[1.0, 2.0])


@pytest.mark.slow
@given(arrays.arrays(float, st.tuples(st.integers(0, 12), st.just(3)), elements=numbers), st.data())
def test_a_data_frame_and_back_changes_nothing(centres, data) -> None:
    n = len(centres)
    column = arrays.arrays(float, n, elements=numbers)
    spheres = Spheres(
        centres,
        data.draw(column),
        data.draw(column),
        np.array(data.draw(st.permutations(range(1, n + 1))), int),
        {"overlap_nm": data.draw(column)},
    )
    again = Spheres.from_columns(spheres.to_dataframe(GRID))
    assert list(again.as_columns()) == list(spheres.as_columns())
    for name, values in spheres.as_columns().items():
        np.testing.assert_array_equal(again[name], values)
        assert again[name].dtype == values.dtype


def test_a_table_filtered_in_pandas_becomes_spheres() -> None:
    table = three().to_dataframe()
    table.loc[table["id"] == 2, "radius_nm"] = 25.0
    assert Spheres.from_columns(table[table["score"] < 0.95]).radii_nm.tolist() == [20.0, 25.0]
    with pytest.raises(VesimodError, match="no column y, radius_nm; spheres have id, z, y, x"):
        Spheres.from_columns(table[["z", "x"]])


def test_without_pandas_the_remedy_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingPackageError, match="pip install pandas") as caught:
        three().to_dataframe()
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value, VesimodError)


def test_napari_gets_diameters_and_positions_in_nm() -> None:
    layer = three().to_napari(GRID)
    np.testing.assert_array_equal(layer["data"][0], [2.0, 6.0, 12.0])
    np.testing.assert_array_equal(layer["size"][:2], [40.0, 44.0])
    assert np.isfinite(layer["size"]).all()  # napari refuses NaN
    np.testing.assert_array_equal(layer["features"]["id"], [5, 2, 9])
