"""Put slices of simulated and of real tomograms side by side: picture, spectrum, grey values.

python benchmarks/realism_spectra.py XY.tif ... --pixel-nm 1.812 -o spectra.png [--seeds 9001 9002]

The simulated slices are from the recipes `validation` and `train`, at the real ones' pixel size.
Printed for each slice: SD of the grey values' logarithmic power spectrum against the real mean,
skewness and kurtosis; and for simulated vesicles, the mean radial profile as (lumen -
membrane) / (halo - membrane) and the membrane's full width at half maximum, which are 1.28 to
1.52 and about 9 nm in the profiles that the CryoVesNet paper shows.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from scipy import stats
from skimage.io import imread
from vesimod_train.simulate import RECIPES, SimulatedTomogram, simulate

mpl.use("Agg")
import matplotlib.pyplot as plt

Image = NDArray[np.float64]
EDGE = 160  # pixels of the squares that are compared
SHELLS_NM = np.arange(-19.0, 15.0)  # around the membrane's outer edge


def squares(image: Image) -> list[Image]:
    """Cut an image into squares of mean 0 and SD 1."""
    cut = [
        image[y : y + EDGE, x : x + EDGE]
        for y in range(0, image.shape[0] - EDGE + 1, EDGE)
        for x in range(0, image.shape[1] - EDGE + 1, EDGE)
    ]
    return [(c - c.mean()) / c.std() for c in cut]


def spectrum(images: list[Image], pixel_nm: float) -> tuple[Image, Image]:
    """Frequencies in 1/nm and mean power of squares, averaged over rings."""
    window = np.outer(np.hanning(EDGE), np.hanning(EDGE))
    power = np.mean([np.abs(np.fft.fft2(image * window)) ** 2 for image in images], axis=0)
    k = np.fft.fftfreq(EDGE, pixel_nm)
    ring = np.rint(np.hypot(k[:, None], k) * EDGE * pixel_nm).astype(int).ravel()
    summed = np.bincount(ring, power.ravel())[: EDGE // 2]
    return np.arange(EDGE // 2) / (EDGE * pixel_nm), summed / np.bincount(ring)[: EDGE // 2]


def profiles(made: SimulatedTomogram) -> list[Image]:
    """Mean density over shells around the outer edge of each vesicle that lies well inside."""
    size, rows = made.grid.voxel_size_nm[0], []
    for centre, radius in zip(made.spheres.centres, made.spheres.radii_nm, strict=True):
        reach = int((radius + SHELLS_NM[-1]) / size) + 1
        low = np.round(centre).astype(int) - reach
        if not 20 < radius < 30 or np.any(low < 0) or np.any(low + 2 * reach >= made.grid.shape):
            continue
        box = tuple(slice(a, a + 2 * reach + 1) for a in low)
        offset = np.indices([2 * reach + 1] * 3) - (centre - low).reshape(3, 1, 1, 1)
        shell = np.digitize(np.linalg.norm(offset, axis=0) * size - radius, SHELLS_NM).ravel()
        counts = np.bincount(shell, minlength=len(SHELLS_NM) + 1)[1:-1]
        sums = np.bincount(shell, made.volume[box].ravel(), len(SHELLS_NM) + 1)[1:-1]
        rows.append(sums / np.maximum(counts, 1))
    return rows


def ratio_and_width(profile: Image) -> tuple[float, float]:
    """(lumen - membrane) / (halo - membrane), and the membrane's full width at half maximum."""
    x = SHELLS_NM[:-1] + 0.5
    bottom = int(np.argmin(profile))
    membrane, lumen = profile[bottom], profile[x < x[bottom] - 9].mean()
    halo = profile[bottom:].max()
    outside, inside = profile[bottom:], profile[bottom::-1]
    outer = np.interp(
        0.5 * (membrane + halo), outside[: outside.argmax() + 1], x[bottom:][: outside.argmax() + 1]
    )
    inner = np.interp(0.5 * (membrane + lumen), inside[:10], x[bottom::-1][:10])
    return (lumen - membrane) / (halo - membrane), float(outer - inner)


def simulated(pixel_nm: float, seeds: list[int]) -> dict[str, list[Image]]:
    """Middle slices of simulated tomograms by name."""
    slices = {}
    for name, recipe in {
        "validation, SNR 0.1": RECIPES["validation"],
        "validation, SNR 1": replace(RECIPES["validation"], snr=(1.0, 1.0)),
        "train": RECIPES["train"],
    }.items():
        cut = replace(recipe, shape=(64, 2 * EDGE, 2 * EDGE), voxel_size_nm=pixel_nm)
        slices[name] = [simulate(cut, seed).volume[32].astype(float) for seed in seeds]
    return slices


def compare(shown: dict[str, list[Image]], pixel_nm: float, output: Path) -> None:
    """Draw slices, spectra and histograms; print the figures of each kind of slice."""
    figure, axes = plt.subplots(2, len(shown), figsize=(4 * len(shown), 8))
    real = None
    print("| slices | skewness | kurtosis | SD of the log spectrum against the first, decades |")
    print("|---|---:|---:|---:|")
    for column, (name, images) in enumerate(shown.items()):
        cut = [square for image in images for square in squares(image)]
        grey = np.concatenate([square.ravel() for square in cut])
        k, power = spectrum(cut, pixel_nm)
        real = power if real is None else real
        off = np.log10(power[2:60] / real[2:60]).std()
        print(f"| {name} | {stats.skew(grey):.2f} | {stats.kurtosis(grey):.2f} | {off:.2f} |")
        limits = np.percentile(images[0], [1, 99])
        axes[0, column].imshow(images[0][-320:, :320], cmap="gray", clim=limits)
        axes[0, column].set_title(name, fontsize=9)
        axes[0, column].axis("off")
        axes[1, 0].semilogy(k[1:], power[1:], label=name)
        axes[1, 1].hist(grey, 100, range=(-5, 5), density=True, histtype="step", label=name)
    axes[1, 0].set_xlabel("frequency, 1/nm")
    axes[1, 1].set_xlabel("grey value, SD")
    axes[1, 1].legend(fontsize=7)
    for axis in axes[1, 2:]:
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(output, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("slices", nargs="+", type=Path)
    parser.add_argument("--pixel-nm", type=float, required=True)
    parser.add_argument("-o", "--output", type=Path, default=Path("realism.png"))
    parser.add_argument("--seeds", nargs="+", type=int, default=[9001, 9002, 9003])
    options = parser.parse_args()
    real = {path.stem: [np.squeeze(imread(path)).astype(float)] for path in options.slices}
    compare(real | simulated(options.pixel_nm, options.seeds), options.pixel_nm, options.output)
    print("\n| vesicles | (lumen - membrane) / (halo - membrane) | width at half maximum, nm |")
    print("|---:|---:|---:|")
    # Nearly without noise, and far enough apart for the halo outside to be the vesicle's own.
    apart = replace(RECIPES["validation"], snr=(1e4, 1e4), vesicles=(60, 60), gap_nm=(15.0, 15.0))
    rows = [row for seed in options.seeds for row in profiles(simulate(apart, seed))]
    ratio, width = ratio_and_width(np.mean(rows, axis=0))
    print(f"| {len(rows)} | {ratio:.2f} | {width:.1f} |")


if __name__ == "__main__":
    main()
