"""``vesimod report``: what was found in a tomogram, as one page that opens anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vesimod.commands.options import Invert, Overwrite, Quiet, VoxelSize

if TYPE_CHECKING:
    from vesimod.report.subject import Subject

ENDING = "_report.html"
Table = Annotated[
    Path | None,
    typer.Option(metavar="CSV", help="Features to show: the table that segment --table wrote."),
]
Dropped = Annotated[
    Path | None, typer.Option(metavar="CSV", help="Candidates not accepted: segment --dropped.")
]
Contours = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="MOD", help="Outline, active zone, connectors to show in 3D; may be repeated."
    ),
]


def report(
    tomogram: Annotated[Path, typer.Argument(help="The tomogram, e.g. TS_01_rec.mrc.")],
    model: Annotated[Path, typer.Argument(metavar="MODEL.mod", help="Its vesicles: .mod or .csv.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="HTML", help="Default: <model>_report.html."),
    ] = None,
    png: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Also draw a page for a lab book.")
    ] = None,
    table: Table = None,
    dropped: Dropped = None,
    truth: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="True or corrected vesicles to compare with."),
    ] = None,
    contours: Contours = None,
    paths: Annotated[
        bool, typer.Option("--paths", help="Show files with their folders; default: names only.")
    ] = False,
    voxel_size_nm: VoxelSize = None,
    invert: Invert = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Write a report: slices, a gallery with the most doubtful first, distributions, 3D."""
    from dataclasses import replace

    from vesimod_imod.core.file_roles import check_files, check_kind
    from vesimod_imod.core.locks import writing

    from vesimod.commands.console import progress, say
    from vesimod.report.html import check_packages, write_report
    from vesimod.report.lab_book import write_lab_book

    page = output or model.with_name(model.stem + ENDING)
    read = [tomogram, model, table, dropped, truth, *(contours or [])]
    check_files(read, [page, png], overwrite=overwrite)
    check_kind(page, "a report")
    check_kind(png, "a picture")
    check_packages()
    subject = replace(
        _subject(tomogram, model, voxel_size_nm, invert, paths),
        **_beside(tomogram, voxel_size_nm, table, dropped, truth, contours or []),
    )
    with writing(page, [png]):
        if png is not None:
            write_lab_book(png, subject, overwrite=overwrite)
        with progress(quiet) as tell:
            write_report(page, subject, overwrite=overwrite, progress=tell)
    if not quiet:
        for file in (page, png):
            if file is not None:
                say(f"wrote {file}")


def _subject(
    tomogram: Path, model: Path, voxel_size_nm: float | None, invert: bool, paths: bool
) -> Subject:
    """Read the tomogram, its spheres and how they were made."""
    from vesimod.commands.console import open_tomogram
    from vesimod.io.provenance import read_provenance
    from vesimod.io.read_spheres import read_spheres
    from vesimod.report.subject import Subject

    volume = open_tomogram(tomogram, voxel_size_nm, quiet=True)
    reading = read_spheres(model, volume.grid)
    record, notes = read_provenance(model, tomogram)
    inverted = invert or (record is not None and record.parameters.get("invert") is True)
    return Subject(volume, model, reading, record, tuple(notes), inverted, with_paths=paths)


def _beside(
    tomogram: Path,
    voxel_size_nm: float | None,
    table: Path | None,
    dropped: Path | None,
    truth: Path | None,
    contours: list[Path],
) -> dict[str, Any]:
    """Read what else is known, by the names that a report's subject has for it."""
    from vesimod_imod.contour_model.read import read_drawings

    from vesimod.commands.console import read, warn
    from vesimod.io.sphere_table import read_spheres_csv
    from vesimod.io.tomogram import read_tomogram

    grid = read_tomogram(tomogram, voxel_size_nm).grid
    drawings = []
    for file in contours:
        drawn, warnings = read_drawings(file, grid)
        drawings += drawn
        for warning in warnings:
            warn(f"{file}: {warning}")
    return {
        "features": None if table is None else read_spheres_csv(table),
        "dropped": None if dropped is None else read_spheres_csv(dropped),
        "truth": None if truth is None else read(truth, grid).spheres,
        "drawings": tuple(drawings),
    }
