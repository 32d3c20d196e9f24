"""Points of a model that a person clicked, and changing some of them with all else untouched.

A model that somebody works on holds more than spheres: views, colours, other objects. So a
refined sphere is put into the very contour that was clicked, and every other chunk of the
file stays as it was.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vesimod_imod.core.object_names import REJECTED, VESICLES, claims_vesicles
from vesimod_imod.live.model_parts import OF_CONTOUR, ObjectParts, put_together, take_apart
from vesimod_imod.model.chunks import Chunk, ModFile
from vesimod_imod.model.objects import (
    FILLED,
    OPEN,
    SCATTERED,
    XYZ,
    ModelObject,
    object_chunks,
    objects_of,
)
from vesimod_imod.sphere_model.labels import MARKER_SIZE, is_radius, parse_label
from vesimod_imod.sphere_model.write import SPHERE_QUALITY

_RED, _GREEN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
POINT_LIMIT, FLAGS, _SPHERE_RADIUS = 64, 132, 156  # in an object's head
_CIRCLE, _NO_SYMBOL = 0, 1
_LEAST_SHOWN = 4  # pixels


@dataclass(frozen=True)
class Point:
    """A point of a scattered object.

    Parameters
    ----------
    place : (int, int, int)
        Numbers of its object, contour and point, from 0.
    xyz : (float, float, float)
        Model coordinates.
    size : float
        Radius in pixels; -1 where it has none of its own.
    label : str
        Label of its contour; empty if it shares the contour with other points.
    alone : bool
        Whether it is the only point of its contour.
    rejected : bool
        Whether it lies in the object `REJECTED`.
    """

    place: tuple[int, int, int]
    xyz: XYZ
    size: float
    label: str
    alone: bool
    rejected: bool

    @property
    def sized(self) -> bool:
        """Whether somebody, or vesimod, gave it a radius."""
        number = parse_label(self.label).number
        return bool(is_radius(np.array(self.size), np.array(number)))


def points_of(model: ModFile) -> list[Point]:
    """Return the points of all scattered objects, in the order of the file."""
    points = []
    for number, item in enumerate(objects_of(model)):
        if item.kind != "scattered":
            continue
        rejected = item.name == REJECTED
        contour_of = item.contour_of_point
        first = np.cumsum(item.counts) - item.counts
        for k, (xyz, size) in enumerate(
            zip(item.points.tolist(), item.sizes.tolist(), strict=True)
        ):
            contour = int(contour_of[k])
            alone = bool(item.counts[contour] == 1)
            place = (number, contour, k - int(first[contour]))
            label = item.labels[contour] if alone else ""
            points.append(Point(place, tuple(xyz), size, label, alone, rejected))
    return points


def sphere_object(model: ModFile) -> int | None:
    """Return the number, from 0, of the first scattered object for spheres; None without one."""
    for number, item in enumerate(objects_of(model)):
        if item.kind == "scattered" and claims_vesicles(item.name):
            return number
    return None


def with_sphere_object(model: ModFile) -> ModFile:
    """Return the model with a scattered object in which each click makes its own contour."""
    front, objects, rear = take_apart(model)
    number = sphere_object(model)
    if number is None:
        objects.append(_new_object(VESICLES, _GREEN, _NO_SYMBOL, default_radius=1))
    else:
        objects[number].set_in_head(POINT_LIMIT, 1)
    return put_together(model, front, objects, rear)


def apply_changes(model: ModFile, points: Sequence[Point]) -> ModFile:
    """Return the model with these points as they now are.

    Parameters
    ----------
    model : ModFile
    points : sequence of Point
        Changed copies of points of `model`, known by their `place`. A lone point whose
        `rejected` changed moves to the object `REJECTED` or back to the first other one.
    """
    front, objects, rear = take_apart(model)
    home = sphere_object(model)
    moves: list[tuple[tuple[int, int, int], bool]] = []
    for point in points:
        number, contour, index = point.place
        chunks = objects[number].contours[contour]
        objects[number].contours[contour] = _changed_contour(chunks, point, index)
        if point.alone and point.rejected != (objects[number].name == REJECTED):
            moves.append((point.place, point.rejected))
    if moves:
        target = next((i for i, o in enumerate(objects) if o.name == REJECTED), None)
        if target is None:
            target = len(objects)
            objects.append(_new_object(REJECTED, _RED, _CIRCLE, default_radius=0))
        # A radius shows a point in the sections beside its own, too, where one looks for it.
        objects[target].set_in_head(_SPHERE_RADIUS, _shown_radius(model))
        for (number, contour, _), rejected in moves:
            to = target if rejected or home is None else home
            objects[to].contours.append(objects[number].contours[contour])
        gone = {place[:2] for place, _ in moves}
        for number, item in enumerate(objects):
            item.contours = [c for k, c in enumerate(item.contours) if (number, k) not in gone]
    return put_together(model, front, objects, rear, contours_moved=bool(moves))


def _shown_radius(model: ModFile) -> int:
    """Radius in pixels with which to show rejected points: half of a usual sphere's."""
    sizes = np.concatenate([np.empty(0, np.float32), *(item.sizes for item in objects_of(model))])
    known = sizes[sizes > MARKER_SIZE]
    return max(_LEAST_SHOWN, round(float(np.median(known)) / 2)) if len(known) else _LEAST_SHOWN


def _changed_contour(chunks: list[Chunk], point: Point, index: int) -> list[Chunk]:
    """Return a contour's chunks with one point replaced, values and flags kept."""
    head, coordinates = chunks[0][1][:16], chunks[0][1][16:]
    xyz = struct.pack(">3f", *point.xyz)
    contour = (b"CONT", head + coordinates[: 12 * index] + xyz + coordinates[12 * index + 12 :])
    if point.alone:
        written = _lone_point(point)[1:]
    else:
        default = struct.pack(">f", -1.0) * (len(coordinates) // 12)
        sizes = bytearray(dict(chunks).get(b"SIZE", default))
        struct.pack_into(">f", sizes, 4 * index, point.size)
        written = [chunk for chunk in chunks if chunk[0] == b"LABL"]
        written.append((b"SIZE", bytes(sizes)))
    # A value belongs to the sphere that the label tells of.
    gone = (b"LABL", b"SIZE", b"COST") if point.alone and not point.label else (b"LABL", b"SIZE")
    kept = [chunk for chunk in chunks[1:] if chunk[0] not in gone]
    return [contour, *written, *kept]


def _lone_point(point: Point) -> list[Chunk]:
    """Return the chunks CONT, LABL and SIZE of a contour of one point."""
    item = _object("", (0.0, 0.0, 0.0), _NO_SYMBOL, 1, [point])
    return [chunk for chunk in object_chunks(item) if chunk[0] == b"CONT" or chunk[0] in OF_CONTOUR]


def _object(
    name: str, colour: XYZ, symbol: int, default_radius: int, points: Sequence[Point]
) -> ModelObject:
    n = len(points)
    return ModelObject(
        name=name,
        flags=SCATTERED | OPEN | FILLED,
        colour=colour,
        default_radius=default_radius,
        points_per_contour=1,
        points=np.array([p.xyz for p in points], np.float32).reshape(n, 3),
        counts=np.ones(n, np.int64),
        surfaces=np.zeros(n, np.int64),
        sizes=np.array([p.size for p in points], np.float32),
        values=np.full(n, np.nan, np.float32),
        labels=tuple(p.label for p in points),
        symbol=symbol,
        sphere_quality=SPHERE_QUALITY,
    )


def _new_object(name: str, colour: XYZ, symbol: int, default_radius: int) -> ObjectParts:
    (_, head), *rest = object_chunks(_object(name, colour, symbol, default_radius, []))
    return ObjectParts(head, [], rest)
