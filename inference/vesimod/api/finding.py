"""From a tomogram to its vesicles: by the network, or by a person's clicks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.spheres import Spheres

from vesimod import pipeline
from vesimod.api.inputs import File, Volume, as_model, as_region, as_tomogram, open_tomogram, warn
from vesimod.doubts import question_polarity
from vesimod.io.tomogram import Tomogram
from vesimod.limits import RADIUS_NM
from vesimod.network.model import DEFAULT_MODEL, Model
from vesimod.pipeline import Progress, Segmentation
from vesimod.settings import SearchSettings
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
    region: File | npt.ArrayLike | None = None,
    radius_nm: tuple[float, float] = RADIUS_NM,
    progress: Progress | None = None,
) -> Segmentation:
    """Find the vesicles of a tomogram.

    Parameters
    ----------
    tomogram : path, Tomogram or (z, y, x) array
        Reconstructed volume; an array needs `voxel_size_nm`.
    model : str, path or Model
        A shipped model's name, an ``.onnx`` file, or what `load_model` returned, which starts once.
    voxel_size_nm : float, optional
        Of an array; of a file, instead of what its header states.
    threshold : float, optional
        Probability from which a voxel counts as vesicle; default: found automatically.
    invert : bool
        Membranes are bright in this tomogram.
    region : (z, y, x) array or path, optional
        Where vesicles may be; others are dropped. A mask (above 0) on the tomogram's grid, or the
        path of a mask volume or of a model with closed contours.
    radius_nm : (float, float)
        Least and largest radius that is looked for; large ones are sought at larger voxels.
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
    network, mask = as_model(model), as_region(region, volume.grid)
    search = SearchSettings(threshold, invert, mask, radius_nm)
    result = pipeline.segment_with(volume, network, search, progress=progress)
    result = question_polarity(volume, network, result, search)
    warn(f"{volume.path}: {note}" for note in result.notes)
    return result


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
    return snapping.snap(volume.grey, volume.grid.voxel_size_nm, points, taken=taken, invert=invert)
