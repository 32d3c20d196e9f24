"""Models of contours, as somebody draws them in 3dmod."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from vesimod_imod.core.spheres import Grid
from vesimod_imod.model.coordinates import image_reference, to_model
from vesimod_imod.model.files import write_mod
from vesimod_imod.model.header import NANOMETRES, Header, build_mod
from vesimod_imod.model.objects import OPEN, ModelObject

CLOSED = 0
Contours = Sequence[np.ndarray]


def draw(path: Path, grid: Grid, objects: Mapping[str, tuple[int, Contours]]) -> Path:
    """Write a model: for each object its flags and its contours z, y, x in voxels of a grid."""
    made = []
    for name, (flags, contours) in objects.items():
        points = np.concatenate(contours)
        made.append(
            ModelObject(
                name=name,
                flags=flags,
                colour=(1.0, 0.0, 0.0),
                default_radius=0,
                points_per_contour=0,
                points=to_model(points).astype(np.float32),
                counts=np.array([len(contour) for contour in contours]),
                surfaces=np.zeros(len(contours), np.int64),
                sizes=np.full(len(points), -1, np.float32),
                values=np.full(len(points), np.nan, np.float32),
                labels=("",) * len(contours),
            )
        )
    header = Header(
        path.stem, grid.shape[::-1], 0, (1.0, 1.0, 1.0), grid.voxel_size_nm[0], NANOMETRES
    )
    write_mod(path, build_mod(header, made, image_reference(grid)))
    return path


def line(sections: Sequence[float], y: float, x: tuple[float, float]) -> list[np.ndarray]:
    """Open contours along x at one y, one in each section: a flat membrane."""
    return [np.array([[z, y, x[0]], [z, y, x[1]]], float) for z in sections]


def box(
    sections: Sequence[float], y: tuple[float, float], x: tuple[float, float]
) -> list[np.ndarray]:
    """Closed contours, a rectangle in each section."""
    corners = [(y[0], x[0]), (y[0], x[1]), (y[1], x[1]), (y[1], x[0])]
    return [np.array([[z, *corner] for corner in corners], float) for z in sections]


def ring(z: float, y: float, x: float, ry: float, rx: float) -> np.ndarray:
    """Return an ellipse in one section."""
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.column_stack([np.full(40, z), y + ry * np.sin(turn), x + rx * np.cos(turn)])


__all__ = ["CLOSED", "OPEN", "box", "draw", "line", "ring"]
