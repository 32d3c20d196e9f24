"""Cook one simulated tomogram by a recipe, and write it with its truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from vesimod.connectors.tables import COLUMNS
from vesimod.io.csv_table import write_table
from vesimod.io.sphere_table import write_spheres_csv
from vesimod.io.tomogram import write_volume
from vesimod_imod.contour_model.write import write_drawings
from vesimod_imod.core.arrays import BoolArray
from vesimod_imod.core.files import check_writable
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.write import write_sphere_model

from vesimod_train.simulate.cell import fill_cell
from vesimod_train.simulate.links import Link
from vesimod_train.simulate.membrane_truth import membrane_truth
from vesimod_train.simulate.microscope import image
from vesimod_train.simulate.recipe import Range, Recipe, happens
from vesimod_train.simulate.shapes import Box, Canvas
from vesimod_train.simulate.synapse import PlasmaMembranes
from vesimod_train.simulate.tilts import Microscope

Volume = npt.NDArray[np.float32]
MARGIN_VOXELS = 12  # simulated around the volume and cut off: the Fourier transform is periodic


@dataclass(frozen=True, eq=False, repr=False)
class SimulatedTomogram(ShortRepr):
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
    membranes : PlasmaMembranes or None
        Of the volume; None where the cell has no border in it. See
        `vesimod_train.simulate.membrane_truth.membrane_truth` for outline and active zone.
    links : tuple of Link
        Connectors and tethers of `spheres`, whose ids they name; none where the recipe gathers no
        vesicles at an active zone.
    """

    volume: Volume
    grid: Grid
    spheres: Spheres
    cut: Spheres
    microscope: Microscope
    membranes: PlasmaMembranes | None = None
    links: tuple[Link, ...] = ()


def simulate(recipe: Recipe, seed: int) -> SimulatedTomogram:
    """Make one tomogram; the same recipe and seed give the same one.

    A vesicle counts as true when its centre lies inside the volume.
    """
    rng = np.random.default_rng(seed)
    size = recipe.voxel_size_nm
    shrunk = 4.0 if happens(recipe.quarter_size, rng) else 1.0
    if shrunk == 1 and happens(recipe.half_size, rng):
        shrunk = 2.0
    if shrunk > 1:
        recipe, size = seen_smaller(recipe, shrunk), shrunk * size
    shape = [n + 2 * MARGIN_VOXELS for n in recipe.shape]
    canvas = Canvas(np.zeros(shape, np.float32), size)
    gold = Canvas(np.zeros(shape, np.float32), size)
    centres, radii, membranes, links = fill_cell(canvas, gold, recipe, rng)
    scope = draw_microscope(recipe, rng)
    whole = image(canvas.density, size, scope, rng, gold.density)
    z, y, x = (slice(MARGIN_VOXELS, MARGIN_VOXELS + n) for n in recipe.shape)
    inner = (z, y, x)
    voxels = centres / size - MARGIN_VOXELS
    edges = np.array(recipe.shape) - 0.5
    inside = np.all((voxels > -0.5) & (voxels < edges), axis=1)
    reach = np.linalg.norm(voxels - np.clip(voxels, -0.5, edges), axis=1) * size
    everyone = Spheres(voxels, radii / shrunk)
    grid = Grid(recipe.shape, (size / shrunk,) * 3)
    volume = np.ascontiguousarray(whole[inner])
    if happens(recipe.shaded, rng):
        volume = shade(volume, rng)
    return SimulatedTomogram(
        volume,
        grid,
        everyone.select(inside),
        everyone.select(~inside & (reach < radii)),
        scope,
        None if membranes is None else _cropped(membranes, inner),
        _within(links, inside, MARGIN_VOXELS * size, shrunk),
    )


def _within(
    links: tuple[Link, ...], inside: BoolArray, margin_nm: float, shrunk: float
) -> tuple[Link, ...]:
    """Links of vesicles that count, with ends in nm from the volume's first voxel."""
    numbers = set((np.flatnonzero(inside) + 1).tolist())
    return tuple(
        Link(link.vesicles, (link.ends_nm - margin_nm) / shrunk)
        for link in links
        if numbers.issuperset(link.vesicles)
    )


def _cropped(membranes: PlasmaMembranes, inner: Box) -> PlasmaMembranes:
    """Distances within the volume, without the margin around it."""
    facing = membranes.facing
    return PlasmaMembranes(membranes.own[inner], None if facing is None else facing[inner])


def seen_smaller(recipe: Recipe, times: float) -> Recipe:
    """Make vesicles so many times larger, and as many fewer as fill the same share of the volume.

    Seen at voxels that are as many times larger, they are as large as the recipe says, and all else
    is smaller, their membranes thinner: what a network sees of large vesicles that are sought at
    larger voxels.
    """

    def larger(limits: Range) -> Range:
        return times * limits[0], times * limits[1]

    return replace(
        recipe,
        voxel_size_nm=times * recipe.voxel_size_nm,
        radius_nm=larger(recipe.radius_nm),
        odd_radius_nm=larger(recipe.odd_radius_nm),
        gap_nm=larger(recipe.gap_nm),
        grain_nm=larger(recipe.grain_nm),
    )


def shade(volume: Volume, rng: np.random.Generator) -> Volume:
    """Change grey values and contrast from one side to the other: a ramp, or a step."""
    away = rng.normal(size=3) * (0.5, 1.0, 1.0)
    away /= np.linalg.norm(away)
    axes = [np.linspace(-0.5, 0.5, n, dtype=np.float32) * n for n in volume.shape]
    place = sum(a * w for a, w in zip(np.ix_(*axes), away, strict=True))
    place = place / np.abs(place).max()
    if rng.random() < 0.5:
        place = np.tanh((place - rng.uniform(-0.6, 0.6)) / rng.uniform(0.01, 0.3))
    spread = float(volume.std())
    contrast = 1 + rng.uniform(-0.5, 0.5) * place
    return np.asarray(volume * contrast + rng.uniform(-2, 2) * spread * place, np.float32)


def draw_microscope(recipe: Recipe, rng: np.random.Generator) -> Microscope:
    """Draw the imaging conditions of one tomogram."""
    whole = rng.random() < recipe.whole
    high = 90.0 if whole else rng.uniform(*recipe.tilt_deg)
    low_snr, high_snr = recipe.snr
    diffused = happens(recipe.diffused, rng)
    return Microscope(
        tilt_low_deg=-high if whole else -high + rng.uniform(-4, 4),
        tilt_high_deg=high,
        axis_deg=rng.uniform(0, 180) if recipe.any_axis else rng.normal(0, 2),
        dual_axis=bool(recipe.any_axis and rng.random() < 0.1),
        step_deg=rng.uniform(*recipe.step_deg),
        alignment_nm=rng.uniform(*recipe.alignment_nm),
        defocus_spread_um=rng.uniform(0, 0.2),
        defocus_um=rng.uniform(*recipe.defocus_um),
        voltage_kv=float(rng.choice([200.0, 300.0])),
        amplitude_contrast=rng.uniform(0.07, 0.2),
        dose_nm=rng.uniform(0.3, 1.2),
        blur_nm=rng.uniform(*recipe.blur_nm),
        snr=float(np.exp(rng.uniform(np.log(low_snr), np.log(high_snr)))),
        noise_power=rng.uniform(*recipe.noise_power),
        lowpass_nm=rng.uniform(1.0, 3.5) if rng.random() < recipe.afterwards else 0.0,
        sirt_iterations=rng.uniform(5, 60) if rng.random() < recipe.afterwards else 0.0,
        deconvolution=rng.uniform(0.2, 1.0) if rng.random() < recipe.afterwards else 0.0,
        smoothing=rng.uniform(0.1, 0.6) if rng.random() < 0.5 * recipe.afterwards else 0.0,
        diffusion=rng.uniform(3, 30) if diffused else 0.0,
        diffusion_edge=float(np.exp(rng.uniform(np.log(0.3), np.log(3.0)))) if diffused else 1.0,
    )


def write_simulated(folder: Path, name: str, tomogram: SimulatedTomogram, overwrite: bool) -> Path:
    """Write NAME.mrc (signed bytes), NAME.mod and NAME.csv; return the first.

    Where the cell has a border, NAME_outline.mod is written, and where it faces another,
    NAME_az.mod: its active zone. NAME_connectors.csv names the connectors and tethers that were
    painted, in columns of the table that ``vesimod connect`` writes.

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
    if tomogram.membranes is not None:
        truth = membrane_truth(tomogram.membranes, tomogram.grid.voxel_size_nm[0])
        for ending, drawing in (("outline", truth.outline), ("az", truth.active_zone)):
            if drawing.contours:
                file = folder / f"{name}_{ending}.mod"
                write_drawings(file, [drawing], tomogram.grid, overwrite=overwrite)
    if tomogram.links:
        _write_links(folder / f"{name}_connectors.csv", tomogram, overwrite)
    return path


def _write_links(path: Path, tomogram: SimulatedTomogram, overwrite: bool) -> None:
    """Write a row for each connector and tether; ends are in voxels."""
    check_writable(path, overwrite)
    rows = []
    for number, link in enumerate(tomogram.links, 1):
        ends = link.ends_nm / tomogram.grid.voxel_size_nm
        cells = (f"{value:.6g}" for value in (*ends.mean(axis=0), *ends.ravel()))
        other = link.vesicles[1] if len(link.vesicles) > 1 else ""
        length = np.linalg.norm(link.ends_nm[1] - link.ends_nm[0])
        rows.append((number, link.kind, link.vesicles[0], other, *cells, f"{length:.6g}"))
    # Truth is straight: it has the first columns of the table, to the straight length.
    first = COLUMNS[: COLUMNS.index("length_nm")]
    write_table(path, (*first, "straight_nm"), rows)
