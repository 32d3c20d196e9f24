"""Where things are on the screen of whoever looks at a model in 3dmod."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vesimod_imod.core.arrays import FloatArray
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Grid
from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.coordinates import from_voxels, shown_in_3dmod, shown_point


@dataclass(frozen=True, eq=False, repr=False)
class Screen(ShortRepr):
    """The image that a model was last saved on, as 3dmod showed it: a part of it, or flipped.

    Parameters
    ----------
    model : ModFile or None
        None: the whole volume, as it is.
    grid : Grid or None
        The volume that positions refer to, as in `vesimod_imod.model.coordinates.to_voxels`.
    """

    model: ModFile | None = None
    grid: Grid | None = None

    def position(self, centre: Sequence[float] | FloatArray) -> str:
        """Put a position (z, y, x) in voxels as 3dmod's boxes show it there."""
        if self._corners is None:
            return shown_in_3dmod(centre)
        first, axes = self._corners
        return shown_point((first + np.asarray(centre) @ axes).tolist())

    @cached_property
    def _corners(self) -> tuple[FloatArray, FloatArray] | None:
        """Point of voxel (0, 0, 0), and how points change with z, y and x; None: as usual."""
        if self.model is None:
            return None
        convert = from_voxels(self.model, self.grid)
        first = np.array(convert(np.zeros(3)))
        return first, np.array([convert(step) for step in np.eye(3)]) - first


#: Of a volume that is shown as it is.
WHOLE_SCREEN = Screen()
