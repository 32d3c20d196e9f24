"""IMOD's ASCII models, as ``imodinfo -a`` writes them, turned into binary ones in memory.

Source of the format: IMOD's page "Imod ASCII File Format Version 2.0". Contours, sizes and
values, the header and the relation to the image are read; meshes, views and display
settings, which vesimod does not use, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.model.chunks import ModFile, ModFormatError
from vesimod_imod.model.header import (
    FLIPPED_YZ,
    MATERIAL_IN_BYTES,
    MULTIPLE_CLIP_PLANES,
    ORIGIN_VALID,
    TILT_VALID,
    Header,
    ImageReference,
    build_mod,
)
from vesimod_imod.model.objects import OPEN, SCATTERED, XYZ, ModelObject

_UNITS = {
    "pixels": 0,
    "km": 3,
    "m": 1,
    "cm": -2,
    "mm": -3,
    "um": -6,
    "nm": -9,
    "A": -10,
    "pm": -12,
}
_NO_SIZE = -1.0


def parse_ascii(data: bytes, path: Path | str = "model") -> ModFile:
    """Read the bytes of an ASCII model.

    Raises
    ------
    ModFormatError
        A line is not a number where one must be, or contours or points are missing.
    """
    reader = _Reader(data, path)
    first = reader.next_line()
    if not first or first[0].lower() != "imod":
        raise ModFormatError(path, 0, "not an IMOD model, neither binary nor ASCII")
    object_count = reader.integers(first, 1)[0]
    settings: dict[str, list[str]] = {}
    objects: list[_Object] = []
    while words := reader.next_line():
        word = words[0].lower()
        if word == "object":
            objects.append(_Object(reader.integers(words, 3)[1]))
        elif word == "contour" and objects:
            reader.read_contour(words, objects[-1])
        elif word == "mesh":
            reader.skip_mesh(words)
        elif objects:
            objects[-1].settings[word] = words
        else:
            settings[word] = words
    for number, item in enumerate(objects, 1):
        if len(item.counts) != item.stated:
            problem = f"object {number} states {item.stated} contours, {len(item.counts)} follow"
            raise ModFormatError(path, len(data), problem)
    if len(objects) != object_count:
        problem = f"the first line states {object_count} objects, {len(objects)} follow"
        raise ModFormatError(path, len(data), problem)
    model = build_mod(
        _header(settings, reader),
        [_build_object(item, reader) for item in objects],
        _image_reference(settings, reader),
    )
    return ModFile(model.header, model.chunks, path=str(path))


@dataclass(repr=False)
class _Object(ShortRepr):
    """An object while it is read."""

    stated: int
    settings: dict[str, list[str]] = field(default_factory=dict)
    points: list[list[float]] = field(default_factory=list)  # x, y, z, size, value
    counts: list[int] = field(default_factory=list)
    surfaces: list[int] = field(default_factory=list)


class _Reader:
    """Lines as words, without comments and blank lines; knows where it is for messages."""

    def __init__(self, data: bytes, path: Path | str) -> None:
        self.path = path
        self._lines = data.split(b"\n")
        self._line = 0
        self._offset = 0  # of the line after the present one
        self._start = 0

    def next_line(self) -> list[str]:
        """Words of the next line that has any; empty at the end of the file."""
        while self._line < len(self._lines):
            line = self._lines[self._line]
            self._line += 1
            self._start, self._offset = self._offset, self._offset + len(line) + 1
            if words := line.partition(b"#")[0].decode("latin-1").split():
                return words
        return []

    def error(self, problem: str) -> ModFormatError:
        return ModFormatError(self.path, self._start, problem)

    def numbers(self, words: list[str], count: int) -> list[float]:
        """Return the `count` numbers that follow the first word."""
        try:
            found = [float(word) for word in words[1 : count + 1]]
        except ValueError:
            found = []
        if len(found) < count or not all(abs(value) < 3e38 for value in found):
            raise self.error(f"{' '.join(words)!r}: {count} numbers must follow")
        return found

    def integers(self, words: list[str], count: int) -> list[int]:
        found = self.numbers(words, count)
        if not all(value.is_integer() and abs(value) < 2**31 for value in found):
            raise self.error(f"{' '.join(words)!r}: {count} whole numbers must follow")
        return [int(value) for value in found]

    def read_contour(self, words: list[str], item: _Object) -> None:
        """Read the points that follow the line "contour NUMBER SURFACE POINTS"."""
        _, surface, count = self.integers(words, 3)
        for _ in range(count):
            point = ["point", *self.next_line()]
            values = self.numbers(point, min(max(len(point) - 1, 3), 5))
            item.points.append(values + [_NO_SIZE, np.nan][len(values) - 3 :])
        item.counts.append(max(count, 0))
        item.surfaces.append(surface)

    def skip_mesh(self, words: list[str]) -> None:
        _, vertices, indices = self.integers(words, 3)
        for _ in range(vertices + indices):
            if not self.next_line():
                raise self.error("the file ends inside a mesh")


def _header(settings: dict[str, list[str]], reader: _Reader) -> Header:
    def triple(name: str, default: XYZ) -> XYZ:
        if name not in settings:
            return default
        x, y, z = reader.numbers(settings[name], 3)
        return x, y, z

    flags = MULTIPLE_CLIP_PLANES | MATERIAL_IN_BYTES
    flags |= ORIGIN_VALID * ("refoldtrans" in settings) | TILT_VALID * ("refcurrot" in settings)
    flags |= FLIPPED_YZ * (settings.get("flipped", ["", "0"])[-1] != "0")
    x, y, z = reader.integers(settings.get("max", ["max", "0", "0", "0"]), 3)
    return Header(
        name="IMOD-NewModel",
        size=(x, y, z),
        flags=flags,
        scale=triple("scale", (1.0, 1.0, 1.0)),
        pixel_size=reader.numbers(settings.get("pixsize", ["", "1"]), 1)[0],
        units=_UNITS.get(settings.get("units", ["", "pixels"])[-1], 0),
    )


def _image_reference(settings: dict[str, list[str]], reader: _Reader) -> ImageReference | None:
    if "refcurscale" not in settings:
        return None
    names = ("refcurscale", "refcurtrans", "refcurrot", "refoldtrans")
    values = []
    for name in names:
        x, y, z = reader.numbers(settings.get(name, [name, "0", "0", "0"]), 3)
        values.append((x, y, z))
    return ImageReference(*values)


def _build_object(item: _Object, reader: _Reader) -> ModelObject:
    words = item.settings
    table = np.array(item.points, np.float32).reshape(-1, 5)
    red, green, blue = reader.numbers(words.get("color", ["color", "0", "1", "0"]), 3)
    return ModelObject(
        name=" ".join(words.get("name", ["name"])[1:]),
        flags=OPEN * ("open" in words) | SCATTERED * ("scattered" in words),
        colour=(red, green, blue),
        default_radius=reader.integers(words.get("pointsize", ["pointsize", "0"]), 1)[0],
        points_per_contour=0,
        points=table[:, :3],
        counts=np.array(item.counts, np.int64),
        surfaces=np.array(item.surfaces, np.int64),
        sizes=table[:, 3],
        values=table[:, 4],
        labels=("",) * len(item.counts),
        symbol=reader.integers(words.get("symbol", ["symbol", "1"]), 1)[0],
    )
