"""Points of a model that a person clicked, and changing some of them with all else untouched.

A model that somebody works on holds more than spheres: views, colours, other objects. So a
refined sphere is put into the very contour that was clicked, and every other chunk of the
file stays as it was.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vesimod_imod.core.object_names import REJECTED, VESICLES
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.model.chunks import MODEL_CHUNKS, Chunk, ModFile
from vesimod_imod.model.objects import OPEN, SCATTERED, XYZ, ModelObject, object_chunks, objects_of
from vesimod_imod.sphere_model.labels import is_radius, parse_label

_RED, _GREEN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
_OF_CONTOUR = (b"LABL", b"SIZE", b"COST")
_OBJECT_COUNT, _CURRENT_CONTOUR = 140, 192  # in the model's header
_CONTOUR_COUNT, _POINT_LIMIT = 128, 64  # in an object's
_CIRCLE, _NO_SYMBOL = 0, 1


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
        number = parse_label(self.label)[0]
        return bool(is_radius(np.array(self.size), np.array(number)))


@dataclass(repr=False)
class _Object(ShortRepr):
    """An object in pieces: its head, the chunks of each contour, and what follows them."""

    head: bytes
    contours: list[list[Chunk]]
    rest: list[Chunk]

    def chunks(self) -> list[Chunk]:
        head = bytearray(self.head)
        struct.pack_into(">i", head, _CONTOUR_COUNT, len(self.contours))
        contours = [chunk for contour in self.contours for chunk in contour]
        return [(b"OBJT", bytes(head)), *contours, *self.rest]


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
        if item.kind == "scattered" and item.name != REJECTED:
            return number
    return None


def with_sphere_object(model: ModFile) -> ModFile:
    """Return the model with a scattered object in which each click makes its own contour."""
    front, objects, rear = _take_apart(model)
    number = sphere_object(model)
    if number is None:
        objects.append(_new_object(VESICLES, _GREEN, _NO_SYMBOL, default_radius=1))
    else:
        head = bytearray(objects[number].head)
        struct.pack_into(">i", head, _POINT_LIMIT, 1)
        objects[number].head = bytes(head)
    return _put_together(model, front, objects, rear)


def apply_changes(model: ModFile, points: Sequence[Point]) -> ModFile:
    """Return the model with these points as they now are.

    Parameters
    ----------
    model : ModFile
    points : sequence of Point
        Changed copies of points of `model`, known by their `place`. A lone point whose
        `rejected` changed moves to the object `REJECTED` or back to the first other one.
    """
    front, objects, rear = _take_apart(model)
    home = sphere_object(model)
    moves: list[tuple[tuple[int, int, int], bool]] = []
    for point in points:
        number, contour, index = point.place
        chunks = objects[number].contours[contour]
        objects[number].contours[contour] = _changed_contour(chunks, point, index)
        if point.alone and point.rejected != (_name(objects[number]) == REJECTED):
            moves.append((point.place, point.rejected))
    if moves:
        target = next((i for i, o in enumerate(objects) if _name(o) == REJECTED), None)
        if target is None:
            target = len(objects)
            objects.append(_new_object(REJECTED, _RED, _CIRCLE, default_radius=0))
        for (number, contour, _), rejected in moves:
            to = target if rejected or home is None else home
            objects[to].contours.append(objects[number].contours[contour])
        gone = {place[:2] for place, _ in moves}
        for number, item in enumerate(objects):
            item.contours = [c for k, c in enumerate(item.contours) if (number, k) not in gone]
    return _put_together(model, front, objects, rear, contours_moved=bool(moves))


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
    kept = [chunk for chunk in chunks[1:] if chunk[0] not in (b"LABL", b"SIZE")]
    return [contour, *written, *kept]


def _lone_point(point: Point) -> list[Chunk]:
    """Return the chunks CONT, LABL and SIZE of a contour of one point."""
    item = _object("", (0.0, 0.0, 0.0), _NO_SYMBOL, 1, [point])
    return [
        chunk for chunk in object_chunks(item) if chunk[0] == b"CONT" or chunk[0] in _OF_CONTOUR
    ]


def _object(
    name: str, colour: XYZ, symbol: int, default_radius: int, points: Sequence[Point]
) -> ModelObject:
    n = len(points)
    return ModelObject(
        name=name,
        flags=SCATTERED | OPEN,
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
    )


def _new_object(name: str, colour: XYZ, symbol: int, default_radius: int) -> _Object:
    (_, head), *rest = object_chunks(_object(name, colour, symbol, default_radius, []))
    return _Object(head, [], rest)


def _name(item: _Object) -> str:
    return item.head[:64].partition(b"\0")[0].decode("utf-8", "replace")


def _take_apart(model: ModFile) -> tuple[list[Chunk], list[_Object], list[Chunk]]:
    """Split into what precedes the objects, the objects, and the chunks of the whole model."""
    front: list[Chunk] = []
    objects: list[_Object] = []
    rear: list[Chunk] = []
    for chunk in model.chunks:
        tag, data = chunk
        if tag == b"OBJT":
            objects.append(_Object(data, [], []))
        elif not objects:
            front.append(chunk)
        elif rear or tag in MODEL_CHUNKS:
            rear.append(chunk)
        elif tag == b"CONT":
            objects[-1].contours.append([chunk])
        elif tag == b"MESH" or objects[-1].rest or not objects[-1].contours:
            objects[-1].rest.append(chunk)
        else:
            objects[-1].contours[-1].append(chunk)
    for item in objects:
        if item.contours:  # what follows the last contour is mostly about the object
            last = item.contours[-1]
            end = 1 + max(k for k, (tag, _) in enumerate(last) if tag in (b"CONT", *_OF_CONTOUR))
            item.rest = last[end:] + item.rest
            item.contours[-1] = last[:end]
    return front, objects, rear


def _put_together(
    model: ModFile,
    front: list[Chunk],
    objects: list[_Object],
    rear: list[Chunk],
    *,
    contours_moved: bool = False,
) -> ModFile:
    header = bytearray(model.header)
    struct.pack_into(">i", header, _OBJECT_COUNT, len(objects))
    if contours_moved:  # the current contour and point may be others now: none is current
        struct.pack_into(">2i", header, _CURRENT_CONTOUR, -1, -1)
    chunks = [*front, *(chunk for item in objects for chunk in item.chunks()), *rear]
    return replace(model, header=bytes(header), chunks=chunks)
