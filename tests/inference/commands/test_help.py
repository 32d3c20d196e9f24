"""``--help`` answers at once: it loads nothing that only the work needs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

NUMERICS = ["numpy", "scipy", "pandas", "onnxruntime", "skimage", "torch", "onnx"]
FORMATS = ["mrcfile", "h5py", "zarr", "tifffile"]
DISPLAY = ["PIL", "matplotlib", "jinja2", "plotly", "rich"]
HEAVY = {*NUMERICS, *FORMATS, *DISPLAY}
# Runs in a process of its own: goes through all commands, and says what each of them has loaded.
ALL_HELP = """
import importlib, json, sys
import typer
module, program = sys.argv[1:]
module = importlib.import_module(module)
from vesimod.cli import run_app

def lines(command, words):
    yield words
    for name, inner in getattr(command, "commands", {}).items():
        yield from lines(inner, [*words, name])

for words in lines(typer.main.get_command(module.app), []):
    code = run_app(module.app, program, [*words, "--help"])
    loaded = {name.split(".")[0] for name in sys.modules}
    print(json.dumps([" ".join([program, *words]), code, sorted(loaded)]), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("module", "program", "least"),
    [("vesimod.cli", "vesimod", 20), ("vesimod_train.cli", "vesimod-train", 8)],
)
def test_help_loads_nothing_heavy(module: str, program: str, least: int) -> None:
    line = [sys.executable, "-c", ALL_HELP, module, program]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    told = [json.loads(each) for each in done.stderr.splitlines()]
    assert len(told) >= least
    assert done.stdout.count("Usage:") == len(told)
    for command, code, loaded in told:
        assert code == 0, command
        assert not HEAVY & set(loaded), command


def test_help_of_vesimodpip_loads_nothing_heavy() -> None:
    code = "import json, sys, vesimod.pip\nsys.argv = ['vesimodpip', '-help']\n"
    code += "try:\n    vesimod.pip.main()\nexcept SystemExit as end:\n    code = end.code\n"
    code += "print(json.dumps([code, sorted({m.split('.')[0] for m in sys.modules})]))"
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    exit_code, loaded = json.loads(done.stdout.splitlines()[-1])
    assert exit_code == 0
    assert "OutputModel" in done.stdout
    assert not HEAVY & set(loaded)
