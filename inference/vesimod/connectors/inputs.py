"""Vesicles, active zone and region from the files that people have."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.object_names import ACTIVE_ZONE
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Grid, Spheres

from vesimod.io.label_reading import PYTO_FIRST_VESICLE
from vesimod.io.label_volume import paint_spheres
from vesimod.io.read_spheres import FileKind, kind_of, read_spheres
from vesimod.io.region import read_region
from vesimod.io.tomogram import volume_on
from vesimod.membranes.surface import mask, read_surface

PYTO_REGION, PYTO_ACTIVE_ZONE = 1, 2
AZ_THICKNESS_NM = 7.0  # of the membrane around an open surface
NO_REGION = (
    "no `region`: connectors were sought everywhere outside of the vesicles, also outside of the "
    "cell; draw its outline"
)
_LARGER = 5.0  # than a vesicle: then id 1 is a region


@dataclass(frozen=True, eq=False, repr=False)
class Places(ShortRepr):
    """What lies where in a tomogram.

    Parameters
    ----------
    vesicles : (z, y, x) array of whole numbers
        Id of the vesicle that each voxel belongs to; 0 for none.
    active_zone, region : (z, y, x) bool or None
    notes : tuple of str
        What had to be inferred, and what is doubtful.
    """

    vesicles: npt.NDArray[Any]
    active_zone: BoolArray | None
    region: BoolArray | None
    notes: tuple[str, ...] = ()

    def doubts(self) -> list[str]:
        """Its notes, and that there is no region where there is none."""
        return [*self.notes, *([NO_REGION] if self.region is None else [])]


def read_places(
    vesicles: Path,
    active_zone: Path | None,
    region: Path | None,
    grid: Grid,
    *,
    az_name: str | None = None,
    az_thickness_nm: float = AZ_THICKNESS_NM,
) -> Places:
    """Read what lies where.

    Parameters
    ----------
    vesicles : Path
        A model, a table or a label volume. In one of Pyto's form, where 1 is the region, 2 the
        active zone and vesicles begin at 10, the other two are found as well.
    active_zone : Path, optional
        A model whose open contours draw the membrane, or whose closed ones enclose it, or a volume
        that is above 0 there.
    region : Path, optional
        As `vesimod.io.region.read_region` takes it.
    grid : Grid
        Of the tomogram.
    az_name : str, optional
        Of the object that is the active zone, where its model has several.
    az_thickness_nm : float
        Of the membrane around open contours.

    Raises
    ------
    InputError
        There is no vesicle; a volume of another shape; contours that draw nothing in this tomogram.
    """
    if kind_of(vesicles) is FileKind.LABELS:
        found = _from_labels(vesicles, grid)
    else:
        reading = read_spheres(vesicles, grid)
        labels, doubts = painted(reading.spheres, grid, f"{vesicles}: ")
        notes = [f"{vesicles}: {warning}" for warning in reading.warnings]
        found = Places(labels, None, None, (*notes, *doubts))
    zone, inside = found.active_zone, found.region
    doubtful = list(found.notes)
    if active_zone is not None:
        zone, more = read_active_zone(active_zone, grid, az_name, az_thickness_nm)
        doubtful += more
    if region is not None:
        inside, more = read_region(region, grid)
        doubtful += more
    return Places(found.vesicles, zone, inside, tuple(doubtful))


def read_active_zone(
    path: Path, grid: Grid, name: str | None = None, thickness_nm: float = AZ_THICKNESS_NM
) -> tuple[BoolArray, tuple[str, ...]]:
    """Read the voxels (z, y, x) of an active zone; see `read_places`."""
    if path.suffix.lower() != ".mod":
        voxels = volume_on(path, grid).voxels
        labels = np.unique(voxels[:: max(1, len(voxels) // 16)])
        if PYTO_ACTIVE_ZONE in labels and labels.max(initial=0) >= PYTO_FIRST_VESICLE:
            return np.asarray(voxels) == PYTO_ACTIVE_ZONE, ()
        return _some(np.asarray(voxels) > 0, path), ()
    surface = read_surface(path, grid, name, usual=ACTIVE_ZONE)
    if surface.closed:
        return read_region(path, grid)
    zone = mask(surface, grid.shape, grid.voxel_size_nm, thickness_nm)
    return _some(zone, path), surface.notes


def painted(spheres: Spheres, grid: Grid, where: str = "") -> tuple[npt.NDArray[Any], list[str]]:
    """Paint vesicles into a label volume (z, y, x), and say what is doubtful.

    Raises
    ------
    InputError
        There is none with a radius in the volume.
    """
    labels = paint_spheres(spheres, grid)
    if not labels.any():
        raise InputError(f"{where}holds no vesicle with a radius that lies in the tomogram")
    lost = len(spheres) - len(np.unique(labels)[1:])
    return labels, [f"{where}{lost} vesicles without radius or voxel are left out"] if lost else []


def _some(found: BoolArray, path: Path) -> BoolArray:
    if not found.any():
        raise InputError(f"{path}: no voxel of the active zone lies in the tomogram")
    return found


def _from_labels(path: Path, grid: Grid) -> Places:
    """Vesicles of a label volume as they are drawn, and what else Pyto's have in them."""
    voxels = volume_on(path, grid).voxels
    counts: Counter[int] = Counter()
    for section in voxels:
        values, sizes = np.unique(section, return_counts=True)
        if not np.all(values >= 0) or np.any(values != np.floor(values)):
            odd = values[(values < 0) | (values != np.floor(values))][0]
            raise InputError(f"{path}: holds {odd:g}; a label volume has 0 and ids")
        counts.update(dict(zip(values.astype(np.int64).tolist(), sizes.tolist(), strict=True)))
    vesicle_sizes = [size for value, size in counts.items() if value >= PYTO_FIRST_VESICLE]
    usual = float(np.median(vesicle_sizes)) if vesicle_sizes else np.inf
    if counts.get(PYTO_REGION, 0) < _LARGER * usual:
        if not any(counts):
            raise InputError(f"{path}: holds no vesicle: all voxels are 0")
        return Places(np.asarray(voxels), None, None)
    labels = np.where(voxels >= PYTO_FIRST_VESICLE, voxels, 0)
    zone = np.asarray(voxels) == PYTO_ACTIVE_ZONE
    note = (
        f"{path}: taken for a label volume of Pyto's form: {PYTO_REGION} is the region, "
        f"{PYTO_ACTIVE_ZONE} the active zone, vesicles begin at {PYTO_FIRST_VESICLE}"
    )
    region = np.asarray(voxels) == PYTO_REGION
    return Places(labels, zone if zone.any() else None, region, (note,))
