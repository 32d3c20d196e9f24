"""Vesicles of every size are found at the scale that suits them, each once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import vesimod
from vesimod import load_model
from vesimod.io.tomogram import read_tomogram
from vesimod.pipeline import segment
from vesimod.settings import SearchSettings
from vesimod.vesicles.detect import Detections
from vesimod.vesicles.scales import enlarged, merge_scales
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.spheres import Spheres

DEMO = Path(vesimod.__file__).parent / "demo" / "demo.mrc"


@pytest.mark.parametrize(
    ("radius_nm", "scales"),
    [
        ((12, 75), (1, 2)),
        ((12, 40), (1,)),
        ((12, 500), (1, 2, 4, 8, 16)),
        ((100, 500), (4, 8, 16)),
        ((100, 200), (4, 8)),
    ],
)
def test_the_range_of_radii_chooses_the_scales(
    radius_nm: tuple[float, float], scales: tuple[int, ...]
) -> None:
    assert SearchSettings(radius_nm=radius_nm).scales == scales


def test_each_radius_is_looked_for_at_some_scale() -> None:
    search = SearchSettings(radius_nm=(12, 1000))
    for radius in np.geomspace(12, 1000, 200):
        ranges = [
            [scale * limit for limit in search.at(scale).radius_nm] for scale in search.scales
        ]
        scales = [
            scale
            for scale, (low, high) in zip(search.scales, ranges, strict=True)
            if low <= radius <= high
        ]
        assert any(10 <= radius / scale <= 40 for scale in scales)


@pytest.mark.parametrize("radius_nm", [(75, 12), (0, 75), (20, 20), (-5, 75)])
def test_what_is_not_a_range_is_refused(radius_nm: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="radius_nm"):
        SearchSettings(radius_nm=radius_nm)


def detections(centres: list[list[float]], radii: list[float], z: list[float]) -> Detections:
    spheres = Spheres(
        np.array(centres, float).reshape(-1, 3),
        np.array(radii),
        measures={
            "membrane_z": np.array(z),
            "overlap_nm": np.zeros(len(radii)),
            "centre_shift_nm": np.ones(len(radii)),
        },
    )
    nothing = Spheres.empty()
    return Detections(spheres, nothing, np.zeros((1, 1, 1), np.int32), 0.5)


def test_each_vesicle_stays_once_at_the_scale_where_it_is_clearest() -> None:
    # At the finer scale a piece of a large vesicle, and a vesicle; at the coarser one both.
    fine = detections([[50, 50, 60], [50, 150, 150]], [15, 25], [5, 18])
    coarse = detections([[50, 50, 50], [51, 150, 150]], [25, 13], [14, 12])
    merged = merge_scales({1: fine, 2: coarse}, (1.0, 1.0, 1.0))
    np.testing.assert_array_equal(sorted(merged.spheres.radii_nm), [25, 50])
    assert len(np.unique(np.append(merged.spheres.ids, merged.dropped.ids))) == 4
    assert set(merged.dropped.measures["reason"]) == {"overlaps a better one"}


def test_one_scale_alone_is_left_as_it_is() -> None:
    fine = detections([[5, 5, 5], [50, 50, 50]], [15, 25], [5, 18])
    merged = merge_scales({1: fine, 2: detections([], [], [])}, (1.0, 1.0, 1.0))
    np.testing.assert_array_equal(merged.spheres.centres, fine.spheres.centres)
    np.testing.assert_array_equal(merged.spheres.ids, fine.spheres.ids)


def test_lengths_grow_with_the_scale_and_nothing_else_does() -> None:
    spheres = detections([[5, 5, 5]], [15], [7]).spheres
    large = enlarged(spheres, 4)
    assert large.radii_nm[0] == 60
    assert large.measures["centre_shift_nm"][0] == 4
    assert large.measures["membrane_z"][0] == 7
    np.testing.assert_array_equal(large.centres, spheres.centres)


def test_vesicles_eight_times_as_large_are_found_where_they_are_looked_for() -> None:
    demo_tomogram = read_tomogram(DEMO)
    model = load_model("fast", device="cpu", threads=1)
    grid = demo_tomogram.grid
    z, y, x = grid.voxel_size_nm
    larger = replace(demo_tomogram, grid=replace(grid, voxel_size_nm=(8 * z, 8 * y, 8 * x)))
    usual = segment(demo_tomogram, model, radius_nm=(21, 39)).spheres
    found = segment(larger, model, radius_nm=(8 * 21, 8 * 39)).spheres
    # At eight times its voxel size the network sees the same volume.
    assert len(usual) > 20
    np.testing.assert_allclose(found.radii_nm, 8 * usual.radii_nm, rtol=1e-5)
