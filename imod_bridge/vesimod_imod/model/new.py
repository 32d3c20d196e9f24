"""A new model on a volume, as 3dmod would make it there."""

from __future__ import annotations

from collections.abc import Sequence

from vesimod_imod.core.spheres import Grid
from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.coordinates import image_reference
from vesimod_imod.model.header import (
    MATERIAL_IN_BYTES,
    MULTIPLE_CLIP_PLANES,
    NANOMETRES,
    ORIGIN_VALID,
    TILT_VALID,
    Header,
    build_mod,
)
from vesimod_imod.model.objects import ModelObject

_FLAGS = MULTIPLE_CLIP_PLANES | MATERIAL_IN_BYTES | ORIGIN_VALID | TILT_VALID


def new_model(name: str, objects: Sequence[ModelObject], grid: Grid) -> ModFile:
    """Make a model of objects in model coordinates of a volume."""
    header = Header(
        name=name,
        size=(grid.shape[2], grid.shape[1], grid.shape[0]),
        flags=_FLAGS,
        scale=(1.0, 1.0, grid.voxel_size_nm[0] / grid.xy_voxel_size_nm),
        pixel_size=grid.xy_voxel_size_nm,
        units=NANOMETRES,
    )
    return build_mod(header, objects, image_reference(grid))
