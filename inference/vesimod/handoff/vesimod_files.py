"""Spheres to our own files, written as the other programs' are."""

from __future__ import annotations

from pathlib import Path

from vesimod_imod.core.spheres import Spheres
from vesimod_imod.sphere_model.write import write_sphere_model

from vesimod.handoff.frame import Frame, HandoffError
from vesimod.io.label_volume import paint_spheres
from vesimod.io.sphere_table import write_spheres_csv
from vesimod.io.tomogram import write_volume


def write_model(path: Path, spheres: Spheres, frame: Frame) -> None:
    """Write an IMOD sphere model."""
    if not all(frame.grid.shape):
        raise HandoffError(f"{path}: a model lies on a volume; give `tomogram`")
    write_sphere_model(path, spheres, frame.grid, overwrite=True)


def write_sphere_table(path: Path, spheres: Spheres, frame: Frame) -> None:
    """Write our table of spheres, in voxels and nm."""
    write_spheres_csv(path, spheres, frame.grid, overwrite=True)


def write_labels(path: Path, spheres: Spheres, frame: Frame) -> None:
    """Write a label volume as MRC (mode 6): each voxel its sphere's id."""
    if not all(frame.grid.shape):
        raise HandoffError(f"{path}: labels fill a volume; give `tomogram`")
    write_volume(path, paint_spheres(spheres, frame.grid), frame.grid, overwrite=True)
