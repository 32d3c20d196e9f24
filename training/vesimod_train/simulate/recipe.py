"""Recipes for simulated tomograms, and the function that cooks one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from vesimod.tables import write_spheres_csv
from vesimod.tomogram import write_volume
from vesimod_imod.sphere_model import write_sphere_model
from vesimod_imod.spheres import Grid, Spheres

from vesimod_train.simulate import content
from vesimod_train.simulate.microscope import Microscope, image
from vesimod_train.simulate.shapes import Canvas, Vector

Volume = npt.NDArray[np.float32]
Range = tuple[float, float]
MARGIN_VOXELS = 12  # simulated around the volume and cut off: the Fourier transform is periodic


@dataclass(frozen=True)
class Recipe:
    """What varies from one simulated tomogram to the next; pairs are ranges drawn from.

    Parameters
    ----------
    shape : (int, int, int)
        Voxels (z, y, x).
    voxel_size_nm : float
        Isotropic.
    vesicles : (float, float)
        Vesicles in the volume, as far as there is room.
    radius_nm : (float, float)
        Median of the radii (outer edge of the membrane); they spread by 8 to 14 %.
    odd_radius : float
        Share of vesicles with a radius anywhere in 12 to 60 nm instead.
    gap_nm : float
        Mean gap between neighbours in a pool.
    roundness : (float, float)
        Shortest over longest axis of a vesicle.
    dense_cored : float
        Share of vesicles with a dense core.
    lumen : (float, float)
        Density of the vesicles' inside relative to the cytosol's mean, a membrane leaflet
        being 1: in real tomograms it is the brightest part.
    membrane : (float, float)
        Thickness of the vesicles' membrane relative to a bare bilayer's: proteins and the
        imaging make it about 9 nm wide at half maximum in real tomograms.
    others : float
        Scales the number of membranes, organelles, filaments, particles; 0 for none.
    crowding : (float, float)
        SD of the cytosol's density, a membrane leaflet being 1.
    snr, defocus_um, tilt_deg, noise_power, blur_nm : (float, float)
        See `Microscope`; the SNR is drawn evenly in its logarithm.
    any_axis : bool
        Tilt axis anywhere in the xy plane rather than along y.
    afterwards : float
        Chance of a low-pass filter, and of a deconvolution, on the finished volume.
    """

    shape: tuple[int, int, int] = (128, 256, 256)
    voxel_size_nm: float = 2.2
    vesicles: Range = (140, 140)
    radius_nm: Range = (20.0, 25.0)
    odd_radius: float = 0.0
    gap_nm: float = 8.0
    roundness: Range = (0.9, 1.0)
    dense_cored: float = 0.03
    lumen: Range = (-0.45, -0.25)
    membrane: Range = (1.2, 1.5)
    others: float = 1.0
    crowding: Range = (0.1, 0.25)
    snr: Range = (0.1, 0.1)
    defocus_um: Range = (3.0, 8.0)
    tilt_deg: Range = (55.0, 62.0)
    noise_power: Range = (1.0, 1.0)
    blur_nm: Range = (0.5, 1.0)
    any_axis: bool = False
    afterwards: float = 0.0


VALIDATION = Recipe()
RECIPES = {
    # Held-out tests: the size and crowding that people publish.
    "validation": VALIDATION,
    "crowded": replace(VALIDATION, vesicles=(260, 260), gap_nm=3.0),
    "empty": replace(VALIDATION, vesicles=(0, 0), others=1.5),
    # Another way of making and imaging vesicles, never trained on.
    "other": replace(
        VALIDATION,
        vesicles=(60, 200),
        radius_nm=(17.0, 30.0),
        roundness=(0.8, 0.95),
        crowding=(0.3, 0.4),
        defocus_um=(0.0, 0.0),
        noise_power=(0.0, 0.0),
        tilt_deg=(48.0, 52.0),
        blur_nm=(1.5, 2.5),
        lumen=(-0.6, -0.4),
    ),
    "demo": replace(VALIDATION, shape=(96, 160, 160), vesicles=(45, 45), others=0.6),
    # What the shipped models learn from: everything wider than any test.
    "train": Recipe(
        shape=(72, 168, 168),
        vesicles=(5, 90),
        radius_nm=(14.0, 34.0),
        odd_radius=0.08,
        gap_nm=6.0,
        roundness=(0.8, 1.0),
        dense_cored=0.1,
        lumen=(-0.8, 0.05),
        membrane=(0.9, 1.7),
        others=1.5,
        crowding=(0.05, 0.45),
        snr=(0.012, 0.6),
        defocus_um=(0.0, 12.0),
        tilt_deg=(42.0, 68.0),
        noise_power=(-0.5, 1.0),
        blur_nm=(0.3, 2.5),
        any_axis=True,
        afterwards=0.35,
    ),
}


@dataclass(frozen=True, eq=False)
class SimulatedTomogram:
    """A tomogram with its truth.

    Parameters
    ----------
    volume : (z, y, x) float32
        Membranes dark.
    grid : Grid
        Its lattice.
    spheres : Spheres
        True vesicles: centres in voxels, radius of the membrane's outer edge (of the sphere
        of the same volume, for ellipsoids).
    cut : Spheres
        Vesicles centred outside of the volume that reach into it: seen, but not counted.
    microscope : Microscope
        How it was imaged.
    """

    volume: Volume
    grid: Grid
    spheres: Spheres
    cut: Spheres
    microscope: Microscope


def simulate(recipe: Recipe, seed: int) -> SimulatedTomogram:
    """Make one tomogram; the same recipe and seed give the same one.

    A vesicle counts as true when its centre lies inside the volume.
    """
    rng = np.random.default_rng(seed)
    size = recipe.voxel_size_nm
    shape = [n + 2 * MARGIN_VOXELS for n in recipe.shape]
    canvas = Canvas(np.zeros(shape, np.float32), size)
    gold = Canvas(np.zeros(shape, np.float32), size)
    centres, radii = fill_cell(canvas, gold, recipe, rng)
    scope = draw_microscope(recipe, rng)
    whole = image(canvas.density, size, scope, rng, gold.density)
    inner = tuple(slice(MARGIN_VOXELS, MARGIN_VOXELS + n) for n in recipe.shape)
    voxels = centres / size - MARGIN_VOXELS
    edges = np.array(recipe.shape) - 0.5
    inside = np.all((voxels > -0.5) & (voxels < edges), axis=1)
    reach = np.linalg.norm(voxels - np.clip(voxels, -0.5, edges), axis=1) * size
    everyone = Spheres(voxels, radii)
    grid = Grid(recipe.shape, (size, size, size))
    return SimulatedTomogram(
        np.ascontiguousarray(whole[inner]),
        grid,
        everyone.select(inside),
        everyone.select(~inside & (reach < radii)),
        scope,
    )


def fill_cell(
    canvas: Canvas, gold: Canvas, recipe: Recipe, rng: np.random.Generator
) -> tuple[Vector, Vector]:
    """Paint a cell, and its gold beads apart; return the vesicles' centres and radii in nm.

    Centres are (N, 3), radii (N,).
    """
    content.add_cytosol(canvas, rng.uniform(*recipe.crowding), rng)
    inside = [np.ones(canvas.density.shape, bool)]
    amount = recipe.others
    if rng.random() < 0.55 * amount:
        inside.append(content.add_plasma_membrane(canvas, rng.random() < 0.5, rng) < -9)
    if rng.random() < 0.4 * amount:
        inside.append(content.add_mitochondrion(canvas, rng) > 6)
    for _ in range(rng.poisson(1.5 * amount)):
        path = content.add_tube(canvas, 12.5, "microtubule", 0.02, rng)
        inside.append(~_near(canvas, path, 13.0))
    for _ in range(rng.poisson(1.2 * amount)):
        radius = rng.uniform(8, 30)
        path = content.add_tube(canvas, radius, "membrane", 0.25, rng)
        inside.append(~_near(canvas, path, radius))
    for _ in range(rng.poisson(10 * amount)):
        content.add_tube(canvas, 3.5, "filament", 0.1, rng)
    room = np.logical_and.reduce(inside)
    centres, radii = place_vesicles(canvas, room, recipe, rng)

    def free(point_nm: Vector) -> bool:
        gaps = np.linalg.norm(centres - point_nm, axis=1) - radii
        return not np.any(gaps < 8)

    litres = float(np.prod(canvas.extent_nm)) / 1e7  # units of (215 nm)^3
    ribosomes = int(rng.poisson(8 * amount * litres))
    content.add_particles(canvas, ribosomes, (9, 14), rng.uniform(0.5, 1.0), free, rng)
    proteins = int(rng.poisson(60 * amount * litres))
    content.add_particles(canvas, proteins, (3, 6), rng.uniform(0.4, 0.9), free, rng)
    lumen, membrane = rng.uniform(*recipe.lumen), rng.uniform(*recipe.membrane)
    for centre, radius in zip(centres, radii, strict=True):
        content.add_vesicle(
            canvas,
            centre,
            radius,
            rng,
            lumen=lumen,
            membrane=membrane,
            roundness=rng.uniform(*recipe.roundness),
            dense_core=rng.uniform(0.5, 1.0) if rng.random() < recipe.dense_cored else 0.0,
        )
    content.add_tethers(canvas, centres, radii, rng)
    beads = int(rng.poisson(3 * amount * litres)) if rng.random() < 0.4 else 0
    content.add_particles(gold, beads, (2.5, 6), rng.uniform(5, 12), free, rng)
    if rng.random() < 0.25 * amount:
        _empty_margins(canvas, rng)
    return centres, radii


def place_vesicles(
    canvas: Canvas, room: npt.NDArray[np.bool_], recipe: Recipe, rng: np.random.Generator
) -> tuple[Vector, Vector]:
    """Choose centres (N, 3) and radii (N,) in nm of vesicles that do not overlap.

    Most join the pool: they settle next to a vesicle that is there already, at a gap drawn
    from an exponential distribution, as nearest neighbours in real pools do.
    """
    # The recipe counts vesicles in the volume; the canvas is larger by the margin.
    larger = room.size / float(np.prod(recipe.shape))
    target = int(larger * rng.uniform(*recipe.vesicles))
    median, spread = rng.uniform(*recipe.radius_nm), rng.uniform(0.08, 0.14)
    pooled = rng.uniform(0.3, 0.95)
    centres, radii = np.empty((0, 3)), np.empty(0)
    extent = canvas.extent_nm
    for _ in range(40 * target):
        if len(radii) >= target:
            break
        odd = rng.random() < recipe.odd_radius
        radius = rng.uniform(12, 60) if odd else median * np.exp(spread * rng.normal())
        if len(radii) and rng.random() < pooled:
            host = rng.integers(len(radii))
            away = rng.normal(size=3)
            away *= (radii[host] + radius + rng.exponential(recipe.gap_nm)) / np.linalg.norm(away)
            centre = centres[host] + away
        else:
            centre = rng.uniform(0, extent)
        voxel = np.round(centre / canvas.size_nm).astype(int)
        if np.any(voxel < 0) or np.any(voxel >= room.shape):
            continue
        gaps = np.linalg.norm(centres - centre, axis=1) - radii - radius
        if np.any(gaps < -0.5) or not _fits(room, voxel, radius / canvas.size_nm):
            continue
        centres, radii = np.vstack([centres, centre]), np.append(radii, radius)
    return centres, radii


def draw_microscope(recipe: Recipe, rng: np.random.Generator) -> Microscope:
    """Draw the imaging conditions of one tomogram."""
    high = rng.uniform(*recipe.tilt_deg)
    low_snr, high_snr = recipe.snr
    return Microscope(
        tilt_low_deg=-high + rng.uniform(-4, 4),
        tilt_high_deg=high,
        axis_deg=rng.uniform(0, 180) if recipe.any_axis else rng.normal(0, 2),
        dual_axis=bool(recipe.any_axis and rng.random() < 0.1),
        defocus_um=rng.uniform(*recipe.defocus_um),
        voltage_kv=float(rng.choice([200.0, 300.0])),
        amplitude_contrast=rng.uniform(0.07, 0.2),
        dose_nm=rng.uniform(0.3, 1.2),
        blur_nm=rng.uniform(*recipe.blur_nm),
        snr=float(np.exp(rng.uniform(np.log(low_snr), np.log(high_snr)))),
        noise_power=rng.uniform(*recipe.noise_power),
        lowpass_nm=rng.uniform(1.0, 3.5) if rng.random() < recipe.afterwards else 0.0,
        deconvolution=rng.uniform(0.2, 1.0) if rng.random() < recipe.afterwards else 0.0,
    )


def write_simulated(folder: Path, name: str, tomogram: SimulatedTomogram, overwrite: bool) -> Path:
    """Write NAME.mrc (signed bytes), NAME.mod and NAME.csv; return the first.

    Bytes hold the volume's mean +- 4 SD, as tomograms on disk usually do.
    """
    volume = tomogram.volume
    scaled = (volume - volume.mean()) * (127 / (4 * volume.std()))
    path = folder / f"{name}.mrc"
    signed = np.clip(np.rint(scaled), -127, 127).astype(np.int8)
    write_volume(path, signed, tomogram.grid, overwrite=overwrite)
    write_sphere_model(
        path.with_suffix(".mod"), tomogram.spheres, tomogram.grid, overwrite=overwrite
    )
    write_spheres_csv(path.with_suffix(".csv"), tomogram.spheres, overwrite=overwrite)
    return path


def _near(canvas: Canvas, path_nm: Vector, radius_nm: float) -> npt.NDArray[np.bool_]:
    """Voxels within a tube around a polyline."""
    near = np.zeros(canvas.density.shape, bool)
    for start, end in pairwise(path_nm):
        for step in np.linspace(0, 1, 4):
            found = canvas.box(start + step * (end - start), radius_nm)
            if found:
                near[found[0]] |= (found[1] ** 2).sum(axis=0) < radius_nm**2
    return near


def _fits(room: npt.NDArray[np.bool_], voxel: npt.NDArray[np.int_], radius: float) -> bool:
    """Whether the centre and 26 points on the sphere lie where there is room."""
    steps = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij")).reshape(3, -1).T
    lengths = np.maximum(np.linalg.norm(steps, axis=1, keepdims=True), 1)
    points = np.round(voxel + steps / lengths * radius).astype(int)
    points = np.clip(points, 0, np.array(room.shape) - 1)
    return bool(room[tuple(points.T)].all())


def _empty_margins(canvas: Canvas, rng: np.random.Generator) -> None:
    """Thin the density out above and below the lamella, where there is only ice."""
    depth = np.arange(canvas.density.shape[0])[:, None, None] * canvas.size_nm
    total = canvas.extent_nm[0]
    top, bottom = rng.uniform(0, 0.15, 2) * total
    slope = expit((depth - top) / 4) * expit((total - bottom - depth) / 4)
    canvas.density *= slope.astype(np.float32)
