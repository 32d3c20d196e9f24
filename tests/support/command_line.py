"""The command line, for tests of commands from the outside."""

from __future__ import annotations

from vesimod.cli import app, run_app


def vesimod(*arguments: object) -> int:
    """Run ``vesimod`` with these words, paths and numbers; its exit code."""
    return run_app(app, "vesimod", [str(a) for a in arguments])
