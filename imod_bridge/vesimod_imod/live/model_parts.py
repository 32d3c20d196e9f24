"""A model in pieces that can be changed one by one, with all else untouched."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.model.chunks import MODEL_CHUNKS, Chunk, ModFile

OF_CONTOUR = (b"LABL", b"SIZE", b"COST")
_OBJECT_COUNT, _CURRENT_CONTOUR = 140, 192  # in the model's header
_CONTOUR_COUNT = 128  # in an object's


@dataclass(repr=False)
class ObjectParts(ShortRepr):
    """An object in pieces: its head, the chunks of each contour, and what follows them."""

    head: bytes
    contours: list[list[Chunk]]
    rest: list[Chunk]

    @property
    def name(self) -> str:
        """Its name."""
        return self.head[:64].partition(b"\0")[0].decode("utf-8", "replace")

    def chunks(self) -> list[Chunk]:
        """Return it in one piece."""
        head = bytearray(self.head)
        struct.pack_into(">i", head, _CONTOUR_COUNT, len(self.contours))
        contours = [chunk for contour in self.contours for chunk in contour]
        return [(b"OBJT", bytes(head)), *contours, *self.rest]

    def set_in_head(self, offset: int, value: int) -> None:
        """Write a whole number into its head."""
        head = bytearray(self.head)
        struct.pack_into(">i", head, offset, value)
        self.head = bytes(head)


def take_apart(model: ModFile) -> tuple[list[Chunk], list[ObjectParts], list[Chunk]]:
    """Split into what precedes the objects, the objects, and the chunks of the whole model."""
    front: list[Chunk] = []
    objects: list[ObjectParts] = []
    rear: list[Chunk] = []
    for chunk in model.chunks:
        tag, data = chunk
        if tag == b"OBJT":
            objects.append(ObjectParts(data, [], []))
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
            end = 1 + max(k for k, (tag, _) in enumerate(last) if tag in (b"CONT", *OF_CONTOUR))
            item.rest = last[end:] + item.rest
            item.contours[-1] = last[:end]
    return front, objects, rear


def put_together(
    model: ModFile,
    front: list[Chunk],
    objects: list[ObjectParts],
    rear: list[Chunk],
    *,
    contours_moved: bool = False,
) -> ModFile:
    """Return the model with these parts in place of its own."""
    header = bytearray(model.header)
    struct.pack_into(">i", header, _OBJECT_COUNT, len(objects))
    if contours_moved:  # the current contour and point may be others now: none is current
        struct.pack_into(">2i", header, _CURRENT_CONTOUR, -1, -1)
    chunks = [*front, *(chunk for item in objects for chunk in item.chunks()), *rear]
    return replace(model, header=bytes(header), chunks=chunks)
