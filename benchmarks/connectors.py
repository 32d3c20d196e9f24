"""Measure what `vesimod connect` costs, and how much of painted connectors and tethers it finds.

    python benchmarks/connectors.py cost
    python benchmarks/connectors.py truth

`cost`: CPU seconds and memory on 128x256x256 voxels with 140 vesicles at 15 thresholds, all in,
from arrays to features, clusters and layers. `truth`: recall and precision on simulated boutons,
by pair (the same two bodies are joined) and by place (30 % of a found one's voxels lie on a true
rod that joins the same two).
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
import vesimod
from vesimod.connectors.result import Connections
from vesimod_train.simulate.connectors import ConnectedBouton, simulate_connected
from vesimod_train.simulate.tilts import Microscope

SIZE_NM = 2.2
ON_ROD = 0.3
PYTO_CPU_S = 850.0  # extrapolated, for the segmentation alone
SNRS = (0.5, 0.1, 0.03)
HEADER = (
    *("SNR", "labels", "kind", "true", "found"),
    *("recall by pair", "precision by pair", "recall by place", "precision by place"),
)


def cost() -> None:
    """Print CPU seconds and the memory that is taken besides the input."""
    scope = Microscope(snr=0.5, lowpass_nm=1.5)
    made = simulate_connected((128, 256, 256), SIZE_NM, 140, scope, seed=1)
    grey, labels = made.volume, vesimod.paint_labels(made.spheres, made.grid)
    small = simulate_connected((40, 64, 64), SIZE_NM, 4, scope, seed=1)
    find(small, vesimod.paint_labels(small.spheres, small.grid), 0.0)  # all is imported by then
    before, start = peak_bytes(reset=True), time.process_time()
    found = find(made, labels, 0.0)
    seconds = time.process_time() - start
    taken = (peak_bytes() - before) / grey.size
    print(f"{grey.shape} voxels, {len(made.spheres)} vesicles, {len(found.thresholds)} thresholds")
    print(f"{len(found.connectors)} connectors and tethers, {len(found.refused)} refused")
    print(
        f"{seconds:.1f} CPU seconds: {PYTO_CPU_S / seconds:.0f} times fewer than {PYTO_CPU_S:.0f}"
    )
    print(f"{taken:.1f} bytes a voxel besides the input")


def peak_bytes(*, reset: bool = False) -> int:
    """Most memory that this process has had, or has now when the mark is reset (Linux)."""
    mark = Path("/proc/self/clear_refs")
    if reset and mark.exists():
        mark.write_text("5")
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def find(made: ConnectedBouton, labels: np.ndarray, dilate_nm: float) -> Connections:
    return vesimod.connect(
        made.volume,
        labels,
        made.active_zone,
        made.region,
        voxel_size_nm=SIZE_NM,
        dilate_nm=dilate_nm,
    )


def truth(seeds: int) -> None:
    """Print recall and precision as a table."""
    print(f"| {' | '.join(HEADER)} |")
    print("|---:|---|---|---:|---:|---:|---:|---:|---:|")
    for snr in SNRS:
        scope = Microscope(snr=snr, noise_power=1.0, diffusion=20, diffusion_edge=1.0)
        made = [
            simulate_connected((72, 128, 128), SIZE_NM, 40, scope, seed) for seed in range(seeds)
        ]
        for dilate_nm in (0.0, 2.2):
            for kind, bodies in (("connector", 2), ("tether", 1)):
                sums = sum(scores(each, dilate_nm, bodies) for each in made)
                shares = sums[2:] / np.maximum(sums[[0, 1, 0, 1]], 1)
                dilated = f"dilated {dilate_nm} nm" if dilate_nm else "as they are"
                numbers = " | ".join(f"{share:.2f}" for share in shares)
                print(f"| {snr} | {dilated} | {kind} | {sums[0]} | {sums[1]} | {numbers} |")


_FOUND: dict[tuple[int, float], Connections] = {}


def scores(made: ConnectedBouton, dilate_nm: float, bodies: int) -> np.ndarray:
    """Count true and found ones, and how many of each are right by pair, then by place."""
    key = (id(made), dilate_nm)
    if key not in _FOUND:
        _FOUND[key] = find(made, vesimod.paint_labels(made.spheres, made.grid), dilate_nm)
    rods = [rod for rod in made.rods if len(rod.vesicles) == bodies]
    found = [each for each in _FOUND[key].connectors if len(each.vesicles) == bodies]
    pairs, got = {rod.vesicles for rod in rods}, {each.vesicles for each in found}
    of_number = {rod.number: rod.vesicles for rod in rods}
    hit, placed = set(), 0
    for each in found:
        here = np.bincount(made.labels.ravel()[each.voxels], minlength=len(made.rods) + 1)
        right = [n for n in of_number if here[n] >= ON_ROD * len(each.voxels)]
        right = [n for n in right if of_number[n] == each.vesicles]
        hit |= set(right)
        placed += bool(right)
    by_pair = sum(rod.vesicles in got for rod in rods)
    right_pairs = sum(each.vesicles in pairs for each in found)
    return np.array([len(rods), len(found), by_pair, right_pairs, len(hit), placed])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["cost", "truth"])
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.what == "cost":
        cost()
    else:
        truth(arguments.seeds)
