"""Scores on tomograms of a second, simpler simulator that shares nothing with the training's.

python benchmarks/second_simulator.py [MODEL ...] [--published WEIGHTS.h5] [--seeds 1 2 3]

A density is filtered in Fourier space (missing wedge, contrast transfer, envelope) and white noise
of the same wedge is added: the SNR is the filtered signal's variance over the noise's. No tilt
series, no errors of alignment, round vesicles. It tells what a model owes to the habits of its own
simulator, and it is the kind of volume that the targets for centres and radii were set on. Nothing
in vesimod is tuned on it. Radii are those of the outer leaflet's outer half maximum.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from model_scores import HEADER, row_of, values
from scipy import ndimage
from vesimod import load_model, segment
from vesimod.io.tomogram import read_tomogram, write_volume
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_train.export.cryovesnet import import_cryovesnet

NM = 2.2
SHAPE = np.array([128, 256, 256])
AXES = (0, 1, 2)
Box = tuple[slice, ...]
MARGIN = 16  # voxels around the volume, since the Fourier transform is periodic
WAVE_NM, CS_NM, AMPLITUDE = 1.97e-3, 2.7e6, 0.1  # 300 kV


@dataclass(frozen=True)
class Kind:
    """What one kind of volume holds."""

    snr: float
    vesicles: int = 140
    gap_nm: float = 4.0


KINDS = {
    "SNR 0.1": Kind(0.1),
    "SNR 0.03": Kind(0.03),
    "SNR 0.01": Kind(0.01),
    "crowded, SNR 0.1": Kind(0.1, vesicles=260, gap_nm=0.5),
    "no vesicles, SNR 0.1": Kind(0.1, vesicles=0),
}


class Scene:
    """A density in voxels, and ways to paint on it."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.density: np.ndarray = np.zeros(SHAPE + 2 * MARGIN, np.float32)
        self.high = np.array(self.density.shape) * NM

    def field(self, scale_nm: float) -> np.ndarray:
        """Smooth random field of unit variance."""
        white = np.asarray(self.rng.normal(size=self.density.shape), np.float32)
        smooth = ndimage.gaussian_filter(white, scale_nm / NM, mode="wrap")
        return np.asarray(smooth / smooth.std())

    def around(self, centre_nm: np.ndarray, reach_nm: float) -> tuple[Box, list[np.ndarray]]:
        """Box about a point, and the offsets from it in nm as an open grid."""
        low = np.maximum(np.floor((centre_nm - reach_nm) / NM), 0).astype(int)
        top = np.minimum(np.ceil((centre_nm + reach_nm) / NM) + 1, self.density.shape).astype(int)
        top = np.maximum(top, low)
        axes = [np.arange(a, b) * NM - c for a, b, c in zip(low, top, centre_nm, strict=True)]
        box = tuple(slice(a, b) for a, b in zip(low, top, strict=True))
        return box, list(np.ix_(*axes))

    def ball(self, centre_nm: np.ndarray, radius_nm: float, density: float) -> None:
        """Solid ball."""
        box, (z, y, x) = self.around(centre_nm, radius_nm + 5)
        distance = np.sqrt(z**2 + y**2 + x**2) - radius_nm
        self.density[box] += density * step(distance)

    def vesicle(self, centre_nm: np.ndarray, radius_nm: float, lumen: float) -> None:
        """Clear sphere within a bilayer."""
        box, (z, y, x) = self.around(centre_nm, radius_nm + 8)
        distance = np.sqrt(z**2 + y**2 + x**2) - radius_nm
        inside = step(distance + 3)
        there = self.density[box]
        self.density[box] = there * (1 - inside) + lumen * inside + membrane(distance)

    def rod(self, radius_nm: float, hollow: bool) -> np.ndarray:
        """Straight rod across everything; returns its distance (z, y, x) in nm."""
        point, way = self.rng.uniform(0, self.high), self.rng.normal(size=3) * (0.4, 1, 1)
        way /= np.linalg.norm(way)
        off = np.stack(np.meshgrid(*[np.arange(n) * NM for n in self.density.shape], indexing="ij"))
        off -= point.reshape(3, 1, 1, 1)
        along = np.tensordot(way, off, axes=1)
        squared = np.maximum((off**2).sum(axis=0) - along**2, 0)
        distance: np.ndarray = np.sqrt(squared) - radius_nm
        wall = np.exp(-0.5 * ((distance + 2) / 1.6) ** 2) if hollow else step(distance)
        self.density += wall.astype(np.float32)
        return distance

    def sheet(self, radius_nm: float, double: bool) -> np.ndarray:
        """Large sphere of one membrane or two; returns its distance (z, y, x), inside negative."""
        away = self.rng.normal(size=3) * (0.4, 1, 1)
        away /= np.linalg.norm(away)
        # Its surface passes a third of the way from the middle to the edge.
        centre = self.high / 2 + away * (radius_nm + 0.33 * self.high[2] / 2)
        z, y, x = np.ix_(
            *[np.arange(n) * NM - c for n, c in zip(self.density.shape, centre, strict=True)]
        )
        distance: np.ndarray = np.sqrt(z**2 + y**2 + x**2) - radius_nm
        self.density += membrane(distance)
        if double:
            self.density += membrane(distance + 18) + 0.3 * step(distance + 22)
        return distance


def step(distance_nm: np.ndarray) -> np.ndarray:
    """1 inside, 0 outside, as a voxel sees it."""
    return (0.5 - 0.5 * np.tanh(distance_nm / 1.6)).astype(np.float32)


def membrane(distance_nm: np.ndarray) -> np.ndarray:
    """Two leaflets, 3.8 nm apart; the outer one's half maximum is where the distance is 0."""
    sigma = 1.4  # 0.9 nm, sampled by voxels of 2.2 nm
    outer = distance_nm + 1.18 * sigma
    lines = np.exp(-0.5 * (outer / sigma) ** 2) + np.exp(-0.5 * ((outer + 3.8) / sigma) ** 2)
    return lines.astype(np.float32)


def simulate(kind: Kind, seed: int) -> tuple[np.ndarray, Spheres, Spheres]:
    """Make a volume (z, y, x); vesicles centred in it, and those that only reach into it."""
    rng = np.random.default_rng([seed, 77])
    scene = Scene(rng)
    scene.density += 0.15 * scene.field(2.0) + 0.1 * scene.field(15.0)
    room = np.ones(scene.density.shape, bool)
    room &= scene.sheet(rng.uniform(400, 2000), double=False) > 6
    room &= scene.sheet(rng.uniform(120, 250), double=True) > 6
    for _ in range(3):
        room &= scene.rod(12.5, hollow=True) > 3
    for _ in range(12):
        scene.rod(3.5, hollow=False)
    centres, radii = place(kind, room, rng)
    for _ in range(250):
        centre, radius = rng.uniform(0, scene.high), rng.choice([4.0, 12.0], p=[0.8, 0.2])
        gaps = np.linalg.norm(centres - centre, axis=1) - radii - radius
        if gaps.min(initial=9.0) > 0:
            scene.ball(centre, radius, rng.uniform(0.5, 1.0))
    for centre, radius in zip(centres, radii, strict=True):
        scene.vesicle(centre, radius, rng.normal(-0.3, 0.1))
    whole = image(scene.density, kind.snr, rng)
    volume = whole[tuple(slice(MARGIN, n - MARGIN) for n in whole.shape)]
    voxels = centres / NM - MARGIN
    inside = np.all((voxels > -0.5) & (voxels < SHAPE - 0.5), axis=1)
    reach: np.ndarray = np.linalg.norm(voxels - np.clip(voxels, -0.5, SHAPE - 0.5), axis=1) * NM
    everyone = Spheres(voxels, radii)
    return volume, everyone.select(inside), everyone.select(~inside & (reach < radii))


def place(kind: Kind, room: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Centres (N, 3) and radii (N,) in nm of spheres that leave a gap, around a few middles."""
    free_nm = ndimage.distance_transform_edt(room) * NM
    middles = rng.uniform(0.2, 0.8, (4, 3)) * room.shape * NM
    low, high = (MARGIN - 0.5) * NM, (MARGIN - 0.5 + SHAPE) * NM
    centres, radii = np.empty((0, 3)), np.empty(0)
    for attempt in range(60_000 if kind.vesicles else 0):
        spread = 80 + attempt / 150  # fills up from the middles outwards
        centre = middles[rng.integers(4)] + rng.normal(size=3) * spread * (0.6, 1, 1)
        radius = np.clip(rng.normal(22.5, 2.5), 15, 35)
        voxel = np.rint(centre / NM).astype(int)
        if (voxel < 0).any() or (voxel >= room.shape).any() or free_nm[tuple(voxel)] < radius + 3:
            continue
        gaps = np.linalg.norm(centres - centre, axis=1) - radii - radius
        if (gaps < kind.gap_nm).any():
            continue
        centres, radii = np.vstack([centres, centre]), np.append(radii, radius)
        if ((centres > low) & (centres < high)).all(axis=1).sum() == kind.vesicles:
            break
    return centres, radii


def image(density: np.ndarray, snr: float, rng: np.random.Generator) -> np.ndarray:
    """Filter as a microscope does, add noise; membranes dark."""
    z, y, x = np.meshgrid(
        *[np.fft.fftfreq(n, NM) for n in density.shape[:2]],
        np.fft.rfftfreq(density.shape[2], NM),
        indexing="ij",
        sparse=True,
    )
    tilt = np.degrees(np.arctan2(np.abs(z), np.abs(x)))
    square = z**2 + y**2 + x**2
    phase = np.pi * WAVE_NM * square * (rng.uniform(3000, 7000) - 0.5 * CS_NM * WAVE_NM**2 * square)
    wedge = (tilt <= 60).astype(np.float32)
    transfer = wedge * np.sin(phase + np.arcsin(AMPLITUDE)) * np.exp(-square * 2.0**2)
    signal = np.fft.irfftn(np.fft.rfftn(density) * transfer, density.shape, AXES)
    noise = np.fft.irfftn(np.fft.rfftn(rng.normal(size=density.shape)) * wedge, density.shape, AXES)
    seen: np.ndarray = -signal / signal.std() + noise / noise.std() / np.sqrt(snr)
    return seen.astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("models", nargs="*", default=["fast", "accurate"])
    parser.add_argument("--published", type=Path, help="Keras file of the published network")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        names = list(options.models)
        if options.published:
            names.append(str(Path(folder) / "published.onnx"))
            import_cryovesnet(options.published, Path(names[-1]))
        models = [load_model(name, device="cpu", threads=options.threads) for name in names]
        print(HEADER.replace("| volumes", "| model | volumes").replace("|---", "|---|---", 1))
        grid = Grid(tuple(SHAPE.tolist()), (NM,) * 3)
        for name in options.kinds:
            rows: list[list[list[float]]] = [[] for _ in models]
            for seed in options.seeds:
                volume, spheres, cut = simulate(KINDS[name], seed)
                path = Path(folder) / "volume.mrc"
                write_volume(path, volume, grid, overwrite=True)
                for model, row in zip(models, rows, strict=True):
                    found = segment(read_tomogram(path), model).spheres
                    row.append(values(found, spheres, cut, grid.voxel_size_nm))
            for model, row in zip(models, rows, strict=True):
                print(f"| {model.spec.name} {row_of(name, row)}", flush=True)


if __name__ == "__main__":
    main()
