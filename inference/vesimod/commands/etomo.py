"""``vesimod etomo``: com files that run vesimod inside IMOD's own workflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesimod.commands.chunks import (
    WHEN_THERE,
    check_voxel_size,
    entries_for,
    program,
    write_chunks,
)
from vesimod.commands.options import (
    Device,
    DeviceChoice,
    Invert,
    MemoryGB,
    ModelOption,
    RadiusRange,
    Slabs,
    Threads,
    Threshold,
    VoxelSize,
)
from vesimod.commands.segmenting import NetworkChoice
from vesimod.limits import RADIUS_NM

if TYPE_CHECKING:
    from vesimod_imod.etomo.com_files import Task
    from vesimod_imod.etomo.data_sets import DataSet

ADOC = "vesimodpip.adoc"


def etomo(
    data_set: Annotated[
        Path | None,
        typer.Argument(help="An .edf file, a data set's name, or a folder with data sets."),
    ] = None,
    model: ModelOption = "fast",
    voxel_size_nm: VoxelSize = None,
    threshold: Threshold = None,
    radius_nm: RadiusRange = RADIUS_NM,
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
    from vesimod.runs.outputs import Settings

    settings = Settings(voxel_size_nm, threshold, invert, radius_nm=radius_nm)
    choice = NetworkChoice(model, device.value, threads, memory_gb)
    entries = entries_for(settings, choice)
    if install_adoc:
        say(f"wrote {copy_adoc()}")
    if batchruntomo:
        say(directive(entries))
    if data_set is not None:
        write_set(data_set, [*entries, WHEN_THERE[overwrite]], slabs, voxel_size_nm)
    elif not (install_adoc or batchruntomo):
        raise ValueError("name a data set, its .edf file, or a folder with data sets")


def write_set(
    target: Path, entries: list[tuple[str, str]], slabs: int, voxel_size_nm: float | None = None
) -> None:
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
    for task in tasks:
        check_voxel_size(task.tomogram, voxel_size_nm)
    write_chunks(data_sets[0].folder if len(data_sets) == 1 else target, tasks)


def task_for(data_set: DataSet, entries: list[tuple[str, str]], slabs: int) -> Task:
    """Say what is to be done for one data set, and warn of what is doubtful."""
    from vesimod_imod.etomo.com_files import Task
    from vesimod_imod.etomo.data_sets import final_tomogram

    from vesimod.commands.console import say, warn
    from vesimod.runs.outputs import default_output

    found = final_tomogram(data_set)
    for warning in found.warnings:
        warn(f"{found.path}: {warning}")
    model = default_output(found.path)
    say(f"{data_set.name}: {found.path} -> {model.name}")
    if model.exists() and WHEN_THERE[False] in entries:
        warn(f"{model}: exists already and will be kept; --overwrite makes it anew")
    return Task(found.path, model, [("OutputTable", model.with_suffix(".csv"))], entries, slabs)


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
