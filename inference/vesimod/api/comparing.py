"""Two sets of vesicles: found and true, predicted and corrected, old and new."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy.typing as npt

from vesimod.api.inputs import File, Place, Vesicles, as_reading, as_region, shared_grid, warn
from vesimod.measure import agreement
from vesimod.measure.within import within_region
from vesimod.review import merge as merging
from vesimod.review.correction_table import Correction, read_corrections
from vesimod.review.corrections import find_corrections
from vesimod.review.merge import Merged


def evaluate(
    found: Vesicles,
    truth: Vesicles,
    tomogram: Place | None = None,
    *,
    voxel_size_nm: float | None = None,
    region: File | npt.ArrayLike | None = None,
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
    region : (z, y, x) array or path, optional
        The part in which vesicles are compared (`vesimod.measure.within`); as in `segment`.
    """
    grid = shared_grid([truth, found], tomogram, voxel_size_nm)
    found_spheres, true_spheres = (as_reading(each, grid).spheres for each in (found, truth))
    counted = as_region(region, grid)
    pair = within_region(found_spheres, true_spheres, counted, grid.voxel_size_nm)
    return agreement.evaluate(*pair, grid.voxel_size_nm)


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
