"""Tiny synapses made by hand: boundaries as blocks, connectors as rods of dark voxels."""

from __future__ import annotations

import numpy as np
from vesimod.connectors.synapse import synapse_of

SHAPE = (20, 20, 20)
BRIGHT = 50
#: Plates that face each other along x: an active zone or a vesicle, by its id.
PLATES = {2: slice(1, 3), 10: slice(9, 12), 11: slice(15, 18)}


def synapse(rods, plates=None, *, shape=SHAPE, voxel_size_nm=1.0, region=None):
    """Synapse whose plates have y and z 5..13; rods map a voxel (z, y, x) to its grey value."""
    grey = np.full(shape, BRIGHT, np.int8)
    for voxel, value in rods.items():
        grey[voxel] = value
    labels = np.zeros(shape, np.uint16)
    for number, along in (PLATES if plates is None else plates).items():
        labels[5:14, 5:14, along] = number
    zone = labels == 2
    made, notes = synapse_of(
        grey,
        np.where(zone, 0, labels),
        zone if zone.any() else None,
        region,
        (voxel_size_nm,) * 3,
    )
    assert not notes
    return made


def rod(start, stop, value, *, y=9, z=9):
    """Voxels along x, from start to before stop."""
    return {(z, y, x): value for x in range(start, stop)}
