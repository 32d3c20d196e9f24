"""A run that dies by SIGKILL goes on as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from painted import image, paint
from vesimod.io.tomogram import write_volume
from vesimod_imod.core.locks import only_writer
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.write import write_sphere_model
from vesimod_train.cli import read_toml
from vesimod_train.config import Config
from vesimod_train.fitting.fit import fit
from vesimod_train.networks.checkpoints import load_checkpoint

pytestmark = pytest.mark.slow

GRID = Grid((24, 24, 24), (4.4, 4.4, 4.4))
SPHERE = Spheres(np.array([[12.0, 12.0, 12.0]]), np.array([25.0]))
CONFIG = """
name = "tiny"
channels = 4
poolings = 1
volumes = 0
validation_volumes = 0
pairs = [["learn.mrc", "learn.mod"]]
validation_pairs = [["test.mrc", "test.mod"]]
steps = 40
batch = 1
crop = 16
check_every = 4
bfloat16 = false
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_killed_run_goes_on_to_the_bit(tmp_path: Path) -> None:
    for seed, name in enumerate(("learn", "test")):
        painted = paint(GRID.shape, 4.4, SPHERE.centres, SPHERE.radii_nm)
        write_volume(tmp_path / f"{name}.mrc", image(painted, 4.4, snr=2.0, seed=seed), GRID)
        write_sphere_model(tmp_path / f"{name}.mod", SPHERE, GRID)
    toml = tmp_path / "tiny.toml"
    toml.write_text(CONFIG)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    line = ["fit", str(toml), "-o", str(killed), "--threads", "1"]
    process = subprocess.Popen([sys.executable, "-m", "vesimod_train", *line])
    end = time.monotonic() + 120
    while not (killed / "checkpoint.pt").exists():
        assert process.poll() is None, "ended before its first checkpoint"
        assert time.monotonic() < end
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    config = Config.from_mapping(read_toml(toml), toml.parent)
    assert load_checkpoint(killed / "checkpoint.pt")[2] < config.steps

    reports: list[str] = []
    for folder in (killed, whole):
        folder.mkdir(exist_ok=True)
        with only_writer([folder / "checkpoint.pt"]):  # as the command does
            fit(config, folder, threads=1, report=reports.append)
    assert sum("going on at step" in text for text in reports) == 1
    a, b = (torch.load(folder / "checkpoint.pt") for folder in (killed, whole))
    for part in ("network", "ema_network"):
        assert a[part].keys() == b[part].keys()
        assert all(torch.equal(a[part][key], b[part][key]) for key in a[part])
    moments = [s["optimiser"]["state"][0] for s in (a, b)]
    assert all(torch.equal(moments[0][key], moments[1][key]) for key in moments[0])
    assert (killed / "log.csv").read_text() == (whole / "log.csv").read_text()
    best = [load_checkpoint(folder / "best.pt")[2] for folder in (killed, whole)]
    assert best[0] == best[1]
    assert not list(killed.glob(".*")), "half-written files remain"
