"""What each step of post-processing adds, on simulated tomograms.

    python benchmarks/postprocess_steps.py [--model fast] [--seeds 901 902] [--recipe validation]

Rows: spheres straight from connected pieces of the mask at 0.5, of the mask at the threshold with
the darkest shell, and of that mask split; the fit with a guessed membrane profile, the fit with the
profile learned from the tomogram, the whole chain; then what was tried and left out. Vesicles that
the volume's edge cuts and whose centre lies outside count neither way. With
--model the probability is the network's; without, the truth made as wrong as a network's
(surface 1 nm too large, off by 4 nm here and there, 3 % of the vesicles missing, false blobs).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from model_scores import outside_cut
from scipy import ndimage
from vesimod.io.label_volume import spheres_of_labels
from vesimod.measure.agreement import Evaluation, evaluate
from vesimod.network.resample import model_to_volume
from vesimod.radial.profile import (
    HALF_MEMBRANE_NM,
    PROFILE_STEP_NM,
    mean_membrane,
    profile_axis,
    read_profiles,
)
from vesimod.radial.rays import RaySampler
from vesimod.radial.surface_fit import Fits, fit_membranes
from vesimod.radial.templates import generic_template, normalised_template, template_axis
from vesimod.settings import SearchSettings
from vesimod.vesicles.detect import find_spheres
from vesimod.vesicles.features import NEAR
from vesimod.vesicles.instances import split_instances
from vesimod.vesicles.threshold import choose_threshold, threshold_curve
from vesimod.vesicles.watershed import FULL
from vesimod_imod.core.arrays import Triple
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_train.simulate import RECIPES, SimulatedTomogram, simulate


def degraded(grid: Grid, spheres: Spheres, seed: int) -> np.ndarray:
    """The truth as wrong as a network: a probability on the tomogram's grid."""
    shape, size = grid.shape, grid.voxel_size_nm
    rng = np.random.default_rng(seed)
    distance = np.full(shape, -30.0, np.float32)
    keep = rng.random(len(spheres)) > 0.03
    false = rng.uniform(15, np.array(shape) * size - 15, (6, 3)) / size
    centres = np.vstack([spheres.centres[keep], false])
    radii = np.append(spheres.radii_nm[keep], rng.uniform(10, 18, 6))
    for centre, radius in zip(centres, radii, strict=True):
        reach = np.ceil((radius + 30) / np.array(size)).astype(int)
        low = np.clip(np.floor(centre).astype(int) - reach, 0, shape)
        high = np.clip(np.floor(centre).astype(int) + reach + 1, 0, shape)
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        axes = zip(np.ogrid[box], centre, size, strict=True)
        off = np.sqrt(sum(((a - c) * s) ** 2 for a, c, s in axes))
        distance[box] = np.maximum(distance[box], radius - off)
    field = ndimage.gaussian_filter(rng.standard_normal(shape), [8 / s for s in size])
    distance += (1.0 + 4.0 * field / field.std()).astype(np.float32)
    probability: np.ndarray = 1 / (1 + np.exp(-distance / 2.5))
    return probability.astype(np.float32)


def predicted(
    volume: np.ndarray, size: Triple, name: str
) -> tuple[np.ndarray, np.ndarray | None, Triple]:
    """The network's (probability, distance) and its voxel size."""
    from vesimod.network.model import load_model
    from vesimod.network.resample import resample
    from vesimod.network.spec import normalise

    model = load_model(name, device="cpu", threads=2)
    nm = (model.spec.voxel_size_nm,) * 3
    small = normalise(resample(volume, size, nm), model.spec.normalisation)
    maps = model.predict(small, lambda _done, _total: None)
    return maps["probability"], maps.get("distance"), nm


def second_derivative_edge(profile: np.ndarray) -> float:
    """The paper's outer edge: minimum of the second derivative outside of the centre."""
    axis = profile_axis()
    curvature = np.gradient(np.gradient(ndimage.gaussian_filter1d(profile, 1.0)))
    outside = (axis > 0.5) & (axis < 6)
    return float(axis[outside][np.argmin(curvature[outside])]) + 0.5 * PROFILE_STEP_NM


def steps(
    simulated: SimulatedTomogram, probability: np.ndarray, distance: np.ndarray | None, nm: Triple
) -> Iterator[tuple[str, Spheres, float]]:
    """Yield (row, spheres, seconds) for each step."""
    size = simulated.grid.voxel_size_nm
    density = RaySampler(simulated.volume, size)
    clock = time.process_time()

    def took() -> float:
        return time.process_time() - clock

    def spheres_of(labels: np.ndarray) -> Spheres:
        spheres = spheres_of_labels(labels, nm)
        return replace(spheres, centres=model_to_volume(spheres.centres, size, nm))

    yield "mask at 0.5", spheres_of(ndimage.label(probability >= 0.5, FULL)[0]), took()
    threshold = choose_threshold(threshold_curve(density, probability, nm))
    mask = probability >= threshold
    yield "global threshold", spheres_of(ndimage.label(mask, FULL)[0]), took()
    masks = spheres_of(split_instances(mask, nm, distance))
    yield "split", masks, took()
    start = masks.radii_nm - HALF_MEMBRANE_NM
    guess = generic_template()

    def fitted(fits: Fits, outer_nm: float | None = None) -> Spheres:
        membrane = mean_membrane(read_profiles(density, fits), fits.membrane_z)
        radii = fits.membrane_nm + (membrane.outer_nm if outer_nm is None else outer_nm)
        return Spheres(fits.centres, radii, np.clip(fits.membrane_z / 20, 0, 1), masks.ids)

    fits = fit_membranes(density, masks.centres, start, guess, search=NEAR)
    yield "fit, guessed profile", fitted(fits), took()
    profile = mean_membrane(read_profiles(density, fits), fits.membrane_z).profile
    template = normalised_template(np.interp(template_axis(), profile_axis(), profile))
    learned = fit_membranes(density, fits.centres, fits.membrane_nm, template)
    yield "fit, learned profile", fitted(learned), took()
    clock = time.process_time()
    found = find_spheres(simulated.volume, size, probability, nm, distance=distance)
    yield "whole chain", found.spheres, took()
    half = find_spheres(
        simulated.volume, size, probability, nm, SearchSettings(threshold=0.5), distance=distance
    )
    yield "left out: threshold 0.5", half.spheres, took()
    paper = fitted(learned, second_derivative_edge(profile))
    yield "left out: learned profile, paper's edge", paper, took()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="a network, e.g. fast; default: the truth, degraded")
    parser.add_argument("--recipe", default="validation", choices=sorted(RECIPES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[901, 902])
    parser.add_argument("--snr", nargs="+", type=float, default=[0.1, 0.03])
    options = parser.parse_args()
    for snr in options.snr:
        rows: dict[str, list[tuple[Evaluation, float]]] = {}
        for seed in options.seeds:
            simulated = simulate(replace(RECIPES[options.recipe], snr=(snr, snr)), seed)
            size, truth = simulated.grid.voxel_size_nm, simulated.spheres
            if options.model:
                probability, distance, nm = predicted(simulated.volume, size, options.model)
            else:
                probability, distance = degraded(simulated.grid, truth, seed), None
                nm = size
            for name, spheres, seconds in steps(simulated, probability, distance, nm):
                counted = outside_cut(spheres, simulated.cut, size[0])
                rows.setdefault(name, []).append((evaluate(counted, truth, size), seconds))
        print(f"\n{options.recipe}, SNR {snr}, seeds {options.seeds}, mean over seeds\n")
        print(
            "| step | F1 | precision | recall | centre median nm | radius bias nm | radius SD nm "
            "| delta_d | Dice | CPU s |"
        )
        print("|---|" + "---:|" * 9)
        for name, results in rows.items():
            columns = (
                "f1",
                "precision",
                "recall",
                "centre_error_nm_median",
                "radius_bias_nm",
                "radius_error_nm_sd",
                "diameter_error",
                "mask_dice",
            )
            means = [np.mean([getattr(e, c) for e, _ in results]) for c in columns]
            cells = " | ".join(f"{mean:.3f}" for mean in means)
            print(f"| {name} | {cells} | {np.mean([s for _, s in results]):.1f} |", flush=True)


if __name__ == "__main__":
    main()
