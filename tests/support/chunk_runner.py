"""Run com files by the rules of IMOD's submfg and processchunks, with IMOD or without.

`submit` and `run_chunks` do what IMOD's man pages vmstopy and processchunks say: a line with
$ is a command, the lines after it its standard input; output goes to a log whose former
version is kept with ~; a chunk that ends well gets CHUNK DONE as its log's last line; a
failed chunk is tried again; resuming runs only what has no such mark.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

DONE = "CHUNK DONE"
IMOD = os.environ.get("IMOD_DIR")


class ChunkError(Exception):
    """A chunk failed too often; the message holds the ERROR lines of its log."""


def parse_com(path: Path) -> list[tuple[str, list[str]]]:
    """Commands of a com file with the lines of their standard input."""
    steps: list[tuple[str, list[str]]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if re.match(" *#", line) or "$!" in line:
            continue
        is_command = line.startswith("$")
        line = re.sub(r'\\([^"])', r"/\1", line.removeprefix("$").lstrip() if is_command else line)
        variable = re.search(r"%(\w+)|\$\$|\$\{[A-Z0-9_]+\}", line)
        assert not variable, f"{path.name}: vmstopy would substitute {variable} in {line!r}"
        if is_command:
            steps.append((line, []))
        elif steps:
            steps[-1][1].append(line)
        else:
            assert not line, f"{path.name}: expected a command: {line!r}"
    return steps


def submit(com: Path, *, chunk: bool = False, environment: dict[str, str] | None = None) -> bool:
    """Run one com file as submfg does; return whether it ended well."""
    log = com.with_suffix(".log")
    if log.exists():
        log.replace(log.with_name(log.name + "~"))
    with log.open("wb") as stream:
        for command, lines in parse_com(com):
            done = subprocess.run(
                command,
                shell=True,
                cwd=com.parent,
                input="".join(f"{line}\n" for line in lines).encode(),
                stdout=stream,
                stderr=subprocess.PIPE,  # not part of a log
                env={**os.environ, "PIP_PRINT_ENTRIES": "1", **(environment or {})},
            )
            if done.returncode:
                text = f"ERROR: {command}: exited with status {done.returncode}\n"
                stream.write(text.encode())
                return False
        stream.write(b"SUCCESSFULLY COMPLETED\n")
        if chunk:
            stream.write(f"{DONE}\n".encode())
    return True


def run_chunks(
    folder: Path, root: str, *, resume: bool = False, workers: int = 2, tries: int = 5
) -> None:
    """Run the chunks of a set as processchunks does.

    Raises
    ------
    ChunkError
        A chunk failed `tries` times.
    """
    coms = {path.stem.removeprefix(f"{root}-"): path for path in folder.glob(f"{root}-*.com")}
    numbered = sorted(
        (key for key in coms if key[:3].isdigit()), key=lambda k: int(k.split("-")[0])
    )
    assert numbered, "processchunks needs at least one numbered file"
    if not resume:
        for path in coms.values():
            path.with_suffix(".log").unlink(missing_ok=True)
    groups: list[list[str]] = [["start"] if "start" in coms else []]
    for key in numbered:
        if key.endswith("-sync"):
            groups += [[key], []]
        else:
            groups[-1].append(key)
    groups.append(["finish"] if "finish" in coms else [])
    if "start" in coms:
        groups.insert(1, groups[0][1:])
        del groups[0][1:]
    for group in groups:
        todo = [coms[key] for key in group if not is_done(coms[key])]
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda com: _try(com, tries), todo))


def is_done(com: Path) -> bool:
    """Whether the last line of a chunk's log is the completion mark."""
    log = com.with_suffix(".log")
    return log.exists() and log.read_text(encoding="utf-8").splitlines()[-1:] == [DONE]


def _try(com: Path, tries: int) -> None:
    for _ in range(tries):
        if submit(com, chunk=True, environment={"OMP_NUM_THREADS": "1"}):
            return
    lines = com.with_suffix(".log").read_text(encoding="utf-8").splitlines()
    raise ChunkError("\n".join(line for line in lines if "ERROR:" in line))


def imod_submit(com: Path) -> bool:
    """Run one com file with the real submfg, which exits with 0 in any case."""
    assert IMOD
    subprocess.run([Path(IMOD) / "bin" / "submfg", com.name], cwd=com.parent, check=True)
    return "SUCCESSFULLY COMPLETED" in com.with_suffix(".log").read_text(encoding="utf-8")


def imod_run_chunks(folder: Path, root: str, *, resume: bool = False, **_: object) -> None:
    """Run the chunks with the real processchunks."""
    assert IMOD
    old = imod_version() < [4, 8, 25]
    words = ["-g", "-n", "0", *(["-r"] if resume else []), f"localhost{'#' if old else ':'}2", root]
    done = subprocess.run(
        [Path(IMOD) / "bin" / "processchunks", *words], cwd=folder, capture_output=True, text=True
    )
    if done.returncode:
        raise ChunkError(done.stdout)


def imod_version() -> list[int]:
    """Version of the IMOD that is here, e.g. [4, 8, 2]."""
    text = (Path(IMOD or "") / "VERSION").read_text().strip()
    return [int(part) for part in re.findall(r"\d+", text)[:3]]


def takes_letters_beyond_ascii() -> bool:
    """Whether com files may hold them: the vmstopy of IMOD 4.8 makes Python 2 programs."""
    return not has_imod() or imod_version() >= [4, 9]


def has_imod() -> bool:
    """Whether the real programs can be run here."""
    return (
        bool(IMOD) and shutil.which("processchunks", path=str(Path(IMOD or "") / "bin")) is not None
    )
