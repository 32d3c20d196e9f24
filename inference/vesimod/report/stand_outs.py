"""Which tomograms of a batch stand out, and in what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

FEWEST = 4  # tomograms; fewer do not tell what is usual
UNUSUAL = 3.5  # robust standard deviations from the median (Iglewicz and Hoaglin, 1993)
LEAST_SHARE = 0.1  # of the median: the least spread that is assumed


def stand_outs(
    columns: Mapping[str, Sequence[float | None]], least: Mapping[str, float] | None = None
) -> list[list[str]]:
    """Say of each tomogram in what it differs from the others.

    Parameters
    ----------
    columns : mapping of str to (N,) numbers
        By their names in words; None where not known.
    least : mapping of str to float, optional
        The least spread that is assumed of a column, where it is not a tenth of the median.

    Returns
    -------
    list of list of str
        N lists, empty where nothing is unusual.
    """
    count = max((len(column) for column in columns.values()), default=0)
    said: list[list[str]] = [[] for _ in range(count)]
    for name, column in columns.items():
        values = np.array([np.nan if each is None else each for each in column], np.float64)
        known = values[np.isfinite(values)]
        if len(known) < FEWEST:
            continue
        middle = float(np.median(known))
        floor = (least or {}).get(name, LEAST_SHARE * abs(middle))
        spread = max(1.4826 * float(np.median(np.abs(known - middle))), floor, 1e-12)
        for row in np.flatnonzero(np.abs(values - middle) > UNUSUAL * spread):
            word = "high" if values[row] > middle else "low"
            said[row].append(f"{name} is {word}: {values[row]:.3g}, others about {middle:.3g}")
    return said
