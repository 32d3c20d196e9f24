"""Vesicles from and to files and label volumes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.spheres import Spheres

from vesimod.api.inputs import File, Place, as_grid, as_place, as_reading
from vesimod.io import write_spheres as to_file
from vesimod.io.label_volume import paint_spheres


def read_spheres(path: File, tomogram: Place | None = None) -> Spheres:
    """Read the vesicles that a model, a table or a label volume holds.

    `vesimod_imod.read_sphere_model` tells all that a model says, e.g. who set each radius.

    Parameters
    ----------
    path : path
        ``.mod``, ``.csv``, or a label volume (``.mrc``, ``.rec``).
    tomogram : path, Tomogram or Grid, optional
        The volume in whose voxels the centres are wanted. Default: the one that a model was last
        saved on.
    """
    return as_reading(path, None if tomogram is None else as_grid(tomogram)).spheres


def write_spheres(
    path: File, spheres: Spheres, tomogram: Place | None = None, *, overwrite: bool = False
) -> None:
    """Write spheres as a model for 3dmod, as a table or as a label volume.

    Parameters
    ----------
    path : path
        Its ending decides: ``.mod`` keeps ids, centres, radii and scores; ``.csv`` all columns;
        ``.mrc`` holds each voxel's id (see `paint_labels`).
    spheres : Spheres
    tomogram : path, Tomogram or Grid, optional
        The volume that the spheres lie in. A table does without; with it, the centres are written
        in nm (z_nm, y_nm, x_nm), too.
    overwrite : bool
        Replace an existing file; of a model, the former one is kept as ``<path>~``.

    Raises
    ------
    InputError
        The ending is another one, or `tomogram` is needed.
    FileExistsError
        The file exists and `overwrite` is false.
    """
    place = None if tomogram is None else as_place(tomogram)
    to_file.write_spheres(Path(path), spheres, place, overwrite=overwrite)


def paint_labels(spheres: Spheres, tomogram: Place) -> npt.NDArray[np.uint16]:
    """Paint spheres into a label volume on a tomogram's grid.

    Returns
    -------
    (z, y, x) uint16 array
        0 background, else the sphere's id; see `vesimod.io.label_volume.paint_spheres`.
    """
    return paint_spheres(spheres, as_grid(tomogram))
