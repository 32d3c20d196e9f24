"""Colours of scores: people who do not tell red from green tell these apart, also on grey."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import FloatArray

from vesimod.vesicles.scoring import MIN_SCORE

#: Vermilion, yellow and sky blue of Okabe and Ito's palette: doubtful, middling, sure.
DOUBTFUL, MIDDLING, SURE = (213, 94, 0), (240, 228, 66), (86, 180, 233)
SCORE_STOPS = (MIN_SCORE, 0.5 * (MIN_SCORE + 1), 1.0)


def score_colours(scores: FloatArray) -> npt.NDArray[np.uint8]:
    """Return a colour (N, 3) for each score (N,); what is not accepted is coloured as doubtful."""
    known = np.nan_to_num(np.asarray(scores, np.float64), nan=1.0)
    table = np.array([DOUBTFUL, MIDDLING, SURE], np.float64)
    channels = [np.interp(known, SCORE_STOPS, table[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
