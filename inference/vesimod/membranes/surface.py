"""A surface of triangles through contours on sections: distances to it, its voxels, its area."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from vesimod_imod.contour_model.read import Drawing, read_drawings
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray, Triple
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.object_names import plain
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Grid

from vesimod.membranes.joining import join, sections_of
from vesimod.membranes.nearest import nearest_nm
from vesimod.membranes.triangles import crossings, sampled, triangle_areas

_OUTSIDE = 0.3  # of the points: fewer outside of the volume are slips


class NoSurfaceError(InputError):
    """A model holds no contours that make a surface."""


@dataclass(frozen=True, eq=False, repr=False)
class Surface(ShortRepr):
    """A membrane as triangles.

    Parameters
    ----------
    vertices : (N, 3) float64
        z, y, x in voxels.
    faces : (M, 3) int64
        Rows of `vertices`.
    closed : bool
        Whether its contours are closed, so that it has an inside; at the first and the last
        section it ends open all the same, for there nobody drew a membrane.
    axis : int
        That the sections are stacked along: 0, z, unless y and z were exchanged in 3dmod.
    notes : tuple of str
        What was doubtful about the contours.
    """

    vertices: FloatArray
    faces: IntArray
    closed: bool = False
    axis: int = 0
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.faces)

    def corners_nm(self, voxel_size_nm: Triple) -> FloatArray:
        """Corners of the triangles, (M, 3, 3): triangle, corner, z y x in nm."""
        corners: FloatArray = (self.vertices * np.asarray(voxel_size_nm))[self.faces]
        return corners


def read_surface(
    path: Path, grid: Grid, name: str | None = None, *, usual: str | None = None
) -> Surface:
    """Read the surface that the contours of a model draw.

    Contours are joined between neighbouring drawn sections; see `vesimod.membranes.joining.join`.

    Parameters
    ----------
    path : Path
        An IMOD model of open or closed contours, made on this volume, on a binned one or on a
        part of it.
    grid : Grid
        The volume.
    name : str, optional
        Of the object, in upper or lower case; several of one name are one surface. Needed where
        the model has contours of several names, none of which is the usual one.
    usual : str, optional
        The name that is taken where there are several and none is asked for.

    Raises
    ------
    NoSurfaceError
        There are no such contours, or contours of several names, or all lie outside of the volume.
    ModFormatError
        The file is not a model, or it is damaged.
    """
    drawings, notes = read_drawings(path, grid)
    chosen = _chosen(path, drawings, name, usual)
    surfaces = [surface_of(drawing, grid.voxel_size_nm) for drawing in chosen]
    surfaces = [surface for surface in surfaces if len(surface)]
    notes += [note for surface in surfaces for note in surface.notes]
    if not surfaces:
        raise NoSurfaceError(
            f"{path}: no contour of {chosen[0].name!r} lies in one section; draw each in one"
        )
    starts = np.cumsum([0, *(len(surface.vertices) for surface in surfaces)])
    vertices = np.concatenate([surface.vertices for surface in surfaces])
    if min(grid.shape) > 0:
        notes += _outside(path, vertices, grid)
    return Surface(
        vertices,
        np.concatenate([s.faces + start for s, start in zip(surfaces, starts, strict=False)]),
        all(surface.closed for surface in surfaces),
        surfaces[0].axis,
        tuple(f"{path}: {note}" for note in notes),
    )


def _chosen(
    path: Path, drawings: list[Drawing], name: str | None, usual: str | None
) -> list[Drawing]:
    """Objects of one name: the one that is asked for, the usual one, or the only one."""
    if name is None and usual in {plain(drawing.name) for drawing in drawings}:
        name = usual
    names = sorted({drawing.name for drawing in drawings})
    listed = ", ".join(repr(n) for n in names)
    if not drawings:
        raise NoSurfaceError(
            f"{path}: no open or closed contours; draw the membrane, one contour in each section"
        )
    if name is None and len(names) > 1:
        remedy = f"; name one object {usual!r} in 3dmod" if usual else "; say which are meant"
        raise NoSurfaceError(f"{path}: has contours of {listed}{remedy}")
    wanted = plain(drawings[0].name if name is None else name)
    chosen = [drawing for drawing in drawings if plain(drawing.name) == wanted]
    if not chosen:
        raise NoSurfaceError(f"{path}: no contours in an object {name!r}; it has {listed}")
    return chosen


def _outside(path: Path, vertices: FloatArray, grid: Grid) -> list[str]:
    """Say how much of a surface lies outside of the volume; refuse one of which all does."""
    edge = np.array(grid.shape) - 0.5
    outside = np.any((vertices < -1.0) | (vertices > edge + 0.5), axis=1)
    if outside.all():
        raise NoSurfaceError(
            f"{path}: all of its contours lie outside of the volume of {grid.in_words}; "
            "is it a model of another tomogram?"
        )
    if outside.mean() <= _OUTSIDE:
        return []
    return [f"{outside.sum()} of {len(outside)} points lie outside of the volume"]


def surface_of(drawing: Drawing, voxel_size_nm: Triple) -> Surface:
    """Join the contours of one object; see `read_surface`. It may have no triangle."""
    if not drawing.contours:
        return Surface(np.empty((0, 3)), np.empty((0, 3), np.int64), drawing.closed)
    axis, flat = sections_of(drawing.contours)
    notes = []
    if not flat.all():
        notes.append(f"{(~flat).sum()} contours do not lie in one section: left out")
    vertices, faces = [np.empty((0, 3))], [np.empty((0, 3), np.int64)]
    for number in np.unique(drawing.surfaces[flat]):
        rows = np.flatnonzero(flat & (drawing.surfaces == number))
        here = [drawing.contours[k] for k in rows]
        points, triangles = join(here, drawing.closed, axis, voxel_size_nm)
        faces.append(triangles + sum(map(len, vertices)))
        vertices.append(points)
    return Surface(
        np.concatenate(vertices),
        np.concatenate(faces),
        drawing.closed,
        axis,
        tuple(f"object {drawing.name!r}: {note}" for note in notes),
    )


def distance_nm(
    surface: Surface, points: FloatArray, voxel_size_nm: Triple, *, signed: bool = False
) -> FloatArray:
    """Distance of points to the nearest triangle, exactly.

    Parameters
    ----------
    surface : Surface
    points : (P, 3) float64
        z, y, x in voxels.
    voxel_size_nm : (float, float, float)
    signed : bool
        Negative inside of a closed surface.

    Returns
    -------
    (P,) float64
        In nm; infinite where the surface has no triangle.

    Raises
    ------
    InputError
        `signed`, but the surface is open and has no inside.
    """
    points = np.asarray(points, np.float64).reshape(-1, 3)
    corners = surface.corners_nm(voxel_size_nm)
    distances = nearest_nm(corners, points * np.asarray(voxel_size_nm))
    if not signed:
        return distances
    return np.where(contains(surface, points), -distances, distances)


def contains(surface: Surface, points: FloatArray) -> BoolArray:
    """Whether points lie inside of a closed surface, between its first and last section.

    A section is a voxel high: half a voxel beyond the first and the last still counts.

    Parameters
    ----------
    surface : Surface
    points : (P, 3) float64
        z, y, x in voxels.

    Raises
    ------
    InputError
        The surface is open.
    """
    if not surface.closed:
        raise InputError("the surface is open and has no inside; close its contours in 3dmod")
    points = np.array(points, np.float64).reshape(-1, 3)
    along = points[:, surface.axis]
    ends = surface.vertices[surface.faces][..., surface.axis]
    low, high = ends.min(initial=np.inf), ends.max(initial=-np.inf)
    near = (along > low - 0.5) & (along < high + 0.5)
    points[:, surface.axis] = np.clip(along, low + 1e-6, high - 1e-6)
    inside = np.zeros(len(points), bool)
    inside[near] = crossings(surface.vertices[surface.faces], points[near]) % 2 == 1
    return inside


def mask(
    surface: Surface, shape: tuple[int, int, int], voxel_size_nm: Triple, thickness_nm: float
) -> BoolArray:
    """Voxels whose centre lies within half of a thickness of a surface.

    To a tenth of a voxel: the surface is sampled at half of one.

    Parameters
    ----------
    surface : Surface
    shape : (int, int, int)
        Voxels (z, y, x).
    voxel_size_nm : (float, float, float)
    thickness_nm : float

    Returns
    -------
    (z, y, x) bool
    """
    size, half_nm = np.asarray(voxel_size_nm), 0.5 * thickness_nm
    reach = np.floor(half_nm / size + 0.5).astype(int)
    steps = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"))
    steps = steps.reshape(3, -1).T
    padded = np.zeros(shape + 4 * reach, bool)  # where nothing has to be cut off
    _, rows_y, rows_x = (shape + 4 * reach).tolist()
    strides = np.array([rows_y * rows_x, rows_x, 1])
    flat, spacing = padded.reshape(-1), 0.5 * float(size.min())
    for samples, _ in sampled(surface.corners_nm(voxel_size_nm), spacing):
        samples = _one_in_each(samples, spacing)
        voxels = np.rint(samples / size).astype(np.int64)
        inside = np.all((voxels >= -reach) & (voxels < shape + reach), axis=1)
        voxels, samples = voxels[inside], samples[inside]
        off = voxels * size - samples
        # |off + step|^2, for all steps at once
        squares = (off**2).sum(axis=1)[:, None] + 2 * off @ (steps * size).T
        near = squares + ((steps * size) ** 2).sum(axis=1) <= half_nm**2
        rows, columns = np.nonzero(near)
        flat[((voxels + 2 * reach) @ strides)[rows] + (steps @ strides)[columns]] = True
    z, y, x = (slice(2 * n, 2 * n + side) for n, side in zip(reach.tolist(), shape, strict=True))
    return padded[z, y, x]


def _one_in_each(samples: FloatArray, side: float) -> FloatArray:
    """Keep one point (N, 3) in each cube of a lattice."""
    cells = np.floor(samples / side).astype(np.int64)
    cells -= cells.min(axis=0)
    keys = np.ravel_multi_index(tuple(cells.T), tuple(cells.max(axis=0) + 1))
    return samples[np.unique(keys, return_index=True)[1]]


def area_nm2(surface: Surface, voxel_size_nm: Triple) -> float:
    """Area of the triangles in nm^2."""
    return float(triangle_areas(surface.corners_nm(voxel_size_nm)).sum())
