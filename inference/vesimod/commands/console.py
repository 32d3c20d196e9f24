"""What commands print. Results go to stdout, progress and warnings to stderr."""

from __future__ import annotations

import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vesimod_imod.core.clean_text import is_printable, one_line, printable
from vesimod_imod.core.errors import as_flags

if TYPE_CHECKING:
    from pathlib import Path

    from vesimod_imod.core.spheres import Grid, Spheres
    from vesimod_imod.sphere_model.read import SphereReading

    from vesimod.io.tomogram import Tomogram

Report = Callable[[str, int, int], None]
LONGEST_SILENCE_S = 60.0
# 3dmod writes no trace of it into the model, so that nobody can know.
UNBINNED = "positions count single pixels; where 3dmod runs binned (-B 2), it shows half of them"
STEPS = {
    "tomograms": "tomograms",
    "reading": "read and resample",
    "network": "run the network",
    "spheres": "fit spheres",
    "report": "write the report",
    "export": "export",
    "scoring": "compare with before",
}


def keep_products_on_one_thread() -> None:
    """Keep numpy's matrix products on one thread, unless the user says otherwise.

    Those of the post-processing are tiny: threads that wait for each other take a quarter more CPU
    time and save none. To be called before numpy is imported. The network has its own threads.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def say(text: str) -> None:
    """Print a line for the user, at once: logs are watched while they grow.

    A line end in it came from the name of a file, and must not forge a line.
    """
    print(one_line(as_flags(text)), flush=True)


def say_lines(text: str) -> None:
    """Print a text that we laid out in lines; names in it are on one line already."""
    print(printable(as_flags(text)), flush=True)


def warn(text: str) -> None:
    """Print a warning in the form that IMOD's log readers pick up."""
    tell(f"WARNING: vesimod - {' '.join(as_flags(text).split())}")


def tell(text: str) -> None:
    """Print a line beside the results: progress, warnings and errors go to stderr."""
    print(one_line(text), file=sys.stderr, flush=True)


def suggest_3dmod(*files: Path) -> None:
    """Print the command that shows files in 3dmod, quoted so that it can be pasted as it is."""
    say(f"look at it:  3dmod {' '.join(map(quoted, files))}")


def quoted(file: Path) -> str:
    """Return a file's name as a word of the shell of this system."""
    if sys.platform == "win32":  # where no name holds a double quote
        return f'"{file}"' if re.search(r"[^\w.:\\/-]", str(file)) else str(file)
    name = str(file) if not str(file).startswith("-") else f"./{file}"
    if is_printable(name):
        return shlex.quote(name)
    # What cannot be shown, bash takes as a number.
    plain = (
        chr(b) if 32 <= b < 127 and b not in b"\\'" else f"\\x{b:02x}" for b in os.fsencode(name)
    )
    return f"$'{''.join(plain)}'"


def open_tomogram(path: Path, voxel_size_nm: float | None, quiet: bool = False) -> Tomogram:
    """Open a tomogram; print what is doubtful about it."""
    from vesimod.io.tomogram import read_tomogram

    tomogram = read_tomogram(path, voxel_size_nm)
    say_doubts(tomogram, quiet)
    return tomogram


def say_doubts(tomogram: Tomogram, quiet: bool = False) -> None:
    """Print what had to be decided about a tomogram's header, and what may be wrong with it."""
    for warning in tomogram.warnings:
        warn(warning)
    for note in () if quiet else tomogram.notes:
        say(f"note: {note}")


def grid_for(files: Sequence[Path], tomogram: Path | None, voxel_size_nm: float | None) -> Grid:
    """Find the grid that files of vesicles share; print what is doubtful about it."""
    from vesimod.io.common_grid import common_grid

    grid, warnings = common_grid(files, tomogram, voxel_size_nm)
    for warning in warnings:
        warn(warning)
    return grid


def read(path: Path, grid: Grid | None, first_vesicle_id: int | None = None) -> SphereReading:
    """Read the vesicles of any file; print what had to be inferred."""
    from vesimod.io.read_spheres import read_spheres

    reading = read_spheres(path, grid, first_vesicle_id)
    for warning in reading.warnings:
        warn(f"{path}: {warning}")
    return reading


@contextmanager
def progress(quiet: bool = False) -> Iterator[Report]:
    """Give a function (step, done, total) that draws a bar with the time left.

    In a log file, where a bar cannot be drawn, a line is printed every tenth of a step.
    """
    if quiet:
        yield lambda _step, _done, _total: None
    elif sys.stderr.isatty():
        yield from _bars()
    else:
        yield _lines()


def _bars() -> Iterator[Report]:
    """Bars with rich, on stderr."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks = {}
        last: dict[str, int] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(STEPS.get(step, step), total=total)
            elif done < last[step]:
                bars.reset(tasks[step])  # the next tomogram
            last[step] = done
            bars.update(tasks[step], completed=done, total=total)

        yield report


def _lines() -> Report:
    """Lines for logs, on stderr.

    processchunks takes a slow program whose log is silent for 300 s for dead, so a line is due
    once a minute even where a tenth takes longer.
    """
    printed: dict[str, tuple[int, float]] = {}

    def report(step: str, done: int, total: int) -> None:
        now = time.monotonic()
        percent = 100 * done // max(total, 1)
        begun = step in printed  # a step is named as soon as it begins
        last_percent, last = printed.setdefault(step, (percent, now))
        if percent < last_percent:  # the next tomogram
            last_percent = 0
        if not begun or percent // 10 > last_percent // 10 or now - last > LONGEST_SILENCE_S:
            printed[step] = percent, now
            print(f"{STEPS.get(step, step)}: {percent} %", file=sys.stderr, flush=True)

    return report


def print_spheres(spheres: Spheres, most: int = 40) -> None:
    """Print spheres as a table, the first `most` of them."""
    say(f"{'id':>5} {'z':>8} {'y':>8} {'x':>8} {'radius_nm':>9} {'score':>6}")
    for row in range(min(len(spheres), most)):
        z, y, x = spheres.centres[row]
        say(
            f"{spheres.ids[row]:>5} {z:>8.1f} {y:>8.1f} {x:>8.1f} "
            f"{spheres.radii_nm[row]:>9.1f} {spheres.scores[row]:>6.2f}"
        )
    if len(spheres) > most:
        say(f"... and {len(spheres) - most} more in the table")
