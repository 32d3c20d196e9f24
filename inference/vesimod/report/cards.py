"""Cards of the gallery: each vesicle with its pictures, its profile and what speaks against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from vesimod_imod.core.spheres import Spheres
from vesimod_imod.model.coordinates import shown_in_3dmod

from vesimod.figures.distributions import edge_nm, neighbour_nm, rounded
from vesimod.figures.gallery import as_webp, field_nm, planes_through
from vesimod.io.tomogram import Tomogram
from vesimod.radial.inspection import USUAL_NM, Inspection
from vesimod.report.subject import Subject
from vesimod.review.doubtful import find_doubts

Card = dict[str, Any]


def cards_of(
    subject: Subject, inspection: Inspection, progress: Callable[[int, int], None] | None = None
) -> list[Card]:
    """Make a card for each vesicle of the model, in its order.

    Parameters
    ----------
    subject : Subject
    inspection : Inspection
        Of its spheres.
    progress : callable, optional
        Called with (cards done, cards in all).
    """
    spheres, reading, grid = subject.spheres, subject.reading, subject.tomogram.grid
    doubts = find_doubts(spheres, inspection, grid)
    features = _features(subject, spheres, inspection)
    cards = []
    for row, doubt in enumerate(doubts):
        card = _place(subject.tomogram, spheres, row)
        card |= {
            "doubt": float(f"{doubt.amount:.3g}"),
            "words": list(doubt.words),
            "object": int(reading.object_number[row]),
            "contour": int(reading.contour_number[row]),
            "profile": rounded(inspection.profiles[row]),
            "features": {name: column[row] for name, column in features.items()},
        }
        cards.append(card)
        if progress:
            progress(row + 1, len(doubts))
    return cards


def dropped_cards(tomogram: Tomogram, dropped: Spheres) -> list[Card]:
    """Make a card for each candidate that was dropped, with the reason."""
    reasons = dropped.measures.get("reason", np.full(len(dropped), "not known"))
    return [
        _place(tomogram, dropped, row) | {"reason": str(reason)}
        for row, reason in enumerate(reasons)
    ]


def _place(tomogram: Tomogram, spheres: Spheres, row: int) -> Card:
    """Where a sphere is, how large, and what is to be seen there."""
    centre, radius = spheres.centres[row], float(spheres.radii_nm[row])
    z, y, x = (float(f"{each:.2f}") for each in centre)
    half = field_nm(radius if np.isfinite(radius) else USUAL_NM)
    return {
        "id": int(spheres.ids[row]),
        "z": z,
        "y": y,
        "x": x,
        "at": shown_in_3dmod(centre),
        "radius_nm": float(f"{radius:.2f}") if np.isfinite(radius) else None,
        "score": float(f"{spheres.scores[row]:.4f}"),
        "half_nm": float(f"{half:.1f}"),
        "image": as_webp(planes_through(tomogram, centre, half)),
    }


def _features(
    subject: Subject, spheres: Spheres, inspection: Inspection
) -> dict[str, list[float | None]]:
    """Numbers to sort and filter by: measured here, then those of vesimod's table."""
    grid = subject.tomogram.grid
    columns = {
        "membrane z here": inspection.membrane_z,
        "better centre (nm off)": inspection.shift_nm,
        "better radius (nm more)": inspection.radius_change_nm,
        "thickness (nm)": inspection.thickness_nm,
        "membrane contrast": inspection.contrast,
        "nearest neighbour (nm)": neighbour_nm(spheres, grid),
        "distance to a face (nm)": edge_nm(spheres, grid),
    }
    table = {n: c for n, c in spheres.measures.items() if np.asarray(c).dtype.kind in "biuf"}
    return {name: rounded(column) for name, column in (columns | table).items()}
