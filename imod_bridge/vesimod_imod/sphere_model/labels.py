"""What marks a point as a sphere of ours, or a contour as a membrane: its label, size, name."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray
from vesimod_imod.core.object_names import ACTIVE_ZONE, OUTLINE
from vesimod_imod.model.objects import ModelObject

_ID = re.compile(r"\bid=(\d{1,18})\b")
_WRITTEN = re.compile(r"\br=(\d+\.\d+)nm\b")
_SCORE = re.compile(r"\bp=(0\.\d+|1\.0+)\b")
#: Pixels. No vesicle is that small, but 3dmod's plugins mark points as checked by a size.
MARKER_SIZE = 1.0
MOST_LOG_ODDS = 10.0
#: Begins the labels of contours that were traced along a membrane.
MEMBRANE = "membrane"


class Label(NamedTuple):
    """What a contour's label states: -1 and NaN where it does not.

    Parameters
    ----------
    number : int
        The sphere's id.
    radius_nm : float
        With which it was written.
    score : float
        The probability; the general value beside it, to sort and colour by, is its log-odds.
    """

    number: int = -1
    radius_nm: float = float("nan")
    score: float = float("nan")


def sphere_label(number: int, radius_nm: float, score: float = float("nan")) -> str:
    """Return the contour label of a sphere; `parse_label` reads it."""
    radius = f" r={radius_nm:.3f}nm" if radius_nm > 0 else ""
    return f"vesimod id={number}{radius}" + (f" p={score:.6f}" if 0 <= score <= 1 else "")


def parse_label(label: str) -> Label:
    """Read a label of ours; others state nothing."""
    number, radius, score = (each.search(label) for each in (_ID, _WRITTEN, _SCORE))
    return Label(
        int(number[1]) if number else -1,
        float(radius[1]) if radius else np.nan,
        float(score[1]) if number and score else np.nan,
    )


def is_membrane(item: ModelObject) -> bool:
    """Whether an object's contours lie along a membrane, round as it may be: no vesicles."""
    if item.kind == "scattered":
        return False
    traced = any(label.startswith((f"{MEMBRANE} ", f"{MEMBRANE},")) for label in item.labels)
    return traced or item.name.casefold() in (OUTLINE, ACTIVE_ZONE)


def value_of_score(scores: FloatArray) -> FloatArray:
    """Log-odds of probabilities, within +-`MOST_LOG_ODDS`: the value that 3dmod shows for them.

    Scores crowd near 1, where their log-odds spread, so that the doubtful come out first.
    """
    least = 1 / (1 + np.exp(MOST_LOG_ODDS))
    inside = np.clip(scores, least, 1 - least)
    values: FloatArray = np.log(inside) - np.log1p(-inside)
    return values


def is_radius(sizes: FloatArray, ids: IntArray) -> BoolArray:
    """Which sizes (N,) in pixels are radii: large ones, and those of spheres with an id of ours.

    Ids are -1 where there is none.
    """
    radius: BoolArray = (sizes > MARKER_SIZE) | ((sizes > 0) & (ids >= 0))
    return radius


def label_data(item: ModelObject) -> tuple[IntArray, FloatArray, FloatArray]:
    """Id, written radius and score of each point by its contour's label; -1 and NaN without.

    Of several points in a contour the label belongs to the first with a size of its own,
    since points that 3dmod appends to a contour have none.
    """
    owner = np.cumsum(item.counts) - item.counts
    sized = item.sizes > 0
    for contour in np.flatnonzero(item.counts > 1) if sized.any() else ():
        first = owner[contour]
        owner[contour] += np.argmax(sized[first : first + item.counts[contour]])
    filled = item.counts > 0
    stated = [parse_label(label) for label, any_ in zip(item.labels, filled, strict=True) if any_]
    ids = np.full(len(item.points), -1, np.int64)
    ids[owner[filled]] = [label.number for label in stated]
    written, scores = (np.full(len(item.points), np.nan) for _ in range(2))
    written[owner[filled]] = [label.radius_nm for label in stated]
    scores[owner[filled]] = [label.score for label in stated]
    return ids, written, scores


def emptied_ids(item: ModelObject) -> IntArray:
    """Ids (M,) on labels of contours that have no point left."""
    empty = np.flatnonzero(item.counts == 0)
    ids = np.array([parse_label(item.labels[k]).number for k in empty], np.int64)
    return ids[ids >= 0]
