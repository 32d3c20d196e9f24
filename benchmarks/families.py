"""F1 of networks on families of volumes, none of which is of the simulator that they learned from.

python benchmarks/families.py [MODEL ...] [--families dense ...] [--seeds 1 2]

Volumes come from the scenes of `second_simulator.py`: each family changes one thing that differs
between labs (cytosol, noise, filter, size, shape, shades, what the volume holds). Printed for each
family and model: vesicles, finds, F1, errors of centre and radius in nm, membrane contrast over
the SD of the background as a check against real slices, and CPU-seconds of the whole pipeline.

The family `denoised` needs PyWavelets: pip install --group benchmarks
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import second_simulator as second
from model_scores import outside_cut
from scipy import ndimage
from skimage.restoration import denoise_tv_chambolle, denoise_wavelet
from vesimod import load_model, segment
from vesimod.io.tomogram import read_tomogram, write_volume
from vesimod.measure.agreement import Evaluation, evaluate
from vesimod.network.model import Model
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_train.export.cryovesnet import import_cryovesnet
from vesimod_train.simulate.microscope import diffuse

MARGIN = second.MARGIN
WAVELETS = "wavelets"


@dataclass(frozen=True)
class Family:
    """What one family of volumes is; lengths in nm.

    `texture` is the SD of the cytosol's density, a membrane leaflet being 1; `ramp` the power of
    the frequency that the noise's power follows; `filtered` a name in `FILTERS`; `tilt_deg` the
    highest tilt, 90 as where a network has filled the missing wedge.
    """

    snr: float = 0.1
    vesicles: int = 140
    gap_nm: float = 4.0
    texture: float = 0.15
    ramp: float = 0.5
    filtered: str = "diffusion"
    shape: tuple[int, int, int] = (128, 256, 256)
    voxel_nm: float = 2.2
    radius_nm: tuple[float, float] = (22.5, 2.5)
    in_ice: bool = False
    shaded: str = ""
    tilt_deg: float = 60.0


FAMILIES = {
    "ordinary": Family(),
    "crowded": Family(vesicles=260, gap_nm=0.5),
    "dense": Family(texture=0.6, vesicles=140),
    "dense, crowded": Family(texture=0.6, vesicles=260, gap_nm=0.5),
    "denser": Family(texture=0.85, vesicles=140),
    "noisy 0.03": Family(snr=0.03, ramp=0.0),
    "noisy 0.01": Family(snr=0.01, ramp=0.0),
    "noisy 0.005": Family(snr=0.005, ramp=0.0),
    "unfiltered 0.01": Family(snr=0.01, filtered=""),
    "white noise": Family(snr=0.02, ramp=0.0, filtered=""),
    "strong diffusion": Family(snr=0.03, filtered="strong diffusion"),
    "total variation": Family(snr=0.05, filtered="total variation"),
    "Gaussian": Family(snr=0.05, filtered="Gaussian"),
    "SIRT-like": Family(snr=0.05, filtered="SIRT-like"),
    "denoised": Family(snr=0.05, filtered=WAVELETS),
    "deconvolved": Family(snr=0.05, filtered="deconvolution"),
    "strongly deconvolved": Family(snr=0.05, filtered="strong deconvolution"),
    "wedge filled": Family(snr=0.05, tilt_deg=90.0),
    "thin": Family(shape=(24, 320, 320), vesicles=40),
    "coarse": Family(voxel_nm=3.3, shape=(86, 172, 172)),
    "large": Family(radius_nm=(50.0, 8.0), vesicles=25, gap_nm=8.0),
    "extracellular": Family(radius_nm=(42.0, 12.0), vesicles=14, gap_nm=20.0, in_ice=True),
    "dark side": Family(shaded="step"),
    "ramp": Family(shaded="ramp"),
    "padded": Family(shaded="padded"),
    "empty": Family(vesicles=0),
    "empty, dense": Family(vesicles=0, texture=0.6),
}
NOISE = {"white": 0.0, "blurred by 3 voxels": 3.0}
FILTERS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "": lambda volume, _nm: volume,
    "diffusion": lambda volume, _nm: diffuse(volume, 10, 2.5 * float(volume.std())),
    "strong diffusion": lambda volume, _nm: diffuse(volume, 30, 2.5 * float(volume.std())),
    "total variation": lambda volume, _nm: denoise_tv_chambolle(volume / volume.std(), 0.6),
    "Gaussian": lambda volume, nm: ndimage.gaussian_filter(volume, 3.5 / nm),
    "SIRT-like": lambda volume, nm: sirt_like(volume, nm),
    "deconvolution": lambda volume, nm: deconvolve(volume, nm, 10.0),
    "strong deconvolution": lambda volume, nm: deconvolve(volume, nm, 300.0),
    WAVELETS: lambda volume, _nm: denoise_wavelet(
        volume / volume.std(),
        method="BayesShrink",
        wavelet="sym6",  # the default's blocks leave nothing that anybody could see
        wavelet_levels=3,
        rescale_sigma=False,
    ),
}


def check_installed(names: Iterable[str]) -> None:
    """Stop before any work if a family needs a package that is not installed."""
    wavelets = [name for name in names if FAMILIES[name].filtered == WAVELETS]
    if wavelets and find_spec("pywt") is None:
        raise SystemExit(
            f"ERROR: the family {wavelets[0]} needs PyWavelets, which is not installed: "
            "pip install --group benchmarks, or leave it out"
        )


def deconvolve(volume: np.ndarray, nm: float, snr: float) -> np.ndarray:
    """Wiener filter for a defocus of 5 um, as stated: the true one is another.

    The signal over noise assumed falls from `snr` by e in 1/40 nm.
    """
    k = frequency(volume, nm)
    phase = np.pi * second.WAVE_NM * k**2 * 5000 + np.arcsin(second.AMPLITUDE)
    return amplified(volume, np.sin(phase) / (np.sin(phase) ** 2 + np.exp(k * 40) / snr))


def sirt_like(volume: np.ndarray, nm: float) -> np.ndarray:
    """What few iterations leave: amplitudes that fall with the frequency."""
    return amplified(volume, 1 / (1 + frequency(volume, nm) / 0.02))


def frequency(volume: np.ndarray, nm: float) -> np.ndarray:
    """Frequency of each coefficient of a real transform, in cycles a nm."""
    z, y, x = np.ix_(
        *map(np.fft.fftfreq, volume.shape[:2], [nm] * 2), np.fft.rfftfreq(volume.shape[2], nm)
    )
    k: np.ndarray = np.sqrt(z**2 + y**2 + x**2)
    return k


def amplified(volume: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Multiply the coefficients of a volume's transform."""
    filtered: np.ndarray = np.fft.irfftn(np.fft.rfftn(volume) * gain, volume.shape)
    return filtered


def simulate(family: Family, seed: int) -> tuple[np.ndarray, Spheres, Spheres]:
    """Make a volume (z, y, x), vesicles centred in it, and those that only reach into it."""
    rng = np.random.default_rng([seed, 78])
    nm = family.voxel_nm
    second.NM, second.SHAPE = nm, np.array(family.shape)
    scene = second.Scene(rng)
    room = np.ones(scene.density.shape, bool)
    if not family.in_ice:
        texture = scene.field(2.0) + 0.5 * scene.field(4.0) + 0.5 * scene.field(15.0)
        scene.density += family.texture * texture / texture.std()
        room &= scene.sheet(rng.uniform(400, 2000), double=False) > 6
        room &= scene.sheet(rng.uniform(120, 250), double=True) > 6
        for _ in range(3):
            room &= scene.rod(12.5, hollow=True) > 3
        for _ in range(12):
            scene.rod(3.5, hollow=False)
    centres, radii = place(family, room, rng)
    for _ in range(0 if family.in_ice else 250):
        centre, radius = rng.uniform(0, scene.high), rng.choice([4.0, 12.0], p=[0.8, 0.2])
        gaps = np.linalg.norm(centres - centre, axis=1) - radii - radius
        if gaps.min(initial=9.0) > 0:
            scene.ball(centre, radius, rng.uniform(0.5, 1.0))
    for centre, radius in zip(centres, radii, strict=True):
        lumen = rng.uniform(0, 0.25) if family.in_ice else rng.normal(-0.3, 0.1)
        scene.vesicle(centre, radius, lumen)
    whole = image(scene.density, family, rng)
    volume = whole[tuple(slice(MARGIN, n - MARGIN) for n in whole.shape)]
    volume = shade(np.asarray(FILTERS[family.filtered](volume, nm), np.float32), family.shaded)
    voxels = centres / nm - MARGIN
    limits = second.SHAPE - 0.5
    inside = np.all((voxels > -0.5) & (voxels < limits), axis=1)
    reach: np.ndarray = np.linalg.norm(voxels - np.clip(voxels, -0.5, limits), axis=1) * nm
    everyone = Spheres(voxels, radii)
    return volume, everyone.select(inside), everyone.select(~inside & (reach < radii))


def place(
    family: Family, room: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Centres (N, 3) and radii (N,) in nm of spheres that leave a gap."""
    free_nm = ndimage.distance_transform_edt(room) * family.voxel_nm
    if room.all():
        free_nm[:] = np.inf
    shape = np.array(family.shape)
    low, high = (MARGIN - 0.5) * family.voxel_nm, (MARGIN - 0.5 + shape) * family.voxel_nm
    middles = low + rng.uniform(0.2, 0.8, (4, 3)) * (high - low)
    centres, radii = np.empty((0, 3)), np.empty(0)
    for attempt in range(60_000 if family.vesicles else 0):
        spread = 80 + attempt / 150  # fills up from the middles outwards
        centre = middles[rng.integers(4)] + rng.normal(size=3) * spread * (0.6, 1, 1)
        radius = max(rng.normal(*family.radius_nm), 0.5 * family.radius_nm[0])
        voxel = np.rint(centre / family.voxel_nm).astype(int)
        if (voxel < 0).any() or (voxel >= room.shape).any() or free_nm[tuple(voxel)] < radius + 3:
            continue
        gaps = np.linalg.norm(centres - centre, axis=1) - radii - radius
        if (gaps < family.gap_nm).any():
            continue
        centres, radii = np.vstack([centres, centre]), np.append(radii, radius)
        if ((centres > low) & (centres < high)).all(axis=1).sum() == family.vesicles:
            break
    return centres, radii


def image(density: np.ndarray, family: Family, rng: np.random.Generator) -> np.ndarray:
    """Filter as a microscope does, add coloured noise; membranes dark."""
    nm = family.voxel_nm
    z, y, x = np.meshgrid(
        *[np.fft.fftfreq(n, nm) for n in density.shape[:2]],
        np.fft.rfftfreq(density.shape[2], nm),
        indexing="ij",
        sparse=True,
    )
    tilt = np.degrees(np.arctan2(np.abs(z), np.abs(x)))
    square = z**2 + y**2 + x**2
    wave, cs = second.WAVE_NM, second.CS_NM
    phase = np.pi * wave * square * (rng.uniform(3000, 7000) - 0.5 * cs * wave**2 * square)
    wedge = (tilt <= family.tilt_deg).astype(np.float32)
    transfer = wedge * np.sin(phase + np.arcsin(second.AMPLITUDE)) * np.exp(-square * 2.0**2)
    colour = wedge * np.maximum(np.sqrt(z**2 + x**2), 1e-3) ** (0.5 * family.ramp)
    shape, axes = density.shape, (0, 1, 2)
    signal = np.fft.irfftn(np.fft.rfftn(density) * transfer, shape, axes)
    noise = np.fft.irfftn(np.fft.rfftn(rng.normal(size=shape)) * colour, shape, axes)
    scale = max(float(signal.std()), 1e-9)
    seen: np.ndarray = -signal / scale + noise / noise.std() / np.sqrt(family.snr)
    return seen.astype(np.float32)


def shade(volume: np.ndarray, how: str) -> np.ndarray:
    """Make a side darker by 2 SD, or all of it darker along x, or put zeros beside it."""
    spread, n = volume.std(), volume.shape[2]
    if how == "padded":
        beside = np.zeros((*volume.shape[:2], int(1.4 * n)), np.float32)
        return np.concatenate([volume - volume.mean(), beside], axis=2)
    if how == "step":
        volume[:, :, n // 2 :] -= 2 * spread
    if how == "ramp":
        volume = volume - 2 * spread * np.linspace(-1, 1, n, dtype=np.float32)
    return volume


def membrane_contrast(volume: np.ndarray, spheres: Spheres, nm: float) -> float:
    """(Background - membrane) over the SD of the background, from voxels at true vesicles."""
    from vesimod.io.label_volume import distance_box

    near, grid = np.full(volume.shape, 99.0, np.float32), Grid(volume.shape, (nm,) * 3)
    for centre, radius in zip(spheres.centres, spheres.radii_nm, strict=True):
        box, from_centre = distance_box(centre, radius + 25, grid)
        np.minimum(near[box], from_centre - radius, out=near[box])
    around, membrane = volume[(near > 8) & (near < 25)], volume[(near > -5) & (near < -1)]
    return float((around.mean() - membrane.mean()) / around.std()) if len(spheres) else np.nan


def run(path: Path, model: Model) -> tuple[Spheres, float]:
    """Segment one volume; spheres and CPU-seconds."""
    start = time.process_time()
    found = segment(read_tomogram(path), model).spheres
    return found, time.process_time() - start


def scored(
    path: Path, models: Sequence[Model], family: Family, seed: int
) -> tuple[np.ndarray, Spheres, list[tuple[Spheres, Evaluation, float]]]:
    """Write a volume of a family to a file and search it with each model.

    Returns the volume, its true spheres, and for each model what it found of those that the border
    does not cut, how well that agrees, and CPU-seconds.
    """
    volume, spheres, cut = simulate(family, seed)
    write(path, volume, family.voxel_nm)
    rows = []
    for model in models:
        everything, seconds = run(path, model)
        found = outside_cut(everything, cut, family.voxel_nm)
        rows.append((found, evaluate(found, spheres, (family.voxel_nm,) * 3), seconds))
    return volume, spheres, rows


def write(path: Path, volume: np.ndarray, nm: float) -> None:
    """Write as 16-bit integers."""
    scale = 3000 / max(float(np.abs(volume).std()), 1e-9)
    scaled = np.clip(np.rint(volume * scale), -32000, 32000).astype(np.int16)
    write_volume(path, scaled, Grid(volume.shape, (nm,) * 3), overwrite=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("models", nargs="*", default=["fast"])
    parser.add_argument("--published", nargs="*", type=Path, default=[])
    parser.add_argument("--families", nargs="+", default=[*FAMILIES, "noise"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    check_installed(name for name in options.families if name in FAMILIES)
    with tempfile.TemporaryDirectory() as folder:
        names = list(options.models)
        for weights in options.published:
            names.append(str(Path(folder) / f"{weights.stem}.onnx"))
            import_cryovesnet(weights, Path(names[-1]))
        models = [load_model(name, device="cpu", threads=options.threads) for name in names]
        path = Path(folder) / "volume.mrc"
        print("| family | model | contrast | true | found | F1 | centre | radius | CPU-s |")
        print("|---|---|---:|---:|---:|---:|---:|---:|---:|", flush=True)
        for name in (n for n in options.families if n in FAMILIES):
            family = FAMILIES[name]
            rows: dict[str, list[list[float]]] = {n: [] for n in names}
            for seed in options.seeds:
                volume, spheres, found_by = scored(path, models, family, seed)
                contrast = (
                    membrane_contrast(volume[:, :, : family.shape[2]], spheres, family.voxel_nm)
                    if family.shaded != "padded"
                    else np.nan
                )
                for key, (found, score, seconds) in zip(names, found_by, strict=True):
                    rows[key].append(
                        [contrast, len(spheres), len(found), score.f1,
                         score.centre_error_nm_median, score.radius_error_nm_median, seconds]
                    )  # fmt: skip
            for key, values in rows.items():
                contrast, true, count, *rest = np.array(values, float).mean(axis=0)
                f1, centre, radius, seconds = rest
                print(
                    f"| {name} | {Path(key).stem} | {contrast:.2f} | {true:.0f} | {count:.1f} "
                    f"| {f1:.3f} | {centre:.2f} | {radius:.2f} | {seconds:.1f} |",
                    flush=True,
                )
        if "noise" not in options.families:
            return
        for name, blur in NOISE.items():
            counts = dict.fromkeys(names, 0)
            for seed in range(10):
                volume = np.random.default_rng(seed).normal(size=(96, 160, 160)).astype(np.float32)
                write(path, ndimage.gaussian_filter(volume, blur), 2.2)
                for model, key in zip(models, names, strict=True):
                    counts[key] += len(run(path, model)[0])
            print(f"noise, {name}: false finds in 10 volumes: {counts}", flush=True)


if __name__ == "__main__":
    main()
