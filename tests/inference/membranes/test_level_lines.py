"""Level lines against scikit-image's, which vesimod does without."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.distance import cdist
from skimage.measure import find_contours
from vesimod.membranes.level_lines import level_rings


@given(st.integers(0, 10_000), st.sampled_from([0.5, 1.5, 3.0]))
def test_rings_are_those_of_scikit_image(seed: int, smooth: float) -> None:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(14, 17)), smooth)
    plane = np.pad((noise / noise.std()).astype(np.float32), 1, constant_values=-9.0)
    rings = level_rings(plane, 0.25)
    theirs = find_contours(plane, 0.25)
    assert sorted(map(len, rings)) == sorted(len(line) - 1 for line in theirs)
    for ring in rings:
        fits = [line for line in theirs if len(line) - 1 == len(ring)]
        assert min(cdist(ring, line).min(axis=1).max() for line in fits) < 1e-4
