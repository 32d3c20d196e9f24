"""What is open between places that are known, decided by random walks that membranes hold back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import cg
from vesimod_imod.core.arrays import BoolArray, FloatArray, Volume

_TIGHT = 8.0  # logarithm by which a membrane that is seen for sure holds walks back
_PRIOR = 0.0002  # weight of what was believed before, against that of a neighbour
_MOST_STEPS = 400
_Links = tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], FloatArray]


def walked(known: Volume, is_open: BoolArray, believed: Volume, wall: Volume) -> Volume:
    """Give each open voxel the value of what is around it, up to the walls.

    Minimises the sum over faces of g (u - v)^2, where the flow g falls with the wall between two
    voxels, and over open voxels of a little of the squared distance to what was believed: random
    walks with a prior (Grady, CVPR 2005). A gap in a wall lets little through, where a flood would
    pass.

    Parameters
    ----------
    known : (z, y, x)
        Values where nothing is open.
    is_open : (z, y, x) bool
    believed : (z, y, x)
        Values that open voxels tend to.
    wall : (z, y, x)
        0 where walks pass, 1 where they hardly do.

    Returns
    -------
    (z, y, x) float32
    """
    values = np.where(is_open, 0, known).astype(np.float32)
    count = int(is_open.sum())
    if count:
        numbers = np.full(is_open.shape, -1, np.int32)
        numbers[is_open] = np.arange(count)
        prior = believed[is_open].astype(np.float64)
        matrix, pull = _equations(numbers, values, prior, wall)
        scale = sparse.dia_array((1 / matrix.diagonal()[None], [0]), shape=(count, count))
        values[is_open], _ = cg(matrix, pull, x0=prior, M=scale, maxiter=_MOST_STEPS, atol=0.0)
    return values


def _equations(
    numbers: npt.NDArray[np.int32], values: Volume, prior: FloatArray, wall: Volume
) -> tuple[sparse.csr_array, FloatArray]:
    """Where the sum is least: a matrix (N, N), and what it makes of the values sought."""
    diagonal, pull = np.full(len(prior), _PRIOR), _PRIOR * prior
    links: list[_Links] = []
    for axis in range(3):
        for one, other in _faces(axis):
            mine, theirs = numbers[one], numbers[other]
            own = mine >= 0
            flow = np.exp(-_TIGHT * np.maximum(wall[one], wall[other])[own].astype(np.float64))
            mine, theirs, beside = mine[own], theirs[own], values[other][own]
            diagonal += np.bincount(mine, flow, len(prior))
            fixed = theirs < 0
            pull += np.bincount(mine[fixed], (flow * beside)[fixed], len(prior))
            links.append((mine[~fixed], theirs[~fixed], -flow[~fixed]))
    rows, columns, entries = (np.concatenate(part) for part in zip(*links, strict=True))
    size = (len(prior), len(prior))
    matrix = sparse.csr_array((entries, (rows, columns)), shape=size)
    return sparse.csr_array(matrix + sparse.dia_array((diagonal[None], [0]), shape=size)), pull


def _faces(axis: int) -> list[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """Slices of voxels and of those beside them along an axis, to either side."""
    low, high = ([slice(None)] * 3 for _ in range(2))
    low[axis], high[axis] = slice(None, -1), slice(1, None)
    here, there = tuple(low), tuple(high)
    return [(here, there), (there, here)]
