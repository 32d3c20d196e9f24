"""Simulated boutons: every connector and tether is where its truth says, and can be found."""

from __future__ import annotations

import numpy as np
import pytest
import vesimod
from scipy import ndimage

pytest.importorskip("skimage")
from vesimod_train.simulate.connectors import simulate_connected
from vesimod_train.simulate.tilts import Microscope

CLEAR = Microscope(-90, 90, defocus_um=0, dose_nm=0, blur_nm=0, snr=1e6)


@pytest.fixture(scope="module")
def bouton():
    return simulate_connected((40, 56, 56), 2.2, 8, CLEAR, seed=3)


def test_rods_lie_between_the_bodies_that_they_join(bouton) -> None:
    assert len(bouton.rods) > 4
    assert {len(rod.vesicles) for rod in bouton.rods} == {1, 2}
    vesicles = vesimod.paint_labels(bouton.spheres, bouton.grid)
    assert not (bouton.labels[(vesicles > 0) | bouton.active_zone] > 0).any()
    for rod in bouton.rods:
        around = ndimage.binary_dilation(bouton.labels == rod.number, iterations=2)
        for vesicle in rod.vesicles:
            assert (vesicles[around] == vesicle).any()
        if len(rod.vesicles) == 1:
            assert bouton.active_zone[around].any()
        dark = bouton.volume[bouton.labels == rod.number].mean()
        assert dark < bouton.volume[bouton.region & (vesicles == 0)].mean()


def test_the_same_seed_gives_the_same(bouton) -> None:
    again = simulate_connected((40, 56, 56), 2.2, 8, CLEAR, seed=3)
    assert np.array_equal(again.volume, bouton.volume)
    assert again.rods == bouton.rods


def test_without_noise_most_are_found_in_place(bouton) -> None:
    found = vesimod.connect(
        bouton.volume,
        vesimod.paint_labels(bouton.spheres, bouton.grid),
        bouton.active_zone,
        bouton.region,
        voxel_size_nm=2.2,
        dilate_nm=2.2,
    )
    of_number = {rod.number: rod.vesicles for rod in bouton.rods}
    placed = set()
    for each in found.connectors:
        here = bouton.labels.ravel()[each.voxels]
        number = int(np.bincount(here[here > 0], minlength=1).argmax()) if here.any() else 0
        if of_number.get(number) == each.vesicles:
            placed.add(number)
    assert len(placed) > 0.5 * len(bouton.rods)
