"""A guide that a person drew on some sections, as sheets that go on from section to section."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import ndimage
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.membranes.joining import Line, pairs_between

STEP_NM = 3.0  # between neighbours along a sheet's paths
_CORNERS_NM = 6.0  # SD of the Gaussian that rounds the corners of what was drawn


@dataclass(frozen=True, eq=False, repr=False)
class Sheet(ShortRepr):
    """Paths on consecutive sections, whose points lie opposite to those of the next section.

    Parameters
    ----------
    sections : (S,) int64
    paths_nm : (S, U, 2) float64
        In the plane of the sections, in nm from the centre of the first voxel.
    closed : bool
        Whether the last point of each joins the first.
    kept : (S,) int64
        Number of the contour that a person set exactly on this section; -1 where none is.
    """

    sections: IntArray
    paths_nm: FloatArray
    closed: bool
    kept: IntArray

    @property
    def fixed(self) -> BoolArray:
        """Sections (S,) whose path a person set exactly."""
        return self.kept >= 0


def sheets_of(
    contours: list[FloatArray], kept: IntArray, closed: bool, size_nm: FloatArray
) -> list[Sheet]:
    """Interpolate between the sections that were drawn on.

    Contours are followed from each drawn section to the next; one that parts goes on in the
    nearer piece, and the other begins a sheet of its own.

    Parameters
    ----------
    contours : list of (N, 3) float64
        In voxels; the first coordinate counts sections.
    kept : (C,) int64
        Numbers of contours that a person set exactly; -1 for others.
    closed : bool
    size_nm : (3,) float64
        Of a voxel, in the order of the coordinates.
    """
    sections = np.array([round(float(contour[:, 0].mean())) for contour in contours])
    lines = [Line(contour * size_nm, closed, 0) for contour in contours]
    chains: dict[int, list[int]] = {}  # by the contour that each ends with so far
    done: list[list[int]] = []
    for below, above in pairwise([*np.unique(sections), None]):
        lower, upper = np.flatnonzero(sections == below), np.flatnonzero(sections == above)
        going_on: dict[int, list[int]] = {}
        pairs = []
        if above is not None:
            gap_nm = float((above - below) * size_nm[0])
            near = [lines[k] for k in lower], [lines[k] for k in upper]
            pairs = pairs_between(*near, gap_nm, closed)
        for one, other in pairs:
            a, b = int(lower[one]), int(upper[other])
            if b not in going_on and not any(a in chain for chain in going_on.values()):
                going_on[b] = [*chains.pop(a, [a]), b]
        used = {k for chain in going_on.values() for k in chain}
        done += [chains.get(int(k), [int(k)]) for k in lower if int(k) not in used]
        chains = going_on
    return [
        _sheet([lines[k] for k in chain], sections[chain], kept[chain], closed) for chain in done
    ]


def _sheet(lines: list[Line], drawn: IntArray, kept: IntArray, closed: bool) -> Sheet:
    """Interpolate one chain of contours, in the order of their sections."""
    longest = max(line.length_nm for line in lines)
    count = max(int(np.ceil(longest / STEP_NM)), 4) + (0 if closed else 1)
    paths: list[FloatArray] = []
    for line, number in zip(lines, kept, strict=True):
        path = line.resampled(count)
        if number < 0:
            sigma = _CORNERS_NM / max(line.length_nm / count, 1e-6)
            path = smooth_along(path, min(sigma, count / 8), closed)
        paths.append(_turned_like(paths[-1], path, closed) if paths else path)
    known = np.stack(paths)
    sections = np.arange(drawn[0], drawn[-1] + 1)
    after = np.clip(np.searchsorted(drawn, sections), 1, max(len(drawn) - 1, 1)) % len(drawn)
    before = np.maximum(after - 1, 0)
    part = (sections - drawn[before]) / np.maximum(drawn[after] - drawn[before], 1)
    part = part[:, None, None]
    between = (1 - part) * known[before] + part * known[after]
    number = np.full(len(sections), -1, np.int64)
    number[drawn - drawn[0]] = kept
    return Sheet(sections, between, closed, number)


def smooth_along(path: FloatArray, sigma: float, closed: bool) -> FloatArray:
    """Round the corners of a path (N, 2); the ends of an open one stay where they are."""
    if closed:
        return np.asarray(ndimage.gaussian_filter1d(path, sigma, axis=0, mode="wrap"))
    ends = np.linspace(path[0], path[-1], len(path))
    # Odd about both ends: they are neither pulled in nor turned.
    bent = path - ends
    odd = np.concatenate([-bent[::-1], bent[1:-1], -bent[::-1]])
    soft = ndimage.gaussian_filter1d(odd, sigma, axis=0, mode="nearest")
    return np.asarray(ends + soft[len(path) - 1 : 2 * len(path) - 1])


def _turned_like(path: FloatArray, other: FloatArray, closed: bool) -> FloatArray:
    """Let another path begin where this one does and run in its direction."""
    if not closed:
        straight = np.linalg.norm(path[[0, -1]] - other[[0, -1]], axis=1).sum()
        crossed = np.linalg.norm(path[[0, -1]] - other[[-1, 0]], axis=1).sum()
        return other if straight <= crossed else other[::-1]
    found = []
    for candidate in (other, other[::-1]):
        # Sum over k of path[k] . candidate[k + shift], for every shift, by Fourier transforms.
        spectra = np.fft.fft(path, axis=0).conj() * np.fft.fft(candidate, axis=0)
        overlap = np.fft.ifft(spectra, axis=0).real.sum(axis=1)
        found.append((float(overlap.max()), np.roll(candidate, -int(overlap.argmax()), axis=0)))
    return max(found, key=lambda item: item[0])[1]
