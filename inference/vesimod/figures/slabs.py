"""Averaged slabs of a tomogram as grey images, and where spheres cut them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from vesimod_imod.core.arrays import FloatArray, IntArray
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Spheres

from vesimod.io.tomogram import Tomogram

GreyImage = npt.NDArray[np.uint8]
SLAB_NM = 6.0  # slices are averaged over this thickness: membranes stand out of the noise
GREY_SHARES = (0.5, 99.5)  # percentiles that become black and white
NAMES = ("XY", "XZ", "YZ")  # by the axis that is cut: z, y, x


@dataclass(frozen=True, eq=False, repr=False)
class Slab(ShortRepr):
    """One averaged slab.

    Parameters
    ----------
    axis : int
        Which axis of (z, y, x) it is cut across.
    position : float
        Its middle along that axis, in voxels.
    image : (rows, columns) uint8
        The first row at the top, as 3dmod shows it: y and z grow upwards. Axes are those of
        `plane_axes`.
    pixel_nm : float
    """

    axis: int
    position: float
    image: GreyImage
    pixel_nm: float


def plane_axes(axis: int) -> tuple[int, int]:
    """Axes that run upwards and to the right where `axis` is cut, as in 3dmod's XYZ window."""
    return ((1, 2), (0, 2), (1, 0))[axis]


def read_slab(
    tomogram: Tomogram, axis: int, position: float, pixel_nm: float, thickness_nm: float = SLAB_NM
) -> Slab:
    """Average a slab; grey values span what this slab holds.

    Parameters
    ----------
    tomogram : Tomogram
        Only the slab is read.
    axis : int
        Which axis of (z, y, x) is cut.
    position : float
        Where, in voxels.
    pixel_nm : float
        Size of the image's pixels.
    thickness_nm : float
        Of the slab; at least one section.
    """
    size_nm, count = tomogram.grid.voxel_size_nm, tomogram.grid.shape[axis]
    half = max(0.5, 0.5 * thickness_nm / size_nm[axis])
    first = int(np.clip(round(position - half + 0.5), 0, count - 1))
    last = int(np.clip(round(position + half - 0.5), first, count - 1))
    index = [slice(None)] * 3
    index[axis] = slice(first, last + 1)
    mean = np.asarray(tomogram.grey[tuple(index)], np.float32).mean(axis=axis)
    up, right = plane_axes(axis)
    image = mean.T if up > right else mean
    scale = (size_nm[up] / pixel_nm, size_nm[right] / pixel_nm)
    if min(scale) < 1:  # smaller pixels are averaged, not left out
        image = ndimage.uniform_filter(image, [max(1, round(1 / each)) for each in scale])
    image = ndimage.zoom(image, scale, order=1, mode="nearest", grid_mode=True)
    low, high = np.percentile(image, GREY_SHARES)
    return Slab(axis, position, as_grey(image, (float(low), float(high)))[::-1], pixel_nm)


def as_grey(image: npt.NDArray[np.float32], shown: tuple[float, float]) -> GreyImage:
    """Scale densities to 0..255; what is beyond the range is black or white, NaN middle grey."""
    low, high = shown
    scaled = np.clip((image - low) / max(high - low, 1e-12), 0, 1)
    return np.asarray(np.nan_to_num(scaled, nan=0.5) * 255, np.uint8)


def sections_through(count: int, number: int) -> FloatArray:
    """Positions (number,) in voxels that divide `count` sections evenly, none at the faces."""
    return (np.arange(number) + 0.5) * count / number - 0.5


def circles_in(slab: Slab, spheres: Spheres, voxel_nm: FloatArray) -> tuple[IntArray, FloatArray]:
    """Find where spheres cut the middle of a slab.

    Parameters
    ----------
    slab : Slab
    spheres : Spheres
        N spheres, centres in voxels.
    voxel_nm : (3,) float
        Voxel size of the tomogram.

    Returns
    -------
    rows : (M,) int64
        Which spheres.
    circles : (M, 3) float64
        Column, row (from the top) and radius of their circles, in pixels of the image.
    """
    up, right = plane_axes(slab.axis)
    off_nm = (spheres.centres[:, slab.axis] - slab.position) * voxel_nm[slab.axis]
    with np.errstate(invalid="ignore"):
        radius = np.sqrt(spheres.radii_nm**2 - off_nm**2) / slab.pixel_nm
    cut = np.flatnonzero(radius >= 1)
    columns = (spheres.centres[cut, right] + 0.5) * voxel_nm[right] / slab.pixel_nm - 0.5
    rows_up = (spheres.centres[cut, up] + 0.5) * voxel_nm[up] / slab.pixel_nm - 0.5
    rows = slab.image.shape[0] - 1 - rows_up
    return cut, np.stack([columns, rows, radius[cut]], axis=1)
