"""How well clicks become spheres, on simulated tomograms.

    python benchmarks/postprocess_snap.py [--seeds 901 902] [--snr 0.1 0.03]

Clicks 0, 4 and 8 nm off the true centre in a random direction (those that leave the volume are
left out), and clicks at least 12 nm outside of every vesicle. Good: radius within 3 nm, centre
within 5 nm. Silent failure: a sphere that is not good and not refused.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
from vesimod.vesicles.snap import snap
from vesimod_train.simulate import RECIPES, simulate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="validation", choices=sorted(RECIPES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[901, 902])
    parser.add_argument("--snr", nargs="+", type=float, default=[0.1, 0.03])
    options = parser.parse_args()
    print("| SNR | seed | clicks | good | silent failures | refused | radius bias nm "
          "| centre median nm | CPU ms a click |")  # fmt: skip
    print("|---:|---:|---|" + "---:|" * 6)
    for snr in options.snr:
        for seed in options.seeds:
            simulated = simulate(replace(RECIPES[options.recipe], snr=(snr, snr)), seed)
            rng = np.random.default_rng(seed)
            size = np.array(simulated.grid.voxel_size_nm)
            last = np.array(simulated.grid.shape) - 1
            for off in (0, 4, 8):
                report(simulated, rng, size, last, off, f"| {snr} | {seed} |")
            points = rng.uniform(0, last, (2000, 3))
            truth = simulated.spheres
            gap = np.linalg.norm((points[:, None] - truth.centres) * size, axis=2) - truth.radii_nm
            points = points[gap.min(axis=1) > 12][:150]
            found = snap(simulated.volume, simulated.grid.voxel_size_nm, points).found
            print(f"| {snr} | {seed} | on nothing | | {found.mean():.3f} | {1 - found.mean():.3f} "
                  "| | | |", flush=True)  # fmt: skip


def report(simulated, rng, size, last, off, start) -> None:
    truth = simulated.spheres
    step = rng.normal(size=(len(truth), 3))
    clicks = truth.centres + off * step / np.linalg.norm(step, axis=1, keepdims=True) / size
    inside = np.all((clicks >= 0) & (clicks <= last), axis=1)
    clicks, truth = clicks[inside], truth.select(inside)
    clock = time.process_time()
    snapped = snap(simulated.volume, simulated.grid.voxel_size_nm, clicks)
    milliseconds = 1000 * (time.process_time() - clock) / len(clicks)
    error = np.linalg.norm((snapped.spheres.centres - truth.centres) * size, axis=1)
    off_nm = snapped.spheres.radii_nm - truth.radii_nm
    good = snapped.found & (error < 5) & (np.abs(off_nm) < 3)
    silent = snapped.found & ~good
    print(f"{start} {off} nm off | {good.mean():.3f} | {silent.mean():.3f} "
          f"| {1 - snapped.found.mean():.3f} | {off_nm[good].mean():+.2f} "
          f"| {np.median(error[good]):.2f} | {milliseconds:.1f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
