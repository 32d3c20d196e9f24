"""Measure what `vesimod connect` costs, and how much of painted connectors and tethers it finds.

    python benchmarks/connectors.py cost
    python benchmarks/connectors.py truth --network connectors

`cost`: CPU seconds and memory on 128x256x256 voxels with 140 vesicles at 15 thresholds, all in,
from arrays to features, clusters and layers. `truth`: recall and precision on simulated boutons,
by pair (the same two bodies are joined) and by place (30 % of a found one's voxels lie on a true
rod that joins the same two), for the grey value filtered in several ways and for a network's map.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import vesimod
from scipy import ndimage
from vesimod.connectors.result import Connections
from vesimod.network.model import Model
from vesimod_train.simulate.connectors import ConnectedBouton, simulate_connected
from vesimod_train.simulate.microscope import diffuse
from vesimod_train.simulate.tilts import Microscope

SIZE_NM = 2.2
ON_ROD = 0.3
PYTO_CPU_S = 850.0  # extrapolated, for the segmentation alone
SNRS = (0.5, 0.1, 0.03)
DILATED_NM = (0.0, 2.2)
DIFFUSION, DIFFUSION_EDGE = 20, 1.0
HEADER = (
    *("SNR", "sought in", "labels", "true", "found", "recall by pair", "precision by pair"),
    *("recall by place", "precision by place", "true tethers", "found", "recall by place"),
    "precision by place",
)


def cost() -> None:
    """Print CPU seconds and the memory that is taken besides the input."""
    scope = Microscope(snr=0.5, lowpass_nm=1.5)
    made = simulate_connected((128, 256, 256), SIZE_NM, 140, scope, seed=1)
    grey, labels = made.volume, vesimod.paint_labels(made.spheres, made.grid)
    small = simulate_connected((40, 64, 64), SIZE_NM, 4, scope, seed=1)
    find(
        small, small.volume, vesimod.paint_labels(small.spheres, small.grid), 0.0
    )  # all is imported by then
    before, start = peak_bytes(reset=True), time.process_time()
    found = find(made, grey, labels, 0.0)
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


def find(
    made: ConnectedBouton,
    grey: np.ndarray,
    labels: np.ndarray,
    dilate_nm: float,
    network: Model | None = None,
) -> Connections:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # vesicles that touch, once they are dilated
        return vesimod.connect(
            grey,
            labels,
            made.active_zone,
            made.region,
            voxel_size_nm=SIZE_NM,
            dilate_nm=dilate_nm,
            network=network,
        )


def truth(seeds: range, network: Model | None) -> None:
    """Print recall and precision as a table."""
    print(f"| {' | '.join(HEADER)} |")
    print(f"|---:|---|---|{'---:|' * 10}")
    for snr in SNRS:
        scope = Microscope(snr=snr, noise_power=1.0)
        made = [simulate_connected((72, 128, 128), SIZE_NM, 40, scope, seed) for seed in seeds]
        labels = [vesimod.paint_labels(each.spheres, each.grid) for each in made]
        for name, seen in WAYS.items():
            if network is None and seen is None:
                continue
            greys = [each.volume if seen is None else seen(each) for each in made]
            for dilate_nm in DILATED_NM:
                sums = np.zeros((2, 6), int)
                for each, grey, painted in zip(made, greys, labels, strict=True):
                    asked = network if seen is None else None
                    found = find(each, grey, painted, dilate_nm, asked)
                    sums += [scores(each, found, bodies) for bodies in (2, 1)]
                dilated = f"dilated {dilate_nm} nm" if dilate_nm else "as they are"
                row = [str(snr), name, dilated, *cells(sums[0]), *cells(sums[1], pairs=False)]
                print(f"| {' | '.join(row)} |", flush=True)


def diffused(made: ConnectedBouton) -> np.ndarray:
    """Filter as many labs do: nonlinear anisotropic diffusion."""
    return diffuse(made.volume, DIFFUSION, DIFFUSION_EDGE * float(made.volume.std()))


def smoothed(made: ConnectedBouton) -> np.ndarray:
    result: np.ndarray = ndimage.gaussian_filter(made.volume, 1.0)
    return result


def without_membranes(made: ConnectedBouton) -> np.ndarray:
    """Smooth, and subtract the mean of all voxels as far from the nearest vesicle or membrane."""
    grey = smoothed(made)
    bodies = (vesimod.paint_labels(made.spheres, made.grid) > 0) | ~made.region
    rings = np.rint(ndimage.distance_transform_edt(~bodies)).astype(int)
    means = np.bincount(rings.ravel(), grey.ravel()) / np.maximum(np.bincount(rings.ravel()), 1)
    flat: np.ndarray = grey - means[rings]
    return flat.astype(np.float32)


#: What connectors are sought in; None is the network's map.
WAYS: dict[str, Callable[[ConnectedBouton], np.ndarray] | None] = {
    "grey, diffused": diffused,
    "grey, Gaussian of 2.2 nm": smoothed,
    "grey, Gaussian, membranes subtracted": without_membranes,
    "network": None,
}


def scores(made: ConnectedBouton, found: Connections, bodies: int) -> np.ndarray:
    """Count true and found ones, and how many of each are right by pair, then by place."""
    rods = [rod for rod in made.rods if len(rod.vesicles) == bodies]
    wanted = [each for each in found.connectors if len(each.vesicles) == bodies]
    pairs, got = {rod.vesicles for rod in rods}, {each.vesicles for each in wanted}
    of_number = {rod.number: rod.vesicles for rod in rods}
    hit, placed = set(), 0
    for each in wanted:
        here = np.bincount(made.labels.ravel()[each.voxels], minlength=len(made.rods) + 1)
        right = [n for n in of_number if here[n] >= ON_ROD * len(each.voxels)]
        right = [n for n in right if of_number[n] == each.vesicles]
        hit |= set(right)
        placed += bool(right)
    by_pair = sum(rod.vesicles in got for rod in rods)
    right_pairs = sum(each.vesicles in pairs for each in wanted)
    return np.array([len(rods), len(wanted), by_pair, right_pairs, len(hit), placed])


def cells(sums: np.ndarray, *, pairs: bool = True) -> list[str]:
    """Numbers, recalls and precisions as text."""
    shares = sums[2:] / np.maximum(sums[[0, 1, 0, 1]], 1)
    shown = shares if pairs else shares[2:]
    return [str(sums[0]), str(sums[1]), *(f"{share:.2f}" for share in shown)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["cost", "truth"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--network", help="a shipped network's name, or an .onnx file")
    arguments = parser.parse_args()
    if arguments.what == "cost":
        cost()
    else:
        asked = arguments.network
        truth(range(arguments.seeds), None if asked is None else vesimod.load_model(asked))
