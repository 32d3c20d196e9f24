"""The surface on a dark membrane, found from a rough guide."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from vesimod_imod.contour_model.read import Drawing
from vesimod_imod.core.arrays import BoolArray, Float32Array, FloatArray, Triple
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.membranes.band import STRONGEST, membrane_response, normals_of, sample_band
from vesimod.membranes.guide import STEP_NM, Sheet, sheets_of, smooth_along
from vesimod.membranes.joining import sections_of
from vesimod.membranes.search import least_cost, smooth_sheet
from vesimod.membranes.thickness import dark_width_nm

#: Passes: how far from the path so far the membrane is sought (of the reach that is asked for),
#: spacing of offsets, average along the sheet, length of the smoothing spline; in nm.
_PASSES = ((1.0, 1.5, 3.0, 4.0), (0.5, 1.0, 5.0, 6.0), (0.3, 0.75, 8.0, 8.0))
_KINKS_NM = 6.0  # SD of the Gaussian across sections: guides are bent on those that were drawn on
_STIFFNESS = 2.0  # against slopes; a rough guide has slopes itself
_GUIDE_WEIGHT = 0.5  # cost at the band's edge of leaving the guide, against a response of 1
_FIXED = 50.0  # the same on paths that a person set, and along the border
_BRIGHT = 0.75  # dark over bright below which membranes seem to be bright
_BORDER_NM = 5.0  # a guide this near to the border of the volume follows that, not a membrane
_TOWARDS_GUIDE = 0.002  # weight of the guide where no membrane is seen
_SEEN = 2.5  # response over noise, averaged, above which a membrane is seen


@dataclass(frozen=True, eq=False, repr=False)
class TracedSheet(ShortRepr):
    """A sheet on its membrane.

    Parameters
    ----------
    sheet : Sheet
        Where it runs now.
    seen : (S, U) bool
        Where a membrane was seen; elsewhere it goes on smoothly, towards the guide.
    border : (S, U) bool
        Where the guide runs along the border of the volume, and no membrane is sought.
    moved_nm : (S, U) float64
        How far it lies from the guide, in the plane of the section.
    darkness : float
        Strongest dark line over strongest bright line along the guide, on average: about 2
        for a dark membrane, whose sides are bright, 1 / 2 for a bright one.
    """

    sheet: Sheet
    seen: BoolArray
    border: BoolArray
    moved_nm: FloatArray
    darkness: float


@dataclass(frozen=True, eq=False, repr=False)
class Membrane(ShortRepr):
    """What was found along one object of a guide.

    Parameters
    ----------
    name : str
    closed : bool
    axis : int
        That the sections are stacked along.
    sheets : tuple of TracedSheet
        Their sections and planes are counted along `axis` and the two others.
    thickness_nm : float
        Width of the dark line at half of its depth, at right angles to the membrane; NaN where
        none was seen.
    notes : tuple of str
        What was doubtful about the guide.
    """

    name: str
    closed: bool
    axis: int
    sheets: tuple[TracedSheet, ...]
    thickness_nm: float
    notes: tuple[str, ...] = ()

    @property
    def seen_fraction(self) -> float:
        """Part of its places where a membrane was seen; the border does not count."""
        seen = [traced.seen[~traced.border] for traced in self.sheets]
        places = sum(len(part) for part in seen)
        return float(sum(part.sum() for part in seen) / max(places, 1))


def trace(
    volume: npt.NDArray[Any],
    voxel_size_nm: Triple,
    guide: Drawing,
    *,
    fixed: BoolArray | None = None,
    reach_nm: float = 25.0,
    invert: bool = False,
) -> Membrane:
    """Find the surface on the dark membrane along a guide.

    The density is sampled along the guide's normals on every section. How much darker a place is
    than both sides, averaged along the sheet, makes a cost; the smooth surface of least cost is
    found in two passes, the second around the first one's result, then refined by a parabola
    and a smoothing spline.

    Parameters
    ----------
    volume : (z, y, x) array of any real type
        Sections that the guide does not cover are not read.
    voxel_size_nm : (float, float, float)
    guide : Drawing
        Contours on some sections, in voxels.
    fixed : (C,) bool, optional
        Contours that lie where the membrane is; default none.
    reach_nm : float
        How far from the guide the membrane is sought.
    invert : bool
        Membranes are bright.
    """
    axis, flat = sections_of(guide.contours)
    notes = [] if flat.all() else [f"{(~flat).sum()} contours do not lie in one section: left out"]
    order = [axis, *(k for k in range(3) if k != axis)]
    size_nm = np.asarray(voxel_size_nm, np.float64)[order]
    turned = volume.transpose(order)
    chosen = np.flatnonzero(flat)
    kept = np.full(len(flat), -1) if fixed is None else np.where(fixed, np.arange(len(flat)), -1)
    contours = [guide.contours[k][:, order] for k in chosen]
    sheets = sheets_of(contours, kept[chosen], guide.closed, size_nm)
    sign = -1.0 if invert else 1.0
    found = [_trace_sheet(turned, size_nm, sheet, reach_nm, sign) for sheet in sheets]
    thickness_nm = dark_width_nm(
        [(turned, t.sheet.sections, t.sheet.paths_nm, t.seen, guide.closed) for t in found],
        size_nm,
        sign,
    )
    bright = [traced.darkness < _BRIGHT for traced in found if traced.seen.any()]
    if any(bright):
        notes.append(
            "the lines along it are rather dark than bright: is `invert` wrong?"
            if invert
            else "the lines along it are rather bright than dark: are membranes bright (`invert`)?"
        )
    return Membrane(guide.name, guide.closed, axis, tuple(found), thickness_nm, tuple(notes))


def _trace_sheet(
    volume: npt.NDArray[Any], size_nm: FloatArray, sheet: Sheet, reach_nm: float, sign: float
) -> TracedSheet:
    """Bring one sheet onto its membrane."""
    paths, closed = sheet.paths_nm, sheet.closed
    moved = np.zeros(paths.shape[:2])
    seen = np.zeros(paths.shape[:2], bool)
    darkness = 1.0
    fixed = sheet.fixed[:, None]
    border = ~fixed & _at_border(paths, np.array(volume.shape[1:]), size_nm[1:])
    held = fixed | border
    if closed:  # normals must not meet
        reach_nm = min(reach_nm, 0.6 * _narrowest_nm(paths))
    for part, spacing_nm, sigma_nm, spline_nm in _PASSES:
        if part < 1.0:
            rounded = _without_kinks(paths, held, float(size_nm[0]))
            moved += ((rounded - paths) * normals_of(paths, closed)).sum(axis=2)
            paths = rounded
        count = max(int(np.ceil(part * reach_nm / spacing_nm)), 4)
        offsets = spacing_nm * np.arange(-count, count + 1)
        normals = normals_of(paths, closed)
        band = sample_band(volume, sheet.sections, paths, normals, offsets, size_nm)
        if not np.isfinite(band).any():
            break
        step_nm = _step_nm(paths)
        spacing = (float(size_nm[0]), step_nm, spacing_nm)
        response, unit = membrane_response(sign * band, spacing, sigma_nm, closed)
        if part == 1.0:
            bright = -response.min(axis=2).mean()
            darkness = float(response.max(axis=2).mean() / max(bright, 1e-6))
        away = ((moved[..., None] + offsets) / reach_nm).astype(np.float32)
        away[held] *= _FIXED
        cost = np.float32(_GUIDE_WEIGHT) * away**2 - np.maximum(response, -1)
        total = least_cost(
            cost,
            step_nm / spacing_nm,
            size_nm[0] / spacing_nm,
            _STIFFNESS,
            closed,
        )
        shift, strength = _peaks(total, response, spacing_nm)
        shift[held] = -moved[held]
        seen = (_averaged(strength, spacing, closed) * unit > _SEEN) & ~border
        weights = np.where(seen, np.clip(strength / STRONGEST, 0.05, 1), _TOWARDS_GUIDE)
        shift = np.where(seen, shift, -moved)
        weights[held] = 1.0
        shift = smooth_sheet(shift, weights, spline_nm, np.array(spacing[:2]), closed)
        shift = np.clip(shift, offsets[0], offsets[-1])
        moved += shift
        paths = paths + shift[..., None] * normals
    return TracedSheet(replace(sheet, paths_nm=paths), seen, border, moved, darkness)


def _without_kinks(paths: FloatArray, held: BoolArray, section_nm: float) -> FloatArray:
    """Round paths (S, U, 2) from section to section, but for places (S, U) that are held."""
    rounded = smooth_along(paths, _KINKS_NM / section_nm, False)
    rounded[held] = paths[held]
    return rounded


def _at_border(paths: FloatArray, shape: npt.NDArray[np.int64], size_nm: FloatArray) -> BoolArray:
    """Whether places (S, U) lie at the border of the sections, or beyond."""
    low, high = paths + 0.5 * size_nm, (shape - 0.5) * size_nm - paths
    near: BoolArray = np.minimum(low, high).min(axis=2) < _BORDER_NM
    return near


def _peaks(
    total: Float32Array, response: Float32Array, spacing_nm: float
) -> tuple[FloatArray, FloatArray]:
    """Offset (S, U) in nm of least cost, refined by a parabola, and the response there."""
    best = np.clip(total.argmin(axis=2), 1, total.shape[2] - 2)[..., None]
    low, middle, high = (
        np.take_along_axis(response, best + k, axis=2)[..., 0].astype(np.float64)
        for k in (-1, 0, 1)
    )
    bend = low - 2 * middle + high
    part = np.where(bend < -1e-9, 0.5 * (low - high) / np.where(bend < -1e-9, bend, 1.0), 0.0)
    middle_index = 0.5 * (total.shape[2] - 1)
    return (best[..., 0] - middle_index + np.clip(part, -1, 1)) * spacing_nm, middle


def _averaged(strength: FloatArray, spacing: tuple[float, ...], closed: bool) -> FloatArray:
    """Average a response along the sheet over the distance at which gaps matter."""
    ends = ("nearest", "wrap" if closed else "nearest")
    for axis, mode in enumerate(ends):
        strength = ndimage.gaussian_filter1d(strength, 8.0 / spacing[axis], axis=axis, mode=mode)
    return strength


def _step_nm(paths: FloatArray) -> float:
    steps = np.linalg.norm(np.diff(paths, axis=1), axis=2)
    return max(float(np.median(steps)), 0.1 * STEP_NM)


def _narrowest_nm(paths: FloatArray) -> float:
    """Smallest distance of a closed path from its own middle."""
    middles = paths.mean(axis=1, keepdims=True)
    return float(np.median(np.linalg.norm(paths - middles, axis=2).min(axis=1)))
