"""The watershed: each voxel goes with the seed that is reached over the highest pass."""

from __future__ import annotations

import heapq

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage import segmentation
from vesimod.vesicles.watershed import FULL, watershed

FACES = [step for step in np.argwhere(FULL) - 1 if np.abs(step).sum() == 1]


def passes_from(seed, height, inside):
    """For each voxel, the lowest height on the best way over faces from a seed (slow and plain)."""
    best = np.full(height.shape, -np.inf)
    heap = [(-height[seed], seed)]
    while heap:
        level, voxel = heapq.heappop(heap)
        if best[voxel] > -np.inf:
            continue
        best[voxel] = -level
        for step in FACES:
            other = tuple(int(i) for i in np.add(voxel, step))
            if all(0 <= i < n for i, n in zip(other, height.shape, strict=True)) and inside[other]:
                heapq.heappush(heap, (max(level, -height[other]), other))
    return best


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), levels=st.sampled_from([3, 1000]), keep=st.floats(0, 1))
def test_no_other_seed_is_reached_over_a_higher_pass(seed, levels, keep):
    """On rough ground and on plateaus, where many summits are no seeds."""
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 8, 3))
    inside, _ = ndimage.label(random.random(shape) < 0.8)
    inside = inside == 1
    if not inside.any():
        return
    height = np.where(inside, random.integers(1, levels, shape), 0).astype(np.float32)
    summits = np.argwhere(inside & (height == ndimage.maximum_filter(height, footprint=FULL)))
    seeds = summits[random.random(len(summits)) <= keep]
    seeds = seeds if len(seeds) else summits[:1]
    labels = watershed(height, inside, seeds)
    assert not labels[~inside].any()
    np.testing.assert_array_equal(labels[tuple(seeds.T)], np.arange(1, len(seeds) + 1))
    passes = np.stack([passes_from(tuple(map(int, each)), height, inside) for each in seeds])
    chosen = np.take_along_axis(passes, np.maximum(labels - 1, 0)[None], axis=0)[0]
    np.testing.assert_array_equal(chosen[inside], passes.max(axis=0)[inside])


def test_voxels_that_touch_by_a_corner_go_with_what_they_touch():
    inside = np.zeros((4, 4, 9), bool)
    inside[:2, :2, :4] = inside[:2, :2, 5:] = inside[:2, :2, 4] = True
    inside[2, 2, 8] = True  # beyond a corner of the second half
    height = np.where(inside, np.abs(np.arange(9) - 4), 0).astype(np.float32)
    labels = watershed(height, inside, np.array([[0, 0, 0], [0, 0, 8]]))
    assert labels[2, 2, 8] == 2
    assert (labels[inside] > 0).all()


def test_agrees_with_scikit_image_on_touching_spheres():
    z, y, x = np.indices((20, 24, 36))
    one = (z - 10) ** 2 + (y - 12) ** 2 + (x - 11) ** 2 < 64
    other = (z - 10) ** 2 + (y - 12) ** 2 + (x - 24) ** 2 < 49
    inside = one | other
    height = ndimage.distance_transform_edt(inside).astype(np.float32)
    height = np.where(inside, ndimage.gaussian_filter(height, 0.5), 0)
    seeds = np.array([[10, 12, 11], [10, 12, 24]])
    markers = np.zeros(inside.shape, np.int32)
    markers[tuple(seeds.T)] = 1, 2
    np.testing.assert_array_equal(
        watershed(height, inside, seeds), segmentation.watershed(-height, markers, mask=inside)
    )
