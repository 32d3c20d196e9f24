"""Dice coefficients of the stages of segmentation: the network's map, its mask, the spheres."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray, Labels
from vesimod_imod.core.spheres import Grid, Spheres

from vesimod.io.label_reading import read_labels
from vesimod.io.label_volume import distance_box, paint_spheres
from vesimod.io.read_spheres import FileKind, kind_of
from vesimod.io.tomogram import volume_on
from vesimod.measure.agreement import StageDice, ratio
from vesimod.vesicles.instances import split_instances


def stage_dice(
    probability: npt.NDArray[np.floating],
    threshold: float,
    found: Spheres,
    truth: BoolArray,
    grid: Grid,
    region: BoolArray | None = None,
) -> StageDice:
    """Compare each stage with the true voxels.

    Parameters
    ----------
    probability : (z, y, x) float
        The network's map on `grid`; may be memory-mapped.
    threshold : float
        Probability from which a voxel is vesicle.
    found : Spheres
        The result, centres in voxels of `grid`.
    truth : (z, y, x) bool
        Voxels of true vesicles.
    grid : Grid
    region : (z, y, x) bool, optional
        Voxels that count; default all.
    """
    mask = np.asarray(probability >= threshold)
    instances = split_instances(mask, grid.voxel_size_nm, None)
    kept = np.isin(instances, _instances_of(found, instances, grid))
    painted = inside_spheres(found, grid)
    counts = np.ones(mask.shape, bool) if region is None else region
    soft = soft_dice(probability, truth, counts)
    return StageDice(
        soft, *(dice(stage & counts, truth & counts) for stage in (mask, kept, painted))
    )


def true_voxels(
    path: Path, spheres: Spheres, grid: Grid, first_vesicle_id: int | None = None
) -> BoolArray:
    """Voxels of true vesicles: those of a label volume as they are, else the spheres'.

    Parameters
    ----------
    path : Path
        The file that the spheres were read from.
    spheres : Spheres
    grid : Grid
    first_vesicle_id : int, optional
        Of a label volume.
    """
    if kind_of(path) is FileKind.LABELS:
        return read_labels(volume_on(path, grid), first_vesicle_id=first_vesicle_id).inside
    return inside_spheres(spheres, grid)


def inside_spheres(spheres: Spheres, grid: Grid) -> BoolArray:
    """Voxels (z, y, x) of a grid that lie in spheres, whatever their ids."""
    painted: BoolArray = paint_spheres(Spheres(spheres.centres, spheres.radii_nm), grid) > 0
    return painted


def dice(a: BoolArray, b: BoolArray) -> float:
    """Twice what two masks share over what they hold together; NaN where both are empty."""
    whole = int(np.count_nonzero(a)) + int(np.count_nonzero(b))
    return ratio(2 * int(np.count_nonzero(a & b)), whole)


def soft_dice(probability: npt.NDArray[np.floating], truth: BoolArray, region: BoolArray) -> float:
    """Dice coefficient of a probability map with the true voxels.

    Twice the probability inside over the probability everywhere plus the voxels inside; for a
    map of zeros and ones that is the usual coefficient.

    Parameters
    ----------
    probability : (z, y, x) array
        0 to 1; may be memory-mapped.
    truth : (z, y, x) bool
        Voxels of true vesicles.
    region : (z, y, x) bool
        Voxels that count.

    Returns
    -------
    float
        NaN where there is nothing on either side.
    """
    shared = total = 0.0
    for plane, inside, counts in zip(probability, truth, region, strict=True):
        true = inside & counts
        shared += float(plane[true].sum(dtype=np.float64))
        total += float(plane[counts].sum(dtype=np.float64)) + int(true.sum())
    return ratio(2 * shared, total)


def _instances_of(found: Spheres, instances: Labels, grid: Grid) -> list[int]:
    """Label of the instance that shares most voxels with each found sphere, where one does."""
    labels = []
    for centre, radius in zip(found.centres, np.nan_to_num(found.radii_nm), strict=True):
        box, distance_nm = distance_box(centre, radius, grid)
        counts = np.bincount(instances[box][distance_nm <= radius])[1:]
        if len(counts):
            labels.append(int(np.argmax(counts)) + 1)
    return labels
