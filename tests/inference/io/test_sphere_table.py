"""Tables of spheres."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from vesimod.io.sphere_table import TableError, read_spheres_csv, write_spheres_csv
from vesimod_imod.core.spheres import Spheres


def test_table_round_trip(tmp_path: Path) -> None:
    spheres = Spheres(
        np.array([[1.5, 2.25, 3.125], [4, 5, 6]]),
        np.array([20.5, np.nan]),
        np.array([0.5, 1.0]),
        np.array([7, 3]),
        {"p_value": np.array([0.25, 0.5]), "flags": np.array(["border", ""])},
    )
    path = tmp_path / "a.csv"
    write_spheres_csv(path, spheres)
    again = read_spheres_csv(path)
    np.testing.assert_allclose(again.centres, spheres.centres)
    np.testing.assert_allclose(again.radii_nm, spheres.radii_nm)
    assert again.ids.tolist() == [7, 3]
    assert again.measures["p_value"].tolist() == [0.25, 0.5]
    assert again.measures["flags"].tolist() == ["border", ""]


def test_empty_table_round_trip(tmp_path: Path) -> None:
    write_spheres_csv(tmp_path / "a.csv", Spheres.empty())
    assert len(read_spheres_csv(tmp_path / "a.csv")) == 0


def test_hand_made_table(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\ufeffz,y,x,radius_nm\n1,2,3,20\n4,5,6,21\n", encoding="utf-8")
    spheres = read_spheres_csv(path)
    assert spheres.ids.tolist() == [1, 2]
    assert spheres.scores.tolist() == [1, 1]


def test_measures_of_earlier_versions_get_their_names_of_today(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "id,z,y,x,radius_nm,score,evidence,moved_nm,belief,border,seen\n"
        "1,1,2,3,20,0.9,12.5,1.5,0.75,False,0.5\n"
    )
    measures = read_spheres_csv(path).measures
    assert list(measures) == [
        "membrane_z",
        "centre_shift_nm",
        "core_probability",
        "border",
        "visible_fraction",
    ]
    assert [measures[name][0] for name in ("membrane_z", "visible_fraction")] == [12.5, 0.5]


def test_a_column_is_left_alone_where_the_name_of_today_is_there_too(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("z,y,x,radius_nm,seen,visible_fraction\n1,2,3,20,by AB,0.5\n")
    measures = read_spheres_csv(path).measures
    assert measures["visible_fraction"].tolist() == [0.5]
    assert measures["seen"].tolist() == ["by AB"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("id,z,y,x\n1,2,3,4\n", "no column radius_nm"),
        ("z,y,x,radius_nm\n1,2,three,4\n", "column x"),
        ("z,y,x,radius_nm\n1,2\n", "column x"),
        ("id,z,y,x,radius_nm\n1,2,3,4,5\n1,2,3,4,5\n", "share an id"),
    ],
)
def test_bad_tables(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(TableError, match=message):
        read_spheres_csv(path)


def test_bytes_are_no_table(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(TableError):
        read_spheres_csv(path)
