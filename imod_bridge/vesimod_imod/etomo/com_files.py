"""Write com files that IMOD's submfg and processchunks, and so Etomo, can run.

One set consists of ``vesimod.com``, which does everything in sequence, and of the chunks
``vesimod-001.com``, ``-002`` ... and ``vesimod-finish.com`` for running in parallel. Where
tomograms are cut into slabs, their chunks come first; those that join the slabs follow, and
the first of them is named ``-sync``, so that it waits for all slabs. A line that starts with
``$`` is a command; the lines after it are its standard input.

Source: IMOD's man pages *vmstopy*, *submfg* and *processchunks*.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vesimod_imod.core.clean_text import is_printable
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.files import atomic_path, check_regular, check_writable

ROOT = "vesimod"
MARK = "# written by vesimod"  # what begins so may be written again
# vmstopy replaces % and $ by variables and \ by /, and wraps lines in quotes: a name with
# one of these would not reach the program as it is. The shell adds ` for commands.
_UNSAFE_INPUT = re.compile(r'[%$"\\\r\n]|(^|\s)#|^\s|\s$')
_UNSAFE_COMMAND = re.compile(r"[%$\"\\\r\n`]")


@dataclass(frozen=True)
class Task:
    """One tomogram to segment.

    Parameters
    ----------
    tomogram, model : Path
        What to read and the sphere model to write.
    files : sequence of (str, Path)
        Further options of ``vesimodpip`` that name files, e.g. ``OutputTable``.
    entries : sequence of (str, str)
        Its options with other values; the value of a switch is empty.
    slabs : int
        Chunks that share the tomogram; 1 leaves it whole.
    """

    tomogram: Path
    model: Path
    files: Sequence[tuple[str, Path]] = ()
    entries: Sequence[tuple[str, str]] = ()
    slabs: int = 1


def write_com_files(
    folder: Path,
    tasks: Sequence[Task],
    program: Sequence[str],
    table: Path | None = None,
    finished: Sequence[Path] = (),
) -> list[Path]:
    """Write the com files for some tomograms.

    Parameters
    ----------
    folder : Path
        Where the files go and from where they must be run. Tomograms in it are named
        relative to it, others by their full path.
    tasks : sequence of Task
        One chunk each, or one a slab and one to join them.
    program : sequence of str
        The command that takes PIP options; first word an absolute path, since Etomo knows
        nothing of conda or of virtual environments.
    table : Path, optional
        Where the last step writes its summary, beside printing it.
    finished : sequence of Path
        Further models for the summary, which are there already.

    Returns
    -------
    list of Path
        ``vesimod.com``, the chunks, and ``vesimod-finish.com``.

    Raises
    ------
    FileExistsError
        A com file with such a name was not written by us; nothing is changed then.
    InputError
        There is no task, or a path contains a character that a com file cannot hold.
    """
    if not tasks:
        raise InputError(f"{folder}: no tomogram to write com files for")
    command = quote_command(program)
    inputs = [_task_lines(folder, task) for task in tasks]
    models = [*finished, *(task.model for task in tasks)]
    summary = [_entry("SummaryFile", _name(folder, model)) for model in models]
    summary += [_entry("OutputTable", _name(folder, table))] if table is not None else []
    texts = {f"{ROOT}.com": _com_text(command, *inputs, summary)}
    for number, (end, lines) in enumerate(_chunks(tasks, inputs), 1):
        texts[f"{ROOT}-{number:03d}{end}.com"] = _com_text(command, lines)
    texts[f"{ROOT}-finish.com"] = _com_text(command, summary)
    old = _existing(folder)
    check_writable(folder / f"{ROOT}.com", overwrite=True)
    for path in old:
        # A finished log of the old set would make `processchunks -r` skip the new chunk.
        log = path.with_suffix(".log")
        if log.exists():
            log.replace(log.with_name(f"{log.name}~"))
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_bytes(text.encode("utf-8"))
    return [folder / name for name in texts]


def beyond_ascii(paths: Iterable[Path]) -> list[str]:
    """Name what a com file would say of `paths` that IMOD 4.8 and older cannot run.

    Their vmstopy makes a Python 2 program of it, which takes no letters beyond ASCII.
    """
    return [text for text in map(str, paths) if not text.isascii()]


def _existing(folder: Path) -> list[Path]:
    """Com files that processchunks would take for part of our set; refuse others' files."""
    ours = re.compile(rf"{ROOT}(-(\d{{3,5}}(-sync)?|start|finish))?\.(com|pcm)")
    found = sorted(path for path in folder.iterdir() if ours.fullmatch(path.name))
    for path in found:
        check_regular(path)
        if not path.read_bytes().startswith(MARK.encode()):
            raise FileExistsError(
                f"{path}: was not written by vesimod; move it away, or run in another folder"
            )
    return found


def _chunks(tasks: Sequence[Task], inputs: Sequence[list[str]]) -> list[tuple[str, list[str]]]:
    """List the numbered chunks: the ending of the number, and the input lines."""
    parts: list[tuple[str, list[str]]] = []
    joins: list[tuple[str, list[str]]] = []
    for task, lines in zip(tasks, inputs, strict=True):
        if task.slabs == 1:
            parts.append(("", lines))
            continue
        cut = [*lines, _entry("NumberOfSlabs", str(task.slabs))]
        parts += [("", [*cut, _entry("SlabNumber", str(n))]) for n in range(1, task.slabs + 1)]
        joins.append(("" if joins else "-sync", cut))
    return parts + joins


def _task_lines(folder: Path, task: Task) -> list[str]:
    names = (("InputFile", task.tomogram), ("OutputModel", task.model), *task.files)
    lines = [_entry(option, _name(folder, path)) for option, path in names]
    return lines + [_entry(option, value) for option, value in task.entries]


def _com_text(command: str, *inputs: Sequence[str]) -> str:
    """Put a com file together that runs `command` once for each set of input lines."""
    lines = [MARK]
    for each in inputs:
        lines += [f"${command} -StandardInput", *each]
    return "\n".join(lines) + "\n"


def _entry(option: str, value: str) -> str:
    # PIP takes an equals sign between an option and its value for no part of the value.
    if _UNSAFE_INPUT.search(value) or not is_printable(value) or value.startswith("="):
        raise InputError(
            f"{value}: IMOD's com files cannot hold this name; rename it without "
            '% $ " # \\ and control characters, without blanks at its ends and = before it'
        )
    return f"{option} {value}".rstrip()


def _name(folder: Path, path: Path) -> str:
    """Name a file as the com file sees it: relative where possible, with forward slashes."""
    path, folder = path.absolute(), folder.absolute()
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()


def quote_command(program: Sequence[str]) -> str:
    """Quote a command for the shell that a com file's lines go through.

    Raises
    ------
    InputError
        A word contains a character that a com file cannot hold.
    """
    words = [Path(program[0]).as_posix(), *program[1:]]
    for word in words:
        if _UNSAFE_COMMAND.search(word) or not is_printable(word):
            raise InputError(
                f"{word}: IMOD's com files cannot hold this path; install vesimod "
                'in a folder without % $ " ` \\ in its name'
            )
    return " ".join(w if re.fullmatch(r"[\w./:+=-]+", w) else f'"{w}"' for w in words)
