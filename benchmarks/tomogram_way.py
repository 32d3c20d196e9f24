"""The places of the code in which a tomogram stays on its way through ``vesimod segment``.

Counted while the demo tomogram is segmented for a second time, when all is imported: a module
counts when one of its functions runs. A stay is a run of modules of one room, in the order in which
they are first entered; modules that lie in no room are rooms of their own. For another checkout:
``PYTHONPATH=that/imod_bridge:that/inference python benchmarks/tomogram_way.py``.
"""

from __future__ import annotations

import inspect
import itertools
import sys
import tempfile
import threading
from importlib import resources
from pathlib import Path
from types import FrameType

OURS = ("vesimod_imod.", "vesimod.")


def room(module: str) -> str:
    """Package and folder of a module."""
    parts = module.split(".")
    return ".".join(parts[:2])


def modules_entered() -> list[str]:
    """Our modules in the order in which a function of theirs first runs."""
    found: dict[str, None] = {}

    def enter(frame: FrameType, event: str, _: object) -> None:
        name = str(frame.f_globals.get("__name__", ""))
        of_function = (
            frame.f_code.co_flags & inspect.CO_OPTIMIZED
        )  # no annotation that is evaluated
        if event == "call" and of_function and name.startswith(OURS):
            found.setdefault(name)

    from vesimod.cli import app, run_app

    source = Path(str(resources.files("vesimod"))) / "demo" / "demo.mrc"
    with tempfile.TemporaryDirectory() as folder:
        line = ["segment", str(source), "-o", str(Path(folder) / "demo.mod"), "--quiet"]
        codes = [run_app(app, "vesimod", line)]
        threading.setprofile(enter)
        sys.setprofile(enter)
        try:
            codes.append(run_app(app, "vesimod", [*line, "--overwrite"]))
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    if any(codes):
        sys.exit(max(codes))
    return list(found)


def main() -> None:
    modules = modules_entered()
    stays = [(name, list(group)) for name, group in itertools.groupby(modules, key=room)]
    for name, group in stays:
        print(f"{name}: {', '.join(module.rsplit('.', 1)[1] for module in group)}")
    rooms = {room(module) for module in modules}
    print(f"{len(modules)} modules in {len(rooms)} rooms, {len(stays)} stays")


if __name__ == "__main__":
    main()
