"""Kill each command at every file event, run it again, and look at what is left.

    python benchmarks/kill_points.py [--commands snap merge ...] [--every N] [--first N]

A file event is what a process is about to do to a file: open it for writing, rename, link, remove
it. A child is ended just before its first one, its second one ... until it comes through. Then the
same command is run once more, with --overwrite where it says that a run was cut short. What it
leaves must be what an undisturbed run leaves, to the byte and without a file more; what was
replaced lies beside it with ~. Right after the kill, each file is as it was before or as it
should become. Sessions in which a person takes part are judged by `kill_sessions.py`; of what
PyTorch writes the content must be the same, not its place in the file.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shutil
import signal
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import kill_inference
import kill_sessions
from vesimod.cli import app, run_app
from vesimod.commands.pip_front import run_front
from vesimod.network import runtime

KILLED, INTERRUPTED = 77, 130
GROWING = ("log.csv", "curves.png", "checkpoint.pt", "best.pt")  # each state of them is whole
EVENTS = (
    *("os.rename", "os.remove", "os.link", "os.symlink", "os.truncate", "os.mkdir", "os.rmdir"),
    *("shutil.copyfile", "shutil.rmtree"),
)
Words = list[str]
Person = Callable[[Path, int, kill_sessions.Alive], None]


COMMANDS = kill_inference.COMMANDS
SESSIONS: dict[str, Words] = {name: [name, "TS_01.mrc", "clicks.mod"] for name in ("watch", "edit")}
TRAINING = "train"  # begins the names of what needs torch; `kill_training.py` has the lines
_NEED_TORCH = "simulate learn-from fit finetune adapt export ensemble quantise import-cryovesnet"
TRAINED = [f"{TRAINING} {name}" for name in _NEED_TORCH.split()]


def quietly(words: Words) -> tuple[int, str]:
    """Run a command line here; return its exit code and what it said."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        if words[0] == "pip":
            code = run_front(words[1:])
        elif words[0] == TRAINING:
            from vesimod_train.cli import app as training

            code = run_app(training, "vesimod-train", words[1:])
        else:
            code = run_app(app, "vesimod", words)
    return code, said.getvalue()


def child(work: Callable[[], int], person: Person | None = None) -> int:
    """Do something in a process of its own, with a person who drives it; return its exit code."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # not so in the background
            code = work()
        finally:
            os._exit(code)
    status: list[int] = []

    def alive() -> bool:
        if not status and (ended := os.waitpid(process, os.WNOHANG))[0]:
            status.append(ended[1])
        return not status

    if person is not None:
        person(Path.cwd(), process, alive)
    return os.waitstatus_to_exitcode(status[0] if status else os.waitpid(process, 0)[1])


def dying(words: Words, last: int, folder: Path) -> int:
    """Run a command line and end the process, without a word, before its `last` file event."""
    count = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if not writes or not isinstance(path, (str, bytes, os.PathLike)):
                return
        elif event not in EVENTS:
            return
        path = Path(os.fsdecode(arguments[0])).absolute()  # type: ignore[arg-type]
        if path.is_relative_to(folder):
            count += 1
            if count == last:
                os._exit(KILLED)

    sys.addaudithook(watch)
    return quietly(words)[0]


def contents(folder: Path) -> dict[str, bytes]:
    """All files by name, but for dates, seconds and what is only said of another file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()[1024 if path.suffix == ".mrc" else 0 :]
            if path.suffix == ".pt":
                data = of_torch(data)
            data = data.replace(os.fsencode(folder), b"FOLDER")  # com files name it
            if path.suffix == ".json" or path.name == "summary.csv":
                data = data.replace(b",kept,", b",done,")
                data = re.sub(rb'"(date|seconds)": .*|,[0-9.e-]+,[^,]*$', b"", data, flags=re.M)
            found[str(path.relative_to(folder))] = data
    return found


def of_torch(data: bytes) -> bytes:
    """Numbers in a file of PyTorch's, in whatever order a run that was resumed pickles them."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            return b"".join(sorted(file.read(name) for name in file.namelist() if "/data/" in name))
    except zipfile.BadZipFile:
        return data


@contextlib.contextmanager
def fresh(inputs: Path) -> Iterator[Path]:
    """A copy of the inputs, as the working folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve() / "work"
        shutil.copytree(inputs, folder)
        before = Path.cwd()
        os.chdir(folder)
        try:
            yield folder
        finally:
            os.chdir(before)


def kill_everywhere(
    words: Words, inputs: Path, every: int, first: int = 1
) -> tuple[int, list[str]]:
    """Kill a command at each `every`-th file event; return how often, and what was wrong."""
    before = contents(inputs)
    with fresh(inputs) as folder:
        assert child(lambda: quietly(words)[0]) == 0
        expected = contents(folder)
    faults: list[str] = []
    points = 0
    for last in range(first, 10_000, every):
        with fresh(inputs) as folder:
            killed = child(partial(dying, words, last, folder))
            if killed != KILLED:
                return points, faults
            points += 1
            found = [f"point {last}: {fault}" for fault in judge(words, folder, before, expected)]
            print(f"  point {last}: {len(found)} faults", file=sys.stderr, flush=True)
            faults += found
    raise RuntimeError("it never came through")


def kill_session(words: Words, inputs: Path, every: int) -> tuple[int, list[str]]:
    """Do what `kill_everywhere` does, with a command that a person drives."""
    before = contents(inputs)
    person: Person = getattr(kill_sessions, words[0])

    def session(work: Callable[[], int]) -> int:
        kill_sessions.prepare(Path.cwd())
        return child(work, person)

    faults: list[str] = []
    for points, last in enumerate(range(1, 10_000, every)):
        with fresh(inputs) as folder:
            killed = session(partial(dying, words, last, folder))
            if killed != KILLED:
                return points, faults + ([f"exit code {killed}"] if killed else [])
            found = list(kill_sessions.faults_after_kill(folder, before))
            if (code := session(lambda: quietly(words)[0])) not in (0, INTERRUPTED):
                found.append(f"does not run again: exit code {code}")
            found += kill_sessions.faults_in_the_end(folder, before)
            print(f"  point {last}: {len(found)} faults", file=sys.stderr, flush=True)
            faults += [f"point {last}: {fault}" for fault in found]
    raise RuntimeError("it never came through")


def judge(
    words: Words, folder: Path, before: dict[str, bytes], expected: dict[str, bytes]
) -> Iterator[str]:
    """Yield what is wrong after a kill, and after the run that follows it."""
    visible = {name: data for name, data in contents(folder).items() if not is_hidden(name)}
    for name, data in visible.items():
        old = before.get(name.removesuffix("~"))
        if name.endswith((".unfinished", *GROWING)):
            continue
        if data not in (old, expected.get(name)):
            yield f"{name} is half-written"
    code, said = run_again(words)
    if code != 0 and "--overwrite" in said and "--overwrite" not in words:
        if expected.keys() - visible.keys() and "cut short" not in said:
            yield f"does not say that the run was cut short: {said}"
        code, said = run_again([*words, "--overwrite"])
    if code != 0 and "nothing to write" not in said:
        yield f"does not run again: {said}"
    after = contents(folder)
    for name in after.keys() | expected.keys():
        if name not in after:
            yield f"{name} is missing"
        elif name in expected and after[name] != expected[name]:
            if not name.endswith((".json", "~")):
                yield f"{name} differs"
        elif name not in expected and not name.endswith("~"):
            yield f"{name} is left behind"


def is_hidden(name: str) -> bool:
    """Whether a file lies under a temporary name; those of a Zarr array belong to it."""
    parts = Path(name).parts
    return any(part.startswith(".") and not part.startswith(".z") for part in parts)


def run_again(words: Words) -> tuple[int, str]:
    """Run a command line in a child; return its exit code and what it said."""
    with tempfile.TemporaryFile("w+") as said:

        def work() -> int:
            code, text = quietly(words)
            said.write(text)
            said.flush()
            return code

        code = child(work)
        said.seek(0)
        return code, said.read()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    every = [*COMMANDS, *SESSIONS, *TRAINED]
    parser.add_argument("--commands", nargs="+", choices=every, default=every)
    parser.add_argument("--every", type=int, default=1, help="file events from kill to kill")
    parser.add_argument("--first", type=int, default=1, help="file event of the first kill")
    options = parser.parse_args()
    runtime.import_runtime()
    total, wrong, commands = 0, 0, dict(COMMANDS)
    with tempfile.TemporaryDirectory() as name:
        inputs = Path(name).resolve() / "inputs"
        inputs.mkdir()
        os.chdir(inputs)
        kill_inference.write_inputs(inputs)
        quietly(kill_inference.TABLE)
        if any(command in TRAINED for command in options.commands):
            import kill_training

            kill_training.write_inputs(inputs)
            commands |= {name: [TRAINING, *kill_training.COMMANDS[name]] for name in TRAINED}
        for command in options.commands:
            if command in SESSIONS:
                points, faults = kill_session(SESSIONS[command], inputs, options.every)
            else:
                points, faults = kill_everywhere(
                    commands[command], inputs, options.every, options.first
                )
            print(f"{command}: killed at {points} points, {len(faults)} faults", flush=True)
            for fault in faults:
                print(f"  {fault}", flush=True)
            total, wrong = total + points, wrong + len(faults)
        os.chdir("/")
    print(f"killed at {total} points in all, {wrong} faults")
    sys.exit(1 if wrong or not total else 0)


if __name__ == "__main__":
    main()
