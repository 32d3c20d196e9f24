"""Where vesicles are measured against: the tomogram's grid, its active zone, its outline."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from vesimod_imod.core.arrays import BoolArray
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.object_names import ACTIVE_ZONE, OUTLINE
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Grid

from vesimod.connectors.inputs import read_active_zone
from vesimod.io.region import read_region
from vesimod.measure.neighbours import RegionSample, sample_region
from vesimod.membranes.surface import Surface, read_surface
from vesimod.membranes.voxel_surface import surface_of_voxels


@dataclass(frozen=True, eq=False, repr=False)
class Places(ShortRepr):
    """A synapse but for its vesicles.

    Parameters
    ----------
    grid : Grid
    active_zone : Surface, optional
    outline : Surface, optional
        Of the cell; closed.
    region : (z, y, x) bool, optional
        Its inside, the outline's or a mask's; default everywhere.
    az_is_mask : bool
        The active zone's surface is that of a mask, whose area has no meaning.
    notes : tuple of str
        What is doubtful about them.
    """

    grid: Grid
    active_zone: Surface | None = None
    outline: Surface | None = None
    region: BoolArray | None = None
    az_is_mask: bool = False
    notes: tuple[str, ...] = ()

    @cached_property
    def sample(self) -> RegionSample:
        """Points that stand for the region."""
        region = np.ones(self.grid.shape, bool) if self.region is None else self.region
        return sample_region(region, self.grid.voxel_size_nm)


def read_places(
    grid: Grid,
    active_zone: Path | None = None,
    outline: Path | None = None,
    active_zone_name: str | None = None,
) -> Places:
    """Read the active zone and the outline of a synapse.

    Parameters
    ----------
    grid : Grid
        The tomogram's.
    active_zone : Path, optional
        A model of contours, or a volume: see `vesimod.connectors.inputs.read_active_zone`.
    outline : Path, optional
        A model of closed contours, or a mask volume, which has no surface to measure to.
    active_zone_name : str, optional
        Object of that model, where it has several.

    Raises
    ------
    InputError
        The outline is open; see also `read_surface` and `read_region`.
    """
    zone = surface = region = voxels = None
    notes: list[str] = []
    if active_zone is not None and active_zone.suffix.lower() == ".mod":
        zone = read_surface(active_zone, grid, active_zone_name, usual=ACTIVE_ZONE)
        notes += zone.notes
    elif active_zone is not None:
        voxels = read_active_zone(active_zone, grid)[0]
        zone = surface_of_voxels(voxels)
        notes.append(
            f"{active_zone}: a mask: distances are those to its voxels; it has no area, and "
            "numbers per square micrometre are left out"
        )
    if outline is not None:
        if outline.suffix.lower() == ".mod":
            surface = read_surface(outline, grid, usual=OUTLINE)
            notes += surface.notes
            if not surface.closed:
                raise InputError(
                    f"{outline}: the outline is open; close its contours in 3dmod (Edit > Object "
                    "> Type)"
                )
        else:
            notes.append(f"{outline}: a mask has no surface: distances to the outline are left out")
        region, doubts = read_region(outline, grid)
        if surface is None:
            notes += doubts
        if voxels is not None:
            region = region & ~voxels  # in a label volume, both are above 0
    return Places(grid, zone, surface, region, voxels is not None, tuple(notes))
