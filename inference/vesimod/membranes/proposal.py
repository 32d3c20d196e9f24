"""Where a network sees a cell: contours that its membrane is traced along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from vesimod_imod.contour_model.read import Drawing
from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray, Triple, Volume
from vesimod_imod.core.object_names import OUTLINE
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Grid, Spheres

from vesimod.membranes.clefts import clefts
from vesimod.membranes.level_lines import level_rings
from vesimod.membranes.random_walks import walked
from vesimod.membranes.surface import NoSurfaceError

_INSIDE = 0.5
_SMOOTH_VOXELS = 0.7  # what the network says jumps a little from voxel to voxel
_LEAST_NM3 = 100.0**3  # less is no cell, but a piece of one at most
_LEAST_SHARE = 0.05  # of the largest body: others are slips
_AS_LIKELY = 0.85  # as the largest body: others are cells without vesicles
_SHORTEST_NM = 150.0  # of a closed contour
_SURE = (0.1, 0.9)  # chances beyond which the network is believed
_UNSURE = (0.3, 0.7)  # chances that say hardly anything
_MOST_UNSURE = 0.25  # of the cell; some of it lies at the edge


@dataclass(frozen=True, eq=False, repr=False)
class MembraneMaps(ShortRepr):
    """What a network says of a tomogram.

    Parameters
    ----------
    membrane : (z, y, x) float32
        Chance of lying on a plasma membrane.
    cytoplasm : (z, y, x) float32
        Chance of lying inside of the cell that holds the vesicles.
    size_nm : float
        Voxel size of both; their edges and the tomogram's are aligned.
    """

    membrane: Volume
    cytoplasm: Volume
    size_nm: float

    def at(self, points_nm: FloatArray) -> FloatArray:
        """Positions (..., 3) in voxels of the maps, of points in nm from the volume's corner."""
        return np.asarray(points_nm / self.size_nm - 0.5)


def outline_guide(
    maps: MembraneMaps, grid: Grid, vesicles: Spheres | None = None
) -> tuple[Drawing, list[str]]:
    """Draw around the cell, on a section for each of the maps' and on the first and the last.

    Parameters
    ----------
    maps : MembraneMaps
    grid : Grid
        Of the tomogram.
    vesicles : Spheres, optional
        In voxels of the tomogram; they lie inside, and bodies without any are other cells.

    Returns
    -------
    guide : Drawing
        Closed contours in voxels of the tomogram, along its border where that cuts the cell.
    notes : list of str
        What is doubtful.

    Raises
    ------
    NoSurfaceError
        The network sees no cell.
    """
    inside, notes = _bodies(maps, vesicles, grid)
    field = ndimage.gaussian_filter(inside.astype(np.float32), _SMOOTH_VOXELS, mode="nearest")
    contours = []
    for section, row in _rows(len(field), grid.shape[0], maps.size_nm, grid.voxel_size_nm[0]):
        for ring in level_rings(np.pad(field[row], 1), _INSIDE):
            points = _on_grid(ring - 1, grid, maps)
            if len(points) > 2 and _length(points, grid.voxel_size_nm) > _SHORTEST_NM:
                contours.append(np.column_stack([np.full(len(points), float(section)), points]))
    if not contours:
        raise NoSurfaceError(_NOTHING)
    return Drawing(OUTLINE, True, tuple(contours), colour=(0.0, 1.0, 0.0)), notes


_NOTHING = (
    "nothing was found that looks like the inside of a cell with vesicles: draw its membrane "
    "roughly in 3dmod for `vesimod membrane`; or are membranes bright (`invert`), or is the voxel "
    "size wrong?"
)


def inside_of(maps: MembraneMaps, among: BoolArray | None = None) -> BoolArray:
    """Voxels (z, y, x) inside of the cell: where the network is sure, and on to the membrane.

    What it leaves open is decided by what is around, up to the membranes: it sees those more
    sharply than on which side of them a place lies. Clefts to other cells lie outside.

    Parameters
    ----------
    maps : MembraneMaps
    among : (z, y, x) bool, optional
        Voxels that lie inside whatever the network says.
    """
    low, high = _SURE
    without = maps.cytoplasm < low
    between = clefts(maps.membrane, maps.cytoplasm, maps.size_nm, ~without)
    # What was said of a cleft was said of the membranes beside it, too.
    beside = ndimage.binary_dilation(between)
    within, without = (maps.cytoplasm > high) & ~beside, without | between
    believed = np.where(beside, np.float32(0), maps.cytoplasm)
    if among is not None:
        within, without = within | among, without & ~among
    is_open = ~within & ~without
    if is_open.all():
        return np.zeros(is_open.shape, bool)
    chance = walked(within.astype(np.float32), is_open, believed, maps.membrane)
    return np.asarray(chance > _INSIDE)


def _bodies(
    maps: MembraneMaps, vesicles: Spheres | None, grid: Grid
) -> tuple[BoolArray, list[str]]:
    """Voxels (z, y, x) of the cell, without slips and holes; what is doubtful about them."""
    at = np.empty((0, 3), int)
    if vesicles is not None:
        at = np.rint(maps.at((vesicles.centres + 0.5) * grid.voxel_size_nm)).astype(int)
        at = np.clip(at, 0, np.array(maps.cytoplasm.shape) - 1)
    among = np.zeros(maps.cytoplasm.shape, bool)
    among[tuple(at.T)] = True
    inside = inside_of(maps, among)
    labels, count = ndimage.label(inside)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    kept = sizes >= max(_LEAST_SHARE * sizes.max(), _LEAST_NM3 / maps.size_nm**3, 1)
    kept &= _likely(labels, sizes, labels[tuple(at.T)], maps.cytoplasm)
    if not kept.any():
        raise NoSurfaceError(_NOTHING)
    inside = kept[labels]
    for plane in inside:  # mitochondria, and whatever else the network took for another cell
        plane |= ndimage.binary_fill_holes(plane)
    notes = []
    if kept.sum() > 1:
        notes.append(f"the cell is seen as {kept.sum()} separate bodies: each is outlined")
    if inside.all():
        notes.append("no plasma membrane was seen: the outline is the border of the volume")
    unsure = (maps.cytoplasm > _UNSURE[0]) & (maps.cytoplasm < _UNSURE[1])
    share = float(unsure.sum() / max((maps.cytoplasm > _UNSURE[0]).sum(), 1))
    if share > _MOST_UNSURE:
        notes.append(
            f"the network is unsure about {100 * share:.0f} % of what may be the cell: look at the "
            "outline closely"
        )
    return inside, notes


def _likely(
    labels: IntArray, sizes: IntArray, of_vesicles: IntArray, cytoplasm: Volume
) -> BoolArray:
    """Which bodies (N,) hold vesicles; where no vesicles are known, which look as if they did."""
    if len(of_vesicles):
        held = np.bincount(of_vesicles, minlength=len(sizes)).astype(np.float64)
        return np.asarray(held >= _LEAST_SHARE * held.max())
    chance = np.bincount(labels.ravel(), cytoplasm.ravel(), len(sizes)) / np.maximum(sizes, 1)
    return np.asarray(chance >= _AS_LIKELY * chance[sizes.argmax()])


def _rows(count: int, sections: int, size_nm: float, section_nm: float) -> list[tuple[int, int]]:
    """Sections of the tomogram that are drawn on, and the maps' row that each lies in."""
    middles = (np.arange(count) + 0.5) * size_nm / section_nm - 0.5
    drawn = np.unique(np.clip(np.rint([0, *middles, sections - 1]), 0, sections - 1)).astype(int)
    rows = np.clip(np.floor((drawn + 0.5) * section_nm / size_nm), 0, count - 1).astype(int)
    return list(zip(drawn.tolist(), rows.tolist(), strict=True))


def _on_grid(points: FloatArray, grid: Grid, maps: MembraneMaps) -> FloatArray:
    """Points (N, 2) of the maps' plane in voxels of the tomogram, within its border."""
    scale = maps.size_nm / np.asarray(grid.voxel_size_nm[1:])
    edge = np.asarray(grid.shape[1:]) - 0.5
    moved = np.clip((points + 0.5) * scale - 0.5, -0.5, edge)
    return np.asarray(moved)


def _length(points: FloatArray, size_nm: Triple) -> float:
    steps = (points - np.roll(points, 1, axis=0)) * size_nm[1:]
    return float(np.linalg.norm(steps, axis=1).sum())


def runs(mask: npt.NDArray[np.bool_], closed: bool) -> list[npt.NDArray[np.int64]]:
    """Stretches of places (U,) that follow each other; of a ring also across its start."""
    if mask.all():
        return [np.arange(len(mask))]
    turn = int(np.argmin(mask)) if closed else 0
    numbers = np.roll(np.arange(len(mask)), -turn)
    steps = np.diff(np.concatenate([[False], mask[numbers], [False]]).astype(int))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return [numbers[a:b] for a, b in zip(starts, ends, strict=True)]
