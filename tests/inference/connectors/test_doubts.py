"""What is doubtful about connectors is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from synapses import BRIGHT, rod, synapse
from vesimod.connectors.doubts import doubts_about_map, touching_pairs
from vesimod.connectors.find import ConnectSettings, find_connectors
from vesimod.connectors.thresholds import FEWEST, MOST, shares_as_thresholds
from vesimod_imod.core.errors import InputError

ROD = rod(3, 9, 5)
AT_TEN = ConnectSettings((10,))


def doubts(made, settings=AT_TEN):
    return " ".join(find_connectors(made, settings).notes)


def test_nothing_is_doubtful_in_a_plain_synapse() -> None:
    assert doubts(synapse(ROD)) == ""


def test_bright_membranes_are_said_either_way() -> None:
    made = synapse(ROD)
    grey = made.grey.astype(float)
    grey[made.boundaries >= 2] = BRIGHT + 50
    assert "Then add `invert`" in doubts(replace(made, grey=grey))
    inverted = ConnectSettings((BRIGHT + 10,), dense_is_high=True)
    assert "invert" not in doubts(replace(made, grey=grey), inverted)
    assert "Then leave out `invert`" in doubts(replace(made, grey=-grey), inverted)


def test_what_is_no_number_is_counted() -> None:
    made = synapse(ROD)
    grey = made.grey.astype(np.float32)
    at = np.argwhere(made.inside())[:3]
    grey[tuple(at.T)] = np.nan
    assert "3 voxels of the region are no number" in doubts(replace(made, grey=grey))


def test_thresholds_beside_the_grey_values() -> None:
    made = synapse(ROD)
    assert "no voxel of the region is as dense" in doubts(made, ConnectSettings((-1000,)))
    assert "all of it hangs together" in doubts(made, ConnectSettings((1000,)))


def test_a_network_that_sees_noise_alone() -> None:
    assert "than 0.9 %: with so much noise" in doubts_about_map(-4.7)[0]
    assert doubts_about_map(-3.0) == []


def test_grey_values_are_smoothed_first() -> None:
    made = synapse(ROD)
    sharp = find_connectors(made, AT_TEN)
    smooth = find_connectors(made, ConnectSettings(smooth_nm=1.0))
    assert smooth.sd < sharp.sd
    with pytest.raises(InputError, match="`smooth_nm` is -1"):
        ConnectSettings(smooth_nm=-1.0)


def test_vesicles_that_touch() -> None:
    boundaries = np.zeros((3, 4, 6), np.uint16)
    boundaries[:, 1, 1:3], boundaries[:, 1, 3:5], boundaries[:, 2, 4] = 2, 3, 4
    boundaries[:, 0] = 1  # the active zone is none
    assert touching_pairs(boundaries) == {(2, 3), (3, 4)}


def test_shares_of_a_map() -> None:
    likely = np.arange(20_000, dtype=np.float32).reshape(20, 10, 100)
    near = np.ones(likely.shape, bool)
    found = shares_as_thresholds(likely, near)
    above = [(likely > threshold).mean() for threshold in (found[0], found[-1])]
    assert above == pytest.approx([FEWEST, MOST], abs=1e-4)
    assert list(found) == sorted(found, reverse=True)
    with pytest.raises(InputError, match="sees the same everywhere"):
        shares_as_thresholds(np.zeros_like(likely), near)
    with pytest.raises(InputError, match="no voxel near vesicles"):
        shares_as_thresholds(likely, ~near)


def test_a_map_takes_the_grey_values_place_but_not_among_the_features() -> None:
    made = synapse(ROD)
    likely = np.where(made.grey < BRIGHT, 5.0, -5.0).astype(np.float32)
    flat = replace(made, grey=np.random.default_rng(0).normal(size=likely.shape), likely=likely)
    found = find_connectors(flat, ConnectSettings((3.0, 0.0)))
    assert len(found.connectors) == len(find_connectors(made, AT_TEN).connectors) == 1
    each = found.connectors[0]
    assert each.threshold == 3.0
    assert each.features.grey_mean == pytest.approx(flat.grey.ravel()[each.voxels].mean())
