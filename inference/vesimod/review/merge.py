"""A person's corrections applied to a new prediction: what the person decided, stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray, Triple
from vesimod_imod.core.spheres import Spheres

from vesimod.measure.matching import known_or_usual, match_spheres, near_pairs
from vesimod.review.correction_table import Correction

#: A new sphere that deviates by more than this from a person's contradicts it.
_CENTRE_NM, _RADIUS_NM = 5.0, 3.0


@dataclass(frozen=True)
class Conflict:
    """A place where the new prediction says otherwise than the person.

    Parameters
    ----------
    id : int
        Of the person's sphere, or of the predicted one that the person removed.
    new_id : int or None
        Of the sphere in the new prediction.
    centre : (float, float, float)
        Position (z, y, x) in voxels.
    text : str
        What both say; the person's word holds.
    """

    id: int
    new_id: int | None
    centre: tuple[float, float, float]
    text: str


@dataclass(frozen=True, eq=False, repr=False)
class Merged:
    """The result of a merge.

    Parameters
    ----------
    decided : Spheres
        What the person left or put there, with the ids of the corrected model.
    new : Spheres
        Spheres of the new prediction about which the person said nothing; fresh ids.
    conflicts : list of Conflict
    """

    decided: Spheres
    new: Spheres
    conflicts: list[Conflict]

    def __repr__(self) -> str:
        return f"Merged(decided {self.decided}, new {self.new}, {len(self.conflicts)} conflicts)"


def merge(corrections: Sequence[Correction], new: Spheres, voxel_size_nm: Triple) -> Merged:
    """Apply corrections to a new prediction of the same tomogram.

    Every sphere of the corrected model stays exactly as the person left it. A sphere of the
    new prediction is dropped where it stands for one of those or lies inside one, and where
    the person removed or moved away a sphere. All others are added.

    Parameters
    ----------
    corrections : sequence of Correction
    new : Spheres
        Positions in voxels of the volume that the corrections refer to.
    voxel_size_nm : (float, float, float)
        Of that volume.
    """
    stay = [row for row in corrections if row.verdict != "removed"]
    decided = Spheres(
        np.array([row.centre for row in stay]).reshape(-1, 3),
        np.array([row.radius_nm for row in stay]),
        np.array([row.score for row in stay]),
        np.array([row.corrected_id for row in stay], np.int64),
    )
    reach = known_or_usual(decided.radii_nm)
    rows, partners, distances = match_spheres(decided, new, voxel_size_nm, reach)
    free = np.ones(len(new), bool)
    free[partners] = False
    conflicts = [
        Conflict(row.corrected_id, None, row.centre, f"ambiguous, as corrected: {row.note}")
        for row in stay
        if row.verdict == "ambiguous" and row.corrected_id is not None
    ]
    conflicts += _deviations(decided, new, rows, partners, distances)
    conflicts += _inside(decided, new, free, reach, voxel_size_nm)
    conflicts += _returned(corrections, new, free, voxel_size_nm)

    # A click that nobody sized takes the radius of the new sphere it stands for.
    radii = decided.radii_nm.copy()
    unsized = np.isnan(radii[rows])
    radii[rows[unsized]] = new.radii_nm[partners[unsized]]
    first = 1 + max(
        [*decided.ids, *(row.predicted_id or 0 for row in corrections), *new.ids], default=0
    )
    added = new.select(free)
    return Merged(
        replace(decided, radii_nm=radii),
        replace(added, ids=np.arange(first, first + len(added))),
        conflicts,
    )


def _deviations(
    decided: Spheres, new: Spheres, rows: IntArray, partners: IntArray, distances: FloatArray
) -> list[Conflict]:
    """Spheres of the person that the new prediction lacks or has otherwise."""
    partner = {int(i): (int(j), d) for i, j, d in zip(rows, partners, distances, strict=True)}
    conflicts = []
    for i in range(len(decided)):
        if i not in partner:
            conflicts.append(_conflict(decided, i, None, "the new prediction has nothing here"))
            continue
        j, distance = partner[i]
        larger = new.radii_nm[j] - decided.radii_nm[i]
        if distance > _CENTRE_NM or abs(larger) > _RADIUS_NM:
            text = f"the new prediction has it {distance:.1f} nm off, radius {larger:+.1f} nm"
            conflicts.append(_conflict(decided, i, int(new.ids[j]), text))
    return conflicts


def _inside(
    decided: Spheres, new: Spheres, free: BoolArray, reach: FloatArray, voxel_size_nm: Triple
) -> list[Conflict]:
    """Drop new spheres whose centres lie inside one of the person's."""
    conflicts = []
    for i, j, _ in zip(*near_pairs(decided, new, voxel_size_nm, reach), strict=True):
        if free[j]:
            free[j] = False
            text = "the new prediction has a further sphere inside this one: dropped"
            conflicts.append(_conflict(decided, int(i), int(new.ids[j]), text))
    return conflicts


def _returned(
    corrections: Sequence[Correction], new: Spheres, free: BoolArray, voxel_size_nm: Triple
) -> list[Conflict]:
    """Drop new spheres where the person removed one or moved it away."""
    gone = [
        row
        for row in corrections
        if row.verdict in ("removed", "moved", "ambiguous") and row.predicted_id is not None
    ]
    old = Spheres(
        np.array([row.predicted_centre for row in gone]).reshape(-1, 3),
        np.array([row.predicted_radius_nm for row in gone]),
        ids=np.array([row.predicted_id for row in gone], np.int64),
    )
    conflicts = []
    near = near_pairs(old, new, voxel_size_nm, known_or_usual(old.radii_nm))
    for i, j, _ in zip(*near, strict=True):
        if free[j]:
            free[j] = False
            done = "removed" if gone[i].verdict == "removed" else "moved away"
            text = f"the new prediction has what was {done}: dropped"
            conflicts.append(_conflict(old, int(i), int(new.ids[j]), text))
    return conflicts


def _conflict(spheres: Spheres, row: int, new_id: int | None, text: str) -> Conflict:
    z, y, x = spheres.centres[row].tolist()
    return Conflict(int(spheres.ids[row]), new_id, (z, y, x), text)
