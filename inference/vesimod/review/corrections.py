"""What a person changed in a prediction, sphere by sphere."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray, Triple
from vesimod_imod.core.spheres import VESICLE_RADII_NM, Spheres
from vesimod_imod.sphere_model.read import SphereReading

from vesimod.measure.matching import known_or_usual, match_spheres, near_pairs
from vesimod.review.correction_table import Correction, Verdict

#: Voxels (z, y, x) that rounding explains; versions of 3dmod differ by half a section.
_SAME_PLACE = np.array([0.6, 0.25, 0.25])
_SAME_RADIUS = 0.01  # relative
#: A label is believed where its sphere went no further than this many radii.
_LABEL_REACH = 2.0
#: Another candidate that is no further than this many times as far makes a match ambiguous.
_RIVAL = 1.5
_Sphere = tuple[int | None, FloatArray, float, float]  # id, centre, radius_nm, score
_Row = tuple[int, int | None, Verdict | None, str]  # before, after, verdict if known, note


def find_corrections(
    predicted: SphereReading, corrected: SphereReading, voxel_size_nm: Triple
) -> list[Correction]:
    """Compare a prediction with what a person made of it.

    Spheres are paired by the ids on their labels where both have one and it is plausible,
    else by position, one-to-one and optimally; never by their order. Whatever remains was
    added or removed, unless it might as well be something else: then it is ambiguous.

    Parameters
    ----------
    predicted, corrected : SphereReading
        On the same grid.
    voxel_size_nm : (float, float, float)
        Of that grid.

    Returns
    -------
    list of Correction
        Every sphere of both once: those of the prediction in its order, then added ones.
    """
    predicted = predicted.vesicles()
    before = predicted.spheres
    after, labelled = _set_by_person(corrected)
    reach = known_or_usual(before.radii_nm)
    near = near_pairs(before, after, voxel_size_nm, reach)
    rows: list[_Row] = []
    named_b, named_a = _pairs_by_label(before, predicted.labelled, after, labelled)
    distances = _distances(before, after, named_b, named_a, voxel_size_nm)
    believable = distances <= _LABEL_REACH * reach[named_b]
    # Not if another sphere lies exactly where this one was: then the ids are new ones.
    taken = near[0][_same_place(before, after, near[0], near[1])]
    believable &= _same_place(before, after, named_b, named_a) | ~np.isin(named_b, taken)
    rows += _pairs(named_b[believable], named_a[believable])
    free_b, free_a = _free(rows, len(before), len(after))

    free = before.select(free_b), after.select(free_a)
    at_b, at_a, _ = match_spheres(*free, voxel_size_nm, reach[free_b])
    placed_b, placed_a = free_b[at_b], free_a[at_a]
    free_b, free_a = np.setdiff1d(free_b, placed_b), np.setdiff1d(free_a, placed_a)
    unsure = ~_same_place(before, after, placed_b, placed_a)
    unsure[unsure] = _has_rival(placed_b[unsure], placed_a[unsure], free_b, free_a, near)
    rows += _pairs(placed_b[~unsure], placed_a[~unsure])
    rows += _pairs(placed_b[unsure], placed_a[unsure], "ambiguous", "another sphere is as near")

    # Labels that nothing contradicts, though their spheres went far.
    lone = np.isin(named_b, free_b) & np.isin(named_a, free_a)
    note = "moved far, or removed and another one added"
    rows += _pairs(named_b[lone], named_a[lone], "ambiguous", note)

    free_b, free_a = _free(rows, len(before), len(after))
    deleted = np.isin(before.ids[free_b], corrected.emptied_ids)
    for i, emptied in zip(free_b.tolist(), deleted, strict=True):
        rows.append((i, None, "removed", "its point was deleted" if emptied else ""))
    compare = partial(_correction, before, after, np.asarray(voxel_size_nm))
    inside = _inside_another(after, free_a, voxel_size_nm)
    return [compare(*row) for row in sorted(rows, key=lambda row: row[0])] + [
        compare(None, j, "ambiguous", inside[j]) if j in inside else compare(None, j, "added")
        for j in free_a.tolist()
    ]


def _pairs(
    rows_b: IntArray, rows_a: IntArray, verdict: Verdict | None = None, note: str = ""
) -> list[_Row]:
    return [(i, j, verdict, note) for i, j in zip(rows_b.tolist(), rows_a.tolist(), strict=True)]


def _free(rows: list[_Row], count_b: int, count_a: int) -> tuple[IntArray, IntArray]:
    """Spheres of both sets that are in no pair yet."""
    free_b, free_a = np.ones(count_b, bool), np.ones(count_a, bool)
    for i, j, _, _ in rows:
        free_b[i] = False
        free_a[j] = False
    return np.flatnonzero(free_b), np.flatnonzero(free_a)


def _set_by_person(corrected: SphereReading) -> tuple[Spheres, BoolArray]:
    """Spheres to compare, with radii where somebody set them, and which have our labels."""
    there = corrected.vesicles()
    chosen = np.isin(there.radius_source, ("explicit", "outline"))
    radii = np.where(chosen, there.spheres.radii_nm, np.nan)
    return replace(there.spheres, radii_nm=radii), there.labelled


def _pairs_by_label(
    before: Spheres, labelled_b: BoolArray, after: Spheres, labelled_a: BoolArray
) -> tuple[IntArray, IntArray]:
    rows_b, rows_a = np.flatnonzero(labelled_b), np.flatnonzero(labelled_a)
    _, in_b, in_a = np.intersect1d(before.ids[rows_b], after.ids[rows_a], return_indices=True)
    return rows_b[in_b], rows_a[in_a]


def _same_place(before: Spheres, after: Spheres, rows_b: IntArray, rows_a: IntArray) -> BoolArray:
    moved = np.abs(after.centres[rows_a] - before.centres[rows_b])
    same: BoolArray = np.all(moved <= _SAME_PLACE, axis=1)
    return same


def _distances(
    before: Spheres, after: Spheres, rows_b: IntArray, rows_a: IntArray, voxel_size_nm: Triple
) -> FloatArray:
    moved = (after.centres[rows_a] - before.centres[rows_b]) * np.asarray(voxel_size_nm)
    distances: FloatArray = np.linalg.norm(moved, axis=1)
    return distances


def _has_rival(
    rows_b: IntArray,
    rows_a: IntArray,
    free_b: IntArray,
    free_a: IntArray,
    near: tuple[IntArray, IntArray, FloatArray],
) -> BoolArray:
    """Which pairs have a sphere without a partner that is about as near to one of the two."""
    near_b, near_a, distance = near
    own = dict(zip(zip(near_b.tolist(), near_a.tolist(), strict=True), distance, strict=True))
    unpaired_a, unpaired_b = np.isin(near_a, free_a), np.isin(near_b, free_b)
    rival = []
    for i, j in zip(rows_b.tolist(), rows_a.tolist(), strict=True):
        others = (unpaired_a & (near_b == i)) | (unpaired_b & (near_a == j))
        rival.append(bool(np.any(distance[others] < _RIVAL * own[i, j])))
    return np.array(rival, bool)


def _inside_another(after: Spheres, rows: IntArray, voxel_size_nm: Triple) -> dict[int, str]:
    """Say of added spheres inside which other sphere their centres lie, if any."""
    radii = np.where(np.isfinite(after.radii_nm), after.radii_nm, 0.0)
    outer, inner, _ = near_pairs(after, after.select(rows), voxel_size_nm, radii)
    return {
        int(rows[j]): f"its centre lies inside sphere {after.ids[i]}"
        for i, j in zip(outer, inner, strict=True)
        if i != rows[j]
    }


def _correction(
    before: Spheres,
    after: Spheres,
    voxel_size_nm: FloatArray,
    i: int | None,
    j: int | None,
    verdict: Verdict | None = None,
    note: str = "",
) -> Correction:
    """Put together the row of sphere `i` of the prediction and `j` of the corrected model."""
    nowhere: _Sphere = (None, np.full(3, np.nan), np.nan, np.nan)
    id_b, at_b, radius_b, _ = nowhere if i is None else _of(before, i)
    id_a, at_a, radius_a, score = nowhere if j is None else _of(after, j)
    distance = float(np.linalg.norm((at_a - at_b) * voxel_size_nm))
    same_radius = abs(radius_a - radius_b) <= _SAME_RADIUS * radius_b
    resized = bool(np.isfinite(radius_a)) and i is not None and not same_radius
    if verdict is None:
        same_place = bool(np.all(np.abs(at_a - at_b) <= _SAME_PLACE))
        verdict = "moved" if not same_place else "resized" if resized else "kept"
    if i is not None and j is not None and not note:
        note = _joined(
            ("resized, too", verdict == "moved" and resized),
            ("no radius of its own", not np.isfinite(radius_a)),
        )
    by_person = verdict != "ambiguous" and (resized or i is None)
    doubt = f"{radius_a:.1f} nm is hardly a vesicle's radius: a slip?"
    note = _joined((note, bool(note)), (doubt, by_person and not _plausible(radius_a)))
    return Correction(
        verdict,
        id_b,
        id_a,
        distance,
        *_floats(at_b),
        radius_b,
        *_floats(at_a),
        radius_a,
        score,
        note,
    )


def _joined(*notes: tuple[str, bool]) -> str:
    """Join the notes that apply."""
    return "; ".join(text for text, applies in notes if applies)


def _plausible(radius_nm: float) -> bool:
    """Whether a vesicle may have such a radius, or none is set."""
    least, most = VESICLE_RADII_NM
    return np.isnan(radius_nm) or least <= radius_nm <= most


def _floats(centre: FloatArray) -> Triple:
    z, y, x = centre.tolist()
    return z, y, x


def _of(spheres: Spheres, row: int) -> _Sphere:
    return (
        int(spheres.ids[row]),
        spheres.centres[row],
        float(spheres.radii_nm[row]),
        float(spheres.scores[row]),
    )
