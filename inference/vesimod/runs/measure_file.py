"""The measures of one synapse, from files to files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.file_roles import check_files
from vesimod_imod.core.locks import writing
from vesimod_imod.core.spheres import Grid
from vesimod_imod.sphere_model.write import write_sphere_objects

from vesimod.io.csv_table import write_table
from vesimod.io.read_spheres import read_spheres
from vesimod.io.sphere_table import write_spheres_csv
from vesimod.io.tomogram import Tomogram
from vesimod.measure.colouring import coloured_by
from vesimod.measure.places import read_places
from vesimod.measure.synapse import Measured, measure_synapse
from vesimod.measure.vesicle_table import Wishes
from vesimod.runs.outputs import WantedFiles, stem

TABLE_ENDING, SUMMARY_ENDING = "_measured.csv", "_summary.csv"
_OCCUPANCY = ("from_nm", "to_nm", "region_um3", "occupancy")
_NEIGHBOURS = ("neighbour_nm", "observed", "chance_mean", "chance_low", "chance_high")


@dataclass(frozen=True)
class MeasuredFiles(WantedFiles):
    """Files of one synapse.

    Parameters
    ----------
    vesicles, summary, occupancy, neighbours : Path
        Tables: a row a vesicle, one for the synapse, one a distance to the active zone, one a
        distance to the nearest neighbour.
    model : Path
        The vesicles, coloured.
    picture : Path, optional
    """

    vesicles: Path
    summary: Path
    occupancy: Path
    neighbours: Path
    model: Path
    picture: Path | None = None

    @staticmethod
    def beside(table: Path, picture: Path | None = None) -> MeasuredFiles:
        """Name them after the table of vesicles."""
        stem = table.name.removesuffix(".csv")
        endings = (SUMMARY_ENDING, "_occupancy.csv", "_neighbours.csv", ".mod")
        summary, occupancy, neighbours, model = (table.with_name(stem + end) for end in endings)
        return MeasuredFiles(table, summary, occupancy, neighbours, model, picture)


@dataclass(frozen=True)
class MeasureInputs:
    """What is read besides the tomogram.

    Parameters
    ----------
    vesicles : Path
        A model, a table or a label volume.
    active_zone, outline : Path, optional
        See `vesimod.measure.places.read_places`.
    az_name : str, optional
        Object of the active zone's model.
    """

    vesicles: Path
    active_zone: Path | None = None
    outline: Path | None = None
    az_name: str | None = None


def measure_file(
    tomogram: Tomogram,
    inputs: MeasureInputs,
    files: MeasuredFiles,
    wishes: Wishes,
    *,
    colour: str | None = None,
    overwrite: bool = False,
) -> Measured:
    """Measure the vesicles of a tomogram and write what was asked for.

    Parameters
    ----------
    tomogram : Tomogram
    inputs : MeasureInputs
    files : MeasuredFiles
    wishes : Wishes
    colour : str, optional
        Column that colours the model; default: the pool, or else the density.
    overwrite : bool

    Raises
    ------
    InputError
        Inputs that cannot be used; there is no vesicle.
    FileExistsError
        An output exists and `overwrite` is false.
    """
    read = [inputs.vesicles, inputs.active_zone, inputs.outline, wishes.connectors]
    check_files([tomogram.path, *read], files.files(), overwrite=overwrite)
    grid = tomogram.grid
    places = read_places(grid, inputs.active_zone, inputs.outline, inputs.az_name)
    reading = read_spheres(inputs.vesicles, grid)
    if not len(reading.spheres):
        raise InputError(f"{inputs.vesicles}: holds no vesicles to measure")
    measured = measure_synapse(reading.spheres, places, wishes)
    doubts = (*(f"{inputs.vesicles}: {text}" for text in reading.warnings), *measured.doubts)
    measured = replace(measured, doubts=doubts)
    write_measured(files, stem(tomogram.path), measured, grid, wishes, colour)
    return measured


def write_measured(
    files: MeasuredFiles,
    synapse: str,
    measured: Measured,
    grid: Grid,
    wishes: Wishes,
    colour: str | None = None,
) -> None:
    """Write all files of a synapse; existing ones are replaced.

    Parameters
    ----------
    files : MeasuredFiles
    synapse : str
        Its name in tables of many.
    measured, grid, wishes
        What was measured, where and how.
    colour : str, optional
        Column that colours the model; default: the pool, or else the density.

    Raises
    ------
    InputError
        There is no such column.
    """
    pools = "pool" if "pool" in measured.vesicles.measures else "density_um3"
    objects = coloured_by(measured.vesicles, colour or pools, wishes.pool_edges_nm)
    occupancy = [[f"{value:.6g}" for value in row] for row in measured.occupancy]
    # Without a comparison it has no row: that of an earlier run must not stay.
    curve = np.empty((0, 5)) if measured.chance is None else measured.chance.distribution()
    neighbours = [[f"{value:.6g}" for value in row] for row in curve]
    names = ["synapse", *measured.summary]
    with writing(files.vesicles, files.files()):
        if files.picture is not None:
            from vesimod.figures.measures import draw_synapse

            draw_synapse(files.picture, measured)
        write_sphere_objects(files.model, objects, grid, overwrite=True)
        write_table(files.occupancy, _OCCUPANCY, occupancy)
        write_table(files.neighbours, _NEIGHBOURS, neighbours)
        write_table(files.summary, names, [[synapse, *map(cell, measured.summary.values())]])
        write_spheres_csv(files.vesicles, measured.vesicles, grid, overwrite=True)


def cell(value: float | int) -> str:
    """Return a number as text, empty where it is not known."""
    return "" if np.isnan(value) else f"{value:.6g}"
