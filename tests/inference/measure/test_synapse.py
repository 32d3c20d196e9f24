"""A synapse of known geometry: a flat active zone, a box around it, vesicles at known places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn import CLOSED, OPEN, box, draw, line
from vesimod.io.tomogram import write_volume
from vesimod.measure.colouring import coloured_by
from vesimod.measure.places import Places, read_places
from vesimod.measure.synapse import measure_synapse
from vesimod.measure.vesicle_table import Wishes, measure_vesicles
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.spheres import Grid, Spheres

GRID = Grid((60, 120, 120), (2.0, 2.0, 2.0))
# Active zone at y = 100; vesicles in front of it: touching, within 45, 75, 150, 250 nm, two linked.
SPHERES = Spheres(
    [[30, 88, 40], [30, 88, 62], [30, 70, 50], [20, 50, 50], [20, 15, 60]],
    [20.0, 20.0, 21.0, 22.0, 23.0],
    ids=[2, 4, 6, 8, 9],
)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    outline = box((2, 57), (4, 104), (4, 115))
    draw(tmp_path / "outline.mod", GRID, {"outline": (CLOSED, outline)})
    zone = line(range(5, 56, 5), 100, (10, 110))
    draw(tmp_path / "az.mod", GRID, {"active zone": (OPEN, zone)})
    return read_places(GRID, tmp_path / "az.mod", tmp_path / "outline.mod")


@pytest.fixture
def connectors(tmp_path: Path) -> Path:
    path = tmp_path / "c.csv"
    path.write_text(
        "id,kind,vesicle_1,vesicle_2\n1,tether,2,\n2,tether,2,\n3,tether,4,\n"
        "4,connector,2,4\n5,connector,2,4\n6,connector,4,6\n"
    )
    return path


def test_distances_are_exact(places: Places) -> None:
    measured, doubts = measure_vesicles(SPHERES, places, Wishes())
    np.testing.assert_allclose(measured["az_nm"], [24, 24, 60, 100, 170], atol=1e-6)
    np.testing.assert_allclose(measured["membrane_az_nm"], [4, 4, 39, 78, 147], atol=1e-6)
    np.testing.assert_allclose(measured["outline_nm"], [32, 32, 68, 92, 22], atol=1e-6)
    assert measured["pool"].tolist() == ["0-45 nm"] * 3 + ["75-150 nm"] * 2
    np.testing.assert_allclose(measured["neighbour_nm"][:2], [41.182, 43.267], atol=1e-3)
    assert measured["neighbour_id"][:3].tolist() == [6, 6, 2]
    assert measured["layer"].tolist() == [13, 13, 31, 51, 86]
    assert measured["inside"].tolist() == [1] * 5
    assert not doubts


def test_pools_links_and_clusters(places: Places, connectors: Path) -> None:
    wishes = Wishes(pools=("docked: membrane_az_nm < 5",), connectors=connectors)
    measured, _ = measure_vesicles(SPHERES, places, wishes)
    assert measured["docked"].tolist() == [1, 1, 0, 0, 0]
    assert measured["tethers"].tolist() == [2, 1, 0, 0, 0]
    assert measured["connectors"].tolist() == [2, 3, 1, 0, 0]
    assert measured["linked"].tolist() == [1, 2, 1, 0, 0]
    assert measured["linked_ids"].tolist() == ["4", "2 6", "4", "", ""]
    assert measured["cluster"].tolist() == [1, 1, 1, 2, 3]


def test_numbers_of_the_synapse(places: Places, connectors: Path) -> None:
    wishes = Wishes(pools=("large: radius_nm > 21",), connectors=connectors, simulations=19)
    found = measure_synapse(SPHERES, places, wishes)
    numbers = found.summary
    assert numbers["az_um2"] == pytest.approx(0.1 * 0.2, rel=1e-6)
    assert numbers["region_um3"] == pytest.approx(0.11 * 0.2 * 0.222, rel=0.04)
    assert numbers["density_um3"] == pytest.approx(5 / numbers["region_um3"])
    volumes = 4 / 3 * np.pi * SPHERES.radii_nm**3
    assert numbers["volume_fraction"] == pytest.approx(volumes.sum() / 1e9 / numbers["region_um3"])
    assert numbers["n_0_45_nm"] == 3
    assert numbers["per_um2_0_45_nm"] == pytest.approx(3 / 0.02)
    assert numbers["n_large"] == 2
    assert numbers["tethers_per_vesicle"] == pytest.approx(0.6)
    assert numbers["untethered"] == pytest.approx(0.6)
    assert 1 / 20 <= numbers["neighbour_p"] <= 1
    low, _, region, part = found.occupancy.T
    assert len(low) == 50
    assert (region >= 0).all()
    inside = np.nansum(region * part) * 1e9
    # Two vesicles reach beyond what lies within 250 nm of the active zone, none of them far.
    assert inside == pytest.approx(volumes.sum(), rel=0.05)
    assert part[0] < 0.01


def test_without_membranes(tmp_path: Path) -> None:
    found = measure_synapse(SPHERES, Places(GRID), Wishes(simulations=19))
    assert "az_nm" not in found.vesicles.measures
    assert not len(found.occupancy)
    assert any("whole tomogram" in doubt for doubt in found.doubts)
    mask = np.zeros(GRID.shape, np.int8)
    mask[:, :60] = 1
    write_volume(tmp_path / "mask.mrc", mask, GRID)
    places = read_places(GRID, None, tmp_path / "mask.mrc")
    half = measure_synapse(SPHERES, places, Wishes(simulations=19))
    assert half.summary["vesicles"] == 2
    assert any("outside of the outline (id 2, 4, 6)" in doubt for doubt in half.doubts)
    assert any("a mask has no surface" in doubt for doubt in half.doubts)


def test_bad_input_is_said(tmp_path: Path, places: Places, connectors: Path) -> None:
    with pytest.raises(InputError, match="no vesicle"):
        measure_synapse(Spheres.empty(), places)
    draw(tmp_path / "open.mod", GRID, {"outline": (OPEN, box((2, 57), (4, 104), (4, 115)))})
    with pytest.raises(InputError, match="the outline is open; close its contours"):
        read_places(GRID, None, tmp_path / "open.mod")
    away = line((5, 10), 1000, (10, 110))
    draw(tmp_path / "away.mod", GRID, {"active zone": (OPEN, away)})
    with pytest.raises(InputError, match="outside of the volume"):
        read_places(GRID, tmp_path / "away.mod")
    through = Spheres([[30, 98, 40]], [20.0])
    _, doubts = measure_vesicles(through, places, Wishes())
    assert doubts == (
        "1 of 1 vesicles overlap the active zone (id 1): look at them in 3dmod",
        "1 of 1 vesicles overlap the outline (id 1): look at them in 3dmod",
    )
    connectors.write_text("kind,vesicle_1,vesicle_2\nconnector,2,77\n")
    with pytest.raises(InputError, match="line 2: vesicle 77 is not among"):
        measure_vesicles(SPHERES, places, Wishes(connectors=connectors))


def test_colours(places: Places) -> None:
    measured, _ = measure_vesicles(SPHERES, places, Wishes())
    objects = coloured_by(measured, "pool", Wishes().pool_edges_nm)
    assert [item.name for item in objects] == ["pool 0-45 nm", "pool 75-150 nm"]
    assert [len(item.spheres) for item in objects] == [3, 2]
    many = Spheres(np.zeros((40, 3)), np.append(np.arange(39.0), np.nan))
    objects = coloured_by(many, "radius_nm")
    assert [len(item.spheres) for item in objects] == [8, 8, 7, 8, 8, 1]
    assert objects[-1].name == "radius_nm not known"
    assert objects[-1].colour != objects[0].colour
    with pytest.raises(InputError, match="no column 'size'"):
        coloured_by(many, "size")
