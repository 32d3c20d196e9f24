"""What tells vesicles from the grains of noise: count what is left, and fit the signs anew.

    python benchmarks/noise_signs.py [MODEL] [--seeds 100 101] [--fit]

Noise is made white and blurred, at several voxel sizes and shapes; true vesicles are those of
`families.py`, in parts of volumes that hold a few each. Printed are the finds that the rule of
`vesimod.vesicles.noise` leaves in noise and the true ones that it drops; with --fit, a logistic
regression for its constants, each volume counting by the root of what was found in it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from unittest import mock

import families
import numpy as np
from scipy import ndimage
from vesimod import load_model
from vesimod.io.tomogram import Tomogram
from vesimod.network.model import Model
from vesimod.pipeline import segment
from vesimod.radial.profile import HALF_MEMBRANE_NM
from vesimod.radial.rays import RaySampler
from vesimod.vesicles import detect, noise
from vesimod_imod.core.arrays import BoolArray
from vesimod_imod.core.spheres import Grid, Spheres

BLURS = (0.0, 1.0, 2.0, 3.0, 5.0)  # voxels
SHAPES = {2.2: (96, 160, 160), 4.4: (64, 120, 120), 1.0: (120, 200, 200)}  # by nm
KINDS = ("ordinary", "noisy 0.03", "noisy 0.01", "dense", "strong diffusion", "Gaussian")
WHOLE, PART = (96, 160, 160), (48, 80, 80)
STEPS, RIDGE = 100, 0.005
Signs = np.ndarray  # (N, 4): shift, shell, clearer, accepted
Truth = tuple[np.ndarray, np.ndarray]  # centres in voxels, radii in nm


def volumes_of_noise(seed: int) -> Iterator[tuple[str, np.ndarray, float]]:
    for (nm, shape), blur in product(SHAPES.items(), BLURS):
        grey = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
        yield f"{nm:g} nm, blurred by {blur:g}", ndimage.gaussian_filter(grey, blur), nm


def parts_with_vesicles(seed: int) -> Iterator[tuple[str, np.ndarray, float, Truth]]:
    for kind in KINDS:
        family = replace(families.FAMILIES[kind], vesicles=28, shape=WHOLE)
        volume, inside, cut = families.simulate(family, seed)
        both = [inside, replace(cut, ids=cut.ids + inside.ids.max(initial=0))]
        everyone = Spheres.concatenate(both)
        for corner in product(*(range(0, n, m) for n, m in zip(WHOLE, PART, strict=True))):
            box = tuple(slice(a, a + m) for a, m in zip(corner, PART, strict=True))
            truth = everyone.centres - np.array(corner), everyone.radii_nm
            yield kind, np.ascontiguousarray(volume[box]), family.voxel_nm, truth


class Watch:
    """Stands in for `is_noise`, and keeps the signs and what it says."""

    def __init__(self) -> None:
        self.seen: list[tuple[Spheres, Signs, bool]] = []

    def __call__(
        self,
        density: RaySampler,
        network: RaySampler,
        spheres: Spheres,
        candidates: int,
        region: BoolArray | None = None,
        needed: float = noise.NEEDED,
    ) -> bool:
        if not len(spheres):
            return False
        membrane_nm = float(np.median(spheres.radii_nm)) - HALF_MEMBRANE_NM
        places = noise.empty_places(density, network)
        chance = noise.z_by_chance(density, places, membrane_nm) if len(places) else np.empty(0)
        usual = max(float(np.percentile(chance, noise.OFTEN)), 1.0) if len(chance) else np.nan
        measures, ratio = spheres.measures, spheres.measures["lumen_ratio"]
        signs = [
            np.log(np.clip(measures["centre_shift_nm"], *noise.SHIFT_RANGE_NM)),
            (ratio > noise.SHELL_RANGE[0]) & (ratio < noise.SHELL_RANGE[1]),
            np.log(measures["membrane_z"] / usual),
            np.full(len(spheres), np.log((len(spheres) + 0.5) / (candidates + 1))),
        ]
        said = noise.is_noise(density, network, spheres, candidates, region, needed)
        self.seen.append((spheres, np.stack(signs, axis=1).astype(float), said))
        return said


def look(model: Model, volume: np.ndarray, nm: float) -> list[tuple[Spheres, Signs, bool]]:
    """What was found at each scale before the rule, its signs, and what the rule says."""
    watch = Watch()
    tomogram = Tomogram(volume.astype(np.float32), Grid(volume.shape, (nm,) * 3), Path("noise"))
    with mock.patch.object(detect, "is_noise", watch):
        segment(tomogram, model)
    return watch.seen


def are_true(spheres: Spheres, truth: Truth, nm: float) -> np.ndarray:
    """Whether each sphere (N,) is centred in a true one."""
    centres, radii = truth
    off_nm = np.linalg.norm((spheres.centres[:, None] - centres) * nm, axis=2)
    result: np.ndarray = (off_nm < radii).any(axis=1)
    return result


def regression(true: list[Signs], false: list[Signs]) -> np.ndarray:
    """Constant and weights of the signs; both classes weigh alike."""
    rows = np.concatenate([*true, *false])
    weight = np.concatenate([np.full(len(s), len(s) ** -0.5) for s in (*true, *false)])
    answer = np.arange(len(rows)) < sum(map(len, true))
    for kind in (answer, ~answer):
        weight[kind] /= weight[kind].sum()
    table = np.c_[np.ones(len(rows)), rows]
    ridge = RIDGE * np.diag([0.0, 1, 1, 1, 1])
    weights = np.zeros(5)
    for _ in range(STEPS):
        odds = 1 / (1 + np.exp(-table @ weights))
        slope = table.T @ (weight * (answer - odds)) - ridge @ weights
        bend = (table * (weight * odds * (1 - odds))[:, None]).T @ table + ridge
        weights += np.linalg.solve(bend, slope)
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model", nargs="?", default="fast")
    parser.add_argument("--seeds", nargs="+", type=int, default=[100, 101])
    parser.add_argument("--fit", action="store_true", help="Also fit the constants anew.")
    options = parser.parse_args()
    model = load_model(options.model, device="cpu", threads=1)
    true: list[Signs] = []
    false: list[Signs] = []
    found, wrong = Counter[str](), Counter[str]()
    for seed in options.seeds:
        for name, volume, nm in volumes_of_noise(seed):
            for spheres, signs, said in look(model, volume, nm):
                false.append(signs)
                found[name] += len(spheres)
                wrong[name] += 0 if said else len(spheres)
        for name, volume, nm, truth in parts_with_vesicles(seed):
            # Vesicles of the second scale are none of these.
            for spheres, signs, said in look(model, volume, nm)[:1]:
                right = are_true(spheres, truth, nm)
                true += [signs[right]] if right.any() else []
                found[name] += int(right.sum())
                wrong[name] += int(right.sum()) if said else 0
    print(
        "| volumes | found before the rule | left in noise, or true ones dropped |\n|---|---:|---:|"
    )
    for name, count in found.items():
        print(f"| {name} | {count} | {wrong[name]} |")
    if options.fit:
        known = [[s for s in kind if np.isfinite(s).all()] for kind in (true, false)]
        weights = regression(*known)
        print("constant, shift, shell, clearer, accepted:", weights.round(2).tolist())


if __name__ == "__main__":
    main()
