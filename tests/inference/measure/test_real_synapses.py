"""Real synapses: what others measured of the same vesicles, and what we measure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn import OPEN, draw
from vesimod.handoff.frame import Frame
from vesimod.handoff.pyto import read_pyto
from vesimod.io.read_spheres import read_spheres
from vesimod.measure.places import Places, read_places
from vesimod.measure.vesicle_table import Wishes, measure_vesicles
from vesimod_imod.core.spheres import Grid, Spheres


def test_distances_and_radii_are_pytos_but_for_where_they_are_measured_to(shared: Path) -> None:
    """Nine vesicles that Pyto measured in its labels: between centres of voxels."""
    size_nm = 1.684
    grid = Grid((60, 155, 155), (size_nm,) * 3)
    labels = shared / "pyto" / "labels.mrc"
    theirs = read_pyto(shared / "pyto" / "tomo_vesicles.dat", Frame(grid))
    vesicles = read_spheres(labels, grid).spheres
    vesicles = vesicles.select(np.isin(vesicles.ids, theirs.ids))
    ours, _ = measure_vesicles(vesicles, read_places(grid, labels), Wishes())
    assert ours.ids.tolist() == theirs.ids.tolist()
    np.testing.assert_allclose(ours.centres, theirs.centres, atol=1e-6)
    off = ours.radii_nm - theirs.radii_nm
    np.testing.assert_allclose(off, 0.42 * size_nm, atol=0.1)  # half a voxel, all but
    # From face to face there is a voxel less than from centre to centre.
    off = ours["membrane_az_nm"] + size_nm - theirs["min_az_nm"]
    assert np.abs(off).max() < 0.4
    assert abs(off.mean()) < 0.15
    # Their mean over a vesicle's voxels is no more than 2 nm above the distance of its centre.
    off = theirs["mean_az_nm"] - ours["az_nm"]
    assert -0.1 < off.min() <= off.max() < 2.0


def test_docked_vesicles_are_those_that_touch_the_active_zone(shared: Path, tmp_path: Path) -> None:
    """A person drew the active zone, the pool, and which vesicles are docked: 9 of 120."""
    pixel_nm = 0.287
    zone, docked, pool = (
        np.loadtxt(shared / "pools" / f"az-test_{name}.txt")
        for name in ("area", "docked-sv-pool", "sv-pool")
    )
    contours = [zone[zone[:, 3] == number][:, [6, 5, 4]] for number in np.unique(zone[:, 3])]
    grid = Grid((600, 3200, 3300), (pixel_nm,) * 3)
    draw(tmp_path / "az.mod", grid, {"active zone": (OPEN, contours)})
    binned = Grid((60, 320, 330), (10 * pixel_nm,) * 3)  # a volume that fits into memory
    everyone = np.concatenate([docked[:, 4:8], pool[:, 4:8]])
    # Pixel 4.5 is the middle of the first voxel that is ten times as large.
    spheres = Spheres((everyone[:, 2::-1] - 4.5) / 10, everyone[:, 3])
    places = Places(binned, read_places(binned, tmp_path / "az.mod").active_zone)
    measured, _ = measure_vesicles(spheres, places, Wishes(pools=("docked: membrane_az_nm < 5",)))
    assert measured["docked"].tolist() == [1] * len(docked) + [0] * len(pool)
    assert np.abs(measured["membrane_az_nm"][: len(docked)]).max() < 4.5
    assert measured["membrane_az_nm"][len(docked) :].min() == pytest.approx(15.7, abs=1.0)
