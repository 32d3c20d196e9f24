"""What connects each vesicle, by the table of connectors and tethers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import sparse
from vesimod_imod.core.arrays import IntArray
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.io.csv_table import read_table

TETHER, CONNECTOR = "tether", "connector"


@dataclass(frozen=True, eq=False, repr=False)
class Links(ShortRepr):
    """Counts for each vesicle.

    Parameters
    ----------
    tethers, connectors, linked : (N,) int64
        Tethers and connectors that touch it; vesicles that connectors link it with.
    linked_ids : (N,) str
        Ids of those, with blanks between.
    cluster : (N,) int64
        Number of its cluster of vesicles linked with each other, the largest first; one that is
        linked with none is alone in its own.
    """

    tethers: IntArray
    connectors: IntArray
    linked: IntArray
    linked_ids: npt.NDArray[np.str_]
    cluster: IntArray


def read_links(path: Path, ids: IntArray) -> Links:
    """Count the links of vesicles in a table that ``vesimod connect`` wrote.

    Parameters
    ----------
    path : Path
        Columns kind, vesicle_1 and vesicle_2, the latter empty for a tether.
    ids : (N,) int64
        Of the vesicles.

    Raises
    ------
    TableError
        It is no such table.
    InputError
        It names vesicles that are not there: it is of another model.
    """
    table = read_table(path)
    table.require(("kind", "vesicle_1", "vesicle_2"), "vesimod connect writes such a table")
    row_of = {int(number): row for row, number in enumerate(ids)}
    tethers, connectors = np.zeros(len(ids), np.int64), np.zeros(len(ids), np.int64)
    pairs = set()
    for cells, line in zip(table.rows, table.lines, strict=True):
        names = ("vesicle_1",) if cells["kind"] == TETHER else ("vesicle_1", "vesicle_2")
        if cells["kind"] not in (TETHER, CONNECTOR):
            raise InputError(
                f"{path}: line {line}: kind {cells['kind']!r} is neither {TETHER} nor {CONNECTOR}"
            )
        try:
            rows = [row_of[int(float(cells[name]))] for name in names]
        except (KeyError, ValueError, OverflowError) as error:
            raise InputError(
                f"{path}: line {line}: vesicle {error} is not among the vesicles; give the table "
                "that vesimod connect made of this model"
            ) from error
        if cells["kind"] == TETHER:
            tethers[rows[0]] += 1
        else:
            connectors[rows] += 1
            pairs.add((min(rows), max(rows)))
    return Links(tethers, connectors, *_linked(sorted(pairs), ids))


def _linked(
    pairs: list[tuple[int, int]], ids: IntArray
) -> tuple[IntArray, npt.NDArray[np.str_], IntArray]:
    """Partners of each vesicle, and its cluster."""
    first, second = np.array(pairs, np.int64).reshape(-1, 2).T
    matrix = sparse.coo_matrix((np.ones(len(pairs)), (first, second)), (len(ids),) * 2).tocsr()
    both = (matrix + matrix.T).tocsr()
    partners = [both.indices[low:high] for low, high in pairwise(both.indptr)]
    labels = sparse.csgraph.connected_components(matrix, directed=False)[1]
    sizes = np.bincount(labels, minlength=1)
    rank = np.empty(len(sizes), np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(1, len(sizes) + 1)
    linked = np.array([len(rows) for rows in partners], np.int64)
    texts = [" ".join(str(number) for number in np.sort(ids[rows])) for rows in partners]
    return linked, np.array(texts, np.str_), rank[labels]
