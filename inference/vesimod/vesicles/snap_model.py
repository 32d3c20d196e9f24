"""A model of clicks and spheres becomes one of spheres: what ``vesimod snap`` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import FloatArray, Triple
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Spheres
from vesimod_imod.sphere_model.read import SphereReading

from vesimod.vesicles.snap import snap


@dataclass(frozen=True, eq=False, repr=False)
class SnappedModel(ShortRepr):
    """What the points of a model became.

    Parameters
    ----------
    vesicles : Spheres
        Kept, found and restored ones, by their ids.
    lost : Spheres
        Clicks near which nothing was found, where they were set.
    clicks : (N, 3) float64
        All that were looked at, in voxels of the tomogram.
    reasons : (N,) str
        Why a click did not become a sphere; empty where it did.
    kept : int
        Spheres that were not looked at.
    """

    vesicles: Spheres
    lost: Spheres
    clicks: FloatArray
    reasons: npt.NDArray[np.str_]
    kept: int


def snap_model(
    volume: npt.NDArray[Any],
    voxel_size_nm: Triple,
    reading: SphereReading,
    *,
    every: bool = False,
    invert: bool = False,
) -> SnappedModel:
    """Turn the points of a model that have no size of their own into spheres.

    Parameters
    ----------
    volume : (z, y, x) array of any real type
    voxel_size_nm : (float, float, float)
        Of `volume`.
    reading : SphereReading
        The model.
    every : bool
        Also fit points that have a size. Where nothing is found, these stay what they were.
    invert : bool
        Membranes are bright: negate what is read.
    """
    given = reading.spheres
    trusted = np.isin(reading.radius_source, ["explicit", "outline"])
    clicked = np.ones(len(given), bool) if every else ~trusted
    kept, rows = given.select(~clicked), np.flatnonzero(clicked)
    clicks = given.centres[rows]
    snapped = snap(volume, voxel_size_nm, clicks, taken=kept, invert=invert)
    spheres, found = snapped.spheres, snapped.found
    fitted = Spheres(spheres.centres, spheres.radii_nm, spheres.scores, given.ids[rows])
    restored = given.select(rows[~found & trusted[rows]])
    good = Spheres.concatenate([kept, fitted.select(found), restored])
    lost = fitted.select(~found & ~trusted[rows])
    return SnappedModel(good.select(np.argsort(good.ids)), lost, clicks, snapped.reasons, len(kept))
