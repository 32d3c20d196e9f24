"""A model as a whole: its header and its relation to an image.

Source of the layouts and flags: IMOD's page "IMOD Binary File Format".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.objects import XYZ, ModelObject, decode_text, encode_text, object_chunks

# Flags of the model
Z_FROM_MINUS_HALF = 1 << 10
MULTIPLE_CLIP_PLANES = 1 << 12
MATERIAL_IN_BYTES = 1 << 13
ORIGIN_VALID = 1 << 14
TILT_VALID = 1 << 15
FLIPPED_YZ = 1 << 16

NANOMETRES = -9
#: Length of the header's pixel size unit in nm; unit 0 means that it states none.
UNIT_NM = {3: 1e12, 1: 1e9, -2: 1e7, -3: 1e6, -6: 1e3, -9: 1.0, -10: 0.1, -12: 1e-3}

_HEADER = struct.Struct(">128s 3i i I 2i 2i 3f 3f 3i 2i f i I 3f".replace(" ", ""))
_MINX = struct.Struct(">18f")


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
            encode_text(self.name, 127), *self.size, object_count, self.flags,
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


def header_of(model: ModFile) -> Header:
    """Return the typed header."""
    v = _HEADER.unpack(model.header)
    return Header(decode_text(v[0]), v[1:4], v[5], v[13:16], v[21], v[22])


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


def build_mod(
    header: Header, objects: Sequence[ModelObject], image: ImageReference | None
) -> ModFile:
    """Put a new model together, as 3dmod would save it."""
    chunks = [chunk for item in objects for chunk in object_chunks(item)]
    if image is None:
        return ModFile(header.to_bytes(len(objects)), chunks)
    old = (1.0, 1.0, 1.0, *image.full_translation, 0.0, 0.0, 0.0)
    minx = _MINX.pack(*old, *image.scale, *image.translation, *image.rotation)
    chunks.append((b"MINX", minx))
    return ModFile(header.to_bytes(len(objects)), chunks)
