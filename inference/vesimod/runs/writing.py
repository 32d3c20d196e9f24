"""Write what a run found: each file whole or not at all, the model last."""

from __future__ import annotations

from pathlib import Path

from vesimod_imod.core.files import marked_unfinished
from vesimod_imod.core.object_names import VESICLES
from vesimod_imod.sphere_model.read import read_sphere_model
from vesimod_imod.sphere_model.write import SphereObject, by_score, write_sphere_objects

from vesimod.figures.slices import draw_picture
from vesimod.io.label_volume import paint_spheres
from vesimod.io.provenance import Provenance, write_provenance
from vesimod.io.scratch import new_volume
from vesimod.io.sphere_table import write_spheres_csv
from vesimod.io.tomogram import Tomogram, write_mrc
from vesimod.network.resample import resampled_slabs
from vesimod.pipeline import Segmentation
from vesimod.report.html import write_report
from vesimod.report.subject import Subject
from vesimod.runs.outputs import Outputs


def write_outputs(
    outputs: Outputs,
    tomogram: Tomogram,
    result: Segmentation,
    provenance: Provenance,
    *,
    score_classes: bool = False,
    overwrite: bool = False,
) -> None:
    """Write everything that was asked for.

    Parameters
    ----------
    outputs : Outputs
        What to write.
    tomogram : Tomogram
        What was segmented; volumes lie on its grid.
    result : Segmentation
    provenance : Provenance
        The record that is written beside the model.
    score_classes : bool
        Five objects by score instead of one.
    overwrite : bool
        Replace existing files.
    """
    with marked_unfinished(outputs.model, outputs.files()):
        spheres = result.spheres
        if outputs.labels is not None:
            labels = paint_spheres(spheres, tomogram.grid)
            write_mrc(outputs.labels, labels, tomogram, overwrite=overwrite)
        if outputs.probability is not None:
            _write_probability(outputs.probability, tomogram, result, overwrite)
        if outputs.table is not None:
            write_spheres_csv(outputs.table, spheres, overwrite=overwrite)
        if outputs.dropped is not None:
            write_spheres_csv(outputs.dropped, result.dropped, overwrite=overwrite)
        if outputs.picture is not None:
            draw_picture(outputs.picture, tomogram, spheres, overwrite=overwrite)
        objects = by_score(spheres) if score_classes else [SphereObject(VESICLES, spheres)]
        write_sphere_objects(outputs.model, objects, tomogram.grid, overwrite=overwrite)
        write_provenance(outputs.model, provenance)
        if outputs.report is not None:
            _write_report(outputs.report, outputs.model, tomogram, result, provenance, overwrite)


def _write_report(
    path: Path,
    model: Path,
    tomogram: Tomogram,
    result: Segmentation,
    provenance: Provenance,
    overwrite: bool,
) -> None:
    """Write the report on the model as it was just written, which gives contours their numbers."""
    subject = Subject(
        tomogram,
        model,
        read_sphere_model(model, tomogram.grid).vesicles(),
        provenance,
        invert=provenance.parameters.get("invert") is True,
        features=result.spheres,
        dropped=result.dropped,
    )
    write_report(path, subject, overwrite=overwrite)


def _write_probability(
    path: Path, tomogram: Tomogram, result: Segmentation, overwrite: bool
) -> None:
    """Write the network's output on the tomogram's grid."""
    grid, model_nm = tomogram.grid, (result.model_voxel_size_nm,) * 3
    # Not in memory: on the tomogram's grid it may be larger than what there is.
    volume = new_volume(grid.shape, in_file=True)
    slabs = resampled_slabs(result.probability, model_nm, grid.voxel_size_nm, grid.shape)
    for rows, slab in slabs:
        volume[rows] = slab
    write_mrc(path, volume, tomogram, overwrite=overwrite)
