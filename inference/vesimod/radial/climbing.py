"""Climbing from many starts to the nearest maxima at once, by damped Gauss-Newton steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from vesimod_imod.core.arrays import FloatArray

#: Value (B,) at parameters (B, P), and what else a step from there needs, each (B, ...).
Goodness = Callable[[FloatArray], tuple[FloatArray, ...]]
#: Full step (B, P) from parameters, their value and the rest of `Goodness`, times a damping (B, 1).
Step = Callable[..., FloatArray]


def climb(start: FloatArray, goodness: Goodness, full_step: Step, steps: int) -> FloatArray:
    """Climb from each start to a maximum near it.

    A step that leads down is not taken, and the next one from there is a third as long; after a
    step that leads up, the next one is twice as long, up to the full step.

    Parameters
    ----------
    start : (B, P) float
    goodness, full_step : callable
        See `Goodness` and `Step`.
    steps : int

    Returns
    -------
    (B, P) float64
        The best parameters that were met.
    """
    here = start
    value, *state = goodness(here)
    damping = np.ones(len(start))
    for _ in range(steps):
        there = here + full_step(here, value, *state, damping[:, None])
        new_value, *new_state = goodness(there)
        better = new_value > value
        here = np.where(better[:, None], there, here)
        value = np.where(better, new_value, value)
        state = [
            np.where(better.reshape(-1, *[1] * (old.ndim - 1)), new, old)
            for new, old in zip(new_state, state, strict=True)
        ]
        damping = np.where(better, np.minimum(1.0, 2 * damping), damping / 3)
    return here
