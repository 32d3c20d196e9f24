"""Vesicles of every size: found at several scales by one network, and put together.

A network knows vesicles of some tens of voxels. Larger ones are sought in the volume at twice, four
times ... its voxel size, where they look as the network knows them: everything is done there as if
all lengths were that many times shorter, so that no rule needs to know of scales.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from vesimod_imod.core.arrays import Triple
from vesimod_imod.core.spheres import Spheres

from vesimod.vesicles.detect import TOO_SMALL, Detections
from vesimod.vesicles.overlaps import clashes_with, resolve_overlaps


def merge_scales(found: Mapping[int, Detections], voxel_size_nm: Triple) -> Detections:
    """Put what was found at several scales together, each vesicle once.

    Parameters
    ----------
    found : mapping of int to Detections
        By scale, the finest first; lengths as they appeared there.
    voxel_size_nm : (float, float, float)
        Of the tomogram.

    Returns
    -------
    Detections
        True lengths. Of two spheres that cannot both be there the one stays whose membrane is
        clearer (`membrane_z`: more of it is seen of a large vesicle than of a piece of it).
        Labels, threshold and notes are those of the finest scale; what was dropped at coarser
        ones is listed unless a vesicle was accepted there, or it is for a finer scale to find.
    """
    (finest, first), *coarser = found.items()
    accepted, dropped = [enlarged(first.spheres, finest)], [enlarged(first.dropped, finest)]
    for scale, here in coarser:
        start = max((int(s.ids.max()) for s in (*accepted, *dropped) if len(s)), default=0)
        for spheres, parts in ((here.spheres, accepted), (here.dropped, dropped)):
            parts.append(enlarged(replace(spheres, ids=spheres.ids + start), scale))
    everyone = Spheres.concatenate(accepted)
    if len(everyone) == len(first.spheres):
        kept = np.ones(len(everyone), bool)
    else:
        kept, overlap_nm = resolve_overlaps(
            everyone, everyone.measures["membrane_z"], voxel_size_nm
        )
        everyone = everyone.with_measures(overlap_nm=overlap_nm)
    best = everyone.select(kept)
    others = Spheres.concatenate(dropped[1:])
    if len(others):
        for_finer = others.measures["reason"] == TOO_SMALL
        others = others.select(~for_finer & ~clashes_with(others, best, voxel_size_nm))
    beaten = everyone.select(~kept)
    reasons = np.full(len(beaten), "overlaps a better one", dtype="U32")
    parts = [dropped[0], beaten.with_measures(reason=reasons), others]
    return replace(first, spheres=best, dropped=Spheres.concatenate(parts))


def enlarged(spheres: Spheres, scale: int) -> Spheres:
    """Turn lengths that appeared at a scale into true ones."""
    if scale == 1:
        return spheres
    lengths = {
        name: scale * column for name, column in spheres.measures.items() if name.endswith("_nm")
    }
    return replace(spheres, radii_nm=scale * spheres.radii_nm).with_measures(**lengths)
