"""Simulated synapses: vesicles lie and are linked as in real ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from vesimod.measure.links import CONNECTOR, TETHER, read_links
from vesimod_train.simulate import RECIPES, simulate, write_simulated
from vesimod_train.simulate.links import add_links
from vesimod_train.simulate.pool import place_pool, zone_distance
from vesimod_train.simulate.shapes import Canvas, Vector, Volume
from vesimod_train.simulate.synapse import PlasmaMembranes

SIZE_NM = 4.0
RECIPE = replace(RECIPES["synapse"], shape=(60, 90, 120), vesicles=(120.0, 120.0))


def facing_planes() -> PlasmaMembranes:
    """Two membranes across x, a cleft's width apart; ours is beyond 40 nm."""
    x = np.arange(120, dtype=np.float32) * SIZE_NM
    own, facing = (np.broadcast_to(40 - x, (60, 90, 120)), np.broadcast_to(x - 20, (60, 90, 120)))
    return PlasmaMembranes(own.copy(), facing.copy())


def pool(seed: int, membranes: PlasmaMembranes) -> tuple[Volume, Vector, Vector]:
    """Vesicles with the distances of all voxels to the active zone."""
    zone = zone_distance(membranes, SIZE_NM)
    assert zone is not None
    rng = np.random.default_rng(seed)
    return zone, *place_pool(zone, membranes.own < -9, SIZE_NM, RECIPE, rng)


MEMBRANES = facing_planes()
ZONE, CENTRES, RADII = pool(1, MEMBRANES)


def away_nm() -> Vector:
    """Distance of the vesicles' membranes to the active zone."""
    return np.asarray(CENTRES[:, 2] - 43.0 - RADII)


def test_vesicles_gather_at_the_active_zone_without_overlapping() -> None:
    assert len(RADII) > 100
    gaps = np.linalg.norm(CENTRES[:, None] - CENTRES, axis=2) - RADII[:, None] - RADII
    np.fill_diagonal(gaps, np.inf)
    assert gaps.min() > -0.51
    shares = []
    for seed in range(6):
        _, centres, radii = pool(seed, MEMBRANES)
        away = centres[:, 2] - 43.0 - radii
        shares.append([(away < 20).mean(), ((away >= 45) & (away < 75)).mean()])
    docked, behind = np.mean(shares, axis=0)
    assert 0.04 < docked < 0.15
    assert behind < docked  # fewer than in the same width elsewhere


def test_recipes_without_vesicles_stay_without() -> None:
    none = replace(RECIPE, vesicles=(0.0, 0.0))
    rng = np.random.default_rng(1)
    centres, radii = place_pool(ZONE, MEMBRANES.own < -9, SIZE_NM, none, rng)
    assert len(centres) == len(radii) == 0
    assert add_links(canvas(), centres, radii, MEMBRANES, rng) == ()


def canvas() -> Canvas:
    return Canvas(np.zeros((60, 90, 120), np.float32), SIZE_NM)


def test_links_join_membranes_and_are_as_many_as_real_ones() -> None:
    painted = canvas()
    links = add_links(painted, CENTRES, RADII, MEMBRANES, np.random.default_rng(1))
    connectors = np.zeros(len(RADII))
    tethered = set()
    for link in links:
        first = link.vesicles[0] - 1
        start, end = link.ends_nm
        assert np.linalg.norm(start - CENTRES[first]) == pytest.approx(RADII[first])
        if link.kind == TETHER:
            tethered.add(first)
            assert end[2] == pytest.approx(43.0, abs=0.75 * SIZE_NM)
        else:
            assert link.kind == CONNECTOR
            other = link.vesicles[1] - 1
            assert np.linalg.norm(end - CENTRES[other]) == pytest.approx(RADII[other])
            connectors[[first, other]] += 1
    assert 2 < connectors.mean() < 11
    assert (connectors == 0).mean() < 0.3
    # Nearly all that all but touch the active zone are tethered, none that are far from it.
    away = away_nm()
    assert tethered
    assert away[list(tethered)].max() < 45
    near = np.flatnonzero(away < 10)
    assert len(tethered & set(near)) > 0.6 * len(near)
    assert painted.density.max() > 0.3


def test_the_table_of_links_is_read_as_connectors_are(tmp_path: Path) -> None:
    recipe = replace(
        RECIPES["synapse_demo"], shape=(32, 96, 96), vesicles=(16.0, 16.0), others=(0.0, 0.0)
    )
    made = simulate(recipe, 5)
    assert made.links
    write_simulated(tmp_path, "s", made, overwrite=False)
    links = read_links(tmp_path / "s_connectors.csv", made.spheres.ids)
    assert links.tethers.sum() == sum(link.kind == TETHER for link in made.links)
    assert links.connectors.sum() == 2 * sum(link.kind == CONNECTOR for link in made.links)
    places = {
        int(i): (c, r)
        for i, c, r in zip(
            made.spheres.ids, made.spheres.centres, made.spheres.radii_nm, strict=True
        )
    }
    for link in made.links:
        centre, radius = places[link.vesicles[0]]
        away = np.linalg.norm(link.ends_nm[0] - centre * made.grid.voxel_size_nm)
        assert away == pytest.approx(radius, abs=0.01)
