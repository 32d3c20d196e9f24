"""What surrounds a command: streams that may be closed or full, and Ctrl-C pressed twice."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

EXIT_BAD_INPUT, EXIT_INTERRUPTED = 2, 130
# What writing to a pipe fails with that nobody reads any more.
CLOSED_PIPE = (errno.EPIPE, errno.EINVAL) if os.name == "nt" else (errno.EPIPE,)
INTERRUPTED = "interrupted; no file was left half-written"


class SteadyFile(io.FileIO):
    """What a stream writes to; where that is full or gone, the work goes on without it."""

    failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write what can be written, and take the rest for written."""
        try:
            return super().write(data) or 0
        except OSError as error:
            self.failure = error
            return memoryview(data).nbytes


def run_process(name: str, command: Callable[[], int], errors: int = 2) -> NoReturn:
    """Run a command as a process of its own, and exit with its code.

    Parameters
    ----------
    name : str
        The program's, in error lines.
    command : callable
        Does the work, and returns the exit code.
    errors : int
        The descriptor that error lines go to.
    """
    steady = [_steady(descriptor) for descriptor in range(3)]
    _leave_at_second_interrupt(name, errors)
    code = command()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    sys.exit(_lost_output(name, steady[1]) or code if code == 0 else code)


def _steady(descriptor: int) -> SteadyFile | None:
    """See to it that a standard stream is there, and that writing to it never raises."""
    name = ("stdin", "stdout", "stderr")[descriptor]
    try:
        os.fstat(descriptor)
    except OSError:
        # Left closed, the next file that is opened would get what is printed.
        os.open(os.devnull, os.O_RDWR)
    stream = getattr(sys, name)
    if descriptor == 0:
        if stream is None:
            sys.stdin = open(descriptor, closefd=False, encoding="utf-8")  # noqa: SIM115
        return None
    if stream is not None and not _takes_bytes(stream):
        return None
    raw = SteadyFile(descriptor, "w", closefd=False)
    steady = io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding="utf-8" if stream is None else stream.encoding,
        # Letters that the stream cannot show, e.g. of names in a log of Windows, end no run.
        errors="backslashreplace" if stream is None or stream.errors == "strict" else stream.errors,
        line_buffering=stream is None or stream.line_buffering,
    )
    setattr(sys, name, steady)
    return raw


def _takes_bytes(stream: Any) -> bool:
    """Whether a stream writes to a file or a pipe; a console of Windows takes letters."""
    console = sys.platform == "win32" and stream.isatty()
    return isinstance(stream, io.TextIOWrapper) and not console


def _lost_output(name: str, stream: SteadyFile | None) -> int:
    """Say that what was printed is lost, unless nobody wanted it (``| head``).

    Returns
    -------
    int
        Exit code: that is an error where nothing but what was printed came of the command.
    """
    from vesimod_imod.core.files import has_written

    failure = None if stream is None else stream.failure
    if failure is None or failure.errno in CLOSED_PIPE:
        return 0
    print(
        f"WARNING: {name} - standard output: {failure.strerror}; what was printed there is lost",
        file=sys.stderr,
        flush=True,
    )
    return 0 if has_written() else EXIT_BAD_INPUT


def _leave_at_second_interrupt(name: str, errors: int) -> None:
    """Let the first Ctrl-C end the work in order, and the second one at once."""

    def leave(_signal: int, _frame: FrameType | None) -> None:
        from vesimod_imod.core.files import remove_own_files

        remove_own_files()
        line = f"ERROR: {name} - {INTERRUPTED}{os.linesep}"
        os.write(errors, line.encode())
        os._exit(EXIT_INTERRUPTED)

    def interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, leave)
        line = f"{name}: stopping; Ctrl-C once more ends at once{os.linesep}"
        os.write(errors, line.encode())
        signal.default_int_handler(number, frame)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not in the background
        signal.signal(signal.SIGINT, interrupt)
