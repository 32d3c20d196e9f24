"""Spheres to a file whose ending decides what it is: a model, a table or a label volume."""

from __future__ import annotations

from pathlib import Path

from vesimod_imod.core.errors import InputError
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.write import write_sphere_model

from vesimod.io.label_volume import paint_spheres
from vesimod.io.sphere_table import write_spheres_csv
from vesimod.io.tomogram import Tomogram, write_mrc, write_volume

TABLE = ".csv"
VOLUMES = (".mrc", ".rec", ".map")


def write_spheres(
    path: Path, spheres: Spheres, place: Tomogram | Grid | None, *, overwrite: bool = False
) -> None:
    """Write spheres; the reverse of `vesimod.io.read_spheres.read_spheres`.

    Parameters
    ----------
    path : Path
        Ends in ``.mod``, ``.csv``, ``.mrc``, ``.rec`` or ``.map``.
    spheres : Spheres
    place : Tomogram, Grid or None
        Where they lie. None for a table only, which then states no positions in nm.

    Raises
    ------
    InputError
        The ending is another one, or `place` is needed.
    FileExistsError
        `path` exists and `overwrite` is false.
    """
    ending = path.suffix.lower()
    if ending == TABLE:
        write_spheres_csv(path, spheres, place, overwrite=overwrite)
        return
    if ending not in (".mod", *VOLUMES):
        raise InputError(f"{path}: spheres are written as .mod, .csv or label .mrc")
    if place is None:
        raise InputError(f"{path}: needs the volume that the spheres lie in; give `tomogram`")
    grid = place.grid if isinstance(place, Tomogram) else place
    if ending == ".mod":
        write_sphere_model(path, spheres, grid, overwrite=overwrite)
    elif isinstance(place, Tomogram):
        write_mrc(path, paint_spheres(spheres, grid), place, overwrite=overwrite)
    else:
        write_volume(path, paint_spheres(spheres, grid), grid, overwrite=overwrite)
