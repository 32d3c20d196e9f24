"""Label volumes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vesimod.io.label_volume import paint_spheres
from vesimod_imod.core.spheres import Grid, Spheres


@given(
    st.tuples(*[st.floats(-5, 25)] * 3),
    st.floats(1, 30),
    st.tuples(*[st.floats(0.5, 4)] * 3),
)
@settings(max_examples=50, deadline=None)
def test_painted_voxels_are_those_within_the_radius(
    centre: tuple[float, float, float], radius: float, size: tuple[float, float, float]
) -> None:
    grid = Grid((20, 18, 22), size)
    labels = paint_spheres(Spheres(np.array([centre]), np.array([radius])), grid)
    offset = (np.indices(grid.shape).T - np.array(centre)) * np.array(size)
    inside = (np.sqrt((offset**2).sum(axis=3)) <= radius).T
    assert np.array_equal(labels > 0, inside)


def test_small_sphere_stays_whole_and_unknown_radius_is_left_out() -> None:
    spheres = Spheres(
        np.array([[10.0, 10, 10], [10, 10, 14], [3, 3, 3]]), np.array([8.0, 3.0, np.nan])
    )
    labels = paint_spheres(spheres, Grid((20, 20, 20), (1.0, 1.0, 1.0)))
    assert set(np.unique(labels)) == {0, 1, 2}
    assert (labels == 2).sum() == 123
    with pytest.raises(ValueError, match="65535"):
        paint_spheres(
            Spheres(np.zeros((1, 3)), np.ones(1), ids=np.array([70000])),
            Grid((5, 5, 5), (1.0, 1.0, 1.0)),
        )
