"""Contours on sections, joined between neighbouring sections into triangles."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy.spatial.distance import cdist
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray

_FLAT = 0.5  # voxels that a contour's points may leave its section
_SAMPLES = 64  # along a contour, where contours are compared
#: A contour goes on in the next drawn section at most this many times as far aside as that is
#: away, or this part of the shorter one's length.
_ASIDE, _OF_LENGTH = 2.0, 0.5
_SHARED = 0.5  # of the shorter arc: contours beside more of it do not follow one another


def sections_of(contours: Sequence[FloatArray]) -> tuple[int, BoolArray]:
    """Find along which axis contours are stacked, and which of them lie in one section each.

    The axis need not be z: models can be drawn with y and z exchanged.

    Parameters
    ----------
    contours : sequence of (N, 3) float64
        Points z, y, x in voxels.

    Returns
    -------
    axis : int
    flat : (C,) bool
    """
    flat = np.array([np.ptp(contour, axis=0) for contour in contours]) <= 2 * _FLAT
    differ = np.ptp([contour.mean(axis=0) for contour in contours], axis=0) > 2 * _FLAT
    # Straight lines are flat along two axes, but differ along that of their sections.
    axis = int(np.lexsort((~differ, -flat.sum(axis=0)))[0])
    return axis, flat[:, axis]


def join(
    contours: Sequence[FloatArray], closed: bool, axis: int, voxel_size_nm: Sequence[float]
) -> tuple[FloatArray, IntArray]:
    """Triangles between contours that follow each other from section to section.

    A contour that none follows, and that follows none, becomes a ribbon as high as its section.
    Nothing is added beyond the first and the last section.

    Parameters
    ----------
    contours : sequence of (N, 3) float64
        Points z, y, x in voxels; each lies in one section.
    closed : bool
        Whether they are closed.
    axis : int
        That the sections are stacked along.
    voxel_size_nm : (float, float, float)

    Returns
    -------
    vertices : (V, 3) float64
        z, y, x in voxels: the contours' points one after the other, then those of ribbons.
    faces : (F, 3) int64
    """
    vertices = np.concatenate([np.empty((0, 3)), *contours])
    points_nm = vertices * voxel_size_nm
    ends = np.cumsum([0, *map(len, contours)])
    rows = [np.arange(start, end) for start, end in pairwise(ends)]
    # Models of a finer volume have contours between whole sections.
    heights = np.round([contour[:, axis].mean() for contour in contours], 1)
    faces, alone = [np.empty((0, 3), np.int64)], np.ones(len(contours), bool)
    for below, above in pairwise(np.unique(heights)):
        lower, upper = np.flatnonzero(heights == below), np.flatnonzero(heights == above)
        gap_nm = float((above - below) * voxel_size_nm[axis])
        lines = [Line(points_nm[rows[k]], closed, axis) for k in (*lower, *upper)]
        pairs = pairs_between(lines[: len(lower)], lines[len(lower) :], gap_nm, closed)
        for one, other in pairs:
            line, next_line = lines[one], lines[len(lower) + other]
            if closed:
                a, b = line.ring(), next_line.ring_like(line)
            else:
                # Where a contour parts into several, each goes on along its own arc.
                branches = sum(pair[0] == one for pair in pairs)
                merging = sum(pair[1] == other for pair in pairs)
                a = line.rows_beside(next_line) if branches > 1 else line.all_rows()
                b = next_line.rows_beside(line) if merging > 1 else next_line.all_rows()
                b = b if line.runs_like(next_line) else b[::-1]
            low, high = rows[lower[one]][a], rows[upper[other]][b]
            faces.append(_strip(points_nm, low, high))
            alone[[lower[one], upper[other]]] = False
    for k in np.flatnonzero(alone).tolist():
        half = 0.5 * np.eye(3)[axis]
        low = np.arange(len(contours[k])) + len(vertices)
        vertices = np.concatenate([vertices, contours[k] - half, contours[k] + half])
        low = np.append(low, low[0]) if closed else low
        faces.append(_strip(vertices * voxel_size_nm, low, low + len(contours[k])))
    return vertices, np.concatenate(faces)


class Line:
    """A contour in its plane, in nm, with samples at equal distances along it.

    Parameters
    ----------
    points_nm : (N, 3) float64
    closed : bool
    axis : int
        At right angles to its section.
    """

    def __init__(self, points_nm: FloatArray, closed: bool, axis: int) -> None:
        self.points = np.delete(points_nm, axis, axis=1)
        path = np.vstack([self.points, self.points[:1]]) if closed else self.points
        self._path, self._closed, self._along = path, closed, _along(path)
        self.length_nm = float(self._along[-1])
        self.at = self._along[: len(self.points)] / max(self.length_nm, 1e-9)
        self.samples = self.resampled(_SAMPLES)

    def resampled(self, count: int) -> FloatArray:
        """Points (count, 2) in the plane at equal distances along the contour."""
        steps = np.linspace(0, self.length_nm, count, endpoint=not self._closed)
        columns = [np.interp(steps, self._along, column) for column in self._path.T]
        return np.stack(columns, axis=1)

    def distance_to(self, other: Line) -> float:
        """Mean distance of the one from the other; a piece of a contour lies on it."""
        apart = cdist(self.samples, other.samples)
        return float(min(apart.min(axis=1).mean(), apart.min(axis=0).mean()))

    def arc_beside(self, other: Line) -> tuple[float, float]:
        """Part of this contour, from 0 to 1, that lies beside another one."""
        nearest = cdist(self.samples, other.samples).argmin(axis=0) / (_SAMPLES - 1)
        return float(nearest.min()), float(nearest.max())

    def all_rows(self) -> IntArray:
        """Return the numbers of all points."""
        return np.arange(len(self.points))

    def rows_beside(self, other: Line) -> IntArray:
        """Points of this open contour that lie beside another; at least two."""
        start, end = self.arc_beside(other)
        first = min(int(np.searchsorted(self.at, start)), len(self.at) - 2)
        last = max(int(np.searchsorted(self.at, end, side="right")), first + 2)
        return np.arange(first, last)

    def runs_like(self, other: Line) -> bool:
        """Whether two open contours run in the same direction."""
        ends, others = self.samples[[0, -1]], other.samples[[0, -1]]
        same, turned = (np.linalg.norm(ends - o, axis=1).sum() for o in (others, others[::-1]))
        return bool(same <= turned)

    def ring(self) -> IntArray:
        """Return the numbers of all points, and the first once more."""
        return np.append(self.all_rows(), 0)

    def ring_like(self, other: Line) -> IntArray:
        """Points of this closed contour in the direction of another, from beside its first."""
        apart = cdist(other.samples, self.samples)
        steps = np.arange(_SAMPLES)
        costs = np.array(
            [[apart[steps, (k + way * steps) % _SAMPLES].sum() for k in steps] for way in (1, -1)]
        )
        way, start = np.unravel_index(costs.argmin(), costs.shape)
        first = int(np.linalg.norm(self.points - self.samples[start], axis=1).argmin())
        turn = 1 if way == 0 else -1
        rows: IntArray = (first + turn * np.arange(len(self.points) + 1)) % len(self.points)
        return rows


def pairs_between(
    lower: list[Line], upper: list[Line], gap_nm: float, closed: bool
) -> list[tuple[int, int]]:
    """Pair contours of two neighbouring sections, the nearest first."""
    apart = np.array([[a.distance_to(b) for b in upper] for a in lower])
    pairs: list[tuple[int, int]] = []
    for flat in np.argsort(apart, axis=None, kind="stable"):
        one, other = divmod(int(flat), len(upper))
        a, b = lower[one], upper[other]
        reach = max(_ASIDE * gap_nm, _OF_LENGTH * min(a.length_nm, b.length_nm))
        rivals = [(a, b, upper[n]) for m, n in pairs if m == one]
        rivals += [(b, a, lower[m]) for m, n in pairs if n == other]
        taken = any(closed or _overlap(line, new, old) for line, new, old in rivals)
        if apart[one, other] <= reach and not taken:
            pairs.append((one, other))
    return pairs


def _overlap(line: Line, new: Line, old: Line) -> bool:
    """Whether two contours lie beside the same part of a third."""
    (a, b), (c, d) = line.arc_beside(new), line.arc_beside(old)
    return min(b, d) - max(a, c) > _SHARED * min(b - a, d - c) - 1e-9


def _strip(points_nm: FloatArray, low: IntArray, high: IntArray) -> IntArray:
    """Triangles between two lines of points, that advance on both by their lengths."""
    times = []
    for rows in (low, high):
        along = _along(points_nm[rows])
        times.append((along[:-1] + along[1:]) / (2 * max(along[-1], 1e-9)))
    order = np.argsort(np.concatenate(times), kind="stable")
    on_low = (order < len(times[0])).astype(np.int64)
    i, j = np.cumsum(on_low), np.cumsum(1 - on_low)
    third = np.where(on_low, low[i], high[j])
    return np.stack([low[i - on_low], third, high[j - 1 + on_low]], axis=1)


def _along(points: FloatArray) -> FloatArray:
    """Length along a line of points (N, D) up to each."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return np.append(0.0, np.cumsum(steps))
