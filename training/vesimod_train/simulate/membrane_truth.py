"""What is true of a simulated cell's membranes: regions, outline, active zone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.measure import find_contours
from vesimod_imod.contour_model.read import Drawing
from vesimod_imod.core.short_repr import ShortRepr

from vesimod_train.simulate.shapes import LEAFLET_DEPTHS_NM, Volume
from vesimod_train.simulate.synapse import PlasmaMembranes

OUTLINE, ACTIVE_ZONE = "outline", "active zone"
#: Values of `region_labels`.
MEMBRANE, CYTOPLASM, CLEFT = 1, 2, 3
#: Distance of the membrane's middle and of its inner face from its outer face.
MIDDLE_NM, THICKNESS_NM = sum(LEAFLET_DEPTHS_NM) / 2, sum(LEAFLET_DEPTHS_NM)
#: A presynaptic membrane that faces another over so much is an active zone.
CLEFT_NM = (10.0, 35.0)
_SHORTEST_NM = 20.0  # of a contour of an active zone


@dataclass(frozen=True, eq=False, repr=False)
class MembraneTruth(ShortRepr):
    """What people would draw of plasma membranes, in voxels of a tomogram.

    Parameters
    ----------
    outline : Drawing
        Closed contours around the cytoplasm, through the middle of the membrane; along the
        border where that cuts the cell.
    active_zone : Drawing
        Open contours; none where no membrane faces ours.
    """

    outline: Drawing
    active_zone: Drawing


def membrane_truth(membranes: PlasmaMembranes, size_nm: float) -> MembraneTruth:
    """Draw the true contours of every section."""
    own, facing = membranes.own, membranes.facing
    cells, zones = [], []
    for section, plane in enumerate(own):
        padded = np.pad(plane, 1, constant_values=1e3)  # which closes them along the border
        for ring in find_contours(padded, -MIDDLE_NM):
            if len(ring) > 8:
                inner = np.clip(ring[:-1] - 1, -0.5, np.array(plane.shape) - 0.5)
                cells.append(_on_section(inner, section))
        if facing is not None:
            for line in find_contours(plane, -MIDDLE_NM):
                zones += _facing_parts(line, section, facing[section], size_nm)
    return MembraneTruth(
        Drawing(OUTLINE, True, tuple(cells), colour=(0.0, 1.0, 0.0)),
        Drawing(ACTIVE_ZONE, False, tuple(zones), colour=(1.0, 0.5, 0.0)),
    )


def region_labels(membranes: PlasmaMembranes) -> npt.NDArray[np.uint8]:
    """Label each voxel (z, y, x) with `MEMBRANE`, `CYTOPLASM` or `CLEFT`; 0 is neither."""
    own, facing = membranes.own, membranes.facing
    labels = np.zeros(own.shape, np.uint8)
    labels[own < -THICKNESS_NM] = CYTOPLASM
    labels[np.abs(own + MIDDLE_NM) <= MIDDLE_NM] = MEMBRANE
    if facing is not None:
        labels[np.abs(facing + MIDDLE_NM) <= MIDDLE_NM] = MEMBRANE
        labels[(own > 0) & (facing > 0) & (own + facing < CLEFT_NM[1])] = CLEFT
    return labels


def active_zone(membranes: PlasmaMembranes, size_nm: float) -> npt.NDArray[np.bool_]:
    """Mark the middle (z, y, x) of the membrane that faces another across a cleft."""
    own, facing = membranes.own, membranes.facing
    if facing is None:
        return np.zeros(own.shape, bool)
    away = facing - MIDDLE_NM
    middle = np.abs(own + MIDDLE_NM) <= 0.75 * size_nm
    return np.asarray(middle & (away >= CLEFT_NM[0]) & (away <= CLEFT_NM[1]))


def _facing_parts(
    line: npt.NDArray[np.float64], section: int, facing: Volume, size_nm: float
) -> list[npt.NDArray[np.float64]]:
    """Pieces of a contour that face the other membrane across a cleft."""
    away = ndimage.map_coordinates(facing, line.T, order=1) - MIDDLE_NM
    near = (away >= CLEFT_NM[0]) & (away <= CLEFT_NM[1])
    starts = np.flatnonzero(np.diff(near.astype(int), prepend=0) == 1)
    ends = np.flatnonzero(np.diff(near.astype(int), append=0) == -1) + 1
    pieces = [line[a:b] for a, b in zip(starts, ends, strict=True)]
    closed = np.array_equal(line[0], line[-1])
    if closed and near[0] and len(pieces) > 1:  # one piece that the contour's start cuts
        pieces = [np.concatenate([pieces[-1], pieces[0][1:]]), *pieces[1:-1]]
    long = [p for p in pieces if len(p) * size_nm > _SHORTEST_NM]
    return [_on_section(piece, section) for piece in long]


def _on_section(points: npt.NDArray[np.float64], section: int) -> npt.NDArray[np.float64]:
    return np.column_stack([np.full(len(points), float(section)), points])
