"""How near ``vesimod membrane`` comes to true plasma membranes, and what it costs.

    python benchmarks/membranes.py [--seeds N] [--first SEED] [--families NAME ...] [--keep FOLDER]
    python benchmarks/membranes.py --network outline [...]
    python benchmarks/membranes.py --cost

Guides are off by 10 nm (root mean square, wandering over 200 to 400 nm) and drawn on every 15th
section with a point each 30 nm. The family `other` was left out of tuning, which used seeds below
100 of the first three. A place lies in the blind cap where its normal lies within the missing
wedge, or 5 degrees beside it. Places at the border of the volume, where the guide follows that,
do not count.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
from outline_scores import network
from synapse_families import FAMILIES, Floats, errors, made_by
from vesimod.membranes.trace import trace
from vesimod_imod.contour_model.read import Drawing
from vesimod_train.simulate.membrane_truth import membrane_truth

OFF_NM, EVERY, POINT_NM = 10.0, 15, 30.0


def rough_guide(
    truth: Drawing, shape: tuple[int, ...], size_nm: float, rng: np.random.Generator
) -> Drawing:
    """Draw true contours as a person might: on some sections, few points, beside the membrane."""
    sections = np.unique([contour[0, 0] for contour in truth.contours])
    drawn = {*sections[::EVERY], sections[-1]}
    rough = []
    for contour in truth.contours:
        if contour[0, 0] not in drawn or len(contour) * size_nm < 3 * POINT_NM:
            continue
        along = np.arange(len(contour)) * size_nm
        way = np.gradient(contour[:, 1:], axis=0)
        normal = way[:, ::-1] * [-1, 1] / (np.linalg.norm(way, axis=1, keepdims=True) + 1e-9)
        wave = np.sin(2 * np.pi * along / rng.uniform(200, 400) + rng.uniform(0, 2 * np.pi))
        off = np.sqrt(2) * OFF_NM / size_nm * wave
        edge = np.minimum(contour[:, 1:], np.array(shape[1:]) - 1 - contour[:, 1:]).min(axis=1)
        off[edge < 2] = 0  # along the border a person draws the border
        moved = contour.copy()
        moved[:, 1:] += off[:, None] * normal
        count = max(int(len(contour) * size_nm / POINT_NM), 4)
        rough.append(moved[np.unique(np.linspace(0, len(moved) - 1, count).astype(int))])
    return Drawing(truth.name, truth.closed, tuple(rough))


def row(title: str, away: Floats, visible: Any, seen: Any) -> str:
    """One line of the table."""
    cells = [title, f"{len(away)}"]
    for chosen in (visible, np.ones(len(away), bool), seen):
        part = away[chosen]
        cells.append(f"{np.median(part):.2f} | {np.percentile(part, 95):.2f}")
    cells.append(f"{100 * seen[visible].mean():.0f} | {100 * seen[~visible].mean():.0f}")
    return f"| {' | '.join(cells)} |"


def accuracy(seeds: range, families: list[str], keep: Path | None) -> None:
    """Print the table of distances."""
    print("| family | places | median | 95 % | with cap: median | 95 % | seen: median | 95 % | "
          "% seen | in the cap |")  # fmt: skip
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for title in families:
        found: dict[str, list[tuple[Any, Any, Any]]] = {"outline": [], "active zone": []}
        for seed in seeds:
            made = made_by(title, seed, keep)
            assert made.membranes is not None
            size_nm = made.grid.voxel_size_nm
            truth = membrane_truth(made.membranes, size_nm[0])
            for drawing in (truth.outline, truth.active_zone):
                rng = np.random.default_rng(seed)
                guide = rough_guide(drawing, made.volume.shape, size_nm[0], rng)
                if guide.contours:
                    traced = trace(made.volume, size_nm, guide)
                    found[drawing.name].append(errors(traced, made))
        for name, parts in found.items():
            columns = (np.concatenate(column) for column in zip(*parts, strict=True))
            print(row(f"{title}, {name}", *columns), flush=True)


def cost() -> None:
    """Time and memory of an outline through a tomogram of 1024 x 1024 x 300 voxels."""
    shape, size_nm = (300, 1024, 1024), 1.5
    rng = np.random.default_rng(0)
    volume = np.empty(shape, np.int8)
    y, x = np.ogrid[: shape[1], : shape[2]]
    for section in range(shape[0]):
        away = (np.hypot(y - 512, x - 512) - 400 - 10 * np.sin(section / 40)) * size_nm
        dark = 40 * np.exp(-0.5 * (away / 3) ** 2)
        volume[section] = np.clip(rng.normal(0, 25, shape[1:]) - dark, -127, 127)
    turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    contours = []
    for section in range(0, 300, 15):
        radius = 400 + 10 * np.sin(section / 40) + 6 * np.sin(5 * turn + section)
        ring = [
            np.full(90, float(section)),
            512 + radius * np.sin(turn),
            512 + radius * np.cos(turn),
        ]
        contours.append(np.stack(ring, axis=1))
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    membrane = trace(volume, (size_nm,) * 3, Drawing("outline", True, tuple(contours)))
    seconds = time.process_time() - start
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e6
    places = sum(traced.seen.size for traced in membrane.sheets)
    print(f"{places} places, seen {100 * membrane.seen_fraction:.0f} %: {seconds:.1f} CPU-s, "
          f"{more:.2f} GB beside the tomogram")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=100, metavar="SEED")
    parser.add_argument("--families", nargs="*", default=list(FAMILIES), choices=list(FAMILIES))
    parser.add_argument("--network", metavar="MODEL", help="measure a network, not guides")
    parser.add_argument("--keep", type=Path, help="folder of simulated synapses")
    parser.add_argument("--cost", action="store_true")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    if options.cost:
        cost()
    elif options.network:
        network(options.network, seeds, options.families, options.keep)
    else:
        accuracy(seeds, options.families, options.keep)
