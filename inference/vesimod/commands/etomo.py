"""``vesimod etomo``: com files that run vesimod inside IMOD's own workflow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesimod.commands.segment import (
    Device,
    DeviceChoice,
    Invert,
    MemoryGB,
    ModelOption,
    Threads,
    Threshold,
    VoxelSize,
)

if TYPE_CHECKING:
    from vesimod_imod.etomo.com_files import Task
    from vesimod_imod.etomo.data_sets import DataSet

    from vesimod.runs.segment_file import Settings

Slabs = Annotated[
    int,
    typer.Option(metavar="N", min=1, max=999, help="Chunks that share each tomogram, cut along Z."),
]
WHEN_THERE = {False: ("KeepFinished", ""), True: ("OverwriteOutput", "")}  # by --overwrite
FILE_OPTIONS = {
    "table": "OutputTable",
    "labels": "OutputLabels",
    "probability": "OutputProbability",
    "picture": "OutputPicture",
    "dropped": "OutputDropped",
}
PIP_MODULE = "vesimod.pip"
ADOC = "vesimodpip.adoc"


def etomo(
    data_set: Annotated[
        Path | None,
        typer.Argument(help="An .edf file, a data set's name, or a folder with data sets."),
    ] = None,
    model: ModelOption = "fast",
    voxel_size_nm: VoxelSize = None,
    threshold: Threshold = None,
    device: Device = DeviceChoice.auto,
    threads: Threads = None,
    memory_gb: MemoryGB = None,
    invert: Invert = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Chunks replace models that exist already.")
    ] = False,
    slabs: Slabs = 1,
    batchruntomo: Annotated[
        bool, typer.Option("--batchruntomo", help="Print the directive for batchruntomo.")
    ] = False,
    install_adoc: Annotated[
        bool, typer.Option("--install-adoc", help="Tell Etomo about vesimodpip's options.")
    ] = False,
) -> None:
    """Write com files for Etomo, submfg and processchunks: one chunk per tomogram."""
    from vesimod.commands.console import say
    from vesimod.runs.segment_file import Settings

    settings = Settings(voxel_size_nm, threshold, invert)
    entries = entries_for(settings, model, device.value, threads, memory_gb)
    if install_adoc:
        say(f"wrote {copy_adoc()}")
    if batchruntomo:
        say(directive(entries))
    if data_set is not None:
        write_set(data_set, [*entries, WHEN_THERE[overwrite]], slabs)
    elif not (install_adoc or batchruntomo):
        raise ValueError("name a data set, its .edf file, or a folder with data sets")


def entries_for(
    settings: Settings,
    model: str,
    device: str,
    threads: int | None,
    memory_gb: float | None,
) -> list[tuple[str, str]]:
    """Return the entries of ``vesimodpip`` that say how to find vesicles, files apart."""
    # Chunks run in the data sets' folder, not in this one.
    network = Path(model).absolute().as_posix() if model.endswith(".onnx") else model
    values = {
        "NetworkModel": network,
        "VoxelSizeNm": settings.voxel_size_nm,
        "Threshold": settings.threshold,
        # Without these two a chunk takes the GPU and the threads that processchunks gives it.
        "Device": None if device == "auto" else device,
        "ThreadLimit": threads,
        "MemoryLimitGb": memory_gb,
    }
    switches = {"InvertContrast": settings.invert, "ScoreClasses": settings.score_classes}
    return [
        *((option, f"{value}") for option, value in values.items() if value is not None),
        *((option, "") for option, wanted in switches.items() if wanted),
    ]


def write_set(target: Path, entries: list[tuple[str, str]], slabs: int) -> None:
    """Write the com files for every data set of `target`, and say how to run them."""
    from vesimod_imod.etomo.data_sets import DataSetError, find_data_sets

    from vesimod.commands.console import warn

    data_sets = find_data_sets(target)
    tasks, problems = [], []
    for data_set in data_sets:
        try:
            tasks.append(task_for(data_set, entries, slabs))
        except DataSetError as error:
            problems.append(str(error))
    if not tasks:
        raise DataSetError("; ".join(problems))
    for problem in problems:
        warn(problem)
    write_chunks(data_sets[0].folder if len(data_sets) == 1 else target, tasks)


def write_chunks(
    folder: Path, tasks: list[Task], table: Path | None = None, finished: Sequence[Path] = ()
) -> None:
    """Write the com files of some tomograms, and say how to run them."""
    from vesimod_imod.etomo.com_files import ROOT, write_com_files

    from vesimod.commands.console import say

    files = write_com_files(folder, tasks, program(), table, finished)
    say(f"wrote {ROOT}.com, {len(files) - 2} chunks and {ROOT}-finish.com in {folder.absolute()}")
    say("Run them there in one of these ways:")
    say(f"  submfg {ROOT}.com                    one tomogram after the other")
    say(f"  processchunks localhost:2 {ROOT}     in parallel (localhost#2 before IMOD 4.8.25)")
    say(f"  Etomo: File > New > Generic Parallel Process, then choose {ROOT}-001.com")


def task_for(data_set: DataSet, entries: list[tuple[str, str]], slabs: int) -> Task:
    """Say what is to be done for one data set, and warn of what is doubtful."""
    from vesimod_imod.etomo.com_files import Task
    from vesimod_imod.etomo.data_sets import final_tomogram

    from vesimod.commands.console import say, warn
    from vesimod.runs.segment_file import default_output

    found = final_tomogram(data_set)
    for warning in found.warnings:
        warn(f"{found.path}: {warning}")
    model = default_output(found.path)
    say(f"{data_set.name}: {found.path} -> {model.name}")
    if model.exists() and WHEN_THERE[False] in entries:
        warn(f"{model}: exists already and will be kept; --overwrite makes it anew")
    return Task(found.path, model, [("OutputTable", model.with_suffix(".csv"))], entries, slabs)


def program() -> list[str]:
    """Return the command that com files run: this very Python, by its full path."""
    import sys

    return [sys.executable, "-u", "-m", PIP_MODULE]


def directive(entries: list[tuple[str, str]]) -> str:
    """Return the batchruntomo directive that segments each data set after trimming."""
    from vesimod_imod.etomo.com_files import quote_command

    words = [word for option, value in entries for word in (f"-{option}", value) if word]
    command = quote_command([*program(), *words])
    return f"runtime.RunAfterStep.any.20 = {command} -KeepFinished -DataSet %{{setname}}"


def copy_adoc() -> Path:
    """Copy the autodoc file to where IMOD looks for it.

    Raises
    ------
    ValueError
        Neither AUTODOC_DIR nor IMOD_DIR is set, or the folder does not exist.
    """
    import os

    from vesimod_imod.core.files import atomic_path
    from vesimod_imod.etomo.pip_options import load_adoc

    places = {name: os.environ.get(name) for name in ("AUTODOC_DIR", "IMOD_DIR")}
    if places["AUTODOC_DIR"]:
        folder = Path(places["AUTODOC_DIR"])
    elif places["IMOD_DIR"]:
        folder = Path(places["IMOD_DIR"]) / "autodoc"
    else:
        raise ValueError(
            "neither AUTODOC_DIR nor IMOD_DIR is set, so IMOD cannot be found; set IMOD_DIR to "
            f"IMOD's folder, or AUTODOC_DIR to a folder of yours that is to hold {ADOC}"
        )
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder; check AUTODOC_DIR and IMOD_DIR")
    with atomic_path(folder / ADOC) as temporary:
        temporary.write_text(load_adoc(), encoding="utf-8", newline="\n")
    return folder / ADOC
