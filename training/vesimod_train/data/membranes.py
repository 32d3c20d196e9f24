"""Examples for networks that tell plasma membranes, and the inside of the cell with vesicles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from vesimod.network.resample import resample
from vesimod.network.spec import Normalisation

from vesimod_train.data.examples import Example, vesicle_example
from vesimod_train.simulate import SimulatedTomogram
from vesimod_train.simulate.membrane_truth import MIDDLE_NM

REACH_NM = 20.0  # distances are learned as far, which says on which side of a membrane a voxel is


def membrane_example(
    made: SimulatedTomogram,
    voxel_size_nm: float,
    normalisation: Normalisation,
    stretch: float = 1.0,
) -> Example:
    """Make an example of a simulated tomogram; parameters as in `vesicle_example`."""
    example = vesicle_example(made, voxel_size_nm, normalisation, stretch)
    shape = (example.volume.shape[0], example.volume.shape[1], example.volume.shape[2])
    if made.membranes is None:  # cytoplasm from border to border, or nothing but noise
        outline = np.full(shape, REACH_NM if len(example.spheres) else -REACH_NM, np.float32)
        return with_membranes(example, outline, np.full(shape, REACH_NM, np.float32))
    z, y, x = (stretch * s for s in made.grid.voxel_size_nm)
    far = 10 * REACH_NM  # where distances are only nearly so, they would spoil means
    own, facing = (
        np.full(shape, far, np.float32)
        if part is None
        else stretch
        * (resample(np.clip(part, -far, far), (z, y, x), (voxel_size_nm,) * 3, shape) + MIDDLE_NM)
        for part in (made.membranes.own, made.membranes.facing)
    )
    return with_membranes(example, -own, np.minimum(np.abs(own), np.abs(facing)))


def with_membranes(
    example: Example, outline_nm: npt.NDArray[np.floating], membrane_nm: npt.NDArray[np.floating]
) -> Example:
    """Say of an example where the cell's outline lies, and any plasma membrane.

    Parameters
    ----------
    example : Example
    outline_nm, membrane_nm : (z, y, x)
        Signed distance to the outline, positive inside; distance to the nearest membrane's middle.
    """
    return replace(
        example,
        distance_nm=np.clip(outline_nm, -REACH_NM, REACH_NM),
        membrane_nm=np.minimum(membrane_nm, REACH_NM),
    )
