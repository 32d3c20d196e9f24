"""IMOD's binary model file as a list of chunks: bytes in, the same bytes out.

Every chunk is kept, known or not, in the order of the file, so that reading and then
writing an undamaged file gives back each of its bytes. What the chunks mean is the
business of :mod:`vesimod_imod.model.header`.

Source of the layout: IMOD's page "IMOD Binary File Format, Version 1, Revision 2".
All numbers are big-endian.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vesimod_imod.core.errors import VesimodError
from vesimod_imod.core.short_repr import ShortRepr

MAGIC = b"IMODV1.2"
HEADER_SIZE = 232
OBJECT_SIZE = 176
_FIRST_CHUNK = len(MAGIC) + HEADER_SIZE
_OBJECT_COUNT = 148  # where the header states it, in bytes from the start of the file
_CONTOURS, _MESHES = 128, 168  # where an OBJT states how many of them follow
#: Chunks without a length field: the counts their data starts with say how long they are.
_UNSIZED = frozenset((b"OBJT", b"CONT", b"MESH"))
#: Chunks of the whole model, which come after its last object.
MODEL_CHUNKS = (b"VIEW", b"MINX", b"MCLP", b"SLAN", b"MOST", b"OGRP")

Chunk = tuple[bytes, bytes]  # four-letter id, and the data without id and length
_one_int = struct.Struct(">i").unpack_from
_two_ints = struct.Struct(">2i").unpack_from


class ModFormatError(VesimodError, ValueError):
    """A file that is not an IMOD model, or a damaged one.

    Attributes
    ----------
    path : str
        The file.
    offset : int
        The byte at which it stops making sense.
    """

    def __init__(self, path: Path | str, offset: int, problem: str) -> None:
        self.path = str(path)
        self.offset = offset
        super().__init__(f"{path}: byte {offset}: {problem}")


@dataclass(frozen=True, repr=False)
class ModFile(ShortRepr):
    """A model file in pieces.

    Parameters
    ----------
    header : bytes
        The 232 bytes after the magic number.
    chunks : sequence of (id, data)
        Everything between the header and ``IEOF``.
    trailer : bytes
        Whatever follows ``IEOF``; nothing in ordinary files.
    path : str
        Where it came from, for messages.
    """

    header: bytes
    chunks: Sequence[Chunk]
    trailer: bytes = b""
    path: str = "model"

    def error(self, index: int, problem: str) -> ModFormatError:
        """Build the error that blames chunk number `index`."""
        return ModFormatError(self.path, _FIRST_CHUNK + _length(self.chunks[:index]), problem)


def parse_chunks(data: bytes, path: Path | str = "model") -> ModFile:
    """Split the bytes of a binary model file.

    Raises
    ------
    ModFormatError
        The bytes are not a binary model, are cut short, or a count or length in them is
        impossible. Nothing is allocated on the word of a count that the size refutes.
    """
    _check_start(data, path)
    chunks = list(_walk(data, _FIRST_CHUNK, path))
    objects = sum(tag == b"OBJT" for tag, _ in chunks)
    stated = _one_int(data, _OBJECT_COUNT)[0]
    if stated != objects:
        raise ModFormatError(
            path, _OBJECT_COUNT, f"the header states {stated} objects, {objects} follow"
        )
    end = _FIRST_CHUNK + _length(chunks) + 4
    return ModFile(data[len(MAGIC) : _FIRST_CHUNK], chunks, data[end:], str(path))


def join_chunks(model: ModFile) -> bytes:
    """Return the bytes of the file; the inverse of `parse_chunks`."""
    pack = struct.Struct(">i").pack
    parts = [MAGIC, model.header]
    for tag, data in model.chunks:
        if tag in _UNSIZED:
            parts += (tag, data)
        else:
            parts += (tag, pack(len(data)), data)
    parts += (b"IEOF", model.trailer)
    return b"".join(parts)


def recover_chunks(data: bytes, path: Path | str = "model") -> tuple[ModFile, list[str]]:
    """Take what is whole out of a damaged file.

    Returns
    -------
    model : ModFile
        Every object whose contours and meshes are all there, and the chunks of the whole
        model as far as they can be read. The header's object count is set to match.
    notes : list of str
        What was kept and what was lost, in words.

    Raises
    ------
    ModFormatError
        Not even the header is there.
    """
    _check_start(data, path)
    chunks: list[Chunk] = []
    notes: list[str] = []
    kept = 0
    position = _FIRST_CHUNK
    for start in (match.start() for match in re.finditer(b"OBJT", data)):
        if start < position:
            continue  # four such bytes inside an object already read
        found, problem = _read_object(data, start, path)
        if problem:
            notes.append(f"left out a damaged object: {problem}")
            continue
        chunks += found
        kept += 1
        position = start + _length(found)
    starts = [at for tag in MODEL_CHUNKS if (at := data.find(tag, position)) >= 0]
    try:
        for chunk in _walk(data, min(starts, default=position), path):
            if chunk[0] in _UNSIZED:
                break  # remains of a damaged object
            chunks.append(chunk)
    except ModFormatError as error:
        notes.append(f"the end of the file is damaged: {error}")
    stated = _one_int(data, _OBJECT_COUNT)[0]
    notes.append(f"kept {kept} whole objects; the header states {stated}")
    header = bytearray(data[len(MAGIC) : _FIRST_CHUNK])
    struct.pack_into(">i", header, _OBJECT_COUNT - len(MAGIC), kept)
    return ModFile(bytes(header), chunks, path=str(path)), notes


def _check_start(data: bytes, path: Path | str) -> None:
    if data[:4] != MAGIC[:4]:
        raise ModFormatError(path, 0, f"not an IMOD model: starts with {data[:8]!r}")
    if data[:8] != MAGIC:
        version = data[4:8].decode("latin-1")
        raise ModFormatError(
            path, 4, f"version {version!r} is not V1.2; open it in 3dmod and save it again"
        )
    if len(data) < _FIRST_CHUNK:
        raise ModFormatError(path, len(data), "the file ends inside its header")


def _walk(data: bytes, position: int, path: Path | str) -> Iterator[Chunk]:
    """Yield chunks from `position` up to ``IEOF``, checking each count before it is used."""
    size = len(data)
    object_start = position
    contours = meshes = 0  # still to come in the present object
    points = -1  # of the present contour
    while True:
        tag = data[position : position + 4]
        body = position + 4
        if tag == b"IEOF" or tag == b"OBJT":
            if contours or meshes:
                raise ModFormatError(
                    path,
                    object_start,
                    f"this object lacks {contours} contours and {meshes} meshes it states",
                )
            if tag == b"IEOF":
                return
            object_start = position
            end = body + OBJECT_SIZE
            if end <= size:
                contours = _one_int(data, body + _CONTOURS)[0]
                meshes = _one_int(data, body + _MESHES)[0]
                if contours < 0 or meshes < 0:
                    raise ModFormatError(path, position, "an object states a negative count")
            points = -1
        elif size - body < 8:
            raise ModFormatError(path, position, "the file ends without IEOF")
        elif tag == b"CONT":
            contours -= 1
            points = _one_int(data, body)[0]
            if contours < 0 or points < 0:
                raise ModFormatError(path, position, "a contour too many or with too few points")
            end = body + 16 + 12 * points
        elif tag == b"MESH":
            meshes -= 1
            vertices, indices = _two_ints(data, body)
            if meshes < 0 or vertices < 0 or indices < 0:
                raise ModFormatError(path, position, "a mesh too many or of a negative size")
            end = body + 16 + 12 * vertices + 4 * indices
            points = -1
        else:
            length = _one_int(data, body)[0]
            body += 4
            end = body + length
            if length < 0 or not tag.isalnum():
                raise ModFormatError(path, position, f"no chunk: id {tag!r}, length {length}")
            if tag == b"SIZE" and length != 4 * points:
                raise ModFormatError(path, position, f"{length} bytes of sizes for {points} points")
        if end > size:
            raise ModFormatError(
                path, position, f"{tag!r} needs {end - size} bytes more than the file has"
            )
        yield tag, data[body:end]
        position = end


def _read_object(data: bytes, start: int, path: Path | str) -> tuple[list[Chunk], str]:
    """Read the object at `start` with all that belongs to it; say what damage it has, if any."""
    chunks: list[Chunk] = []
    try:
        for chunk in _walk(data, start, path):
            if chunks and (chunk[0] == b"OBJT" or chunk[0] in MODEL_CHUNKS):
                break
            chunks.append(chunk)
    except ModFormatError as error:
        end = start + _length(chunks)
        ends_whole = len(data) - end < 8 or data[end : end + 4] in (b"OBJT", *MODEL_CHUNKS)
        if error.offset <= start or not ends_whole:
            return chunks, str(error)
        # else the damage lies behind this object
    tags = [tag for tag, _ in chunks]
    counts = chunks[0][1]
    stated = (_one_int(counts, _CONTOURS)[0], _one_int(counts, _MESHES)[0])
    if stated != (tags.count(b"CONT"), tags.count(b"MESH")):
        problem = f"it states {stated[0]} contours and {stated[1]} meshes"
        return chunks, f"{path}: byte {start}: {problem}, but not all of them are there"
    return chunks, ""


def _length(chunks: Sequence[Chunk]) -> int:
    """Bytes that these chunks take in a file."""
    return sum(len(data) + (4 if tag in _UNSIZED else 8) for tag, data in chunks)
