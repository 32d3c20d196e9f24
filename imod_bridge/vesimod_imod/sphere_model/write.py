"""Spheres as a model that 3dmod shows and edits, and back with all that a person changed.

Writing is here, reading in :mod:`vesimod_imod.sphere_model.read`; import both from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vesimod_imod.core.object_names import VESICLES
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.model.coordinates import to_model
from vesimod_imod.model.files import write_mod
from vesimod_imod.model.new import new_model
from vesimod_imod.model.objects import FILLED, OPEN, SCATTERED, XYZ, ModelObject
from vesimod_imod.sphere_model.labels import sphere_label, value_of_score
from vesimod_imod.sphere_model.read import SphereReading, read_sphere_model, spheres_of

__all__ = [
    "GREEN",
    "ORANGE",
    "RED",
    "SphereObject",
    "SphereReading",
    "by_score",
    "read_sphere_model",
    "sphere_label",
    "spheres_of",
    "write_sphere_model",
    "write_sphere_objects",
]

SPHERE_QUALITY = 2
REJECTED_SHOWN_NM = 10.0  # half of a vesicle's radius: seen in the sections near
GREEN, ORANGE, RED = (0.0, 1.0, 0.0), (1.0, 0.6, 0.0), (1.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False, repr=False)
class SphereObject(ShortRepr):
    """Spheres that 3dmod shows as one object: one name, one colour.

    Parameters
    ----------
    name : str
        At most 63 bytes of it are kept.
    spheres : Spheres
    colour : (float, float, float)
        Red, green, blue in 0..1.
    unsized_nm : float
        Radius with which 3dmod draws points where none of them has one of its own: with a
        pixel or less they show in their own section only.
    """

    name: str
    spheres: Spheres
    colour: XYZ = GREEN
    unsized_nm: float = 0.0


def write_sphere_model(
    path: Path | str,
    spheres: Spheres,
    grid: Grid,
    *,
    name: str = VESICLES,
    overwrite: bool = False,
) -> None:
    """Write one object of spheres; see `write_sphere_objects`."""
    write_sphere_objects(path, [SphereObject(name, spheres)], grid, overwrite=overwrite)


def write_sphere_objects(
    path: Path | str,
    objects: Sequence[SphereObject],
    grid: Grid,
    *,
    others: Sequence[ModelObject] = (),
    overwrite: bool = False,
) -> None:
    """Write spheres as an IMOD model of scattered points, one point per contour.

    Each contour's label carries the sphere's id, the radius written and the score, its general
    value the score's log-odds: they survive editing in 3dmod. A file that is replaced is kept as
    ``<path>~``, as 3dmod does.

    Parameters
    ----------
    path : path
    objects : sequence of SphereObject
        Ids must differ across objects. Radii are written in pixels, NaN as "no size set".
    grid : Grid
        The volume that the spheres lie in.
    others : sequence of ModelObject
        Objects to write after the spheres, in model coordinates of that volume.
    overwrite : bool

    Raises
    ------
    FileExistsError
        `path` exists and `overwrite` is false.
    InputError
        Two spheres share an id.
    """
    path = Path(path)
    Spheres.concatenate([item.spheres for item in objects])  # refuses an id that occurs twice
    written = [*(_to_object(item, grid) for item in objects), *others]
    write_mod(path, new_model(path.stem, written, grid), overwrite=overwrite)


def by_score(spheres: Spheres, name: str = VESICLES) -> list[SphereObject]:
    """Sort spheres into five objects, a fifth of them each, coloured from red to yellow-white.

    The most doubtful come first and darkest, the best last and brightest, as in the colours of
    glowing metal. Equal scores stay together, so that an object may be empty.
    """
    order = np.sort(spheres.scores)
    rank = np.searchsorted(order, spheres.scores, side="right") / max(len(spheres), 1)
    fifth = np.ceil(len(_HEAT) * rank).astype(int) - 1
    objects = []
    for k, colour in enumerate(_HEAT):
        part = spheres.select(fifth == k)
        scores = f"{part.scores.min():.5g} to {part.scores.max():.5g}" if len(part) else "none"
        title = f"{name} {k + 1} of {len(_HEAT)}, score {scores}"
        objects.append(SphereObject(title, part, colour))
    return objects


_HEAT: tuple[XYZ, ...] = (
    (0.5, 0.0, 0.0),
    (1.0, 0.0, 0.0),
    (1.0, 0.5, 0.0),
    (1.0, 1.0, 0.0),
    (1.0, 1.0, 0.8),
)


def _to_object(item: SphereObject, grid: Grid) -> ModelObject:
    spheres = item.spheres
    n = len(spheres)
    unit = float(np.float32(grid.xy_voxel_size_nm))  # as the header rounds it
    radii = spheres.radii_nm / unit
    known = radii[np.isfinite(radii)]
    stated = (column.tolist() for column in (spheres.ids, spheres.radii_nm, spheres.scores))
    usual = float(np.median(known)) if len(known) else item.unsized_nm / unit
    return ModelObject(
        name=item.name,
        flags=SCATTERED | OPEN | FILLED,
        colour=item.colour,
        default_radius=max(1, round(usual)),
        points_per_contour=1,
        points=to_model(spheres.centres).astype(np.float32),
        counts=np.ones(n, np.int64),
        surfaces=np.zeros(n, np.int64),
        sizes=np.where(np.isfinite(radii), radii, -1.0).astype(np.float32),
        values=value_of_score(spheres.scores).astype(np.float32),
        labels=tuple(map(sphere_label, *stated)),
        sphere_quality=SPHERE_QUALITY,
    )
