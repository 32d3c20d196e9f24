"""Hierarchical connectivity: dense paths between boundaries, at every one of many thresholds.

At each threshold, from dense to light, the voxels that are at least as dense and lie in the region
fall into components, whose voxels join by faces. A component that touches just two boundaries is a
segment. Components only grow from one threshold to the next, so that segments make trees: a
segment's parent contains it at the next threshold. Where that component touches a third boundary,
it is no segment, and the branch ends for good. The method is that of Lucic, Fernandez-Busnadiego,
Laugks and Baumeister (J Struct Biol 196:503, 2016).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from vesimod_imod.core.arrays import BoolArray, IntArray
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.connectors.segments import Ended, Hierarchy, Segment, voxels_of
from vesimod.connectors.touching import touching

NEVER = 255  # level of what is foreground at no threshold
STEP = "thresholds"
_SLAB_VOXELS = 1 << 18  # worked on at once: temporary arrays stay small beside the volume
Progress: TypeAlias = Callable[[str, int, int], None]
Levels: TypeAlias = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Rule:
    """Which components are segments.

    Parameters
    ----------
    contacts : int
        Boundaries that a segment touches.
    at_least : bool
        It may touch more.
    """

    contacts: int = 2
    at_least: bool = False

    def holds(self, count: int) -> bool:
        """Whether a component that touches so many boundaries is a segment."""
        return count >= self.contacts if self.at_least else count == self.contacts


def levels_of(
    grey: npt.NDArray[Any],
    thresholds: Sequence[float],
    inside: BoolArray,
    *,
    dense_is_high: bool = False,
) -> Levels:
    """Index of the first threshold at which each voxel is foreground; 255 where at none.

    Parameters
    ----------
    grey : (z, y, x) array
        Any volume that says how dense it is. What is no number is never foreground.
    thresholds : sequence of float
        From the densest to the lightest, at most 254; a voxel of that very value is foreground.
    inside : (z, y, x) bool
        Where foreground may be.
    dense_is_high : bool
        Large values are dense, as in a probability map; default: small ones.
    """
    levels = np.full(grey.shape, NEVER, np.uint8)
    sign = -1.0 if dense_is_high else 1.0
    steps = sign * np.asarray(thresholds, np.float64)
    for rows in slabs(grey.shape):
        found = np.searchsorted(steps, sign * np.asarray(grey[rows], np.float64))
        inner = inside[rows] & (found < len(thresholds))
        levels[rows][inner] = found[inner]
    return levels


def find_hierarchy(
    levels: Levels,
    boundaries: npt.NDArray[Any],
    thresholds: Sequence[float],
    rule: Rule | None = None,
    progress: Progress | None = None,
) -> Hierarchy:
    """Find the segments at all thresholds.

    Time and memory are linear in the voxels: 5 bytes a voxel besides the input, and the indices of
    the voxels of segments.

    Parameters
    ----------
    levels : (z, y, x) uint8
        From `levels_of`; 255 within boundaries.
    boundaries : (z, y, x) array of whole numbers
        Id of the boundary that each voxel belongs to; 0 for none.
    thresholds : sequence of float
    rule : Rule, optional
    progress : callable, optional
        Called with (step, done, total).
    """
    growth = _Growth(levels, boundaries, rule or Rule())
    for level in range(len(thresholds)):
        growth.go_on_to(level)
        if progress is not None:
            progress(STEP, level + 1, len(thresholds))
    numbers = tuple(map(float, thresholds))
    return Hierarchy(levels.shape, numbers, tuple(growth.segments), tuple(growth.ended))


class _Live(NamedTuple):
    """A segment of the last threshold."""

    place: int  # of its first voxel in the order x before y before z
    number: int
    voxel: int  # any one of it


@dataclass(eq=False, repr=False)
class _Growth(ShortRepr):
    """Segments so far, and the components of the threshold at hand."""

    levels: Levels
    boundaries: npt.NDArray[Any]
    rule: Rule
    segments: list[Segment] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    live: list[_Live] = field(default_factory=list)
    #: A voxel of each component that once touched enough boundaries.
    reached: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.foreground: BoolArray = self.levels != NEVER
        self.surface, self.surface_ids = touching(self.boundaries, self.foreground)
        self.surface_levels = self.levels.ravel()[self.surface]
        self.components = np.empty(self.levels.shape, np.int32)

    def go_on_to(self, level: int) -> None:
        """Find the segments of the next threshold."""
        np.less_equal(self.levels, level, out=self.foreground)
        ndimage.label(self.foreground, output=self.components)
        flat = self.components.ravel()
        contacts = self._contacts(level)
        held = [c for c, ids in contacts.items() if self.rule.holds(len(ids))]
        parts: dict[int, list[_Live]] = {component: [] for component in held}
        for part in self.live:
            parts.get(int(flat[part.voxel]), []).append(part)
        own = self._new_voxels(parts)
        self._end(level, contacts.keys() - own.keys(), contacts)
        found = []
        for component, voxels in own.items():
            places = [part.place for part in parts[component]]
            places += [_first_place(voxels, self.levels.shape)] if len(voxels) else []
            voxel = int(voxels[0]) if len(voxels) else parts[component][0].voxel
            found.append((min(places), voxel, component))
        self.live = []
        for place, voxel, component in sorted(found):
            children = tuple(part.number for part in parts[component])
            segment = Segment(level, contacts[component], own[component], children)
            self.segments.append(segment)
            self.live.append(_Live(place, len(self.segments), voxel))
            if not children:
                self.reached.append(voxel)

    def _contacts(self, level: int) -> dict[int, tuple[int, ...]]:
        """Boundaries of each component that touches enough of them."""
        there = self.surface_levels <= level
        components = self.components.ravel()[self.surface[there]]
        pairs = np.unique(np.stack([components, self.surface_ids[there]], axis=1), axis=0)
        numbers, starts, counts = np.unique(pairs[:, 0], return_index=True, return_counts=True)
        enough = counts >= self.rule.contacts
        return {
            int(number): tuple(pairs[start : start + count, 1].tolist())
            for number, start, count in zip(
                numbers[enough], starts[enough], counts[enough], strict=True
            )
        }

    def _new_voxels(self, parts: dict[int, list[_Live]]) -> dict[int, IntArray]:
        """Voxels of each component that are in none of its parts."""
        components = list(parts)
        new = self.foreground.ravel()  # once the components are labelled, it is free
        for start, _, chosen in self._slabs_with(components):
            new[start : start + len(chosen)] = chosen
        for part in chain.from_iterable(parts.values()):
            new[voxels_of(self.segments, part.number)] = False
        whose, voxels = [np.empty(0, np.int32)], [np.empty(0, np.int64)]
        for start, numbers, _ in self._slabs_with(components):
            rows = np.flatnonzero(new[start : start + len(numbers)])
            whose.append(numbers[rows])
            voxels.append(rows + start)
        order = np.argsort(np.concatenate(whose), kind="stable")
        sorted_whose, sorted_voxels = np.concatenate(whose)[order], np.concatenate(voxels)[order]
        ends = np.searchsorted(sorted_whose, components, side="right")
        starts = np.searchsorted(sorted_whose, components)
        size = np.int32 if self.levels.size < 1 << 31 else np.int64
        return {
            component: sorted_voxels[start:end].astype(size)
            for component, start, end in zip(components, starts, ends, strict=True)
        }

    def _end(
        self, level: int, components: Iterable[int], contacts: dict[int, tuple[int, ...]]
    ) -> None:
        """Note components that touch too many boundaries, and in which no segment has been."""
        flat = self.components.ravel()
        before = set(flat[self.reached].tolist())
        new = sorted(set(components) - before)
        sizes = dict.fromkeys(new, 0)
        for _, numbers, chosen in self._slabs_with(new):
            for number, size in zip(*np.unique(numbers[chosen], return_counts=True), strict=True):
                sizes[int(number)] += int(size)
        there = self.surface[self.surface_levels <= level]
        for component in new:
            touched = there[flat[there] == component]
            z, y, x = (float(np.mean(p)) for p in np.unravel_index(touched, self.levels.shape))
            self.ended.append(Ended(level, contacts[component], sizes[component], (z, y, x)))
            self.reached.append(int(touched[0]))

    def _slabs_with(
        self, components: Sequence[int]
    ) -> Iterator[tuple[int, npt.NDArray[np.int32], BoolArray]]:
        """Go through the volume: index of a slab's first voxel, its components, which are meant."""
        if not components:
            return
        meant = np.zeros(int(self.components.max()) + 1, bool)
        meant[list(components)] = True
        for rows in slabs(self.levels.shape):
            numbers = self.components[rows].ravel()
            yield rows.start * self.levels[0].size, numbers, meant[numbers]


def slabs(shape: tuple[int, ...]) -> Iterator[slice]:
    """Cut a volume into slabs of sections, so that work on one needs little memory."""
    step = max(1, _SLAB_VOXELS // max(1, int(np.prod(shape[1:]))))
    for start in range(0, shape[0], step):
        yield slice(start, min(start + step, shape[0]))


def _first_place(voxels: IntArray, shape: tuple[int, ...]) -> int:
    """Place of the first voxel in the order x before y before z."""
    z, y, x = np.unravel_index(voxels, shape)
    return int(np.min((x * shape[1] + y) * shape[0] + z))
