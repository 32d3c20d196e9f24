"""Sessions of ``edit`` and ``watch`` that are killed: what a person does meanwhile.

A session must lose no click: what is judged is that every file is whole, that what was saved is in
the model or in its history, and that nothing but the history is left when the next one has ended.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from vesimod_imod.core.spheres import Spheres
from vesimod_imod.model.chunks import ModFormatError, parse_chunks
from vesimod_imod.sphere_model.read import read_sphere_model, spheres_of
from vesimod_imod.sphere_model.write import write_sphere_model

FAKE_3DMOD = Path(__file__).parents[1] / "tests" / "support" / "fake3dmod.py"
PATIENCE_S, A_WHILE_S, START_S = 120.0, 8.0, 3.0
CLICK = np.array([[8.0, 12.0, 14.0]])  # where no vesicle is
Alive = Callable[[], bool]


def prepare(folder: Path) -> None:
    """Put a program named 3dmod, which the person drives, on the PATH."""
    desk = folder.parent / "desk"
    desk.mkdir(exist_ok=True)
    for file in ("log.txt", "person.txt"):
        (desk / file).unlink(missing_ok=True)
    program = desk / "3dmod"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE_3DMOD}" "{desk}" "$@"\n')
    program.chmod(0o755)
    os.environ["PATH"] = f"{desk}{os.pathsep}{os.environ['PATH']}"


def watch(folder: Path, process: int, alive: Alive) -> None:
    """Click once in a 3dmod that knows nothing of us, save, and press Ctrl-C when it is refined."""
    model = folder / "clicks.mod"
    history = folder / "clicks_history"
    time.sleep(START_S)
    # Where the one before was killed, there may be nothing left to refine.
    _wait(alive, lambda: any(history.glob("*-refined.mod")), at_most_s=A_WHILE_S)
    before = len(list(history.glob("*-saved.mod")))
    if alive() and len(read_sphere_model(model).spheres) < 2:
        time.sleep(0.3)
        known = read_sphere_model(model).spheres
        click = Spheres(CLICK, np.array([np.nan]), ids=np.array([known.ids.max() + 1]))
        clicked = Spheres.concatenate([known, click])
        whole = folder.parent / "clicked.mod"
        write_sphere_model(whole, clicked, read_sphere_model(model).grid, overwrite=True)
        model.write_bytes(whole.read_bytes())  # in place, as 3dmod does
        _wait(alive, lambda: len(list(history.glob("*-saved.mod"))) > before, at_most_s=A_WHILE_S)
        time.sleep(0.5)
    if alive():
        os.kill(process, signal.SIGINT)
    _wait(alive, lambda: False)


def edit(folder: Path, _process: int, alive: Alive) -> None:
    """Click once in the 3dmod that was started, save, and close it with the result loaded."""
    desk = folder.parent / "desk"
    log, acts = desk / "log.txt", desk / "person.txt"

    def done(what: str) -> bool:
        return log.exists() and what in log.read_text()

    _wait(alive, lambda: done("action 6 1"))
    if alive() and len(read_sphere_model(folder / "clicks.mod").spheres) < 2:
        z, y, x = CLICK[0]
        acts.write_text(f"click {x + 0.5} {y + 0.5} {z}\nsave\n")
        _wait(alive, lambda: done("action 7"))
    with acts.open("a") as stream:
        stream.write("quit\n")
    _wait(alive, lambda: False)


def _wait(alive: Alive, condition: Callable[[], bool], at_most_s: float = PATIENCE_S) -> None:
    """Wait until something is true, the session has ended, or `at_most_s` are over."""
    end = time.monotonic() + at_most_s
    while alive() and not condition():
        if time.monotonic() > end:
            if at_most_s == PATIENCE_S:
                raise RuntimeError("the session waits for ever")
            return
        time.sleep(0.02)


def faults_after_kill(folder: Path, before: dict[str, bytes]) -> Iterator[str]:
    """Yield what is wrong right after a session was killed."""
    seen = []
    for path in [folder / "clicks.mod", *folder.glob("clicks_history/[0-9]*.mod")]:
        try:
            seen.append(len(spheres_of(parse_chunks(path.read_bytes(), path)).spheres))
        except ModFormatError as error:
            yield f"{path.name} is half-written: {error}"
    if not seen or seen[0] < 1:
        yield "clicks are lost"
    for name, data in before.items():
        if name != "clicks.mod" and (folder / name).read_bytes()[-len(data) :] != data:
            yield f"{name} was changed"


def faults_in_the_end(folder: Path, before: dict[str, bytes]) -> Iterator[str]:
    """Yield what is wrong when the next session has ended."""
    spheres = read_sphere_model(folder / "clicks.mod").spheres
    if len(spheres) != 2:
        yield f"{len(spheres)} spheres where 2 must be"
    for path in filter(Path.is_file, folder.rglob("*")):
        name = str(path.relative_to(folder))
        known = name in before or name.startswith("clicks_history") or name.endswith("~")
        if not known or path.name.startswith("."):
            yield f"{name} is left behind"
