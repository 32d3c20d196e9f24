"""``vesimodpip``: the segmentation with options in IMOD's manner, for com files and Etomo.

It calls what ``vesimod segment`` calls. All it prints goes to the standard output, which
becomes the log; an error is one line ``ERROR: VESIMOD - message`` and exit code 1.
Com files start it as ``vesimod.pip``; those of earlier versions name this module.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import warnings
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from vesimod_imod.etomo import pip_options
from vesimod_imod.etomo.pip_options import Entries, PipError

from vesimod.commands.console import keep_products_on_one_thread, say, say_lines
from vesimod.commands.process import INTERRUPTED, run_process
from vesimod.errors import in_words
from vesimod.limits import RADIUS_NM

if TYPE_CHECKING:
    from vesimod.network.model import Model
    from vesimod.runs.outputs import Settings

PROGRAM = "vesimodpip"
NAME_IN_LOGS = "VESIMOD"


def main() -> None:
    """Run ``vesimodpip``."""
    keep_products_on_one_thread()
    run_process(NAME_IN_LOGS, _run_in_utf8, errors=1)


def _run_in_utf8() -> int:
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, TextIOWrapper):
            # Com files are UTF-8 whatever the locale says, and a log must not fail on a letter.
            stream.reconfigure(encoding="utf-8", errors="replace")
    return run_front(sys.argv[1:])


def run_front(argv: Sequence[str]) -> int:
    """Do what the options say; return the exit code."""
    with contextlib.redirect_stderr(sys.stdout), warnings.catch_warnings():
        warnings.showwarning = _print_warning  # type: ignore[assignment]
        try:
            return _run(argv)
        except KeyboardInterrupt:
            return _fail(INTERRUPTED)
        except Exception as error:
            return _fail(in_words(error))


def _run(argv: Sequence[str]) -> int:
    options = pip_options.parse_adoc(pip_options.load_adoc())
    entries = pip_options.parse_entries(argv, options, sys.stdin)
    if entries.switch("usage") or not (entries.values or entries.arguments):
        say_lines(pip_options.help_text(PROGRAM, options, "[input_file] [output_model]"))
        return 0
    if os.environ.get("PIP_PRINT_ENTRIES", "0") not in ("", "0"):
        say_lines(pip_options.entries_text(PROGRAM, entries))
    if "SummaryFile" in entries.values:
        return _summarise(entries)
    return _segment(entries)


def _segment(entries: Entries) -> int:
    from vesimod.commands import segmenting
    from vesimod.commands.chunks import FILE_OPTIONS
    from vesimod.runs.outputs import Outputs, Settings, default_output

    tomogram = _tomogram(entries)
    outputs = Outputs(
        _path(entries, "OutputModel", argument=1) or default_output(tomogram),
        **{kind: _path(entries, option) for kind, option in FILE_OPTIONS.items()},
    )
    settings = Settings(
        entries.number("VoxelSizeNm"),
        entries.number("Threshold"),
        entries.switch("InvertContrast"),
        _path(entries, "RegionFile"),
        entries.switch("ScoreClasses"),
        entries.pair("RadiusRangeNm") or RADIUS_NM,
    )
    keep = entries.switch("KeepFinished")
    overwrite = entries.switch("OverwriteOutput")
    if keep and not overwrite and outputs.complete:
        say(f"{outputs.model} exists already and is kept: nothing to do")
        return 0
    # The model is written last: without it, the other outputs are remains of a broken run.
    overwrite = overwrite or (keep and not outputs.complete)
    if not overwrite:
        outputs.check_absent("enter OverwriteOutput to replace it")
    choice = segmenting.NetworkChoice(
        entries.text("NetworkModel") or "fast",
        _device(entries),
        entries.whole_number("ThreadLimit"),
        entries.number("MemoryLimitGb"),
    )
    slabs, slab = entries.whole_number("NumberOfSlabs") or 1, entries.whole_number("SlabNumber")
    if slab is not None:
        network = choice.load()
        for note in network.notes:
            warnings.warn(note, stacklevel=1)
        return _slab(tomogram, outputs.model, settings, network, slab, slabs)
    segmenting.run(tomogram, outputs, settings, choice, slabs=slabs, overwrite=overwrite)
    return 0


def _slab(
    path: Path, output: Path, settings: Settings, network: Model, number: int, count: int
) -> int:
    """Do one slab of a tomogram."""
    from vesimod.commands.console import open_tomogram, progress
    from vesimod.runs.slabs import write_slab

    tomogram = open_tomogram(path, settings.voxel_size_nm)
    search, _ = settings.search(tomogram)  # notes are for whoever joins the slabs
    with progress() as report:
        file = write_slab(tomogram, output, network, number, count, search, report)
    say(f"wrote {file}")
    return 0


def _tomogram(entries: Entries) -> Path:
    """Return the tomogram that was named, itself or by its data set."""
    from vesimod_imod.etomo.data_sets import final_tomogram, find_data_sets

    name = entries.text("DataSet")
    if name is None:
        text = entries.text("InputFile", argument=0)
        if text is None:
            raise PipError("no tomogram: enter InputFile or DataSet")
        return Path(text)
    found = find_data_sets(Path(name))
    if len(found) > 1:
        raise PipError(f"{name} holds {len(found)} data sets; name one of them")
    tomogram = final_tomogram(found[0])
    for warning in tomogram.warnings:
        say(f"WARNING: {NAME_IN_LOGS} - {tomogram.path}: {warning}")
    return tomogram.path


def _path(entries: Entries, option: str, argument: int | None = None) -> Path | None:
    """Return a file that was named, else None."""
    text = entries.text(option, argument)
    return Path(text) if text else None


def _device(entries: Entries) -> str:
    """Choose the device; make the GPU that processchunks gave us the only one in sight.

    ``IMOD_USE_GPU2`` counts GPUs from 1; 0 leaves the choice to us.
    """
    gpu = os.environ.get("IMOD_USE_GPU2", "").strip()
    device = entries.text("Device") or ("cuda" if gpu else "auto")
    if device not in ("auto", "cpu", "cuda"):
        raise PipError(f"Device is auto, cpu or cuda, not {device}")
    if gpu and device != "cpu":
        if not gpu.isdigit():
            raise PipError(f"the environment variable IMOD_USE_GPU2 is {gpu}, not a number")
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
        if int(gpu) > 0:
            index = int(gpu) - 1
            named = visible[index] if visible != [""] and index < len(visible) else str(index)
            os.environ["CUDA_VISIBLE_DEVICES"] = named
    return device


def _summarise(entries: Entries) -> int:
    """Print one line per model, and write it where that is wanted; fail if one cannot be read."""
    from vesimod_imod.core.file_roles import check_files

    from vesimod.runs.summary import Row, check_summary, markdown, row_of, write_summary

    rows = []
    models = [Path(name) for name in entries.values["SummaryFile"]]
    table = _path(entries, "OutputTable")
    check_files(models, [table], overwrite=True)
    for model in models:
        try:
            rows.append(row_of(model, "done"))
        except (OSError, ValueError) as error:
            rows.append(Row(model, "failed", notes=(in_words(error),)))
    say_lines(markdown(rows))
    if table is not None:
        check_summary(table)
        write_summary(table, rows)
    failed = [row for row in rows if row.state == "failed"]
    if failed:
        raise PipError("; ".join(row.notes[0] for row in failed))
    return 0


def _fail(message: str) -> int:
    """Print the error line; Etomo takes lines with the words removed here for its own."""
    text = re.sub(r"\[?(Errno|WinError) -?\d+\]?:? *|Traceback", "", " ".join(message.split()))
    say(f"ERROR: {NAME_IN_LOGS} - {text}")
    return 1


def _print_warning(message: Warning | str, *_: object) -> None:
    """Print a Python warning in the form that IMOD's log readers pick up."""
    say(f"WARNING: {NAME_IN_LOGS} - {' '.join(str(message).split())}")


if __name__ == "__main__":
    main()
