"""Which simulated volumes are worth learning from.

Recipes draw each difficulty on its own: where several meet, nobody sees a vesicle. In 4 of 10
volumes of the recipe `wide` membranes were less than 0.4 SD darker than what is around them, and no
network found any there. Such volumes teach only doubt, at the cost of those that can be learned.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vesimod_train.data.examples import Example


def worth_learning(
    examples: Sequence[Example], least_contrast: float, empty_share: float
) -> list[Example]:
    """Leave out what shows no membrane, and list the others so often that few are empty.

    Parameters
    ----------
    examples : sequence of Example
    least_contrast : float
        Of the membranes (`membrane_contrast`), from which vesicles can be learned.
    empty_share : float
        Most of the listed examples that hold no vesicle at all, in 0..1.
    """
    seen = [e for e in examples if len(e.spheres) and membrane_contrast(e) >= least_contrast]
    empty = [e for e in examples if not len(e.spheres)]
    if not seen or not empty:
        return seen + empty
    times = (1 - empty_share) / empty_share * len(empty) / len(seen)
    return seen * max(1, int(np.ceil(times))) + empty


def membrane_contrast(example: Example) -> float:
    """How much darker membranes are than what is around them, over the SD of the latter.

    A vesicle's membrane lies 0.5 to 5.5 nm within its outer surface, what is around it 3 to 9 nm
    outside. Where plasma membranes are to be learned, theirs: within 3.5 nm of the middle, and what
    lies 10 to 19 nm off. NaN where there is neither.
    """
    volume = np.asarray(example.volume, np.float32)
    if example.membrane_nm is None:
        distance = np.asarray(example.distance_nm, np.float32)
        membrane = volume[(distance > 0.5) & (distance < 5.5)]
        around = volume[(distance > -9) & (distance < -3)]
    else:
        away = np.asarray(example.membrane_nm, np.float32)
        membrane = volume[away < 3.5]
        around = volume[(away > 10) & (away < 19)]
    if not len(membrane) or not len(around):
        return float("nan")
    return float((around.mean() - membrane.mean()) / max(float(around.std()), 1e-6))
