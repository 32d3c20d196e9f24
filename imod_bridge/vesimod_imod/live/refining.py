"""From what a person saved to precise spheres: which points to refine, and what came of it.

A point without a radius is a click, and becomes a sphere. A sphere that was moved is
refined again from where it was put. A radius that a person set is kept. A click where
nothing is found goes to an object of its own, never among the spheres.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from vesimod_imod.core.arrays import FloatArray, Triple
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import VESICLE_RADII_NM, Grid, Spheres
from vesimod_imod.live.point_edits import Point, apply_changes, points_of
from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.coordinates import from_voxels, radius_unit_nm, shown_point, to_voxels
from vesimod_imod.sphere_model.labels import parse_label, sphere_label

# Voxels, and a part of the radius: what 3dmod's arithmetic changes by itself stays below.
_MOVED, _RESIZED, _SAME = 0.05, 0.002, 0.5
_MANY = 5  # doubts of one kind are counted from there on, not listed


@dataclass(frozen=True, eq=False, repr=False)
class Found(ShortRepr):
    """What clicks turned out to be.

    Parameters
    ----------
    centres : (N, 3) float64
        Centres (z, y, x) in voxels.
    radii_nm : (N,) float64
        Radii; NaN where no vesicle was found reliably.
    reasons : sequence of N str
        Why there is none.
    """

    centres: FloatArray
    radii_nm: FloatArray
    reasons: Sequence[str]


#: Turns clicks (N, 3), as (z, y, x) in voxels, into spheres; knows those that are there already.
Find = Callable[[FloatArray, Spheres], Found]


@dataclass(frozen=True)
class Placed:
    """A point of a model, and where it lies in the volume: (z, y, x) in voxels.

    `clicked` is where the click was that became this sphere, as long as that is known.
    """

    point: Point
    at: Triple
    clicked: Triple | None = None

    @property
    def number(self) -> int:
        """Id of the sphere by its label; -1 without one."""
        return parse_label(self.point.label).number

    @property
    def name(self) -> str:
        """What to call it when talking to the person."""
        if self.number >= 0:
            return f"sphere {self.number}"
        return f"point at {shown_point(self.point.xyz)}"

    def distance(self, other: Placed) -> float:
        """Distance in voxels."""
        return math.dist(self.at, other.at)


@dataclass(frozen=True, repr=False)
class Refined(ShortRepr):
    """A model with its clicks refined.

    Parameters
    ----------
    model : ModFile
    points : list of Placed
        All points of it: hand them to the next `refine` as `known`.
    remarks : list of str
        What happened to each point, in plain words.
    changed : bool
        Whether the model differs from the one that was read.
    """

    model: ModFile
    points: list[Placed]
    remarks: list[str]
    changed: bool


@dataclass(repr=False)
class _Work(ShortRepr):
    """What is to be done about the points of a model, and what there is to say."""

    clicks: list[Placed] = field(default_factory=list)
    moved: list[Placed] = field(default_factory=list)
    settled: list[Placed] = field(default_factory=list)  # spheres to be left alone
    unnamed: list[Placed] = field(default_factory=list)  # spheres of the person, without id
    changes: list[Point] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    missing: dict[int, Placed] = field(default_factory=dict)  # spheres that are gone, by id
    clicked: dict[int, Triple] = field(default_factory=dict)  # where spheres were clicked, by id


def refine(model: ModFile, known: Sequence[Placed] | None, grid: Grid, find: Find) -> Refined:
    """Refine what is new or was moved.

    Parameters
    ----------
    model : ModFile
        As the person saved it.
    known : sequence of Placed or None
        The points as they were before; None at the start of a session, when every point
        with a radius is taken as it is.
    grid : Grid
        The volume.
    find : callable
        See `Find`.
    """
    now = placed_points(model, grid)
    if known is None:
        known = [p for p in now if p.point.sized or p.point.rejected]
    unit_nm = _radius_unit_nm(model, now, grid)
    work = _sort(now, known, unit_nm)
    ids = itertools.count(1 + max([0, *(p.number for p in [*now, *known])]))
    if work.clicks or work.moved:
        taken = Spheres(
            np.array([p.at for p in work.settled]).reshape(-1, 3),
            np.array([p.point.size * unit_nm for p in work.settled]),
        )
        todo = [*work.clicks, *work.moved]
        found = find(np.array([p.at for p in todo]), taken)
        to_model = from_voxels(model, grid)
        for item, centre, radius_nm, reason in zip(
            todo, found.centres, found.radii_nm.tolist(), found.reasons, strict=True
        ):
            if not math.isfinite(radius_nm):
                _reject(item, reason, work)
                continue
            number = item.number if item.number >= 0 else _former_number(item, work)
            if item.number >= 0 or number is None:
                number = next(ids) if number is None else number
                shift_nm = float(np.linalg.norm((centre - item.at) * grid.voxel_size_nm))
                new = "" if item.number >= 0 else f" is sphere {number}"
                work.remarks.append(
                    f"{item.name}{new}: radius {radius_nm:.1f} nm, "
                    f"{shift_nm:.1f} nm from where you put it{_in_place_of(centre, work)}"
                )
            work.clicked[number] = item.at
            size = radius_nm / unit_nm
            score = parse_label(item.point.label).score
            label = sphere_label(number, radius_nm, score) if item.point.alone else ""
            work.changes.append(
                replace(item.point, xyz=to_model(centre), size=size, label=label, rejected=False)
            )
    work.remarks += _doubts(work.unnamed, unit_nm)
    for item in work.unnamed:
        label = sphere_label(next(ids), item.point.size * unit_nm)
        work.changes.append(replace(item.point, label=label, rejected=False))
    work.remarks += [f"{item.name}: deleted by you" for item in work.missing.values()]
    refined = apply_changes(model, work.changes) if work.changes else model
    points = [replace(p, clicked=work.clicked.get(p.number)) for p in placed_points(refined, grid)]
    return Refined(refined, points, work.remarks, bool(work.changes))


def placed_points(model: ModFile, grid: Grid) -> list[Placed]:
    """Return the points of a model with their places in the volume."""
    points = points_of(model)
    xyz = np.array([p.xyz for p in points], np.float64).reshape(-1, 3)
    places = to_voxels(xyz, model, grid)[0].tolist()
    return [Placed(point, (z, y, x)) for point, (z, y, x) in zip(points, places, strict=True)]


def _sort(now: Sequence[Placed], known: Sequence[Placed], unit_nm: float) -> _Work:
    """Find out what the person did."""
    work = _Work(clicked={p.number: p.clicked for p in known if p.clicked is not None})
    former = {p.number: p for p in known if p.number >= 0 and p.point.sized}
    tried = [p for p in known if not p.point.sized]
    for item in map(_without_label_of_another, now):
        before = former.pop(item.number, None)  # a second bearer of the label is another sphere
        if not item.point.sized:
            same = next((other for other in tried if item.distance(other) < _MOVED), None)
            if same is None:
                work.clicks.append(item)
            elif same.point.rejected and not item.point.rejected and item.point.alone:
                work.changes.append(replace(item.point, rejected=True))
        elif before and item.distance(before) > _MOVED:
            work.moved.append(item)
        else:
            work.settled.append(item)
            if item.point.alone and not item.point.label:
                work.unnamed.append(item)
            if before and abs(item.point.size / before.point.size - 1) > _RESIZED:
                doubt = _doubt(item, unit_nm)
                work.remarks.append(f"{item.name}: the radius that you set is kept{doubt}")
            elif item.point.rejected:
                doubt = _doubt(item, unit_nm)
                work.remarks.append(f"{item.name}: kept with the radius that you set{doubt}")
    work.missing = former
    return work


def _without_label_of_another(item: Placed) -> Placed:
    """Take the label from a click that 3dmod put into the emptied contour of a deleted sphere."""
    written_nm = parse_label(item.point.label).radius_nm
    if item.point.sized or math.isnan(written_nm):
        return item
    return replace(item, point=replace(item.point, label=""))


def _former_number(click: Placed, work: _Work) -> int | None:
    """Return the id of the sphere that this very click became before, if it did.

    Without a reload in 3dmod its next save holds the raw click again, and no sphere.
    """
    for number, item in work.missing.items():
        if item.clicked is not None and math.dist(click.at, item.clicked) < _MOVED:
            del work.missing[number]
            return number
    return None


def _in_place_of(centre: FloatArray, work: _Work) -> str:
    """Say that a new sphere lies where one was deleted: it is another one to `corrections`."""
    there = (n for n, item in work.missing.items() if math.dist(centre.tolist(), item.at) < _SAME)
    return "".join(f", where sphere {number} was" for number in there)


def _doubt(item: Placed, unit_nm: float) -> str:
    """Question a radius that no vesicle has."""
    radius_nm, (least, most) = item.point.size * unit_nm, VESICLE_RADII_NM
    if least <= radius_nm <= most:
        return ""
    return (
        f"; but {radius_nm:.1f} nm ({item.point.size:.1f} pixels) is hardly a vesicle's: "
        "set it again if that was a slip"
    )


def _doubts(items: Sequence[Placed], unit_nm: float) -> list[str]:
    """Question the radii of spheres that came with the model."""
    doubts = [(item, doubt) for item in items if (doubt := _doubt(item, unit_nm))]
    if len(doubts) > _MANY:
        least, most = VESICLE_RADII_NM
        return [f"{len(doubts)} spheres have a radius outside of {least:g} to {most:g} nm"]
    return [f"{item.name}: kept with the radius that it has{doubt}" for item, doubt in doubts]


def _reject(item: Placed, reason: str, work: _Work) -> None:
    """Deal with a point at which no vesicle was found reliably."""
    if item in work.moved:
        work.remarks.append(f"{item.name}: not refined where you put it ({reason}); left there")
    elif item.point.alone and not item.point.rejected:
        work.changes.append(replace(item.point, rejected=True, size=-1.0, label=""))
        work.remarks.append(f"{item.name}: no sphere ({reason}); marked in red")
    else:
        work.remarks.append(f"{item.name}: no sphere ({reason})")


def _radius_unit_nm(model: ModFile, points: Sequence[Placed], grid: Grid) -> float:
    """Length in nm of the pixel in which the model's sizes count."""
    sizes = np.array([p.point.size if p.point.sized else np.nan for p in points], np.float64)
    written = np.array([parse_label(p.point.label).radius_nm for p in points], np.float64)
    return radius_unit_nm(model, grid, sizes, written)[0] or grid.xy_voxel_size_nm
