"""The front door for Python: what ``import vesimod`` shows.

Each function takes what people have at hand, a path, an array or what another function returned,
and lets the rooms do the work. What may be wrong with a result is issued as a `VesimodWarning`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.spheres import Spheres

from vesimod import pipeline
from vesimod.inputs import (
    File,
    Place,
    Vesicles,
    Volume,
    as_grid,
    as_model,
    as_place,
    as_reading,
    as_tomogram,
    open_tomogram,
    shared_grid,
    warn,
)
from vesimod.io import write_spheres as to_file
from vesimod.io.label_volume import paint_spheres
from vesimod.io.tomogram import Tomogram
from vesimod.measure import agreement
from vesimod.network.model import DEFAULT_MODEL, Model
from vesimod.pipeline import Progress, Segmentation
from vesimod.review import merge as merging
from vesimod.review.correction_table import Correction, read_corrections
from vesimod.review.corrections import find_corrections
from vesimod.review.merge import Merged
from vesimod.vesicles import snap as snapping
from vesimod.vesicles.snap import Snapped


def read_tomogram(path: File, voxel_size_nm: float | None = None) -> Tomogram:
    """Open an MRC volume (modes 0, 1, 2, 6, 12; plain, .gz or .bz2).

    Parameters
    ----------
    path : path
        The file. Plain files are memory-mapped, compressed ones are read whole.
    voxel_size_nm : float, optional
        Overrides the header's voxel size along all axes.

    Returns
    -------
    Tomogram
        Its ``warnings`` say what is doubtful about the file, and are issued as warnings, too.

    Raises
    ------
    TomogramError
        It is not a volume that can be used: see `vesimod.io.tomogram.read_tomogram`.
    OSError
        It is absent or cannot be read.
    """
    return open_tomogram(path, voxel_size_nm)


def segment(
    tomogram: Volume,
    model: File | Model = DEFAULT_MODEL,
    *,
    voxel_size_nm: float | None = None,
    threshold: float | None = None,
    invert: bool = False,
    region: BoolArray | None = None,
    progress: Progress | None = None,
) -> Segmentation:
    """Find the vesicles of a tomogram.

    Parameters
    ----------
    tomogram : path, Tomogram or (z, y, x) array
        Reconstructed volume; an array needs `voxel_size_nm`.
    model : str, path or Model
        A shipped model's name, an ``.onnx`` file, or what `load_model` returned, which saves the
        start where there are many tomograms.
    voxel_size_nm : float, optional
        Of an array; of a file, instead of what its header states.
    threshold : float, optional
        Probability from which a voxel counts as vesicle; default: found automatically.
    invert : bool
        Membranes are bright in this tomogram.
    region : (z, y, x) bool, optional
        Where vesicles may be, on the tomogram's grid; others are dropped.
    progress : callable, optional
        Called with (step, done, total) as the work goes on.

    Returns
    -------
    Segmentation
        Its ``spheres`` are the vesicles. Its ``notes`` say what may be wrong, and are issued as
        warnings, too.

    Raises
    ------
    TomogramError, ModelError, InputError
        The volume, the model or another argument cannot be used.
    InputTypeError
        `tomogram` or `model` is of a type that is not taken.
    OSError
        A file is absent or cannot be read.
    """
    volume = as_tomogram(tomogram, voxel_size_nm)
    result = pipeline.segment(
        volume,
        as_model(model),
        threshold=threshold,
        invert=invert,
        region=region,
        progress=progress,
    )
    warn(f"{volume.path}: {note}" for note in result.notes)
    return result


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


def snap(
    tomogram: Volume,
    clicks: Spheres | npt.ArrayLike,
    *,
    voxel_size_nm: float | None = None,
    taken: Spheres | None = None,
    invert: bool = False,
) -> Snapped:
    """Find the vesicle around each point that a person clicked.

    Parameters
    ----------
    tomogram, voxel_size_nm, invert
        As in `segment`.
    clicks : Spheres or (N, 3) array
        Points (z, y, x) in voxels, within 10 nm of a vesicle's centre; of spheres, the centres.
    taken : Spheres, optional
        Vesicles that are there already: a click on one of them adds nothing.

    Returns
    -------
    Snapped
        One sphere for each click, and why not where a click became none.
    """
    volume = as_tomogram(tomogram, voxel_size_nm)
    points = clicks.centres if isinstance(clicks, Spheres) else np.asarray(clicks, np.float64)
    if points.size and points.shape[-1:] != (3,):
        raise InputError(
            f"clicks are points (z, y, x) in voxels, an array (N, 3), not {points.shape}"
        )
    return snapping.snap(
        volume.voxels, volume.grid.voxel_size_nm, points, taken=taken, invert=invert
    )


def evaluate(
    found: Vesicles,
    truth: Vesicles,
    tomogram: Place | None = None,
    *,
    voxel_size_nm: float | None = None,
) -> agreement.Evaluation:
    """Compare found vesicles with true ones: precision, recall, errors in nm.

    Parameters
    ----------
    found, truth : Spheres or path
        On the same volume.
    tomogram : path, Tomogram or Grid, optional
        That volume.
    voxel_size_nm : float, optional
        Instead of it. Neither is needed where one of the files states its voxel size.
    """
    grid = shared_grid([truth, found], tomogram, voxel_size_nm)
    found_spheres, true_spheres = (as_reading(each, grid).spheres for each in (found, truth))
    return agreement.evaluate(found_spheres, true_spheres, grid.voxel_size_nm)


def corrections(
    predicted: Vesicles,
    corrected: Vesicles,
    tomogram: Place | None = None,
    *,
    voxel_size_nm: float | None = None,
) -> list[Correction]:
    """Tell sphere by sphere what a person kept, moved, resized, added or removed.

    Parameters
    ----------
    predicted, corrected : Spheres or path
        Before and after. Ids tell which sphere is which, where that is plausible.
    tomogram, voxel_size_nm
        As in `evaluate`.

    Returns
    -------
    list of Correction
        ``pandas.DataFrame(...)`` makes a table of it.
    """
    grid = shared_grid([predicted, corrected], tomogram, voxel_size_nm)
    before, after = as_reading(predicted, grid), as_reading(corrected, grid)
    return find_corrections(before, after, grid.voxel_size_nm)


def merge(
    corrections: File | Sequence[Correction],
    new: Vesicles,
    tomogram: Place | None = None,
    *,
    voxel_size_nm: float | None = None,
) -> Merged:
    """Apply a person's corrections to a new prediction: what the person decided, stays.

    Parameters
    ----------
    corrections : path or sequence of Correction
        What `corrections` returned, or the table that ``vesimod corrections`` wrote.
    new : Spheres or path
        The new prediction of the same tomogram.
    tomogram, voxel_size_nm
        As in `evaluate`.
    """
    if isinstance(corrections, (str, os.PathLike)):
        corrections = read_corrections(Path(corrections))
    grid = shared_grid([new], tomogram, voxel_size_nm)
    found = as_reading(new, grid).spheres
    merged = merging.merge(corrections, found, grid.voxel_size_nm)
    if len(merged.decided) and len(merged.new) == len(found):
        text = "none of the new spheres is in the corrections: are both of the same tomogram?"
        warn([text])
    return merged
