"""A picture of the result: spheres drawn on central slices, laid out as in 3dmod's XYZ window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage import draw, io
from vesimod_imod.core.arrays import FloatArray
from vesimod_imod.core.files import atomic_path, check_writable
from vesimod_imod.core.spheres import Spheres

from vesimod.io.tomogram import Tomogram

Image = npt.NDArray[np.uint8]
SPHERE_COLOUR = (255, 200, 0)
BAR_COLOUR = (255, 255, 255)
SLAB_NM = 6.0  # slices are averaged over this thickness: membranes stand out of the noise
BAR_NM = 100.0
MIN_EDGE = 1000  # pixels along the picture's longer side, so that circles are drawn finely
MAX_EDGE = 2400
GAP = 8


def draw_picture(
    path: Path, tomogram: Tomogram, spheres: Spheres, *, overwrite: bool = False
) -> None:
    """Write a PNG of the central XY, XZ and YZ slices with every sphere that they cut.

    XY lies at the lower left, XZ above it, YZ at its right; y and z grow upwards in XY and
    XZ, as in 3dmod's XYZ window. The white bar is 100 nm long.

    Parameters
    ----------
    path : Path
        PNG to write.
    tomogram : Tomogram
        The volume; only the three slabs are read.
    spheres : Spheres
        Centres in voxels of the tomogram.
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    FileExistsError
        `path` exists and `overwrite` is false.
    """
    path = Path(path)
    check_writable(path, overwrite)
    size_nm = np.asarray(tomogram.grid.voxel_size_nm)
    extent_nm = np.asarray(tomogram.grid.shape) * size_nm
    width_nm, height_nm = extent_nm[2] + extent_nm[0], extent_nm[1] + extent_nm[0]
    longest_nm = max(width_nm, height_nm)
    pixel_nm = float(np.clip(size_nm.min(), longest_nm / MAX_EDGE, longest_nm / MIN_EDGE))
    # Panels as (axis cut, vertical axis, horizontal axis).
    xy = _panel(tomogram, spheres, (0, 1, 2), pixel_nm)
    xz = _panel(tomogram, spheres, (1, 0, 2), pixel_nm)
    yz = _panel(tomogram, spheres, (2, 1, 0), pixel_nm)
    height, width = xz.shape[0] + GAP + xy.shape[0], xy.shape[1] + GAP + yz.shape[1]
    canvas = np.full((height, width, 3), 40, np.uint8)
    canvas[: xz.shape[0], : xz.shape[1]] = xz
    canvas[-xy.shape[0] :, : xy.shape[1]] = xy
    canvas[-yz.shape[0] :, -yz.shape[1] :] = yz
    bar = min(round(BAR_NM / pixel_nm), xy.shape[1] - 4 * GAP)
    canvas[-3 * GAP : -2 * GAP, 2 * GAP : 2 * GAP + max(bar, 1)] = BAR_COLOUR
    with atomic_path(path) as temporary:
        io.imsave(temporary, canvas, check_contrast=False)


def _panel(
    tomogram: Tomogram, spheres: Spheres, axes: tuple[int, int, int], pixel_nm: float
) -> Image:
    """Draw one slice: grey values, then a circle for each sphere cut; first row at the top."""
    cut, down, across = axes
    size_nm = np.asarray(tomogram.grid.voxel_size_nm)
    shape = tomogram.grid.shape
    middle = (shape[cut] - 1) / 2
    half = max(0.5, 0.5 * SLAB_NM / size_nm[cut])
    slab = slice(max(0, round(middle - half)), min(shape[cut], round(middle + half) + 1))
    index = [slice(None)] * 3
    index[cut] = slab
    image = np.asarray(tomogram.voxels[tuple(index)], np.float32).mean(axis=cut)
    if down > across:
        image = image.T
    zoom = (size_nm[down] / pixel_nm, size_nm[across] / pixel_nm)
    image = ndimage.zoom(image, zoom, order=1, mode="nearest", grid_mode=True)
    low, high = np.percentile(image, (0.5, 99.5))
    grey = np.clip((image - low) / max(high - low, 1e-12), 0, 1)
    panel = np.repeat((grey * 255).astype(np.uint8)[:, :, None], 3, axis=2)
    offset_nm = (spheres.centres[:, cut] - middle) * size_nm[cut]
    radius_nm = np.sqrt(np.maximum(spheres.radii_nm**2 - offset_nm**2, 0))
    rows = (spheres.centres[:, down] + 0.5) * zoom[0] - 0.5
    columns = (spheres.centres[:, across] + 0.5) * zoom[1] - 0.5
    for row, column, radius in zip(rows, columns, radius_nm / pixel_nm, strict=True):
        if radius >= 1:
            _circle(panel, row, column, radius)
    return panel[::-1]  # the first row of a volume is the lowest in 3dmod


def _circle(panel: Image, row: float, column: float, radius: float) -> None:
    """Draw a circle two pixels wide, clipped at the panel's edges."""
    for r in (radius - 0.5, radius + 0.5):
        angles = np.linspace(0, 2 * np.pi, max(24, int(4 * np.pi * r)))
        points: FloatArray = np.stack([row + r * np.sin(angles), column + r * np.cos(angles)])
        draw.set_color(panel, tuple(np.rint(points).astype(int)), SPHERE_COLOUR)
