"""What a reader of single slices sees: dark rings in a slice, drawn over it.

python benchmarks/slice_reader.py SLICE.png --nm 1.46 -o picture.jpg [--needed 6]

Rings are those of `realism.ring_response`: how much darker a ring of 12 to 36 nm radius is than
what is beside it, here for each radius, in SDs over the slice; of rings that overlap the
clearest stays.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from realism import RADII_NM, ring_response
from scipy import ndimage
from skimage.io import imread
from skimage.transform import rescale

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import Circle

WORKING_NM = 3.0  # pixel at which rings are sought


def rings(image: np.ndarray, nm: float, needed: float) -> list[tuple[float, float, float]]:
    """(y, x) in pixels and radius in nm of the rings that stand out, the clearest first."""
    small = rescale(image.astype(float), nm / WORKING_NM, anti_aliasing=True)
    flat = small - ndimage.gaussian_filter(small, 60.0 / WORKING_NM)
    found = []
    for radius in RADII_NM:
        response = ring_response(flat, WORKING_NM, [radius])
        response /= np.median(np.abs(response - np.median(response))) * 1.4826
        top = (response == ndimage.maximum_filter(response, 5)) & (response > needed)
        found += [(float(response[y, x]), y, x, float(radius)) for y, x in np.argwhere(top)]
    kept: list[tuple[float, float, float]] = []
    scale = WORKING_NM / nm
    for _, y, x, radius in sorted(found, reverse=True):
        centre = y * scale, x * scale
        if all(
            np.hypot(centre[0] - a, centre[1] - b) * nm > 0.8 * (radius + r) for a, b, r in kept
        ):
            kept.append((*centre, radius))
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("slices", nargs="+", type=Path)
    parser.add_argument("--nm", type=float, required=True)
    parser.add_argument("--needed", type=float, default=5.0)
    parser.add_argument("-o", "--output", type=Path, default=Path("slice.jpg"))
    options = parser.parse_args()
    images = [np.squeeze(imread(path)) for path in options.slices]
    images = [image if image.ndim == 2 else image[..., :3].mean(axis=2) for image in images]
    figure, axes = plt.subplots(1, len(images), figsize=(5.5 * len(images), 5), squeeze=False)
    for axis, image, path in zip(axes[0], images, options.slices, strict=True):
        found = rings(image, options.nm, options.needed)
        axis.imshow(image, cmap="gray")
        for y, x, radius in found:
            circle = Circle((x, y), radius / options.nm, fill=False, color="#56b4e9", lw=1.2)
            axis.add_patch(circle)
        axis.set_title(f"{path.stem}: {len(found)} rings", fontsize=9)
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(options.output, dpi=90)


if __name__ == "__main__":
    main()
