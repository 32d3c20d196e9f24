"""Geometry of the simulated cell: signed distances and what is painted along them.

Distances are in nm, negative inside. Densities are relative to the cytosol's mean, the
lipid head groups being 1; dense is positive here, and becomes dark in the microscope.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from vesimod_imod.core.short_repr import ShortRepr

Volume = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]
Box = tuple[slice, slice, slice]

# A bilayer, head group to head group; leaflets blurred as a 2 nm voxel blurs them.
LEAFLET_DEPTHS_NM = (1.0, 5.0)
LEAFLET_SIGMA_NM = 1.1
CORE_DENSITY = 0.25


@dataclass(eq=False, repr=False)
class Canvas(ShortRepr):
    """A density being painted.

    Parameters
    ----------
    density : (z, y, x) float32
        Changed in place.
    size_nm : float
        Voxel size.
    """

    density: Volume
    size_nm: float

    @property
    def extent_nm(self) -> Vector:
        """Edges (z, y, x) of the canvas in nm."""
        return np.array(self.density.shape) * self.size_nm

    def box(self, centre_nm: Vector, reach_nm: float) -> tuple[Box, Vector] | None:
        """Voxels within a cube around a point, and their offsets (3, z, y, x) from it in nm.

        None where the cube lies outside of the canvas.
        """
        low = np.floor((centre_nm - reach_nm) / self.size_nm).astype(int)
        high = np.ceil((centre_nm + reach_nm) / self.size_nm).astype(int) + 1
        low, high = np.maximum(low, 0), np.minimum(high, self.density.shape)
        if np.any(low >= high):
            return None
        z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        axes = [
            np.arange(side.start, side.stop) * self.size_nm - c
            for side, c in zip((z, y, x), centre_nm, strict=True)
        ]
        return (z, y, x), np.stack(np.meshgrid(*axes, indexing="ij"))


def bilayer(distance_nm: npt.NDArray[np.floating]) -> Volume:
    """Density of a membrane whose outer surface lies at distance 0 and which reaches inwards."""
    outer, inner = LEAFLET_DEPTHS_NM
    depth = -distance_nm
    heads: Volume = np.exp(-0.5 * ((depth - outer) / LEAFLET_SIGMA_NM) ** 2)
    heads += np.exp(-0.5 * ((depth - inner) / LEAFLET_SIGMA_NM) ** 2)
    middle = 0.5 * (outer + inner)
    core = CORE_DENSITY * np.exp(-0.5 * ((depth - middle) / LEAFLET_SIGMA_NM) ** 2)
    density: Volume = (heads + core).astype(np.float32)
    return density


def ellipsoid_distance(offset_nm: Vector, axes_nm: Vector, rotation: Vector) -> Volume:
    """Approximate signed distance to an ellipsoid's surface.

    Exact for a sphere; elsewhere the first-order approximation (k - 1) k / |grad k|, with k
    the scaled radius, right near the surface where the membrane is painted.

    Parameters
    ----------
    offset_nm : (3, ...) array
        Position relative to the centre.
    axes_nm : (3,)
        Half axes.
    rotation : (3, 3)
        Rows are the directions of the axes.
    """
    along = np.tensordot(rotation, offset_nm, 1)
    scale = axes_nm.reshape(3, *[1] * (offset_nm.ndim - 1))
    k = np.sqrt(((along / scale) ** 2).sum(axis=0))
    gradient = np.sqrt(((along / scale**2) ** 2).sum(axis=0))
    k, gradient = np.maximum(k, 1e-6), np.maximum(gradient, 1e-9)
    distance: Volume = ((k - 1.0) * k / gradient).astype(np.float32)
    return distance


def polyline_distance(offset_nm: Vector, points_nm: Vector) -> Volume:
    """Distance from each position (3, ...) to a polyline (N, 3), in nm."""
    nearest = np.full(offset_nm.shape[1:], np.inf)
    expand = (3, *[1] * (offset_nm.ndim - 1))
    for start, end in pairwise(points_nm):
        way = end - start
        relative = offset_nm - start.reshape(expand)
        length = max(float(way @ way), 1e-9)
        t = np.clip((relative * way.reshape(expand)).sum(axis=0) / length, 0, 1)
        squared = ((relative - t * way.reshape(expand)) ** 2).sum(axis=0)
        np.minimum(nearest, squared, out=nearest)
    distance: Volume = np.sqrt(nearest).astype(np.float32)
    return distance


def random_rotation(rng: np.random.Generator) -> Vector:
    """Return a rotation matrix, uniformly distributed."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    rotation: Vector = q * np.sign(np.diag(r))
    return rotation


def smooth_field(
    shape: tuple[int, ...], size_nm: float, length_nm: float, rng: np.random.Generator
) -> Volume:
    """Smooth random field of mean 0 and SD 1 that varies over `length_nm`."""
    step = max(1, int(length_nm / size_nm / 2))
    coarse = rng.normal(size=[n // step + 4 for n in shape])
    coarse = ndimage.gaussian_filter(coarse, max(length_nm / size_nm / step, 0.5))
    coarse /= coarse.std() + 1e-9
    index = [np.arange(n) / step + 1.5 for n in shape]
    grid = np.stack(np.meshgrid(*index, indexing="ij"))
    field: Volume = ndimage.map_coordinates(coarse, grid, order=1).astype(np.float32)
    return field


def random_path(
    start_nm: Vector, direction: Vector, length_nm: float, bend: float, rng: np.random.Generator
) -> Vector:
    """Polyline (N, 3) of about `length_nm` whose direction wanders by `bend` at each step."""
    step_nm = 25.0
    points = [start_nm]
    for _ in range(max(1, int(length_nm / step_nm))):
        direction = direction + bend * rng.normal(size=3)
        direction = direction / np.linalg.norm(direction)
        points.append(points[-1] + step_nm * direction)
    return np.array(points)
