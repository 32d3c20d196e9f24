"""Each sphere by itself: three planes through its centre, small enough for thousands."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage
from vesimod_imod.core.arrays import FloatArray

from vesimod.figures.slabs import GREY_SHARES, GreyImage, as_grey, plane_axes
from vesimod.io.tomogram import Tomogram

EDGE = 64  # pixels of each plane
THICKNESS_NM = 4.0  # of a plane: much thinner than a vesicle, so that its outline stays sharp
QUALITY = 35  # of WebP: grain goes, membranes stay


def field_nm(radius_nm: float) -> float:
    """Half the width of what is shown around a sphere: itself and its next surroundings."""
    return 1.5 * radius_nm + 10.0


def planes_through(tomogram: Tomogram, centre: FloatArray, half_nm: float) -> GreyImage:
    """Read XY, XZ and YZ through a point, side by side, upwards as in 3dmod.

    Parameters
    ----------
    tomogram : Tomogram
        Only a box around the point is read.
    centre : (3,) float
        In voxels.
    half_nm : float
        Half the width of the planes.

    Returns
    -------
    (EDGE, 3 * EDGE) uint8
        Middle grey outside of the volume.
    """
    size = np.asarray(tomogram.grid.voxel_size_nm)
    reach = half_nm / size + 1
    low = np.floor(centre - reach).astype(int)
    high = np.ceil(centre + reach).astype(int) + 1
    inside_low = np.clip(low, 0, tomogram.grid.shape)
    inside_high = np.clip(high, inside_low, tomogram.grid.shape)
    z, y, x = (slice(a, b) for a, b in zip(inside_low, inside_high, strict=True))
    box = np.asarray(tomogram.grey[z, y, x], np.float32)
    local = centre - inside_low
    planes = [_plane(box, axis, local, size, half_nm) for axis in range(3)]
    known = np.concatenate([plane[np.isfinite(plane)] for plane in planes])
    shown = np.percentile(known, GREY_SHARES) if len(known) else (0.0, 1.0)
    return np.concatenate([as_grey(p, (float(shown[0]), float(shown[1]))) for p in planes], axis=1)


def _plane(
    box: npt.NDArray[np.float32], axis: int, centre: FloatArray, size: FloatArray, half_nm: float
) -> npt.NDArray[np.float32]:
    """Average a plane (EDGE, EDGE) across `axis`; NaN outside of the box."""
    half = max(0.5, 0.5 * THICKNESS_NM / size[axis])
    first = int(max(0, round(centre[axis] - half + 0.5)))
    last = int(min(box.shape[axis] - 1, round(centre[axis] + half - 0.5)))
    if last < first or 0 in box.shape:
        return np.full((EDGE, EDGE), np.nan, np.float32)
    index = [slice(None)] * 3
    index[axis] = slice(first, last + 1)
    mean = box[tuple(index)].mean(axis=axis)
    up, right = plane_axes(axis)
    image = mean.T if up > right else mean
    pixel_nm = 2 * half_nm / EDGE
    image = ndimage.gaussian_filter(
        image, [0.5 * max(1.0, pixel_nm / size[k]) for k in (up, right)]
    )
    offsets = (np.arange(EDGE) - (EDGE - 1) / 2) * pixel_nm
    rows = centre[up] - offsets / size[up]  # the first row is the top one
    columns = centre[right] + offsets / size[right]
    places = np.meshgrid(rows, columns, indexing="ij")
    sampled = ndimage.map_coordinates(image, places, order=1, cval=np.nan)
    return np.asarray(sampled, np.float32)


def as_webp(image: npt.NDArray[np.uint8], quality: int = QUALITY) -> str:
    """Return an image, grey or in colours, as an address that holds the picture itself."""
    stream = BytesIO()
    Image.fromarray(image).save(stream, "WEBP", quality=quality, method=2)
    return f"data:image/webp;base64,{b64encode(stream.getvalue()).decode()}"
