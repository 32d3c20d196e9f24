"""Spheres that do not lie in the volume, and what would put them there."""

from __future__ import annotations

import numpy as np

from vesimod_imod.core.arrays import BoolArray, FloatArray
from vesimod_imod.core.spheres import Grid
from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.coordinates import grid_of
from vesimod_imod.model.header import header_of, image_reference_of

_MANY = 0.3  # of the points: fewer outside are slips, or vesicles that the border cuts
_ENOUGH = 0.95  # of them inside make an explanation
_FEW = 5  # from so many on, one may be outside: a vesicle that the border cuts
_BINNINGS = (2.0, 3.0, 4.0, 6.0, 8.0)
_UNLIKE = 0.03  # difference of two images' extents that binning and rounding do not explain


def misplaced(positions: FloatArray, radii_nm: FloatArray, grid: Grid) -> list[str]:
    """Say how many spheres lie outside a volume, and by which factor or shift they would not.

    Parameters
    ----------
    positions : (N, 3) float64
        z, y, x in voxels.
    radii_nm : (N,) float64
        May be NaN. A vesicle that the border cuts may be centred beyond it.
    grid : Grid
        The volume.
    """
    if min(grid.shape) <= 0 or not len(positions):
        return []
    off = (positions - np.clip(positions, -0.5, np.array(grid.shape) - 0.5)) * grid.voxel_size_nm
    outside = int(np.sum(np.linalg.norm(off, axis=1) > np.nan_to_num(radii_nm)))
    if not outside:
        return []
    told = f"{outside} of {len(positions)} spheres lie outside the volume"
    if outside <= _MANY * len(positions):
        return [told]
    return [f"{told}; {_explained(positions, grid)}"]


def another_image(model: ModFile, grid: Grid) -> list[str]:
    """Say if the image that a model was made on can be neither this volume nor a part of it."""
    own, size_known = grid_of(model)
    reference, shape = image_reference_of(model), np.array(own.shape)
    if min(own.shape) <= 0 or not size_known or own.shape == grid.shape:
        return []
    sizes = " x ".join(str(n) for n in own.shape[::-1])
    made = f"it was made on an image of {sizes} voxels of {own.voxel_size_nm[2]:.3g} nm"
    rotated = reference is not None and any(
        abs(a - b) > 0.1 for a, b in zip(own.tilt_angles_deg, grid.tilt_angles_deg, strict=True)
    )
    ratio = shape * own.voxel_size_nm / (np.array(grid.shape) * grid.voxel_size_nm)
    alike = np.allclose(own.voxel_size_nm, grid.voxel_size_nm, rtol=0.01)
    same_start = np.allclose(own.origin_nm, grid.origin_nm, atol=0.5)
    flipped = sorted(own.shape) == sorted(grid.shape)  # trimvol -yz: said elsewhere
    if rotated or flipped:
        return []
    if not alike and same_start and np.any(np.abs(np.log(ratio)) > _UNLIKE):
        factor = own.voxel_size_nm[2] / grid.voxel_size_nm[2]
        return [
            f"{made}, whose extent is not this volume's: points converted by a factor of "
            f"{factor:.3g}; is it a model of another tomogram?"
        ]
    if alike and same_start and np.all(shape >= grid.shape) and header_of(model).size:
        return [
            f"{made}; this volume is smaller and its header does not say where in it it lies: "
            "points taken as they are, which is a shift where a border was trimmed at the start"
        ]
    return []


def _explained(positions: FloatArray, grid: Grid) -> str:
    """Find what would put the points inside, in words."""
    shape, nm = np.array(grid.shape, np.float64), np.array(grid.voxel_size_nm)
    units = [
        (factor, f"{factor[2]:g}", "unbinned pixels") for factor in np.outer(_BINNINGS, np.ones(3))
    ]
    units += [(nm, f"{nm[2]:.4g}", "nm"), (10 * nm, f"{10 * nm[2]:.4g}", "Angstrom")]
    units = sorted((u for u in units if u[0].min() > 1), key=lambda unit: float(unit[0][2]))
    for middle in (0.0, 0.5):
        shift = middle * shape
        z, y, x = shift
        add = f"add x {x:g}, y {y:g}, z {z:g}" if middle else ""
        if middle and _fits(positions + shift, shape):
            return f"they seem to count from the volume's middle: {add}"
        for factor, number, unit in units:
            if _fits(positions / factor + shift, shape):
                what = f"they seem to be in {unit}: divide by {number}"
                return f"{what}, then {add}, as they count from the middle" if middle else what
    origin = np.array(grid.origin_nm) / nm
    if _fits(positions - origin, shape):
        z, y, x = origin
        return (
            "they seem to count from the origin that the header states: "
            f"subtract x {x:.1f}, y {y:.1f}, z {z:.1f}"
        )
    axes = "zyx"
    low, high = positions.min(axis=0), positions.max(axis=0)
    reach = ", ".join(f"{axes[k]} {low[k]:.0f} to {high[k]:.0f}" for k in (2, 1, 0))
    return f"they reach from {reach} voxels: is it a model of another image?"


def _fits(positions: FloatArray, shape: FloatArray) -> bool:
    inside: BoolArray = np.all((positions > -1) & (positions < shape), axis=1)
    allowed = max((1 - _ENOUGH) * len(inside), float(len(inside) >= _FEW))
    return int((~inside).sum()) <= allowed
