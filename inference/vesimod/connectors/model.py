"""Connectors and tethers as open contours for 3dmod."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from vesimod_imod.core.spheres import Grid
from vesimod_imod.model.coordinates import to_model
from vesimod_imod.model.objects import OPEN, ModelObject
from vesimod_imod.sphere_model.write import write_sphere_objects

from vesimod.connectors.result import CONNECTOR, TETHER, Connections, Connector

COLOURS = {TETHER: (1.0, 0.25, 0.25), CONNECTOR: (0.2, 0.8, 1.0)}


def write_model(path: Path, found: Connections, grid: Grid, *, overwrite: bool = False) -> None:
    """Write an object of tethers and one of connectors.

    Each is a contour from boundary over its middle to boundary; its label says which it is and what
    it links.

    Raises
    ------
    FileExistsError
        `path` exists and `overwrite` is false.
    """
    objects = [_object(kind, found.of_kind(kind)) for kind in COLOURS]
    write_sphere_objects(path, [], grid, others=objects, overwrite=overwrite)


def _object(kind: str, found: list[Connector]) -> ModelObject:
    ways = [each.features.course for each in found]
    contours = [way.points for way in ways if way is not None]
    points = np.concatenate([np.empty((0, 3)), *contours])
    return ModelObject(
        name=f"{kind}s",
        flags=OPEN,
        colour=COLOURS[kind],
        default_radius=0,
        points_per_contour=0,
        points=to_model(points).astype(np.float32),
        counts=np.array([len(contour) for contour in contours], np.int64),
        surfaces=np.zeros(len(contours), np.int64),
        sizes=np.full(len(points), -1.0, np.float32),
        values=np.full(len(points), np.nan, np.float32),
        labels=tuple(map(_label, found)),
    )


def _label(each: Connector) -> str:
    of = " and ".join(map(str, each.vesicles))
    return f"{each.kind} {each.number} of vesicle {of}"
