"""How hard vesicles are to see: in annotated slices of real tomograms, and in simulated ones.

python benchmarks/realism.py SLICE.png:MASK.png:NM ... [--seeds 1 2 3] [-o realism.png]

NM is the pixel size in nm; a mask marks vesicles, or has a number for each. Simulated are the
recipes that networks learn from, each seed at the pixel size of one of the real slices, in bytes.
For each slice: d' and AUC of a 2D ring detector (dark ring less what is beside it, the best of some
radii) at vesicles against places around them, the membrane's contrast over the SD of what surrounds
vesicles, lumen over surroundings ((lumen - membrane) / (surroundings - membrane)), the membrane's
width at half maximum, slope of the spectrum, skewness, and the grain of what is between vesicles
(correlation of pixels two apart). Last, for each number whether the middle 90 % of a recipe cover
the real range. One picture with a slice of each.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats
from skimage.io import imread
from skimage.measure import label, regionprops
from vesimod_train.simulate import RECIPES, simulate

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import Circle

Image = NDArray[np.float64]
Box = tuple[slice, ...]
RADII_NM = np.arange(12.0, 36.0, 3.0)
RING_NM, BESIDE_NM = 4.0, 12.0  # half width of the ring; reach of what it is compared with
PROFILE_NM = np.arange(-16.0, 17.0, 1.0)  # around a vesicle's edge
ROWS = ("d'", "AUC", "contrast", "lumen", "width nm", "slope", "skewness", "grain")


@dataclass(frozen=True)
class Slice:
    """A slice (y, x), its pixel size, and vesicles in it: centres in pixels, radii in nm."""

    name: str
    image: Image
    nm: float
    centres: Image
    radii_nm: Image


def real_slice(text: str) -> Slice:
    """Read SLICE:MASK:NM; each connected piece, or number, of the mask is a vesicle."""
    path, mask_path, nm = text.rsplit(":", 2)
    image, mask = (np.squeeze(imread(p)).astype(float) for p in (path, mask_path))
    image = image if image.ndim == 2 else image[..., :3].mean(axis=2)
    single = mask.astype(int) if mask.max() != 255 else label(mask > 0)
    found = [r for r in regionprops(single) if r.area * float(nm) ** 2 > 300]
    radii = np.array([r.equivalent_diameter_area / 2 for r in found]) * float(nm)
    return Slice(Path(path).stem, image, float(nm), np.array([r.centroid for r in found]), radii)


def simulated_slice(recipe: str, seed: int, nm: float) -> Slice | None:
    """Make the middle slice of a simulated tomogram, in bytes; None where no vesicle is in it."""
    shape = (40, 200, 200)
    kind = replace(RECIPES[recipe], shape=shape, voxel_size_nm=nm, vesicles=(60, 60))
    made = simulate(replace(kind, half_size=0.0, quarter_size=0.0, nothing=0.0), seed)
    image = made.volume[shape[0] // 2].astype(float)
    image = np.clip((image - image.mean()) / (8 * image.std()) + 0.5, 0, 1)
    off = (made.spheres.centres[:, 0] - shape[0] // 2) * nm
    radii = made.spheres.radii_nm
    cut = np.abs(off) < 0.6 * radii
    if cut.sum() < 4:
        return None
    rims = np.sqrt(radii[cut] ** 2 - off[cut] ** 2)
    return Slice(recipe, np.rint(255 * image), nm, made.spheres.centres[cut, 1:], rims)


def ring_response(image: Image, nm: float, radii_nm: Iterable[float] = RADII_NM) -> Image:
    """Best of the radii: how much darker a ring around each pixel is than what is beside it."""
    best = np.full(image.shape, -np.inf)
    for radius in radii_nm:
        reach = int((radius + BESIDE_NM) / nm) + 1
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1] * nm
        way = np.hypot(y, x) - (radius - RING_NM)
        ring, beside = np.abs(way) < RING_NM, (np.abs(way) >= RING_NM) & (np.abs(way) < BESIDE_NM)
        kernel = beside / beside.sum() - ring / ring.sum()
        norm = np.sqrt((kernel**2).sum())
        found = ndimage.convolve(image, kernel / norm, mode="reflect")
        best = np.maximum(best, found)
    return best


def measures(piece: Slice) -> list[float]:
    """The numbers of `ROWS` of one slice."""
    image = (piece.image - np.median(piece.image)) / piece.image.std()
    grid = np.indices(image.shape).reshape(2, -1).T
    edge = np.full(len(grid), np.inf)  # nm to the nearest vesicle's edge, negative inside
    for centre, radius in zip(piece.centres, piece.radii_nm, strict=True):
        edge = np.minimum(edge, np.linalg.norm(grid - centre, axis=1) * piece.nm - radius)
    edge = edge.reshape(image.shape)
    around = (edge > 6) & (edge < 40)
    response = ring_response(image, piece.nm)
    at = [response[edge_box(c, image.shape)].max() for c in piece.centres]
    others = np.argwhere(around & (edge > 14))
    picked = np.random.default_rng(0).permutation(len(others))[: 3 * len(at)]
    chance = [response[edge_box(others[i], image.shape)].max() for i in picked]
    spread = np.sqrt((np.var(at) + np.var(chance)) / 2)
    profile = np.array([image[np.abs(edge - step) < 0.75].mean() for step in PROFILE_NM])
    inner = (PROFILE_NM > -10) & (PROFILE_NM < 1)
    bottom = np.flatnonzero(inner)[np.nanargmin(profile[inner])]
    membrane, halo = profile[bottom], image[around].mean()
    lumen = image[edge < PROFILE_NM[bottom] - 7].mean() if (edge < -12).any() else np.nan
    below = PROFILE_NM[profile < 0.5 * (membrane + halo)]
    near = below[np.abs(below - PROFILE_NM[bottom]) < 10]
    shifted = np.roll(image, 2, axis=1)[around], image[around]
    return [
        (np.mean(at) - np.mean(chance)) / spread,
        float(np.mean(np.array(at)[:, None] > np.array(chance))),
        (halo - membrane) / image[around].std(),
        (lumen - membrane) / max(halo - membrane, 1e-6),
        float(np.ptp(near)) + 1 if len(near) else np.nan,
        slope(image, piece.nm),
        float(stats.skew(image.ravel())),
        float(np.corrcoef(*shifted)[0, 1]),
    ]


def edge_box(centre: NDArray[np.floating] | NDArray[np.integer], shape: tuple[int, ...]) -> Box:
    """Five pixels a side around a place: people and simulations differ by a pixel or two."""
    low = np.clip(np.rint(centre).astype(int) - 2, 0, np.array(shape) - 5)
    return tuple(slice(a, a + 5) for a in low)


def slope(image: Image, nm: float) -> float:
    """Power of the frequency that the amplitude follows between 1/60 and 1/12 nm."""
    edge = min(image.shape)
    window = np.outer(np.hanning(edge), np.hanning(edge))
    amplitude = np.abs(np.fft.fft2(image[:edge, :edge] * window))
    k = np.hypot(*np.meshgrid(np.fft.fftfreq(edge, nm), np.fft.fftfreq(edge, nm)))
    used = (k > 1 / 60) & (k < 1 / 12)
    return float(np.polyfit(np.log(k[used]), np.log(amplitude[used]), 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("slices", nargs="+", metavar="SLICE:MASK:NM")
    parser.add_argument("--recipes", nargs="+", default=["train", "wide"])
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(1, 13)))
    parser.add_argument("-o", "--output", type=Path, default=Path("realism.png"))
    options = parser.parse_args()
    real = [real_slice(text) for text in options.slices]
    made = {
        recipe: [
            piece
            for number, seed in enumerate(options.seeds)
            if (piece := simulated_slice(recipe, seed, real[number % len(real)].nm))
        ]
        for recipe in options.recipes
    }
    rows = {piece.name: measures(piece) for piece in real}
    print(f"| slice | vesicles | {' | '.join(ROWS)} |\n|---|---:|{'---:|' * len(ROWS)}")
    for piece in real:
        cells = " | ".join(f"{v:.2f}" for v in rows[piece.name])
        print(f"| {piece.name} | {len(piece.radii_nm)} | {cells} |")
    truth = np.array(list(rows.values()))
    low, high = np.nanmin(truth, axis=0), np.nanmax(truth, axis=0)
    for recipe, pieces in made.items():
        table = np.array([measures(piece) for piece in pieces])
        five, ninety_five = np.nanpercentile(table, [5, 95], axis=0)
        spans = [f"{a:.2f} to {b:.2f}" for a, b in zip(five, ninety_five, strict=True)]
        print(f"| {recipe}, 5 to 95 % | {len(pieces)} slices | {' | '.join(spans)} |")
        covers = ["yes" if a <= c and d <= b else "**no**"
                  for a, b, c, d in zip(five, ninety_five, low, high, strict=True)]  # fmt: skip
        print(f"| {recipe} covers the real range | | {' | '.join(covers)} |")
    draw([*real, *(piece for pieces in made.values() for piece in pieces[:4])], options.output)


def draw(pieces: list[Slice], output: Path) -> None:
    """Draw slices with their vesicles."""
    figure, axes = plt.subplots(2, -(-len(pieces) // 2), figsize=(2.6 * -(-len(pieces) // 2), 5.6))
    for axis in axes.flat:
        axis.axis("off")
    for axis, piece in zip(axes.flat, pieces, strict=False):
        axis.imshow(piece.image, cmap="gray")
        axis.set_title(f"{piece.name}, {piece.nm:g} nm", fontsize=7)
        for centre, radius in zip(piece.centres, piece.radii_nm, strict=True):
            look = {"fill": False, "color": "tab:orange", "lw": 0.5}
            axis.add_patch(Circle(centre[::-1], radius / piece.nm, **look))
    figure.tight_layout()
    figure.savefig(output, dpi=90)


if __name__ == "__main__":
    main()
