"""Vesicles of a part of the volume, e.g. of the cytoplasm, as the paper's protocol counts them."""

from __future__ import annotations

import numpy as np
from vesimod_imod.core.arrays import BoolArray, Triple
from vesimod_imod.core.spheres import Spheres

from vesimod.measure.agreement import match_found


def within_region(
    found: Spheres, truth: Spheres, region: BoolArray | None, voxel_size_nm: Triple
) -> tuple[Spheres, Spheres]:
    """Leave out what a region does not hold, so that only that is counted.

    A true vesicle counts where its centre lies in the region. So does a found one, unless it has
    a true partner, which then decides for both: a pair at the border is never counted as half.

    Parameters
    ----------
    found, truth : Spheres
        Centres in voxels of `region`.
    region : (z, y, x) bool, optional
        Default: everywhere.
    voxel_size_nm : (float, float, float)

    Returns
    -------
    found, truth : Spheres
    """
    if region is None:
        return found, truth
    counted, known = lie_in(found, region), lie_in(truth, region)
    rows, columns, _ = match_found(found, truth, voxel_size_nm)
    counted[rows] = known[columns]
    return found.select(counted), truth.select(known)


def lie_in(spheres: Spheres, region: BoolArray) -> BoolArray:
    """Whether each centre lies in a region; none does outside of the volume."""
    nearest = np.rint(spheres.centres).astype(np.int64)
    there = np.all((nearest >= 0) & (nearest < region.shape), axis=1)
    there[there] = region[tuple(nearest[there].T)]
    return np.asarray(there, bool)
