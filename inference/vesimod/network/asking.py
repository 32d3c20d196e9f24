"""What is asked of a network: whether it can tell, and the tomogram at its voxel size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from vesimod_imod.core.arrays import Triple, Volume

from vesimod.io.tomogram import Tomogram, TomogramError
from vesimod.network.model import Model
from vesimod.network.resample import resampled_slabs
from vesimod.network.spec import ModelError
from vesimod.network.spec_values import CONNECTOR_OUTPUT, VESICLE_OUTPUT

ROUNDING = 1e-6  # of a grey value: that, and no more, resampling leaves of a constant volume
Progress = Callable[[str, int, int], None]


def check_tells(model: Model, outputs: tuple[str, ...]) -> None:
    """Refuse a network that was made for something else.

    Raises
    ------
    ModelError
        It does not give all of the outputs.
    """
    if not model.spec.tells(*outputs):
        known = {
            VESICLE_OUTPUT: "`model='fast'` tells vesicles",
            CONNECTOR_OUTPUT: "`network='connectors'` tells connectors",
        }
        use = known.get(outputs[0], "`model='outline'` tells membranes")
        raise ModelError(
            f"{model.path}: gives {', '.join(model.spec.outputs)}, not {', '.join(outputs)}; {use}"
        )


def at_model_size(
    tomogram: Tomogram, size_nm: Triple, model_nm: Triple, volume: Volume, report: Progress
) -> Volume:
    """Resample to the model's voxel size; refuse volumes that hold nothing usable."""
    shape = (volume.shape[0], volume.shape[1], volume.shape[2])
    for rows, slab in resampled_slabs(tomogram.grey, size_nm, model_nm, shape):
        if not np.isfinite(slab).all():
            raise TomogramError(
                f"{tomogram.path}: holds NaN or infinite grey values; reconstruct it again, or "
                "replace them (IMOD: clip truncate -l LOW -h HIGH)"
            )
        volume[rows] = slab
        report("reading", rows.stop, shape[0])
    low, high = float(volume.min()), float(volume.max())
    if high - low <= ROUNDING * max(abs(low), abs(high)):
        raise TomogramError(
            f"{tomogram.path}: every voxel has the value {low:g}; nothing to segment"
        )
    return volume
