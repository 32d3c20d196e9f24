"""How far the vesicles of measured synapses are off those of a population of real ones.

python benchmarks/population.py POPULATION.csv MEASURED.csv ...

POPULATION.csv has a row a vesicle as Pyto measured it: synapse, pixel_nm, radius_nm,
min_distance_az_nm, n_tether, n_connection. MEASURED.csv are tables that `vesimod measure` wrote.
Numbers are means over synapses, with the standard deviation between synapses.

Pyto measures between centres of voxels, we between surfaces: its radii are `_RADIUS_VOXELS` smaller
and its distances a voxel larger, as `tests/inference/measure/test_real_synapses.py` shows on
vesicles of which both are known. They are turned into ours first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

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


def main(population: Path, measured: list[Path]) -> None:
    real = pd.read_csv(population).rename(columns=COLUMNS)
    real["radius_nm"] += _RADIUS_VOXELS * real["pixel_nm"]
    real["membrane_az_nm"] -= _DISTANCE_VOXELS * real["pixel_nm"]
    ours = [pd.read_csv(path) for path in measured]
    theirs = [synapse for _, synapse in real.groupby("synapse")]
    print(f"{'':<42} {len(theirs)} real synapses   {len(ours)} measured")
    for name, row in rows().items():
        print(f"{name:<42} {numbers(theirs, row):<17} {numbers(ours, row)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
