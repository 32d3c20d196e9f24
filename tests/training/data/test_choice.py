"""Only what shows is learned from, and little of it is empty."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_train.data.choice import membrane_contrast, worth_learning
from vesimod_train.data.examples import Example, even_weight, signed_distance

GRID = Grid((24, 24, 24), (4.4, 4.4, 4.4))
VESICLE = Spheres(np.array([[12.0, 12.0, 12.0]]), np.array([30.0]))


def example(contrast: float, spheres: Spheres = VESICLE) -> Example:
    """A vesicle whose membrane is so many SD of the noise darker than the rest."""
    distance = signed_distance(spheres, GRID)
    volume = np.random.default_rng(0).normal(size=GRID.shape).astype(np.float32)
    volume[(distance > 0.5) & (distance < 5.5)] -= contrast
    return Example(volume, distance, spheres, even_weight(GRID.shape))


@pytest.mark.parametrize("contrast", [0.5, 1.0, 2.0])
def test_contrast_is_that_of_the_membrane_over_the_noise(contrast: float) -> None:
    assert membrane_contrast(example(contrast)) == pytest.approx(contrast, abs=0.15)


def test_what_nobody_sees_is_left_out_and_the_rest_outweighs_what_is_empty() -> None:
    clear, hidden = example(1.0), example(0.0)
    empty = [replace(hidden, spheres=Spheres.empty())] * 3
    chosen = worth_learning([clear, hidden, *empty], 0.35, 0.15)
    assert not any(e is hidden for e in chosen)
    assert sum(e is clear for e in chosen) == 17  # three of twenty are empty
    assert len(chosen) == 20


def test_nothing_but_empty_ones_stay() -> None:
    empty = [replace(example(0.0), spheres=Spheres.empty())] * 2
    assert worth_learning(empty, 0.35, 0.15) == empty


def test_where_plasma_membranes_are_learned_theirs_count() -> None:
    made = example(0.0)
    x = 4.4 * np.abs(np.indices(GRID.shape)[2] - 12.0).astype(np.float32)
    volume = made.volume.copy()
    volume[x < 3.5] -= 1.0
    assert membrane_contrast(replace(made, volume=volume, membrane_nm=x)) == pytest.approx(
        1.0, abs=0.15
    )
