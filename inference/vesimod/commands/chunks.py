"""Com files that run ``vesimodpip``: what they say, and what is said about them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vesimod.limits import RADIUS_NM

if TYPE_CHECKING:
    from vesimod_imod.etomo.com_files import Task

    from vesimod.commands.segmenting import NetworkChoice
    from vesimod.runs.outputs import Settings

WHEN_THERE = {False: ("KeepFinished", ""), True: ("OverwriteOutput", "")}  # by --overwrite
FILE_OPTIONS = {
    "table": "OutputTable",
    "labels": "OutputLabels",
    "probability": "OutputProbability",
    "picture": "OutputPicture",
    "dropped": "OutputDropped",
    "report": "OutputReport",
}
PIP_MODULE = "vesimod.pip"


def entries_for(settings: Settings, choice: NetworkChoice) -> list[tuple[str, str]]:
    """Return the entries of ``vesimodpip`` that say how to find vesicles, files apart."""
    # Chunks run in the data sets' folder, not in this one.
    own = choice.model.endswith(".onnx")
    network = Path(choice.model).absolute().as_posix() if own else choice.model
    low, high = settings.radius_nm
    radii = None if settings.radius_nm == RADIUS_NM else f"{low:g},{high:g}"
    values = {
        "NetworkModel": network,
        "VoxelSizeNm": settings.voxel_size_nm,
        "Threshold": settings.threshold,
        "RadiusRangeNm": radii,
        # Without these two a chunk takes the GPU and the threads that processchunks gives it.
        "Device": None if choice.device == "auto" else choice.device,
        "ThreadLimit": choice.threads,
        "MemoryLimitGb": choice.memory_gb,
    }
    switches = {"InvertContrast": settings.invert, "ScoreClasses": settings.score_classes}
    return [
        *((option, f"{value}") for option, value in values.items() if value is not None),
        *((option, "") for option, wanted in switches.items() if wanted),
    ]


def write_chunks(
    folder: Path, tasks: list[Task], table: Path | None = None, finished: Sequence[Path] = ()
) -> None:
    """Write the com files of some tomograms, and say how to run them."""
    from vesimod_imod.etomo.com_files import ROOT, beyond_ascii, write_com_files

    from vesimod.commands.console import say, warn

    files = write_com_files(folder, tasks, program(), table, finished)
    say(f"wrote {ROOT}.com, {len(files) - 2} chunks and {ROOT}-finish.com in {folder.absolute()}")
    named = [Path(program()[0]), *finished, *(task.tomogram for task in tasks)]
    if foreign := beyond_ascii(named):
        warn(
            f"{foreign[0]}: letters beyond ASCII; IMOD 4.8 and older stop at such a com file with "
            "a SyntaxError of Python 2: rename it, or use a newer IMOD"
        )
    say("Run them there in one of these ways:")
    say(f"  submfg {ROOT}.com                    one tomogram after the other")
    say(f"  processchunks localhost:2 {ROOT}     in parallel (localhost#2 before IMOD 4.8.25)")
    say(f"  Etomo: File > New > Generic Parallel Process, then choose {ROOT}-001.com")


def check_voxel_size(tomogram: Path, voxel_size_nm: float | None) -> None:
    """Hold what the user states against the header now, not when the chunks run.

    Raises
    ------
    VoxelSizeError
        See `vesimod.io.voxel_size.settled_voxel_size`.
    """
    from vesimod.commands.console import warn
    from vesimod.io.tomogram import read_tomogram
    from vesimod.io.voxel_size import VoxelSizeError

    if voxel_size_nm is None:
        return
    try:
        warnings = read_tomogram(tomogram, voxel_size_nm).warnings
    except VoxelSizeError:
        raise
    except (OSError, ValueError):
        return  # the chunk will say so, and the others run
    for warning in warnings:
        warn(warning)


def program() -> list[str]:
    """Return the command that com files run: this very Python, by its full path."""
    import sys

    return [sys.executable, "-u", "-m", PIP_MODULE]
