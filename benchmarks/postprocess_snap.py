"""How well clicks become spheres, on tomograms of two simulators.

    python benchmarks/postprocess_snap.py [--seeds 951 952] [--sd 0 4 8] [--kinds ...]

Clicks: every true centre plus a normal deviate per axis (those that leave the volume are left
out), all in one call; and up to 150 points at least 12 nm outside of every vesicle. Good: radius
within 3 nm, centre within 5 nm of the vesicle that was meant. Silently wrong: a sphere that is
not good and not refused. Nothing is tuned on the second simulator, nor on these seeds.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
import second_simulator
from vesimod.vesicles.snap import snap
from vesimod_imod.core.arrays import Triple
from vesimod_imod.core.spheres import Spheres
from vesimod_train.simulate import RECIPES, simulate

FIRST = {
    "validation, SNR 0.1": replace(RECIPES["validation"], snr=(0.1, 0.1)),
    "validation, SNR 0.03": replace(RECIPES["validation"], snr=(0.03, 0.03)),
    "crowded, SNR 0.1": replace(RECIPES["crowded"], snr=(0.1, 0.1)),
    "dense cytosol, SNR 0.1": replace(RECIPES["validation"], snr=(0.1, 0.1), cytosol_sd=(0.6, 0.6)),
}
SECOND = {
    f"second simulator, {name}": kind
    for name, kind in second_simulator.KINDS.items()
    if kind.vesicles and kind.snr > 0.01
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=[*FIRST, *SECOND], default=[*FIRST, *SECOND])
    parser.add_argument("--seeds", nargs="+", type=int, default=[951, 952])
    parser.add_argument("--sd", nargs="+", type=float, default=[0.0, 4.0, 8.0])
    options = parser.parse_args()
    print("| volume | seed | clicks | number | good | silently wrong | refused | radius bias nm "
          "| centre median nm | CPU ms a click |")  # fmt: skip
    print("|---|---:|---|" + "---:|" * 7)
    for name in options.kinds:
        for seed in options.seeds:
            volume, truth, cut, size_nm = make(name, seed)
            rng = np.random.default_rng(seed)
            for sd_nm in options.sd:
                report(volume, truth, size_nm, sd_nm, rng, f"| {name} | {seed} |")
            everyone = Spheres.concatenate([truth, cut])
            report_nothing(volume, everyone, size_nm, rng, f"| {name} | {seed} |")


def make(name: str, seed: int) -> tuple[np.ndarray, Spheres, Spheres, Triple]:
    """Volume, vesicles centred in it, those that only reach into it, voxel size."""
    if name in SECOND:
        volume, inside, cut = second_simulator.simulate(SECOND[name], seed)
        return volume, inside, cut, (second_simulator.NM,) * 3
    made = simulate(FIRST[name], seed)
    return made.volume, made.spheres, made.cut, made.grid.voxel_size_nm


def report(
    volume: np.ndarray,
    truth: Spheres,
    size_nm: Triple,
    sd_nm: float,
    rng: np.random.Generator,
    start: str,
) -> None:
    clicks = truth.centres + rng.normal(0, sd_nm, truth.centres.shape) / size_nm
    inside = np.all((clicks >= 0) & (clicks <= np.array(volume.shape) - 1), axis=1)
    clicks, truth = clicks[inside], truth.select(inside)
    clock = time.process_time()
    snapped = snap(volume, size_nm, clicks)
    milliseconds = 1000 * (time.process_time() - clock) / len(clicks)
    error = np.linalg.norm((snapped.spheres.centres - truth.centres) * size_nm, axis=1)
    off_nm = snapped.spheres.radii_nm - truth.radii_nm
    good = snapped.found & (error < 5) & (np.abs(off_nm) < 3)
    silent = snapped.found & ~good
    print(f"{start} {sd_nm:g} nm SD | {len(clicks)} | {good.mean():.3f} "
          f"| {silent.mean():.3f} ({silent.sum()}) | {1 - snapped.found.mean():.3f} "
          f"| {off_nm[good].mean():+.2f} | {np.median(error[good]):.2f} "
          f"| {milliseconds:.1f} |", flush=True)  # fmt: skip


def report_nothing(
    volume: np.ndarray, everyone: Spheres, size_nm: Triple, rng: np.random.Generator, start: str
) -> None:
    points = rng.uniform(0, np.array(volume.shape) - 1, (2000, 3))
    away = np.linalg.norm((points[:, None] - everyone.centres) * size_nm, axis=2)
    points = points[(away - everyone.radii_nm).min(axis=1) > 12][:150]
    found = snap(volume, size_nm, points).found
    print(f"{start} on nothing | {len(points)} | | {found.mean():.3f} ({found.sum()}) "
          f"| {1 - found.mean():.3f} | | | |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
