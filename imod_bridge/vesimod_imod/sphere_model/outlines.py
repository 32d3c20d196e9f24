"""Spheres from closed contours that somebody drew around vesicles, section by section."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vesimod_imod.core.arrays import FloatArray, IntArray
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.sphere_fit import fit_round

#: A vesicle's contours leave a sphere by no more than this part of its radius (rms).
_MISFIT_LIMIT = 0.15
#: Contours of one vesicle may skip this many sections.
_SECTION_GAP = 3.0
_POINTS_PER_CONTOUR = 48


@dataclass(frozen=True, repr=False)
class Outline(ShortRepr):
    """A sphere fitted to closed contours.

    Parameters
    ----------
    centre : (3,) float64
        z, y, x in the unit of the points.
    radius : float
        Of the sphere, or of the sphere with the fitted ellipsoid's volume.
    misfit : float
        Root mean square distance of the points from the surface, relative to the radius.
    shape : str
        "sphere", "ellipsoid", or "circle" where the contours lie in one section, which is
        then taken to be the one through the centre.
    contours : (K,) int64
        The contours it was fitted to.
    surrounded : bool
        Whether they go round the centre: points in a row lie on a circle, too, a large one.
    """

    centre: FloatArray
    radius: float
    misfit: float
    shape: str
    contours: IntArray
    surrounded: bool

    @property
    def is_vesicle(self) -> bool:
        """Whether the contours outline something round."""
        return self.surrounded and self.misfit <= _MISFIT_LIMIT


def fit_outlines(points: FloatArray, contour: IntArray, surface: IntArray) -> list[Outline]:
    """Fit one sphere to each set of contours that outline the same vesicle.

    Contours belong together by their surface numbers where the person gave any, else where
    they overlap in neighbouring sections.

    Parameters
    ----------
    points : (P, 3) float64
        Points z, y, x in a unit that is the same along all axes.
    contour : (P,) int64
        Contour of each point. Contours of fewer than three points are left out.
    surface : (C,) int64
        Surface number of each contour.
    """
    numbers, starts = np.unique(contour, return_index=True)
    drawn = np.split(points, starts[1:])
    closed = [encloses(c) for c in drawn]
    if not any(closed):
        return []
    numbers, drawn = numbers[closed], [c for c, inside in zip(drawn, closed, strict=True) if inside]
    order = np.roll(np.arange(3), -section_axis(drawn))
    drawn = [c[:, order] for c in drawn]
    group = surface[numbers]
    if len(np.unique(group)) == 1:
        group = _group_by_overlap(drawn)
    fits = []
    for label in np.unique(group):
        members = np.flatnonzero(group == label)
        fit = _fit([drawn[k] for k in members], numbers[members])
        fits.append(replace(fit, centre=fit.centre[np.argsort(order)]))
    return fits


def encloses(points: FloatArray) -> bool:
    """Whether a contour can have an inside: damaged ones hold points that are not numbers."""
    return len(points) >= 3 and bool(np.isfinite(points).all() and np.ptp(points, axis=0).any())


def _resampled(contour: FloatArray) -> FloatArray:
    """Points at equal distances along a closed contour, whose corners lie anywhere."""
    closed = np.vstack([contour, contour[:1]])
    along = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1)))
    at = np.linspace(0, along[-1], _POINTS_PER_CONTOUR, endpoint=False)
    return np.column_stack([np.interp(at, along, column) for column in closed.T])


def section_axis(contours: list[FloatArray]) -> int:
    """Axis that the contours' sections are stacked along.

    It need not be z: models can be drawn with y and z exchanged.
    """
    depth = np.mean([np.ptp(contour, axis=0) for contour in contours], axis=0)
    return int(np.argmin(depth))


def _group_by_overlap(contours: list[FloatArray]) -> IntArray:
    """Label each contour by the set it belongs to through overlap in neighbouring sections."""
    centres = np.array([(c.min(axis=0) + c.max(axis=0)) / 2 for c in contours])
    reach = np.array([np.ptp(c[:, 1:], axis=0).mean() / 2 for c in contours])
    heights = np.unique(np.round(centres[:, 0], 3))
    gap = _SECTION_GAP * np.diff(heights).min() if len(heights) > 1 else 1.0
    # Only contours of neighbouring sections are compared: there may be many thousands in all.
    order = np.argsort(centres[:, 0], kind="stable")
    ends = np.searchsorted(centres[order, 0], centres[order, 0] + gap * (1 + 1e-9), side="right")
    first, second = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for place, (this, end) in enumerate(zip(order, ends, strict=True), 1):
        others = order[place:end]
        aside = np.hypot(*(centres[others, 1:] - centres[this, 1:]).T)
        same = others[aside < np.minimum(reach[others], reach[this])]
        first.append(np.full(len(same), this))
        second.append(same)
    return _joined_by(len(contours), np.concatenate(first), np.concatenate(second))


def _joined_by(count: int, first: IntArray, second: IntArray) -> IntArray:
    """Label so many things by the lowest one that pairs of them join each to."""
    labels = np.arange(count)
    while True:
        lowest, both = labels.copy(), np.minimum(labels[first], labels[second])
        np.minimum.at(lowest, first, both)
        np.minimum.at(lowest, second, both)
        lowest = lowest[lowest]  # a long chain is joined in few steps
        if np.array_equal(lowest, labels):
            return labels
        labels = lowest


def _fit(drawn: list[FloatArray], contours: IntArray) -> Outline:
    """Fit the clicked points; judge by the lines between them, which show corners."""
    points = np.concatenate(drawn)
    middle = points.mean(axis=0)
    spread = np.sqrt(points.var(axis=0).sum())
    unit = (points - middle) / spread
    lines = (np.concatenate([_resampled(c) for c in drawn]) - middle) / spread
    if np.ptp(unit[:, 0]) < 0.2:  # one section, or nearly: its plane says nothing about z
        centre, radius = _fit_round(unit[:, 1:])
        misfit = _rms(np.linalg.norm(lines[:, 1:] - centre, axis=1) / radius - 1)
        centre, shape = np.append(0.0, centre), "circle"
    else:
        centre, radius = _fit_round(unit)
        misfit, shape = _rms(np.linalg.norm(lines - centre, axis=1) / radius - 1), "sphere"
        ellipsoid = _fit_ellipsoid(unit, lines) if misfit > _MISFIT_LIMIT / 2 else None
        if ellipsoid and ellipsoid[2] < misfit:
            (centre, radius, misfit), shape = ellipsoid, "ellipsoid"
    centre = middle + spread * centre
    around = sum(len(c) for c in drawn if _surrounds(c[:, 1:], centre[1:]))
    goes_round = 2 * around > len(points)
    return Outline(centre, float(spread * radius), misfit, shape, contours, goes_round)


def _surrounds(points: FloatArray, centre: FloatArray) -> bool:
    """Whether points (N, 2) lie on all sides of a centre."""
    angles = np.sort(np.arctan2(*(points - centre).T))
    gaps = np.diff(angles, append=angles[0] + 2 * np.pi)
    return float(gaps.max()) < np.pi


def _fit_round(points: FloatArray) -> tuple[FloatArray, float]:
    """Centre and radius; a tiny one where the points define none."""
    centre, squared = fit_round(points)
    return centre, float(np.sqrt(max(squared, 1e-12)))


def _fit_ellipsoid(points: FloatArray, lines: FloatArray) -> tuple[FloatArray, float, float] | None:
    """Centre, radius of equal volume and misfit of the quadric through the points.

    Linear least squares for p.A.p + b.p = 1; None where that is not an ellipsoid.
    """
    if len(points) < 12:
        return None
    z, y, x = points.T
    columns = np.column_stack([z * z, y * y, x * x, 2 * z * y, 2 * z * x, 2 * y * x, points])
    a = np.linalg.lstsq(columns, np.ones(len(points)), rcond=None)[0]
    form = np.array([[a[0], a[3], a[4]], [a[3], a[1], a[5]], [a[4], a[5], a[2]]])
    if np.linalg.eigvalsh(form)[0] <= 0:
        return None
    centre = -np.linalg.solve(form, a[6:]) / 2
    form = form / (1 + centre @ form @ centre)
    axes = 1 / np.sqrt(np.linalg.eigvalsh(form))
    if axes.max() > 3 * axes.min():
        return None  # the points leave a direction open
    offset = lines - centre
    misfit = _rms(np.sqrt(np.einsum("pi,ij,pj->p", offset, form, offset)) - 1)
    return centre, float(np.prod(axes) ** (1 / 3)), misfit


def _rms(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(values**2)))
