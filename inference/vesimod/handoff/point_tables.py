"""Points as plain tables: for napari, in nm for everybody, and as IMOD's point text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from vesimod_imod.core.arrays import FloatArray
from vesimod_imod.core.files import atomic_path, check_regular
from vesimod_imod.core.spheres import Spheres
from vesimod_imod.model.coordinates import from_model, to_model

from vesimod.handoff.frame import Frame, HandoffError, reading, spheres_at
from vesimod.io.csv_table import Table, read_table, write_table

_NAPARI = ("index", "axis-0", "axis-1", "axis-2")
_NM = ("x_nm", "y_nm", "z_nm")


def write_napari(path: Path, spheres: Spheres, frame: Frame) -> None:
    """Write what napari's reader of CSV takes for points: z, y, x in voxels, then properties."""
    rows = zip(range(len(spheres)), spheres.centres, *_columns(spheres, frame), strict=True)
    cells = [(k, *(f"{v:.4f}" for v in centre), *rest) for k, centre, *rest in rows]
    write_table(path, (*_NAPARI, "id", "radius_nm", "score"), cells)


def write_nm(path: Path, spheres: Spheres, frame: Frame) -> None:
    """Write x, y, z in nm from the centre of the first voxel."""
    xyz = (spheres.centres * np.asarray(frame.size_nm))[:, ::-1]
    rows = zip(xyz, *_columns(spheres, frame), strict=True)
    cells = [(k, *(f"{v:.4f}" for v in at), radius, score) for at, k, radius, score in rows]
    write_table(path, ("id", *_NM, "radius_nm", "score"), cells)


def _columns(spheres: Spheres, frame: Frame) -> tuple[list[int], list[str], list[str]]:
    del frame
    radii = [f"{radius:.4f}" for radius in spheres.radii_nm]
    return spheres.ids.tolist(), radii, [f"{score:.4f}" for score in spheres.scores]


def read_napari(path: Path, frame: Frame) -> Spheres:
    """Read points that napari saved: z, y, x in voxels."""
    del frame
    table = read_table(path)
    table.require(_NAPARI[1:], "napari saves a points layer of three axes so")
    return _read(path, table, _NAPARI[1:], 1.0)


def read_nm(path: Path, frame: Frame) -> Spheres:
    """Read x_nm, y_nm, z_nm."""
    table = read_table(path)
    table.require(_NM, "positions in nm begin so")
    return _read(path, table, _NM[::-1], np.asarray(frame.size_nm))


def _read(path: Path, table: Table, axes: tuple[str, ...], voxel: FloatArray | float) -> Spheres:
    with reading(path, "a table of points"):
        zyx = np.array([[float(row[axis]) for axis in axes] for row in table.rows]).reshape(-1, 3)
        columns = [
            np.array([float(row[name] or "nan") for row in table.rows])
            if name in table.header
            else None
            for name in ("radius_nm", "score", "id")
        ]
    return spheres_at(path, zyx / voxel, *columns)


def write_imod_points(path: Path, spheres: Spheres, frame: Frame) -> None:
    """Write lines of object, contour, x, y, z, as IMOD's model2point does and point2model reads.

    A contour each, in model coordinates: give point2model the tomogram as its image. Radii have
    no place in it.
    """
    del frame
    lines = [
        f"{1:6d} {k:6d} {x:12.4f} {y:12.4f} {z:12.4f}\n"
        for k, (x, y, z) in enumerate(to_model(spheres.centres), 1)
    ]
    with atomic_path(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8", newline="\n")


def read_imod_points(path: Path, frame: Frame) -> Spheres:
    """Read point text: x, y, z, with the contour's or object's and contour's number before them.

    Raises
    ------
    HandoffError
        Its lines have not three to five numbers, all as many.
    """
    del frame
    check_regular(path)
    with reading(path, "text of points"):
        lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
        table = np.array([[float(word) for word in line] for line in lines if line])
        if len(table) and not 3 <= table.shape[1] <= 5:
            raise HandoffError(
                f"{path}: {table.shape[1]} numbers in a line; IMOD's point text has x y z, or "
                "contour x y z, or object contour x y z"
            )
    return spheres_at(path, from_model(table[:, -3:] if len(table) else np.empty((0, 3))))
