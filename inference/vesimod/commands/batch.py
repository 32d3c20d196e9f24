"""``vesimod batch``: many tomograms, one after the other or as chunks for processchunks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesimod.commands.options import (
    Device,
    DeviceChoice,
    Invert,
    MemoryGB,
    ModelOption,
    Quiet,
    RadiusRange,
    Slabs,
    Threads,
    Threshold,
    VoxelSize,
)
from vesimod.commands.segmenting import NetworkChoice, start_network
from vesimod.limits import RADIUS_NM

if TYPE_CHECKING:
    from vesimod.runs.batch import Job
    from vesimod.runs.summary import Row

SUMMARY, PAGE = "summary.csv", "report.html"


def batch(
    patterns: Annotated[
        list[str], typer.Argument(metavar="PATTERN...", help="Tomograms, e.g. 'data/*_rec.mrc'.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for all results.")
    ],
    labels: Annotated[bool, typer.Option("--labels", help="Also write label volumes.")] = False,
    probability: Annotated[
        bool, typer.Option("--probability", help="Also write the network's output.")
    ] = False,
    picture: Annotated[bool, typer.Option("--picture", help="Also draw pictures.")] = False,
    dropped: Annotated[
        bool, typer.Option("--dropped", help="Also write the candidates not accepted.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Also write a report each, and one page about all.")
    ] = False,
    regions: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder with <name>.mod or <name>.mrc: where to search."),
    ] = None,
    score_classes: Annotated[
        bool, typer.Option("--score-classes", help="Five objects by score, in heat colours.")
    ] = False,
    model: ModelOption = "fast",
    voxel_size_nm: VoxelSize = None,
    threshold: Threshold = None,
    radius_nm: RadiusRange = RADIUS_NM,
    device: Device = DeviceChoice.auto,
    threads: Threads = None,
    memory_gb: MemoryGB = None,
    invert: Invert = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results made otherwise.")
    ] = False,
    quiet: Quiet = False,
    chunks: Annotated[
        bool, typer.Option("--chunks", help="Write com files for processchunks; run nothing.")
    ] = False,
    slabs: Slabs = 1,
) -> None:
    """Segment many tomograms; run again, it goes on where it was stopped."""
    from vesimod_imod.core.files import make_folder

    from vesimod.runs.batch import find_tomograms, plan_jobs
    from vesimod.runs.outputs import Settings

    if regions is not None and not regions.is_dir():
        raise NotADirectoryError(f"{regions}: no such folder; --regions names one")
    switches = {
        "labels": labels,
        "probability": probability,
        "picture": picture,
        "dropped": dropped,
        "report": report,
    }
    jobs = plan_jobs(
        find_tomograms(patterns),
        output,
        Settings(
            voxel_size_nm, threshold, invert, score_classes=score_classes, radius_nm=radius_nm
        ),
        ["table", *(kind for kind, wanted in switches.items() if wanted)],
        regions,
    )
    choice = NetworkChoice(model, device.value, threads, memory_gb)
    make_folder(output)
    if chunks:
        write_com_files(jobs, output, choice, slabs=slabs, overwrite=overwrite)
    elif slabs > 1:
        raise ValueError("--slabs: cuts tomograms for several computers, together with --chunks")
    else:
        run(jobs, output, choice, with_page=report, overwrite=overwrite, quiet=quiet)


def write_com_files(
    jobs: list[Job],
    folder: Path,
    choice: NetworkChoice,
    *,
    slabs: int,
    overwrite: bool,
) -> None:
    """Write the com files for all jobs that are not finished.

    Raises
    ------
    FileExistsError
        Some results were made otherwise, and `overwrite` is false.
    VoxelSizeError
        The stated voxel size cannot be true of a tomogram.
    """
    from vesimod_imod.core.files import sha256_of
    from vesimod_imod.etomo.com_files import Task

    from vesimod.commands.chunks import (
        FILE_OPTIONS,
        WHEN_THERE,
        check_voxel_size,
        entries_for,
        write_chunks,
    )
    from vesimod.network.shipped import find_model
    from vesimod.runs.batch import is_finished

    weights = sha256_of(find_model(choice.model))
    tasks, finished = [], []
    for job in jobs:
        if is_finished(job, weights, overwrite):
            finished.append(job.outputs.model)
            continue
        check_voxel_size(job.tomogram, job.settings.voxel_size_nm)
        files = [(FILE_OPTIONS[kind], file) for kind, file in job.outputs.beside_model().items()]
        files += [("RegionFile", job.settings.region)] if job.settings.region is not None else []
        entries = [
            *entries_for(job.settings, choice),
            WHEN_THERE[job.outputs.complete],
        ]
        tasks.append(Task(job.tomogram, job.outputs.model, files, entries, slabs))
    if not tasks:
        raise ValueError(f"{folder}: all {len(jobs)} tomograms are finished; nothing to write")
    write_chunks(folder, tasks, folder / SUMMARY, finished)


def run(
    jobs: list[Job],
    folder: Path,
    choice: NetworkChoice,
    *,
    with_page: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Do the jobs here, one after the other, and sum them up; with a page where one is wanted.

    Raises
    ------
    RuntimeError
        A tomogram failed, or the disk is full.
    """
    from vesimod_imod.core.locks import only_writer

    from vesimod.commands import console
    from vesimod.report.batch_page import check_batch_page
    from vesimod.report.html import check_packages
    from vesimod.runs.batch import run_jobs
    from vesimod.runs.batch_report import write_batch_report
    from vesimod.runs.summary import check_summary, markdown, write_summary

    summary, page = folder / SUMMARY, folder / PAGE
    rows: list[Row] = []
    if with_page:
        check_packages()
        check_batch_page(page)
    with only_writer([summary]):
        network = start_network(choice)
        check_summary(summary)
        try:
            with console.progress(quiet) as tell:
                for row in run_jobs(jobs, network, overwrite=overwrite, progress=tell):
                    rows.append(row)
                    _tell(row, f"{len(rows)}/{len(jobs)}", quiet)
                    write_summary(summary, rows)
        finally:  # also after Ctrl-C, or where not even the summary could be written
            if rows and not quiet:
                console.say_lines(markdown(rows))
            if rows and with_page:
                write_batch_report(page, rows)
    failed = [row.name for row in rows if row.state == "failed"]
    if failed:
        rest = len(jobs) - len(rows)
        raise RuntimeError(
            f"{len(failed)} of {len(jobs)} tomograms failed: {', '.join(failed)}"
            + (f"; the disk is full: {rest} were not begun" if rest else "")
            + "; the same command, run again, does what is missing"
        )
    if not quiet:
        console.say(f"wrote {summary}")
        if with_page:
            console.say(f"wrote {page}")


def _tell(row: Row, place: str, quiet: bool) -> None:
    """Say what came of a tomogram; to those who want quiet, what is doubtful or failed."""
    from vesimod.commands.console import tell, warn

    if not quiet:
        tell(f"{place} {row.line()}")
    for note in row.notes if quiet else ():
        warn(f"{row.name}: {note}")
