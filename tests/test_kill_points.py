"""Commands that are killed at every file event leave nothing behind after the next run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "kill_points.py"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")
def test_killed_at_every_file_event() -> None:
    commands = ["snap --overwrite", "merge", "corrections", "model copy"]
    done = subprocess.run(
        [sys.executable, SCRIPT, "--commands", *commands],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    points = [int(line.split()[-4]) for line in done.stdout.splitlines() if ": killed" in line]
    assert len(points) == len(commands)
    assert min(points) >= 8
