"""Where a membrane was not seen, in words."""

from __future__ import annotations

import numpy as np
from vesimod_imod.core.arrays import IntArray

from vesimod.membranes.trace import Membrane

_HARDLY = 0.25  # part of a contour: where less is seen, its section is named


def unseen_in_words(membrane: Membrane) -> str:
    """Say how much of a membrane was seen, and on which sections hardly any."""
    sheets = membrane.sheets
    sections = np.concatenate([traced.sheet.sections for traced in sheets])
    seen = np.concatenate([(traced.seen | traced.border).mean(axis=1) for traced in sheets])
    blind = np.unique(sections[seen < _HARDLY])
    told = f"seen on {100 * membrane.seen_fraction:.0f} % of it; elsewhere it goes on smoothly"
    if not len(blind):
        return told
    return f"{told}; hardly any of it on sections {ranges_in_words(blind)}"


def ranges_in_words(sections: IntArray) -> str:
    """Ranges of sections as 3dmod counts them, from 1."""
    parts = np.split(sections, np.flatnonzero(np.diff(sections) > 1) + 1)
    return ", ".join(
        f"{part[0] + 1}" if len(part) == 1 else f"{part[0] + 1} to {part[-1] + 1}" for part in parts
    )
