"""One tomogram from its file to the files that hold the result.

What ``vesimod segment``, ``vesimod batch`` and the chunks of processchunks share: the order in
which things are checked, computed and written.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from vesimod_imod.core.file_roles import check_files
from vesimod_imod.core.files import remove_leftovers
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Spheres

from vesimod.doubts import question_polarity
from vesimod.io.provenance import Provenance, fingerprint
from vesimod.io.tomogram import Tomogram, read_tomogram
from vesimod.pipeline import Progress, ScaleMaps, Segmentation, find_in_maps, maps_of_scales
from vesimod.report.html import check_packages
from vesimod.runs.outputs import Outputs, Settings
from vesimod.runs.slabs import join_slabs, remove_slabs
from vesimod.runs.writing import write_outputs
from vesimod.settings import SearchSettings

if TYPE_CHECKING:
    from vesimod.network.model import Model

NM3_PER_UM3 = 1e9


def prepare(
    path: Path,
    outputs: Outputs,
    settings: Settings,
    overwrite: bool,
    also_read: Sequence[Path] = (),
) -> Tomogram:
    """Open the tomogram, and check every output before hours of work go into it.

    What a killed run left of the outputs under temporary names is removed. Files `also_read` must
    not be written over either.

    Raises
    ------
    InputError
        Two of the files are the same one, or a name is reserved.
    OSError, TomogramError
        See `vesimod_imod.core.file_roles.check_files` and `vesimod.io.tomogram.read_tomogram`.
    """
    if outputs.report is not None:
        check_packages()
    tomogram = read_tomogram(path, settings.voxel_size_nm)
    read = [path, settings.region, *also_read]
    check_files(read, outputs.files(), overwrite=True)
    outputs.check_kinds()
    if not overwrite:
        outputs.check_absent("`overwrite=True` replaces it")
    for file in outputs.files():
        remove_leftovers(file)
    return tomogram


@dataclass(frozen=True, eq=False, repr=False)
class Asked(ShortRepr):
    """A tomogram about which the network has been asked.

    Parameters
    ----------
    tomogram : Tomogram
    search : SearchSettings
        How, and where.
    notes : tuple of str
        What is doubtful about the region.
    maps : dict of int to dict of (z, y, x) float32
        From `vesimod.pipeline.maps_of_scales`.
    seconds : float
        That it took.
    """

    tomogram: Tomogram
    search: SearchSettings
    notes: tuple[str, ...]
    maps: ScaleMaps
    seconds: float


def segment_and_write(
    tomogram: Tomogram,
    outputs: Outputs,
    settings: Settings,
    network: Model,
    *,
    slabs: int = 1,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Segmentation:
    """Find the vesicles and write what was asked for, each file whole or not at all.

    Parameters
    ----------
    tomogram : Tomogram
        From `prepare`, which has checked the outputs.
    outputs, settings
        What to write, and how to find it.
    network : Model
        From `vesimod.load_model`.
    slabs : int
        Above 1, the network has been run on that many slabs already (`vesimod.runs.slabs`).
    overwrite : bool
        Replace existing files.
    progress : callable, optional
        As in `vesimod.segment`.
    """
    asked = ask_network(tomogram, outputs, settings, network, slabs=slabs, progress=progress)
    result = find_and_write(
        asked, outputs, settings, network, overwrite=overwrite, progress=progress
    )
    if slabs > 1:
        remove_slabs(outputs.model, slabs)
    return result


def ask_network(
    tomogram: Tomogram,
    outputs: Outputs,
    settings: Settings,
    network: Model,
    *,
    slabs: int = 1,
    progress: Progress | None = None,
) -> Asked:
    """Do the first half of `segment_and_write`, which has the same parameters: the network's."""
    start = time.monotonic()
    search, notes = settings.search(tomogram)
    finest = join_slabs(tomogram, outputs.model, network, slabs, search) if slabs > 1 else None
    maps = maps_of_scales(tomogram, network, search, finest=finest, progress=progress)
    return Asked(tomogram, search, notes, maps, time.monotonic() - start)


def find_and_write(
    asked: Asked,
    outputs: Outputs,
    settings: Settings,
    network: Model,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Segmentation:
    """Do the second half of `segment_and_write`, which has the same parameters."""
    start = time.monotonic()
    result = find_in_maps(asked.tomogram, asked.maps, network.spec, asked.search, progress=progress)
    result = question_polarity(asked.tomogram, network, result, asked.search)
    result = replace(result, notes=(*asked.notes, *result.notes))
    seconds = asked.seconds + time.monotonic() - start
    provenance = _provenance(asked, network, settings, result, seconds)
    write_outputs(
        outputs,
        asked.tomogram,
        result,
        provenance,
        score_classes=settings.score_classes,
        overwrite=overwrite,
    )
    return result


def reason_counts(dropped: Spheres) -> dict[str, int]:
    """How many candidates were dropped for each reason, the most frequent first."""
    counts = Counter(map(str, dropped.measures.get("reason", np.empty(0, "U1"))))
    return dict(counts.most_common())


def _provenance(
    asked: Asked, network: Model, settings: Settings, result: Segmentation, seconds: float
) -> Provenance:
    """Record how a model was made, and what `vesimod.runs.batch` sums up later."""
    tomogram, region = asked.tomogram, asked.search.region
    searched = int(np.prod(tomogram.grid.shape)) if region is None else int(region.sum())
    return Provenance(
        network=f"{network.spec.name} {network.spec.version}",
        weights_sha256=network.sha256,
        tomogram=tomogram.path.name,
        tomogram_fingerprint=fingerprint(tomogram.path),
        parameters=settings.record(),
        results={
            "voxel_size_nm": list(tomogram.grid.voxel_size_nm),
            "searched_um3": searched * float(np.prod(tomogram.grid.voxel_size_nm)) / NM3_PER_UM3,
            "threshold": result.threshold,
            "threshold_curve": [list(point) for point in result.threshold_curve],
            "dropped": reason_counts(result.dropped),
            "notes": [*tomogram.warnings, *result.notes],
            "decided": list(tomogram.notes),
            "seconds": seconds,
        },
    )
