"""The objects of an IMOD model: contours, sizes, labels and general values.

An object's contours are columns rather than Python objects, since a tomogram has
thousands of one-point contours. Coordinates are IMOD's own x, y, z here.

Source of the layouts and flags: IMOD's page "IMOD Binary File Format".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from vesimod_imod.core.arrays import BoolArray, Float32Array, IntArray
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.model.chunks import Chunk, ModFile

XYZ = tuple[float, float, float]

# Flags of an object
OPEN = 1 << 3
SCATTERED = 1 << 9
FILLED = 1 << 8 | 1 << 11  # in the Model View window
# A general value of a point: its type, and the flags "index is an integer, value a float"
_VALUE, _VALUE_FLAGS = 10, 4
_STORE = np.dtype([("type", ">i2"), ("flags", ">u2"), ("index", ">i4"), ("x", ">f4")])
_NO_SIZE = struct.pack(">f", -1.0)
#: 3dmod's default material: ambient, diffuse, specular, shininess, ..., white level of values
_MATERIAL = bytes((102, 255, 127, 4, *[0] * 9, 255, 0, 0))
_QUALITY = 7  # byte of the material: how round 3dmod draws spheres
_OBJECT = struct.Struct(">64s 16I i I 2i 3f i 8B 2i".replace(" ", ""))
_RANGE = struct.Struct(">hHff")
_TWO_INTS = struct.Struct(">2i")


@dataclass(frozen=True, eq=False, repr=False)
class ModelObject(ShortRepr):
    """One object with all its contours.

    Parameters
    ----------
    name : str
    flags : int
    colour : (float, float, float)
        Red, green, blue in 0..1.
    default_radius : int
        Radius in pixels of points without a size of their own; 0 draws no sphere.
    points_per_contour : int
        Limit beyond which 3dmod starts a new contour by itself; 0 is none.
    points : (P, 3) float32
        Points x, y, z of all contours, in the order of the file.
    counts : (C,) int64
        Points of each contour; contours may be empty.
    surfaces : (C,) int64
        Surface number of each contour.
    sizes : (P,) float32
        Explicit radii in pixels; -1 where the default applies.
    values : (P,) float32
        General value of each point; NaN where there is none.
    labels : tuple of str
        Label of each contour; empty where there is none.
    symbol, mesh_count : int
    sphere_quality : int
        How round 3dmod draws spheres in Model View, from 0, an octagon, to 4; only written.
    """

    name: str
    flags: int
    colour: XYZ
    default_radius: int
    points_per_contour: int
    points: Float32Array
    counts: IntArray
    surfaces: IntArray
    sizes: Float32Array
    values: Float32Array
    labels: tuple[str, ...]
    symbol: int = 1
    mesh_count: int = 0
    sphere_quality: int = 0

    @property
    def kind(self) -> str:
        """One of "scattered", "open" and "closed"."""
        return "scattered" if self.flags & SCATTERED else "open" if self.flags & OPEN else "closed"

    @cached_property
    def contour_of_point(self) -> IntArray:
        """(P,) int64: number of the contour that each point belongs to, from 0."""
        return np.repeat(np.arange(len(self.counts)), self.counts)


def objects_of(model: ModFile) -> list[ModelObject]:
    """Return the objects in the order of the file.

    Raises
    ------
    ModFormatError
        A label or a general value contradicts the length of its chunk.
    """
    starts = [i for i, (tag, _) in enumerate(model.chunks) if tag == b"OBJT"]
    return [_object(model, *ends) for ends in pairwise([*starts, len(model.chunks)])]


def _object(model: ModFile, start: int, end: int) -> ModelObject:
    v = _OBJECT.unpack(model.chunks[start][1])
    heads: list[bytes] = []
    points: list[bytes] = []
    sizes: list[bytes] = []
    labels: list[str] = []
    stores: list[tuple[int, bytes]] = []  # contour, general values of its points
    for index in range(start + 1, end):
        tag, data = model.chunks[index]
        if tag == b"CONT":
            heads.append(data[:16])
            points.append(data[16:])
            sizes.append(_NO_SIZE * ((len(data) - 16) // 12))
            labels.append("")
        elif not heads:
            continue
        elif tag == b"SIZE":
            sizes[-1] = data
        elif tag == b"LABL":
            labels[-1] = _label(model, index)
        elif tag == b"COST":
            if len(data) % _STORE.itemsize:
                raise model.error(index, f"COST holds {len(data)} bytes, not a multiple of 12")
            stores.append((len(heads) - 1, data))
    return ModelObject(
        name=decode_text(v[0]),
        flags=v[18],
        colour=v[21:24],
        default_radius=v[24],
        points_per_contour=v[1],
        **(_columns(heads, points, sizes, stores) if heads else _NO_COLUMNS),
        labels=tuple(labels),
        symbol=v[25],
        mesh_count=v[33],
    )


def _columns(
    heads: Sequence[bytes],
    points: Sequence[bytes],
    sizes: Sequence[bytes],
    stores: Sequence[tuple[int, bytes]],
) -> dict[str, Any]:
    """Return the arrays of a `ModelObject` from its contours' bytes."""
    table = np.frombuffer(b"".join(heads), ">i4").reshape(-1, 4)
    counts = table[:, 0].astype(np.int64)
    return {
        "points": np.frombuffer(b"".join(points), ">f4").astype(np.float32).reshape(-1, 3),
        "counts": counts,
        "surfaces": table[:, 3].astype(np.int64),
        "sizes": np.frombuffer(b"".join(sizes), ">f4").astype(np.float32),
        "values": _values(stores, counts),
    }


def _values(stores: Sequence[tuple[int, bytes]], counts: IntArray) -> Float32Array:
    """Spread the general values of contours over all points."""
    values = np.full(int(counts.sum()), np.nan, np.float32)
    if not stores:
        return values
    entries = np.frombuffer(b"".join(data for _, data in stores), _STORE)
    owner = np.repeat(
        np.array([contour for contour, _ in stores], np.int64),
        [len(data) // _STORE.itemsize for _, data in stores],
    )
    of_point = (entries["type"] == _VALUE) & (entries["flags"] & 15 == _VALUE_FLAGS)
    of_point &= (entries["index"] >= 0) & (entries["index"] < counts[owner])
    first = np.cumsum(counts) - counts
    values[(first[owner] + entries["index"])[of_point]] = entries["x"][of_point]
    return values


_NO_COLUMNS = _columns([], [], [], [])  # shared by objects without contours: there may be thousands


def object_chunks(item: ModelObject) -> list[Chunk]:
    """Write an object as chunks, in the order in which 3dmod writes them."""
    n = len(item.counts)
    head = _OBJECT.pack(
        encode_text(item.name, 63), item.points_per_contour, *[0] * 15,
        n, item.flags, 0, 1, *item.colour, item.default_radius,
        item.symbol, 3, 1, 1, 0, 0, 0, 0, 0, int(item.surfaces.max(initial=0)),
    )  # fmt: skip
    chunks: list[Chunk] = [(b"OBJT", head)]
    ends = np.append(0, np.cumsum(item.counts))
    valued = np.isfinite(item.values)
    entries = np.zeros(len(item.points), _STORE)
    entries["type"], entries["flags"], entries["x"] = _VALUE, _VALUE_FLAGS, item.values
    entries["index"] = np.arange(len(item.points)) - np.repeat(ends[:-1], item.counts)
    # Everything as bytes first: the loop then only cuts, a hundred thousand times.
    contours, contour_ends = _contour_bytes(item, ends)
    sizes, stores = item.sizes.astype(">f4").tobytes(), entries[valued].tobytes()
    labels = [_label_bytes(label) for label in item.labels]
    size_ends, sized = (4 * ends).tolist(), _counted(item.sizes >= 0, ends)
    known = _counted(valued, ends)
    for k in range(n):
        chunks.append((b"CONT", contours[contour_ends[k] : contour_ends[k + 1]]))
        if labels[k]:
            chunks.append((b"LABL", labels[k]))
        if sized[k + 1] > sized[k]:
            chunks.append((b"SIZE", sizes[size_ends[k] : size_ends[k + 1]]))
        if known[k + 1] > known[k]:
            chunks.append((b"COST", stores[12 * known[k] : 12 * known[k + 1]]))
    material = bytearray(_MATERIAL)
    material[_QUALITY] = item.sphere_quality
    chunks.append((b"IMAT", bytes(material)))
    if known[-1]:
        # 3dmod stretches its colours over this range.
        low, high = float(np.nanmin(item.values)), float(np.nanmax(item.values))
        chunks.append((b"OBST", _RANGE.pack(11, 21, low, high if high > low else low + 1)))
    return chunks


def _contour_bytes(item: ModelObject, ends: IntArray) -> tuple[bytes, list[int]]:
    """Heads and points of all contours one after the other, and where each begins and ends."""
    n = len(item.counts)
    starts = 4 * np.arange(n + 1) + 3 * ends  # in words of four bytes
    words = np.empty(starts[-1], ">i4")
    is_head = np.zeros(len(words), np.bool_)
    is_head[(starts[:-1, None] + np.arange(4)).ravel()] = True
    heads = np.zeros((n, 4), ">i4")
    heads[:, 0], heads[:, 3] = item.counts, item.surfaces
    words[is_head] = heads.ravel()
    words[~is_head] = item.points.astype(">f4").view(">i4").ravel()
    return words.tobytes(), (4 * starts).tolist()


def _counted(flags: BoolArray, ends: IntArray) -> list[int]:
    """How many flags are set before each contour, and in all."""
    counted: list[int] = np.append(0, np.cumsum(flags))[ends].tolist()
    return counted


def _label_bytes(text: str) -> bytes:
    """Write the data of a contour's chunk LABL; empty without a label."""
    if not text:
        return b""
    data = encode_text(text, 255)
    length = (len(data) // 4 + 1) * 4  # at least one zero ends the text
    return _TWO_INTS.pack(0, length) + data.ljust(length, b"\0")


def _label(model: ModFile, index: int) -> str:
    """Text of a contour label; labels of single points are left to 3dmod."""
    data = model.chunks[index][1]
    length = _TWO_INTS.unpack_from(data)[1] if len(data) >= 8 else -1
    if not 0 <= length <= len(data) - 8:
        raise model.error(index, "a label is longer than its chunk")
    return decode_text(data[8 : 8 + length])


def decode_text(data: bytes) -> str:
    """Decode text that ends at the first zero byte; old files are Latin-1."""
    data = data.partition(b"\0")[0]
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def encode_text(text: str, size: int) -> bytes:
    """Encode as at most `size` bytes of UTF-8 without cutting a character in two."""
    data = text.replace("\0", " ").encode("utf-8", "replace")
    return data if len(data) <= size else data[:size].decode("utf-8", "ignore").encode("utf-8")
