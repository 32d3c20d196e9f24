"""What post-processing returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from vesimod_imod.spheres import Spheres

Volume = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Candidates:
    """Everything that was taken for a vesicle, kept or not.

    Parameters
    ----------
    spheres : Spheres
        Accepted; centres in voxels of the tomogram, radius at the membrane's outer edge.
    dropped : Spheres
        Rejected; the measure ``reason`` says why. Ids are distinct from those of `spheres`.
    labels : (z, y, x) int32
        Instances on the probability's grid: 0 outside, else the id of the sphere.
    threshold : float
        Probability from which a voxel counted as vesicle.
    notes : tuple of str
        What had to be decided, in words for the user.
    """

    spheres: Spheres
    dropped: Spheres
    labels: Labels
    threshold: float
    notes: tuple[str, ...] = ()
