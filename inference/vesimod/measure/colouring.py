"""Vesicles as objects of a model, coloured by a column."""

from __future__ import annotations

from itertools import cycle, pairwise

import numpy as np
from vesimod_imod.core.spheres import Spheres
from vesimod_imod.model.objects import XYZ
from vesimod_imod.sphere_model.write import SphereObject

from vesimod.measure.pools import pool_names

_MOST_VALUES = 8  # of a column of numbers, each of which is then an object
_CLASSES = 5
_COLOURS: tuple[XYZ, ...] = (
    (0.9, 0.1, 0.1),
    (1.0, 0.6, 0.0),
    (1.0, 0.95, 0.2),
    (0.2, 0.8, 0.2),
    (0.3, 0.75, 0.95),
    (0.2, 0.3, 0.9),
    (0.65, 0.3, 0.85),
    (0.95, 0.5, 0.75),
)
_UNKNOWN: XYZ = (0.6, 0.6, 0.6)


def coloured_by(
    spheres: Spheres, column: str, edges_nm: tuple[float, ...] | None = None
) -> list[SphereObject]:
    """Sort vesicles into objects by a column, red first.

    Texts, and numbers with few values, give an object each value; other numbers give five classes
    with as many vesicles each, the lowest red. Where a value is not known, vesicles are grey.

    Parameters
    ----------
    spheres : Spheres
    column : str
    edges_nm : tuple of float, optional
        Of the pools, which come in this order.

    Raises
    ------
    InputError
        There is no such column.
    """
    values = spheres[column]
    if values.dtype.kind in "US":
        names = np.unique(values[values != ""]).tolist()
        order = [] if edges_nm is None else pool_names(edges_nm)
        names.sort(key=lambda name: (order.index(name) if name in order else len(order), name))
        parts = [(f"{column} {name}", values == name) for name in names]
        unknown = values == ""
    else:
        numbers = values.astype(np.float64)
        unknown = np.isnan(numbers)
        distinct = np.unique(numbers[~unknown])
        if len(distinct) <= _MOST_VALUES:
            parts = [(f"{column} {value:g}", numbers == value) for value in distinct]
        else:
            parts = _classes(column, numbers, unknown)
    if unknown.any():
        parts.append((f"{column} not known", unknown))
    colours = cycle(_COLOURS)
    return [
        SphereObject(name, spheres.select(which), _UNKNOWN if which is unknown else next(colours))
        for name, which in parts
    ]


def _classes(column: str, numbers: np.ndarray, unknown: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Classes of equal size between quantiles."""
    edges = np.unique(np.quantile(numbers[~unknown], np.linspace(0, 1, _CLASSES + 1)))
    parts = []
    for k, (low, high) in enumerate(pairwise(edges)):
        upper = numbers <= high if k == len(edges) - 2 else numbers < high
        parts.append((f"{column} {low:.4g} to {high:.4g}", (numbers >= low) & upper & ~unknown))
    return parts
