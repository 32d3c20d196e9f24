"""Averaged slabs through the whole depth, to scroll through."""

from __future__ import annotations

from typing import Any

from vesimod.figures.gallery import as_webp
from vesimod.figures.slabs import read_slab, sections_through
from vesimod.figures.slices import bar_length_nm
from vesimod.io.tomogram import Tomogram

MOST_SLABS = 40
MOST_PIXELS = 800  # along the longer side
QUALITY = 35  # of WebP; noise is what takes the room


def slab_stack(tomogram: Tomogram) -> dict[str, Any]:
    """Images of slabs from the lowest section up, and what it takes to place spheres on them."""
    grid = tomogram.grid
    size, shape = grid.voxel_size_nm, grid.shape
    longest_nm = max(shape[1] * size[1], shape[2] * size[2])
    pixel_nm = max(min(size[1], size[2]) / 2, longest_nm / MOST_PIXELS)
    positions = sections_through(shape[0], min(MOST_SLABS, shape[0]))
    images = []
    for position in positions:
        slab = read_slab(tomogram, 0, float(position), pixel_nm)
        images.append(as_webp(slab.image, QUALITY))
    return {
        "images": images,
        "positions": [round(float(position), 2) for position in positions],
        "width": slab.image.shape[1],
        "height": slab.image.shape[0],
        "pixel_nm": pixel_nm,
        "voxel_nm": list(size),
        "shape": list(shape),
        "bar_nm": bar_length_nm(slab.image.shape[1] * pixel_nm / 4),
    }
