"""Dynamo's tables (.tbl): a line of 40 numbers a particle, positions in voxels from 1.

Columns by Dynamo's own list ("dthelp"): 1 tag, 2 aligned, 4 to 6 shifts, 10 correlation, 13 Fourier
type, 20 tomogram, 24 to 26 x, y, z, 36 pixel size in Angstrom. It has no column for a radius.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from vesimod_imod.core.files import atomic_path, check_regular
from vesimod_imod.core.spheres import Spheres

from vesimod.handoff.frame import ANGSTROM_PER_NM, Frame, HandoffError, reading, spheres_at

_COLUMNS = 40
_TAG, _ALIGNED, _CC, _FOURIER, _TOMOGRAM, _PIXEL = 0, 1, 9, 12, 19, 35
_SHIFT, _XYZ = slice(3, 6), slice(23, 26)
_FIRST_VOXEL = 1.0  # Matlab counts from 1


def write_dynamo(path: Path, spheres: Spheres, frame: Frame) -> None:
    """Write a table; the last number in the tomogram's name is its number there, else 1."""
    table = np.zeros((len(spheres), _COLUMNS))
    table[:, _TAG], table[:, _ALIGNED], table[:, _FOURIER] = spheres.ids, 1, 1
    table[:, _CC] = spheres.scores
    table[:, _TOMOGRAM] = _number_in(frame.tomogram) or 1
    table[:, _XYZ] = spheres.centres[:, ::-1] + _FIRST_VOXEL
    table[:, _PIXEL] = ANGSTROM_PER_NM * frame.grid.xy_voxel_size_nm
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="ascii", newline="\n") as out,
    ):
        np.savetxt(out, table, fmt="%.8g")


def read_dynamo(path: Path, frame: Frame) -> Spheres:
    """Read a table; of several tomograms, those that the number in the frame's name says.

    Raises
    ------
    HandoffError
        It is no table of numbers, or holds several tomograms and none of that number.
    """
    check_regular(path)
    with reading(path, "a Dynamo table"):
        text = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        table = np.array([[float(word) for word in line.split()] for line in text])
        if not len(table):
            return Spheres.empty()
        if table.shape[1] < _XYZ.stop:
            raise HandoffError(
                f"{path}: has {table.shape[1]} columns; Dynamo's tables have 35 to 42"
            )
        numbers = np.unique(table[:, _TOMOGRAM]).astype(int)
        if len(numbers) > 1:
            wanted = _number_in(frame.tomogram)
            if wanted not in numbers:
                listed = ", ".join(map(str, numbers[:8]))
                raise HandoffError(
                    f"{path}: holds tomograms {listed}; say with `name` which is meant"
                )
            table = table[table[:, _TOMOGRAM] == wanted]
        xyz = table[:, _XYZ] + table[:, _SHIFT] - _FIRST_VOXEL
        scores = table[:, _CC]
    known = scores if ((scores > 0) & (scores <= 1)).all() else None
    return spheres_at(path, xyz[:, ::-1], None, known, table[:, _TAG])


def _number_in(name: str) -> int | None:
    digits = re.findall(r"\d+", name)
    return int(digits[-1]) if digits else None
