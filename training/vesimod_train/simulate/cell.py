"""Fill a cell by a recipe: what goes where, and the vesicles where there is room."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from vesimod_train.simulate import content
from vesimod_train.simulate.cells import add_cells
from vesimod_train.simulate.links import Link, add_links
from vesimod_train.simulate.pool import fits, place_pool, zone_distance
from vesimod_train.simulate.recipe import Range, Recipe, draw, happens
from vesimod_train.simulate.shapes import Canvas, Vector, Volume
from vesimod_train.simulate.synapse import PlasmaMembranes, add_synapse


def fill_cell(
    canvas: Canvas, gold: Canvas, recipe: Recipe, rng: np.random.Generator
) -> tuple[Vector, Vector, PlasmaMembranes | None, tuple[Link, ...]]:
    """Paint a cell, and apart from it what is far denser: gold, ice, carbon.

    Returns
    -------
    centres, radii : (N, 3) and (N,)
        Of the vesicles, in nm.
    membranes : PlasmaMembranes or None
        None where the cell has no border in the volume.
    links : tuple of Link
        Connectors and tethers, where the recipe gathers vesicles at an active zone.
    """
    membranes = None
    if happens(recipe.nothing, rng):
        return np.empty((0, 3)), np.empty(0), membranes, ()
    finer = draw(recipe.second_grain, rng)
    content.add_cytosol(canvas, rng.uniform(*recipe.cytosol_sd), recipe.grain_nm, rng, finer)
    amount = rng.uniform(*recipe.others)
    lamella = _lamella(canvas, rng) if rng.random() < 0.25 * min(amount, 1.5) else None
    if recipe.several_cells:
        lamella = None  # its faces would cut cells where there is no membrane
    # Where there is only ice there are no vesicles either.
    inside = [np.ones(canvas.density.shape, bool) if lamella is None else lamella > 0.5]
    is_synapse = happens(recipe.synapse, rng)
    cytosol = canvas.density.copy() if is_synapse else None
    if not is_synapse and rng.random() < 0.55 * amount:
        membranes = content.add_plasma_membrane(canvas, rng.random() < 0.5, rng)
    for _ in range(min(rng.poisson(0.4 * amount), 3)):
        larger = rng.uniform(1.0, 2.0) if recipe.several_cells else 1.0
        inside.append(content.add_mitochondrion(canvas, rng, larger) > 6)
    for _ in range(rng.poisson(1.5 * amount)):
        path = content.add_tube(canvas, 12.5, "microtubule", 0.02, rng)
        inside.append(~_near(canvas, path, 13.0))
    for _ in range(rng.poisson(1.2 * amount)):
        radius = rng.uniform(8, 30)
        path = content.add_tube(canvas, radius, "membrane", 0.25, rng)
        inside.append(~_near(canvas, path, radius))
    for _ in range(rng.poisson(0.6 * amount)):
        centre, reach = content.add_cisterna(canvas, rng)
        inside.append(~_near(canvas, np.array([centre, centre]), reach))
    for _ in range(rng.poisson(10 * amount)):
        content.add_tube(canvas, 3.5, "filament", 0.1, rng)
    if happens(recipe.meshes, rng):
        content.add_mesh(canvas, rng)
    if rng.random() < 0.08 * amount:
        inside.append(content.add_carbon(gold, rng) > 15)
    free_nm = 9.0  # from a plasma membrane's outer face to vesicles
    if cytosol is not None and happens(recipe.several_cells, rng):
        membranes = add_cells(canvas, cytosol, rng)
        free_nm = rng.uniform(6.5, 10.0)  # that of some touch the membrane
    elif cytosol is not None:
        membranes = add_synapse(canvas, cytosol, rng)
    if membranes is not None:
        inside.append(membranes.own < -free_nm)
    room = np.logical_and.reduce(inside)
    zone = None
    if membranes is not None and happens(recipe.gathered, rng):
        zone = zone_distance(membranes, canvas.size_nm)
    if zone is None:
        centres, radii = place_vesicles(canvas, room, recipe, rng)
    else:
        centres, radii = place_pool(zone, room, canvas.size_nm, recipe, rng)

    def free(point_nm: Vector, radius_nm: float) -> bool:
        gaps = np.linalg.norm(centres - point_nm, axis=1) - radii
        return not np.any(gaps < 0.8 * radius_nm)

    litres = float(np.prod(canvas.extent_nm)) / 1e7  # units of (215 nm)^3

    def scatter(onto: Canvas, per_litre: float, radius_nm: Range, density: Range) -> None:
        count = int(rng.poisson(per_litre * amount * litres))
        content.add_particles(onto, count, radius_nm, rng.uniform(*density), free, rng)

    scatter(canvas, draw(recipe.ribosomes, rng), (9, 14), (0.5, 1.0))
    scatter(canvas, 60, (3, 6), (0.4, 0.9))  # protein complexes
    scatter(canvas, recipe.granules, (12, 25), (0.2, 0.9))  # granules, aggregates
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
            texture=draw(recipe.texture, rng),
        )
    links: tuple[Link, ...] = ()
    if membranes is None or zone is None:
        content.add_tethers(canvas, centres, radii, rng)
    else:
        links = add_links(canvas, centres, radii, membranes, rng)
    if rng.random() < 0.4:
        scatter(gold, 3, (2.5, 6), (5, 12))  # beads
    if rng.random() < 0.15 * amount:
        scatter(gold, 0.3, (12, 50), (0.7, 2.5))  # blobs of ice
    if lamella is not None:
        canvas.density *= lamella
    return centres, radii, membranes, links


def place_vesicles(
    canvas: Canvas, room: npt.NDArray[np.bool_], recipe: Recipe, rng: np.random.Generator
) -> tuple[Vector, Vector]:
    """Choose centres (N, 3) and radii (N,) in nm of vesicles that do not overlap.

    Most join the pool: they settle next to a vesicle that is there already, at a gap drawn
    from an exponential distribution, as nearest neighbours in real pools do.
    """
    # The recipe counts vesicles in the volume; the canvas is larger by the margin.
    larger = room.size / float(np.prod(recipe.shape))
    target = max(0, int(larger * rng.uniform(*recipe.vesicles)))
    median, spread = rng.uniform(*recipe.radius_nm), rng.uniform(0.08, 0.14)
    pooled, gap_nm = rng.uniform(0.3, 0.95), rng.uniform(*recipe.gap_nm)
    centres, radii = np.empty((0, 3)), np.empty(0)
    extent = canvas.extent_nm
    for _ in range(40 * target):
        if len(radii) >= target:
            break
        odd = rng.random() < recipe.odd_radius
        radius = (
            rng.uniform(*recipe.odd_radius_nm) if odd else median * np.exp(spread * rng.normal())
        )
        if len(radii) and rng.random() < pooled:
            host = rng.integers(len(radii))
            away = rng.normal(size=3)
            away *= (radii[host] + radius + rng.exponential(gap_nm)) / np.linalg.norm(away)
            centre = centres[host] + away
        else:
            centre = rng.uniform(0, extent)
        voxel = np.round(centre / canvas.size_nm).astype(int)
        if np.any(voxel < 0) or np.any(voxel >= room.shape):
            continue
        gaps = np.linalg.norm(centres - centre, axis=1) - radii - radius
        if np.any(gaps < -0.5) or not fits(room, voxel, radius / canvas.size_nm):
            continue
        centres, radii = np.vstack([centres, centre]), np.append(radii, radius)
    return centres, radii


def _near(canvas: Canvas, path_nm: Vector, radius_nm: float) -> npt.NDArray[np.bool_]:
    """Voxels within a tube around a polyline."""
    near = np.zeros(canvas.density.shape, bool)
    for start, end in pairwise(path_nm):
        for step in np.linspace(0, 1, 4):
            found = canvas.box(start + step * (end - start), radius_nm)
            if found:
                near[found[0]] |= (found[1] ** 2).sum(axis=0) < radius_nm**2
    return near


def _lamella(canvas: Canvas, rng: np.random.Generator) -> Volume:
    """Share of its density (z, y, x) that each voxel keeps: little above and below the lamella."""
    depth = np.arange(canvas.density.shape[0])[:, None, None] * canvas.size_nm
    total = canvas.extent_nm[0]
    top, bottom = rng.uniform(0, 0.15, 2) * total
    slope = expit((depth - top) / 4) * expit((total - bottom - depth) / 4)
    return np.broadcast_to(slope.astype(np.float32), canvas.density.shape)
