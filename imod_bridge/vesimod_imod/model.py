"""Typed access to what vesimod uses of an IMOD model; all else stays opaque chunks.

An object's contours are columns rather than Python objects, since a tomogram has
thousands of one-point contours. Coordinates are IMOD's own x, y, z here.

Source of the layouts and flags: IMOD's page "IMOD Binary File Format".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vesimod_imod.chunks import Chunk, ModFile, join_chunks, parse_chunks
from vesimod_imod.files import atomic_path

Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
XYZ = tuple[float, float, float]

# Flags of the model
Z_FROM_MINUS_HALF = 1 << 10
MULTIPLE_CLIP_PLANES = 1 << 12
MATERIAL_IN_BYTES = 1 << 13
ORIGIN_VALID = 1 << 14
TILT_VALID = 1 << 15
FLIPPED_YZ = 1 << 16
# Flags of an object
OPEN = 1 << 3
SCATTERED = 1 << 9
# A general value of a point: its type, and the flags "index is an integer, value a float"
_VALUE, _VALUE_FLAGS = 10, 4
_STORE = np.dtype([("type", ">i2"), ("flags", ">u2"), ("index", ">i4"), ("x", ">f4")])
_VALUE_RANGE = struct.pack(">hHff", 11, 21, 0.0, 1.0)  # scores lie in 0..1
_NO_SIZE = struct.pack(">f", -1.0)
#: 3dmod's default material: ambient, diffuse, specular, shininess, ..., white level of values
_MATERIAL = bytes((102, 255, 127, 4, *[0] * 9, 255, 0, 0))

NANOMETRES = -9
#: Length of the header's pixel size unit in nm; unit 0 means that it states none.
UNIT_NM = {3: 1e12, 1: 1e9, -2: 1e7, -3: 1e6, -6: 1e3, -9: 1.0, -10: 0.1, -12: 1e-3}

_HEADER = struct.Struct(">128s 3i i I 2i 2i 3f 3f 3i 2i f i I 3f".replace(" ", ""))
_OBJECT = struct.Struct(">64s 16I i I 2i 3f i 8B 2i".replace(" ", ""))
_MINX = struct.Struct(">18f")
_TWO_INTS = struct.Struct(">2i")


@dataclass(frozen=True)
class Header:
    """The model's header.

    Parameters
    ----------
    name : str
    size : (int, int, int)
        Size x, y, z of the image that the model was last shown on.
    flags : int
    scale : (float, float, float)
        Scale of x, y, z for display; z over x is the voxels' aspect ratio.
    pixel_size, units : float, int
        Pixel size, and 10 to the power `units` metres as its unit; 0 means that it is unknown.
    """

    name: str
    size: tuple[int, int, int]
    flags: int
    scale: XYZ = (1.0, 1.0, 1.0)
    pixel_size: float = 1.0
    units: int = 0

    @property
    def pixel_size_nm(self) -> float | None:
        """Pixel size in nm; None where the header states none."""
        unit = UNIT_NM.get(self.units)
        if unit is None or not 0 < self.pixel_size < float("inf"):
            return None
        return self.pixel_size * unit

    def to_bytes(self, object_count: int) -> bytes:
        """Return the 232 bytes, with 3dmod's usual settings for the rest of them."""
        return _HEADER.pack(
            _clip_text(self.name, 127), *self.size, object_count, self.flags,
            1, 1, 0, 255, 0.0, 0.0, 0.0, *self.scale,
            0, -1, -1, 3, 128, self.pixel_size, self.units, 0, 0.0, 0.0, 0.0,
        )  # fmt: skip


@dataclass(frozen=True)
class ImageReference:
    """The chunk MINX, which relates model to image: lengths in Angstrom, angles in degrees.

    Parameters
    ----------
    scale : (float, float, float)
        Pixel size of the image in x, y, z.
    translation : (float, float, float)
        Origin of the part of the image that was loaded, in IMOD's sign: a subvolume that
        starts 200 Angstrom in has -200.
    rotation : (float, float, float)
        Tilt angles of the image about x, y, z.
    full_translation : (float, float, float)
        Origin of the whole image file.
    """

    scale: XYZ
    translation: XYZ
    rotation: XYZ
    full_translation: XYZ


@dataclass(frozen=True, eq=False)
class ModelObject:
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

    @property
    def kind(self) -> str:
        """One of "scattered", "open" and "closed"."""
        return "scattered" if self.flags & SCATTERED else "open" if self.flags & OPEN else "closed"

    @property
    def contour_of_point(self) -> IntArray:
        """(P,) int64: number of the contour that each point belongs to, from 0."""
        return np.repeat(np.arange(len(self.counts)), self.counts)


def read_mod(path: Path | str) -> ModFile:
    """Read a binary or ASCII model.

    Raises
    ------
    ModFormatError
        It is neither, or it is damaged.
    """
    data = Path(path).read_bytes()
    return parse_chunks(data, path)


def write_mod(path: Path | str, model: ModFile) -> None:
    """Write a model, all or nothing; the caller has checked that `path` may be replaced."""
    with atomic_path(Path(path)) as temporary:
        temporary.write_bytes(join_chunks(model))


def header_of(model: ModFile) -> Header:
    """Return the typed header."""
    v = _HEADER.unpack(model.header)
    return Header(_text(v[0]), v[1:4], v[5], v[13:16], v[21], v[22])


def image_reference_of(model: ModFile) -> ImageReference | None:
    """Return the last MINX chunk; None where there is none or its scale is not positive."""
    found = None
    for index, (tag, data) in enumerate(model.chunks):
        if tag == b"MINX":
            if len(data) != _MINX.size:
                raise model.error(index, f"MINX holds {len(data)} bytes, not 72")
            v = _MINX.unpack(data)
            found = ImageReference(v[9:12], v[12:15], v[15:18], v[3:6])
    if found is None or not all(0 < scale < float("inf") for scale in found.scale):
        return None
    return found


def objects_of(model: ModFile) -> list[ModelObject]:
    """Return the objects in the order of the file.

    Raises
    ------
    ModFormatError
        A label or a general value contradicts the length of its chunk.
    """
    starts = [i for i, (tag, _) in enumerate(model.chunks) if tag == b"OBJT"]
    return [
        _object(model, start, end)
        for start, end in zip(starts, [*starts[1:], len(model.chunks)], strict=True)
    ]


def build_mod(header: Header, objects: Sequence[ModelObject], image: ImageReference) -> ModFile:
    """Put a new model together, as 3dmod would save it."""
    chunks = [chunk for item in objects for chunk in _object_chunks(item)]
    old = (1.0, 1.0, 1.0, *image.full_translation, 0.0, 0.0, 0.0)
    minx = _MINX.pack(*old, *image.scale, *image.translation, *image.rotation)
    chunks.append((b"MINX", minx))
    return ModFile(header.to_bytes(len(objects)), chunks)


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
    table = np.frombuffer(b"".join(heads), ">i4").reshape(-1, 4)
    counts = table[:, 0].astype(np.int64)
    return ModelObject(
        name=_text(v[0]),
        flags=v[18],
        colour=v[21:24],
        default_radius=v[24],
        points_per_contour=v[1],
        points=np.frombuffer(b"".join(points), ">f4").astype(np.float32).reshape(-1, 3),
        counts=counts,
        surfaces=table[:, 3].astype(np.int64),
        sizes=np.frombuffer(b"".join(sizes), ">f4").astype(np.float32),
        values=_values(stores, counts),
        labels=tuple(labels),
        symbol=v[25],
        mesh_count=v[33],
    )


def _values(stores: Sequence[tuple[int, bytes]], counts: IntArray) -> Float32Array:
    """Spread the general values of contours over all points."""
    values = np.full(int(counts.sum()), np.nan, np.float32)
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


def _object_chunks(item: ModelObject) -> list[Chunk]:
    """Write an object as chunks, in the order in which 3dmod writes them."""
    n = len(item.counts)
    head = _OBJECT.pack(
        _clip_text(item.name, 63), item.points_per_contour, *[0] * 15,
        n, item.flags, 0, 1, *item.colour, item.default_radius,
        item.symbol, 3, 1, 1, 0, 0, 0, 0, 0, int(item.surfaces.max(initial=0)),
    )  # fmt: skip
    chunks: list[Chunk] = [(b"OBJT", head)]
    heads = np.zeros((n, 4), ">i4")
    heads[:, 0] = item.counts
    heads[:, 3] = item.surfaces
    entries = np.zeros(len(item.points), _STORE)
    entries["type"], entries["flags"], entries["x"] = _VALUE, _VALUE_FLAGS, item.values
    ends = np.cumsum(item.counts)
    firsts = ends - item.counts
    entries["index"] = np.arange(len(item.points)) - np.repeat(firsts, item.counts)
    head_bytes = heads.tobytes()
    point_bytes = item.points.astype(">f4").tobytes()
    size_bytes = item.sizes.astype(">f4").tobytes()
    sized = np.append(0, np.cumsum(item.sizes >= 0)).tolist()
    known = np.append(0, np.cumsum(np.isfinite(item.values))).tolist()
    for k, (first, end) in enumerate(zip(firsts.tolist(), ends.tolist(), strict=True)):
        chunks.append(
            (b"CONT", head_bytes[16 * k : 16 * k + 16] + point_bytes[12 * first : 12 * end])
        )
        if item.labels[k]:
            text = _clip_text(item.labels[k], 255)
            length = (len(text) // 4 + 1) * 4  # at least one zero ends the text
            chunks.append((b"LABL", _TWO_INTS.pack(0, length) + text.ljust(length, b"\0")))
        if sized[end] > sized[first]:
            chunks.append((b"SIZE", size_bytes[4 * first : 4 * end]))
        if known[end] > known[first]:
            store = entries[first:end][np.isfinite(item.values[first:end])]
            chunks.append((b"COST", store.tobytes()))
    chunks.append((b"IMAT", _MATERIAL))
    if known[-1]:
        chunks.append((b"OBST", _VALUE_RANGE))
    return chunks


def _label(model: ModFile, index: int) -> str:
    """Text of a contour label; labels of single points are left to 3dmod."""
    data = model.chunks[index][1]
    length = _TWO_INTS.unpack_from(data)[1] if len(data) >= 8 else -1
    if not 0 <= length <= len(data) - 8:
        raise model.error(index, "a label is longer than its chunk")
    return _text(data[8 : 8 + length])


def _text(data: bytes) -> str:
    """Decode text that ends at the first zero byte; old files are Latin-1."""
    data = data.partition(b"\0")[0]
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _clip_text(text: str, size: int) -> bytes:
    """Encode as at most `size` bytes of UTF-8 without cutting a character in two."""
    return text.replace("\0", " ").encode("utf-8")[:size].decode("utf-8", "ignore").encode("utf-8")
