"""Volumes that lie in memory, as tomograms."""

from __future__ import annotations

from numbers import Real
from pathlib import Path
from typing import Any

import numpy.typing as npt
from vesimod_imod.core.arrays import Triple
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.spheres import Grid

from vesimod.io.tomogram import Tomogram, TomogramError
from vesimod.io.voxel_size import VOXEL_SIZE_RANGE_NM, doubtful_extent

ARRAY = Path("<array>")  # as Python names what came from no file


def tomogram_of_array(voxels: npt.NDArray[Any], voxel_size_nm: float) -> Tomogram:
    """Take a volume in memory for a tomogram.

    Parameters
    ----------
    voxels : (z, y, x) array
        Real grey values of any type.
    voxel_size_nm : float
        Along all axes.

    Raises
    ------
    TomogramError
        It has not three axes, is empty, a single image, or holds no real numbers.
    InputError
        The voxel size is outside 0.1 to 10 nm.
    """
    if voxels.ndim != 3 or not voxels.size or len(voxels) == 1:
        raise TomogramError(
            f"array of shape {voxels.shape}: a tomogram has three axes (z, y, x) and more than one "
            "section"
        )
    if voxels.dtype.kind not in "iuf":
        raise TomogramError(f"array of {voxels.dtype}: grey values are real numbers")
    shape = (voxels.shape[0], voxels.shape[1], voxels.shape[2])
    grid = Grid(shape, checked_size_nm(voxel_size_nm))
    return Tomogram(voxels, grid, ARRAY, warnings=tuple(doubtful_extent(ARRAY, grid)))


def checked_size_nm(size_nm: float) -> Triple:
    """Voxel size (z, y, x) in nm that somebody states for all axes."""
    low, high = VOXEL_SIZE_RANGE_NM
    if not (isinstance(size_nm, Real) and low <= size_nm <= high):
        raise InputError(
            f"`voxel_size_nm={size_nm}`: not one number from {low:g} to {high:g} nm "
            "(10 Angstrom are 1 nm)"
        )
    return (float(size_nm),) * 3
