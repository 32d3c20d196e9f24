"""How far the vesicles of measured synapses are off those of a population of real ones.

python benchmarks/population.py POPULATION.csv MEASURED.csv ...
python benchmarks/population.py POPULATION.csv --simulate 24

POPULATION.csv has a row a vesicle as Pyto measured it: synapse, pixel_nm, radius_nm,
min_distance_az_nm, n_tether, n_connection. MEASURED.csv are tables that `vesimod measure` wrote.
Numbers are means over synapses, with the standard deviation between synapses.

Pyto measures between centres of voxels, we between surfaces: its radii are `_RADIUS_VOXELS` smaller
and its distances a voxel larger, as `tests/inference/measure/test_real_synapses.py` shows on
vesicles of which both are known. They are turned into ours first.

With --simulate it is the truth of so many synapses of the recipe that is compared: where vesicles
were put, and what was painted between them. They are painted in voxels of twice the size and not
imaged, without organelles, which takes a second each.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage
from vesimod.connectors.result import CONNECTOR, TETHER
from vesimod_train.simulate import RECIPES
from vesimod_train.simulate.cell import fill_cell
from vesimod_train.simulate.pool import zone_distance
from vesimod_train.simulate.shapes import Canvas
from vesimod_train.simulate.tomogram import MARGIN_VOXELS

EDGES_NM = (-np.inf, 45.0, 75.0, 150.0, 250.0)
COLUMNS = {
    "min_distance_az_nm": "membrane_az_nm",
    "n_tether": "tethers",
    "n_connection": "connectors",
}
_RADIUS_VOXELS, _DISTANCE_VOXELS = 0.42, 1.0
Row = Callable[[pd.DataFrame], float]


def rows() -> dict[str, Row]:
    """Numbers of a synapse by what they are."""
    found: dict[str, Row] = {
        "vesicles": len,
        "radius, mean (nm)": lambda s: s.radius_nm.mean(),
        "radius, SD (nm)": lambda s: s.radius_nm.std(),
        "distance to the active zone, median (nm)": lambda s: s.membrane_az_nm.median(),
    }
    for low, high in pairwise(EDGES_NM):
        name = f"at {max(low, 0):g} to {high:g} nm (%)"
        found[name] = lambda s, low=low, high=high: (  # type: ignore[misc]
            100 * ((s.membrane_az_nm >= low) & (s.membrane_az_nm < high)).mean()
        )
    found |= {
        "connections a vesicle": lambda s: s.connectors.mean(),
        "without a connection (%)": lambda s: 100 * (s.connectors == 0).mean(),
        "without a tether (%)": lambda s: 100 * (s.tethers == 0).mean(),
        "tethered within 45 nm (%)": lambda s: (
            100 * (s.tethers[s.membrane_az_nm < EDGES_NM[1]] > 0).mean()
        ),
    }
    return found


def numbers(synapses: list[pd.DataFrame], row: Row) -> str:
    """Mean and SD over synapses."""
    values = np.array([row(synapse) for synapse in synapses], float)
    values = values[np.isfinite(values)]
    spread = f" +- {values.std(ddof=1):.2g}" if len(values) > 1 else ""
    return f"{values.mean():.3g}{spread}" if len(values) else "-"


def simulated(seed: int) -> pd.DataFrame:
    """Vesicles of a simulated synapse as they were put there."""
    recipe = RECIPES["synapse"]
    size = 2 * recipe.voxel_size_nm
    z, y, x = (n // 2 for n in recipe.shape)
    shape = z, y, x
    recipe = replace(recipe, shape=shape, voxel_size_nm=size, others=(0.0, 0.0))
    whole = np.array(shape) + MARGIN_VOXELS
    canvas, gold = (Canvas(np.zeros(whole, np.float32), size) for _ in range(2))
    rng = np.random.default_rng(seed)
    centres, radii, membranes, links = fill_cell(canvas, gold, recipe, rng)
    assert membranes is not None  # a synapse has some
    zone = zone_distance(membranes, size)
    assert zone is not None
    away = ndimage.map_coordinates(zone, centres.T / size, order=1) - radii
    voxels = centres / size - MARGIN_VOXELS / 2
    inside = np.all((voxels > -0.5) & (voxels < np.array(shape) - 0.5), axis=1)
    there = set((np.flatnonzero(inside) + 1).tolist())
    counts = {TETHER: np.zeros(len(radii)), CONNECTOR: np.zeros(len(radii))}
    for link in links:
        if there.issuperset(link.vesicles):
            counts[link.kind][np.array(link.vesicles) - 1] += 1
    columns = {"radius_nm": radii, "membrane_az_nm": away}
    columns |= {"tethers": counts[TETHER], "connectors": counts[CONNECTOR]}
    return pd.DataFrame(columns)[inside]


def main(population: Path, measured: list[Path], simulate: int) -> None:
    real = pd.read_csv(population).rename(columns=COLUMNS)
    real["radius_nm"] += _RADIUS_VOXELS * real["pixel_nm"]
    real["membrane_az_nm"] -= _DISTANCE_VOXELS * real["pixel_nm"]
    ours = [pd.read_csv(path) for path in measured] + [simulated(k) for k in range(simulate)]
    theirs = [synapse for _, synapse in real.groupby("synapse")]
    print(f"{'':<42} {len(theirs)} real synapses   {len(ours)} measured")
    for name, row in rows().items():
        print(f"{name:<42} {numbers(theirs, row):<17} {numbers(ours, row)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("population", type=Path)
    parser.add_argument("measured", type=Path, nargs="*")
    parser.add_argument("--simulate", type=int, default=0)
    given = parser.parse_args()
    main(given.population, given.measured, given.simulate)
