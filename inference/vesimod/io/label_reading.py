"""Label volumes of any origin: which voxels are vesicles, and which sphere each of them is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from vesimod_imod.core.arrays import BoolArray, IntArray, Labels
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Grid, Spheres

from vesimod.io.label_volume import spheres_of_labels
from vesimod.io.tomogram import Tomogram

PYTO_FIRST_VESICLE = 10  # ids below are regions: cytoplasm, active zone and so on
_NEIGHBOURS = ndimage.generate_binary_structure(3, 3)
_CRUMB = 0.1  # of an id's largest body, below which another is a leftover of painting
# What is no vesicle by its shape: much longer than a ball of its volume, or far larger than others.
_LONGER = 1.8
_LARGER = 20.0


@dataclass(frozen=True, eq=False, repr=False)
class LabelReading(ShortRepr):
    """What a label volume holds.

    Parameters
    ----------
    spheres : Spheres
        One for each vesicle, centres in voxels of the volume. Ids are the labels; where a label
        has several bodies, the largest has its id and the others have new ones.
    inside : (z, y, x) bool
        Voxels of vesicles.
    warnings : list of str
        What had to be inferred or was left out.
    """

    spheres: Spheres
    inside: BoolArray
    warnings: list[str]


def read_labels(
    volume: Tomogram, grid: Grid | None = None, first_vesicle_id: int | None = None
) -> LabelReading:
    """Find the vesicles of a label volume.

    Parameters
    ----------
    volume : Tomogram
        From `vesimod.io.tomogram.read_volume` or `read_tomogram`.
    grid : Grid, optional
        Gives the voxel size; default: the volume's own.
    first_vesicle_id : int, optional
        Labels below are regions, not vesicles. Default: 10, as in Pyto's label volumes, where
        1 to 9 hold nothing like a vesicle but higher ones do; else 1.

    Raises
    ------
    InputError
        It holds something else than 0 and ids.
    """
    labels, ids = _whole_numbers(volume.voxels, volume.path)
    grid = volume.grid if grid is None else grid
    first, warnings = first_vesicle_id, []
    if first is None:
        regions = _pyto_regions(labels, ids)
        first = PYTO_FIRST_VESICLE if len(regions) else 1
        if len(regions):
            warnings.append(
                f"{_listed(regions)} taken for regions, as in Pyto's label volumes, where "
                "vesicles begin at 10 (`first_vesicle_id=1` counts them as vesicles)"
            )
    labels[np.append(False, ids < first)[labels]] = 0
    labels, ids, more = _single_bodies(labels, ids)
    spheres = spheres_of_labels(labels, grid.voxel_size_nm)
    spheres = Spheres(spheres.centres, spheres.radii_nm, ids=ids[spheres.ids - 1])
    return LabelReading(spheres.select(np.argsort(spheres.ids)), labels > 0, warnings + more)


def _whole_numbers(voxels: npt.NDArray[Any], path: Path) -> tuple[Labels, IntArray]:
    """Labels as numbers 1..N, in the order of their ids (N,); 0 stays 0."""
    values, inverse = np.unique(voxels, return_inverse=True)
    if not np.all(np.isfinite(values)) or np.any(values != np.rint(values)):
        raise InputError(f"{path}: holds fractions; a label volume has 0 and ids, whole numbers")
    if values[0] < 0:
        raise InputError(f"{path}: holds negative values; a label volume has 0 and ids")
    if len(values) and float(values[-1]) >= 1 << 31:
        raise InputError(f"{path}: id {float(values[-1]):g} is too large; ids fit into 32 bits")
    labels = inverse.reshape(voxels.shape).astype(np.int32) + np.int32(values[0] != 0)
    return labels, values[values != 0].astype(np.int64)


def _pyto_regions(labels: Labels, ids: IntArray) -> IntArray:
    """Ids 1 to 9 if all of them are regions by their shape and higher ids exist; else none."""
    low, high = ids[ids < PYTO_FIRST_VESICLE], ids[ids >= PYTO_FIRST_VESICLE]
    boxes = ndimage.find_objects(labels)
    counts = np.bincount(labels.ravel(), minlength=len(ids) + 1)[1:]
    typical = float(np.median(counts[len(low) :])) if len(high) else np.inf
    for row in range(len(low)):
        longest = max(part.stop - part.start for part in boxes[row])
        ball = 2 * np.cbrt(3 * counts[row] / (4 * np.pi))
        if longest < _LONGER * ball and counts[row] < _LARGER * typical:
            return low[:0]
    return low if len(high) else low[:0]


def _single_bodies(labels: Labels, ids: IntArray) -> tuple[Labels, IntArray, list[str]]:
    """Give each body of a label a label of its own.

    Returns
    -------
    bodies : (z, y, x) int32
        1..M, 0 where nothing or a crumb is.
    ids : (M,) int64
        Of the bodies.
    warnings : list of str
    """
    bodies = np.zeros_like(labels)
    body_ids: list[int] = []
    split, crumbs, free = [], 0, int(ids.max(initial=0)) + 1
    for row, box in enumerate(ndimage.find_objects(labels)):
        if box is None:
            continue
        parts, count = ndimage.label(labels[box] == row + 1, _NEIGHBOURS)
        sizes = np.bincount(parts.ravel())[1:]
        order = np.argsort(-sizes, kind="stable")
        kept = order[sizes[order] >= _CRUMB * sizes.max()]
        crumbs += count - len(kept)
        if len(kept) > 1:
            split.append(int(ids[row]))
        for rank, part in enumerate(kept):
            body_ids.append(int(ids[row]) if rank == 0 else free)
            free += rank > 0
            bodies[box][parts == part + 1] = len(body_ids)
    warnings = []
    if split:
        what = "a mask without ids? " if len(ids) == 1 else ""
        warnings.append(
            f"{_listed(np.array(split))} in several bodies: {what}each is taken for a vesicle of "
            "its own, and bodies that touch for one"
        )
    if crumbs:
        warnings.append(f"{crumbs} bodies much smaller than the largest of their id are left out")
    return bodies, np.array(body_ids, np.int64), warnings


def _listed(ids: IntArray, most: int = 8) -> str:
    """Ids in words, followed by a verb's beginning."""
    shown = ", ".join(str(number) for number in ids[:most])
    shown += f" and {len(ids) - most} more" if len(ids) > most else ""
    return f"id {shown} is" if len(ids) == 1 else f"ids {shown} are"
