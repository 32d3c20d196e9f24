"""Inputs and command lines of ``vesimod`` for `kill_points.py`, as small as they can be."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import vesimod
from vesimod.handoff import pyto
from vesimod.io.tomogram import write_volume
from vesimod_imod.contour_model.read import Drawing
from vesimod_imod.contour_model.write import write_drawings
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.write import write_sphere_model

GRID = Grid((40, 56, 60), (2.0, 2.0, 2.0))
CENTRES = np.array([[20.0, 28.0, 31.0]])
RADIUS_NM = 24.0
SYNAPSE_GRID = Grid((24, 64, 60), (2.0, 2.0, 2.0))
SYNAPSE = Spheres(np.array([[12.0, 38, 16], [12, 38, 42]]), np.array([21.0, 21.0]))
SHEET_Y = 53.0
DEMO = Path(vesimod.__file__).parent / "demo"
MODEL = Path(__file__).parents[1] / "tests" / "data" / "dark.onnx"
Words = list[str]


def segment(*more: str) -> Words:
    return ["segment", "TS_01.mrc", "--model", str(MODEL), "--threads", "1", "--quiet", *more]


TABLE = ["corrections", "found.mod", "corrected.mod", "-o", "changes.csv"]  # needed by ``merge``
SLAB = ["-InputFile", "TS_01.mrc", "-NetworkModel", str(MODEL), "-NumberOfSlabs", "2"]
PLACES = ["--active-zone", "az.mod", "--outline", "cell.mod"]
MEASURE = ["measure", "syn.mrc", "syn.mod", *PLACES, "--picture", "p.png"]
PYTO = ["--tomogram", "syn.mrc", "--outline", "cell.mod", "--active-zone", "az.mod"]
COMMANDS: dict[str, Words] = {
    "snap": ["snap", "TS_01.mrc", "clicks.mod", "-o", "out.mod"],
    "snap --overwrite": ["snap", "TS_01.mrc", "clicks.mod", "-o", "old.mod", "--overwrite"],
    "merge": ["merge", "changes.csv", "found.mod", "-o", "out.mod"],
    "corrections": ["corrections", "found.mod", "corrected.mod", "-o", "out.csv"],
    "model copy": ["model", "copy", "found.mod", "out.mod"],
    "model copy --overwrite": ["model", "copy", "found.mod", "old.mod", "--overwrite"],
    "segment": segment("-o", "out.mod", "--table", "out.csv", "--labels", "labels.mrc"),
    "segment --overwrite": segment("-o", "old.mod", "--picture", "p.png", "--overwrite"),
    "batch": ["batch", *segment()[1:], "-o", "out", "--dropped"],
    "batch --chunks": ["batch", *segment()[1:], "-o", "out", "--chunks"],
    "batch, again": ["batch", *segment()[1:], "-o", "out", "--overwrite", "--threshold", "0.4"],
    "evaluate": ["evaluate", "found.mod", "corrected.mod", "--picture", "p.png"],
    "etomo": ["etomo", "TS_01.edf", "--model", str(MODEL)],
    "slab": ["pip", *SLAB, "-SlabNumber", "1"],
    "membrane": ["membrane", "syn.mrc", "az.mod", "-o", "out.mod", "--labels", "labels.mrc"],
    "outline": ["outline", "demo.mrc", "-o", "out.mod", "--labels", "labels.mrc"],
    "connect": ["connect", "syn.mrc", "syn.mod", "--active-zone", "az.mod", "-o", "out.mod"],
    "measure": MEASURE,
    "measure --overwrite": ["measure", "syn.mrc", "syn.mod", "-o", "old.csv", "--overwrite"],
    "measure --groups": ["measure", "measured", "--groups", "groups.csv", "-o", "compared"],
    "synapse": ["synapse", "syn.mrc", *PLACES, "--vesicles", "syn.mod"],
    "report": ["report", "TS_01.mrc", "found.mod", "-o", "out.html", "--png", "p.png"],
    "convert, a file": ["convert", "found.mod", "out.star"],
    "convert, a table": ["convert", "found.mod", "old.csv", "--overwrite"],
    "convert, back": ["convert", "found.csv", "out.mod", "--tomogram", "TS_01.mrc"],
    "convert, Pyto": ["convert", "syn.mod", "pyto", "--to", "pyto", *PYTO],
    "convert, Pyto --overwrite": [
        *("convert", "syn.mod", "old.pyto", "--overwrite"),
        *PYTO,
    ],
    "convert, OME-Zarr": ["convert", "syn.mod", "out.zarr", "--tomogram", "syn.mrc"],
    "demo": ["demo", "-o", "shown"],
}


def write_inputs(folder: Path) -> None:
    """A tomogram with one dark ball, a model of it, one of clicks, and a corrected one."""
    index = np.indices(GRID.shape)
    squares = sum((axis - c) ** 2 for axis, c in zip(index, CENTRES[0], strict=True))
    volume = -1 / (1 + np.exp((2.0 * np.sqrt(squares) - RADIUS_NM) / 1.5))
    volume += 0.02 * np.random.default_rng(0).normal(size=GRID.shape)
    write_volume(folder / "TS_01.mrc", volume.astype(np.float32), GRID)
    spheres = Spheres(np.vstack([CENTRES, CENTRES - 12]), np.array([24.0, 20.0]))
    write_sphere_model(folder / "found.mod", spheres, GRID)
    write_sphere_model(folder / "corrected.mod", spheres.select(np.array([0])), GRID)
    write_sphere_model(folder / "clicks.mod", Spheres(CENTRES + 2, np.array([np.nan])), GRID)
    (folder / "TS_01.edf").write_text("Setup.DatasetName=TS_01\nSetup.AxisType=Single Axis\n")
    shutil.copyfile(folder / "TS_01.mrc", folder / "TS_01_rec.mrc")
    write_sphere_model(folder / "old.mod", Spheres(CENTRES, np.array([9.0])), GRID)
    (folder / "found.csv").write_text("id,z,y,x,radius_nm\n1,20,28,31,24\n")
    (folder / "old.csv").write_text("id,z,y,x,radius_nm\n1,20,28,31,9\n")
    (folder / "old.pyto").mkdir()
    for name in pyto.CONTENT:
        (folder / "old.pyto" / name).write_text("old")
    _write_synapse(folder)


def _write_synapse(folder: Path) -> None:
    """Two vesicles at a flat membrane with what links them; groups of measured synapses."""
    voxels = np.random.default_rng(0).normal(size=SYNAPSE_GRID.shape)
    voxels -= 6 * np.exp(-0.5 * (np.indices(SYNAPSE_GRID.shape)[1] - SHEET_Y) ** 2)
    voxels[11:14, 49:53, 15:18] -= 12
    voxels[11:14, 37:40, 26:33] -= 12
    write_volume(folder / "syn.mrc", voxels.astype(np.float32), SYNAPSE_GRID)
    write_sphere_model(folder / "syn.mod", SYNAPSE, SYNAPSE_GRID)
    sections = range(2, 23, 5)
    ends = [np.array([[z, SHEET_Y, x] for x in range(5, 56, 5)], float) for z in sections]
    corners = ((2, 2), (2, 57), (SHEET_Y, 57), (SHEET_Y, 2))
    loops = [np.array([[z, *corner] for corner in corners], float) for z in sections]
    zone = Drawing("active zone", False, tuple(ends))
    write_drawings(folder / "az.mod", [zone], SYNAPSE_GRID)
    write_drawings(folder / "cell.mod", [Drawing("outline", True, tuple(loops))], SYNAPSE_GRID)
    shutil.copyfile(DEMO / "synapse.mrc", folder / "demo.mrc")
    measured = folder / "measured"
    measured.mkdir()
    (folder / "compared").mkdir()
    names = [f"s{number}" for number in range(4)]
    for number, name in enumerate(names):
        (measured / f"{name}_measured_summary.csv").write_text(f"synapse,n\n{name},{number}\n")
        (measured / f"{name}_measured.csv").write_text("id,z,y,x,radius_nm\n1,2,3,4,20\n")
    rows = [f"{name},{'ab'[number % 2]}" for number, name in enumerate(names)]
    (folder / "groups.csv").write_text("\n".join(["synapse,group", *rows, ""]))
