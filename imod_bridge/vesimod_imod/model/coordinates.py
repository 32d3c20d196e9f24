"""Where a model's points lie in a volume: the only place that knows IMOD's axes and offsets.

The centre of voxel (k, j, i) is the model point x = i + 0.5, y = j + 0.5, z = k: x and y
run from 0 to n, z from -0.5 to n - 0.5, and row 0 is the bottom of 3dmod's window.

When 3dmod loads a model on another image it converts the points by means of the chunk
MINX, which says on which image they were last seen. `to_voxels` does the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from vesimod_imod.core.arrays import Float32Array, FloatArray, Triple
from vesimod_imod.core.spheres import Grid
from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.header import (
    FLIPPED_YZ,
    ORIGIN_VALID,
    TILT_VALID,
    Z_FROM_MINUS_HALF,
    Header,
    ImageReference,
    header_of,
    image_reference_of,
)
from vesimod_imod.model.objects import XYZ

_ANGSTROM_PER_NM = 10.0
_UNKNOWN_NM = 0.1  # what IMOD takes for the pixel size of an image that states none
_FIRST_VOXEL = np.array([0.5, 0.5, 0.0])  # its centre's x, y, z


def to_model(centres: FloatArray) -> FloatArray:
    """Model points x, y, z of positions (z, y, x) in voxels."""
    points: FloatArray = centres[:, ::-1] + _FIRST_VOXEL
    return points


def from_model(points: FloatArray) -> FloatArray:
    """Positions (z, y, x) in voxels of model points x, y, z: the inverse of `to_model`."""
    centres: FloatArray = (np.asarray(points, np.float64) - _FIRST_VOXEL)[:, ::-1]
    return centres


def shown_in_3dmod(centre: Sequence[float] | FloatArray) -> str:
    """Put a position (z, y, x) in voxels of the whole image as 3dmod's boxes show it."""
    z, y, x = centre
    return shown_point((x + _FIRST_VOXEL[0], y + _FIRST_VOXEL[1], z + _FIRST_VOXEL[2]))


def shown_point(xyz: Sequence[float]) -> str:
    """Put a point of a model as 3dmod's boxes show it: whole numbers from 1.

    A model's own points are those on the screen, also of a part of the image (subarea) or of
    one that is shown flipped (``3dmod -Y``).
    """
    x, y, z = xyz
    return f"x {math.floor(x) + 1}, y {math.floor(y) + 1}, z {math.floor(z + 0.5) + 1}"


def image_reference(grid: Grid) -> ImageReference:
    """Return what 3dmod would write as MINX for a model made on this volume."""
    scale = _reversed(grid.header_voxel_size_nm or grid.voxel_size_nm, _ANGSTROM_PER_NM)
    # IMOD's sign: a subvolume that starts further in has the more negative origin.
    translation = _reversed(grid.origin_nm, -_ANGSTROM_PER_NM)
    return ImageReference(scale, translation, _reversed(grid.tilt_angles_deg, 1.0), translation)


def to_voxels(
    points: Float32Array | FloatArray, model: ModFile, grid: Grid | None
) -> tuple[FloatArray, list[str]]:
    """Positions of model points in a volume.

    Parameters
    ----------
    points : (P, 3)
        Points x, y, z of `model`.
    model : ModFile
    grid : Grid or None
        The volume. None: the image file that the model was last saved on.

    Returns
    -------
    positions : (P, 3) float64
        Positions (z, y, x) in voxels.
    warnings : list of str
        What had to be assumed.
    """
    header = header_of(model)
    points = np.asarray(points, np.float64)
    if header.flags & FLIPPED_YZ:  # a plain exchange, as 3dmod's, in spite of the half voxel
        points = points[:, [0, 2, 1]]
    reference = image_reference_of(model)
    if reference is None:
        warnings = ["it does not say on which image it was made: points taken as they are"]
        return (points - _FIRST_VOXEL)[:, ::-1], warnings
    if grid is None:
        if header.flags & ORIGIN_VALID:  # points count from the part that was loaded
            part = np.subtract(reference.full_translation, reference.translation)
            points = points + part / reference.scale
        return (points - _FIRST_VOXEL)[:, ::-1], []
    target = image_reference(grid)
    if _only_header_changed(header, reference, grid):
        warnings = [
            f"it was made when the image's header stated {reference.scale[0] / 10:g} nm pixels, "
            f"not {target.scale[0] / 10:g} nm: points taken as pixels of this volume"
        ]
        return (points - _FIRST_VOXEL)[:, ::-1], warnings
    # Old versions of 3dmod scale z from the middle of the first section, newer ones from
    # its edge; undo what was done. A model without views was never saved by 3dmod.
    by_old_3dmod = _has_views(model) and not header.flags & Z_FROM_MINUS_HALF
    edge = np.array([0.0, 0.0, 0.0 if by_old_3dmod else 0.5])
    angstrom = (points + edge) * reference.scale - reference.translation
    rotated = not np.allclose(reference.rotation, target.rotation, atol=0.01)
    if rotated and header.flags & TILT_VALID:
        angstrom = angstrom @ _rotation(reference.rotation) @ _rotation(target.rotation).T
    points = (angstrom + _rounded(target.translation)) / _rounded(target.scale) - edge
    warnings = []
    z, y, x = grid.shape
    if not rotated and y != z and _image_size(header) == (x, z, y):
        warnings = [
            "it was saved on an image whose y and z are this volume's z and y (trimvol -yz?), "
            "which 3dmod does not convert: check that the spheres lie on their vesicles"
        ]
    return (points - _FIRST_VOXEL)[:, ::-1], warnings


def from_voxels(model: ModFile, grid: Grid | None) -> Callable[[FloatArray], XYZ]:
    """Return the inverse of `to_voxels`, which is affine: from a position (3,) to a point."""
    corners = to_voxels(np.vstack([np.zeros(3), np.eye(3)]), model, grid)[0]
    inverse = np.linalg.inv(corners[1:] - corners[0])

    def convert(centre: FloatArray) -> XYZ:
        x, y, z = ((centre - corners[0]) @ inverse).tolist()
        return x, y, z

    return convert


def radius_unit_nm(
    model: ModFile, grid: Grid | None, sizes: FloatArray, written_nm: FloatArray
) -> tuple[float | None, list[str]]:
    """Length in nm of the pixel that the model's radii count in.

    When 3dmod converts points to an image of another pixel size, it leaves radii and the
    header's pixel size as they were; the newest versions scale the radii, too. Which of the
    two happened shows where the radii with which spheres were written are known.

    Parameters
    ----------
    model : ModFile
    grid : Grid or None
        The volume; None for the image file that the model was last saved on.
    sizes, written_nm : (N,)
        Radii as the model states them and, of the same spheres, as vesimod wrote them in nm;
        either may be NaN.

    Returns
    -------
    unit : float or None
        None where neither the model nor the volume states a pixel size.
    warnings : list of str
        What had to be assumed.
    """
    header = header_of(model)
    stated = header.pixel_size_nm
    reference = image_reference_of(model)
    seen_on = _seen_on_nm(header, reference, grid)
    true = grid.xy_voxel_size_nm if grid else None
    # Where the user overruled the volume's header, lengths that rest on it are wrong alike.
    wrong = image_reference(grid).scale[0] / _ANGSTROM_PER_NM if grid else None
    correction = true / wrong if true and wrong else 1.0
    if grid and reference and seen_on and _only_header_changed(header, reference, grid):
        return true, ["radii taken in pixels of this volume"]
    if stated is None:
        unit = seen_on * correction if seen_on else true
        taken = "taken in pixels of the image" if unit else "in nm are unknown without the tomogram"
        return unit, [f"it states no pixel size: radii {taken}"]
    if true:
        # Either the pixel size is true, or it comes from the header that was overruled.
        unit = min(stated, stated * correction, key=lambda unit: abs(np.log(unit / true)))
    else:
        unit = stated
    if seen_on is None or _alike(stated, seen_on) or _alike(stated, seen_on * correction):
        return unit, []
    scaled = seen_on * correction
    moved = f"it moved from {stated:g} nm pixels to an image of {seen_on:g} nm pixels"
    if _agreeing(sizes * scaled, written_nm) > _agreeing(sizes * unit, written_nm):
        return scaled, [f"{moved}, and 3dmod scaled its radii: taken in the latter"]
    return unit, [f"{moved}, where 3dmod leaves radii as they were: taken in the former"]


def _agreeing(radii_nm: FloatArray, written_nm: FloatArray) -> int:
    return int(np.sum(np.abs(radii_nm - written_nm) <= 0.01 * written_nm))


def grid_of(model: ModFile) -> tuple[Grid, bool]:
    """Return the image file that a model was last saved on, and whether its voxel size is known.

    Where it is not, the voxel size is the one that IMOD takes then, 1 Angstrom.
    """
    header, reference = header_of(model), image_reference_of(model)
    x, y, z = _image_size(header)
    shape = (z, y, x)
    stated = header.pixel_size_nm
    if reference is None:
        xy = stated or _UNKNOWN_NM
        return Grid(shape, (xy * header.scale[2], xy, xy)), stated is not None
    seen = _reversed(reference.scale, 1 / _ANGSTROM_PER_NM)
    grid = Grid(
        shape,
        seen,
        _reversed(reference.full_translation, -1 / _ANGSTROM_PER_NM),
        _reversed(reference.rotation, 1.0),
    )
    if reference.scale != (1.0, 1.0, 1.0):
        return grid, True
    # The image states no voxel size. The model's own may still be the true one, and then the
    # person's z scale makes up for the image's.
    xy = stated or _UNKNOWN_NM
    true = (xy * header.scale[2], xy, xy)
    return replace(grid, voxel_size_nm=true, header_voxel_size_nm=seen), stated is not None


def _seen_on_nm(
    header: Header, reference: ImageReference | None, grid: Grid | None
) -> float | None:
    """Pixel size of the image that a model was last saved on, as its header stated it.

    A model without pixel size and 1 Angstrom in MINX stems from an image without pixel size.
    """
    if reference is None:
        return None
    if grid is None and header.pixel_size_nm is None and reference.scale[0] == 1:
        return None
    return reference.scale[0] / _ANGSTROM_PER_NM


def _alike(a: float, b: float) -> bool:
    """Whether two pixel sizes differ by no more than rounding in headers."""
    return abs(a - b) <= 0.01 * b


def _image_size(header: Header) -> tuple[int, int, int]:
    """Size x, y, z of the image that a model was last saved on, in the file's own order."""
    x, y, z = header.size
    return (x, z, y) if header.flags & FLIPPED_YZ else (x, y, z)


def _only_header_changed(header: Header, reference: ImageReference, grid: Grid) -> bool:
    """Whether the model was made on this very volume, whose stated pixel size was another."""
    same_size = _image_size(header) == grid.shape[::-1]
    return same_size and not _alike(reference.scale[0], image_reference(grid).scale[0])


def _has_views(model: ModFile) -> bool:
    return any(tag == b"VIEW" for tag, _ in model.chunks)


def _rotation(degrees: XYZ) -> FloatArray:
    """Matrix that turns by the angles about z, then y, then x: IMOD's order."""
    turned = np.eye(3)
    for axis in (2, 1, 0):
        a, b = [k for k in range(3) if k != axis]
        c, s = np.cos(np.radians(degrees[axis])), np.sin(np.radians(degrees[axis]))
        step = np.eye(3)
        step[a, a] = step[b, b] = c
        step[a, b], step[b, a] = (-s, s) if axis != 1 else (s, -s)
        turned = step @ turned
    return turned


def _rounded(values: XYZ) -> FloatArray:
    """Round as a file does, so that a model lies exactly on the volume it was made for."""
    return np.array(values, np.float32).astype(np.float64)


def _reversed(values: Triple, factor: float) -> XYZ:
    """Turn z, y, x into x, y, z, or back, and scale; adding 0 turns -0 into 0."""
    return (factor * values[2] + 0.0, factor * values[1] + 0.0, factor * values[0] + 0.0)
