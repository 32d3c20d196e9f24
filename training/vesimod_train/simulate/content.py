"""What is in the simulated cell: vesicles, and everything that could be taken for one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from scipy import ndimage
from scipy.special import expit

from vesimod_train.simulate.shapes import (
    Canvas,
    Vector,
    Volume,
    bilayer,
    ellipsoid_distance,
    polyline_distance,
    random_path,
    random_rotation,
    smooth_field,
)
from vesimod_train.simulate.synapse import PlasmaMembranes

FILLING_SD = 0.12  # how much vesicles of one tomogram differ in their mean density inside


def add_cytosol(
    canvas: Canvas,
    cytosol_sd: float,
    grain_nm: tuple[float, float],
    rng: np.random.Generator,
    finer: float = 0.0,
) -> None:
    """Fill with proteins: noise of their size, denser here and thinner there.

    `finer` is the share of a second noise, whose grains are of another size.
    """
    shape = canvas.density.shape
    grain = _grains(canvas, grain_nm, rng)
    if finer > 0:
        grain += np.float32(finer) * _grains(canvas, grain_nm, rng)
        grain /= grain.std()
    clouds = smooth_field(shape, canvas.size_nm, rng.uniform(40, 120), rng)
    canvas.density += cytosol_sd * (grain * (1 + 0.3 * clouds) + 0.3 * clouds)


def _grains(canvas: Canvas, grain_nm: tuple[float, float], rng: np.random.Generator) -> Volume:
    """Noise of SD 1 with grains of some size."""
    noise = rng.normal(size=canvas.density.shape).astype(np.float32)
    grain: Volume = ndimage.gaussian_filter(noise, rng.uniform(*grain_nm) / canvas.size_nm)
    grain /= grain.std()
    return grain


def add_particles(
    canvas: Canvas,
    count: int,
    radius_nm: tuple[float, float],
    density: float,
    free: Callable[[Vector, float], bool],
    rng: np.random.Generator,
) -> None:
    """Scatter lumpy balls (ribosomes, complexes, beads, ice) where `free(centre, radius)`."""
    for _ in range(count):
        centre = rng.uniform(0, canvas.extent_nm)
        radius = rng.uniform(*radius_nm)
        if not free(centre, radius):
            continue
        found = canvas.box(centre, 1.6 * radius)
        if found is None:
            continue
        box, offset = found
        axes = radius * rng.uniform(0.75, 1.25, 3) if radius > 6 else np.full(3, radius)
        distance = ellipsoid_distance(offset, axes, random_rotation(rng))
        canvas.density[box] += density * expit(-distance / 0.8)


def add_vesicle(
    canvas: Canvas,
    centre_nm: Vector,
    radius_nm: float,
    rng: np.random.Generator,
    *,
    lumen: float = 0.0,
    membrane: float = 1.0,
    roundness: float = 1.0,
    dense_core: float = 0.0,
    texture: float = 0.4,
) -> Vector | None:
    """Paint one vesicle over whatever was there.

    Parameters
    ----------
    canvas : Canvas
        Where to paint.
    centre_nm : (3,)
        Centre.
    radius_nm : float
        Mean radius of the membrane's outer surface.
    rng : Generator
        Source of chance.
    lumen : float
        Mean density inside.
    membrane : float
        Thickness of the membrane relative to a bare bilayer's.
    roundness : float
        Shortest over longest axis.
    dense_core : float
        Density of a ball inside; 0 for a clear vesicle.
    texture : float
        Share of the texture outside that is inside, too.

    Returns
    -------
    (3,) half axes in nm, or None where the vesicle lies outside of the canvas.
    """
    stretch = np.array([roundness, 1.0, rng.uniform(roundness, 1.0)])
    axes: Vector = radius_nm * stretch / np.cbrt(stretch.prod())
    found = canvas.box(centre_nm, axes.max() + 8.0)
    if found is None:
        return None
    box, offset = found
    distance = ellipsoid_distance(offset, axes, random_rotation(rng))
    region = canvas.density[box]
    # Fewer proteins inside than outside.
    content = rng.normal(lumen, FILLING_SD) + texture * region
    inside = expit(-(distance + 3.0) / 0.7)
    region += inside * (content - region)
    # Proteins in and on the membrane: patches of the sphere are denser and thicker.
    patches = smooth_field(region.shape, canvas.size_nm, 8.0, rng)
    strength = rng.uniform(0.8, 1.2)
    region += strength * bilayer(distance / membrane) * (1 + 0.15 * np.clip(patches, -2, 2))
    coat = np.exp(-0.5 * ((distance - 3.5) / 1.8) ** 2) + np.exp(
        -0.5 * ((distance + 2.5 + 6.0 * membrane) / 1.8) ** 2
    )
    region += rng.uniform(0.1, 0.35) * coat * np.maximum(patches, 0)
    if dense_core > 0:
        core = ellipsoid_distance(offset, axes * rng.uniform(0.4, 0.65), np.eye(3))
        region += dense_core * expit(-core / 1.5)
    return axes


def sheet_distance(canvas: Canvas, rng: np.random.Generator) -> Volume:
    """Signed distance to a large wavy surface that crosses the canvas in some direction."""
    shape, size = canvas.density.shape, canvas.size_nm
    normal = rng.normal(size=3) * (0.5, 1.0, 1.0)
    normal /= np.linalg.norm(normal)
    # Somewhere off the middle, so that one side holds most of the volume.
    anchor = canvas.extent_nm * (0.5 + rng.uniform(0.15, 0.4) * np.sign(normal))
    axes = [np.arange(n) * size for n in shape]
    plane: Volume = sum(
        (a - c) * k
        for a, c, k in zip(np.meshgrid(*axes, indexing="ij"), anchor, normal, strict=True)
    )
    waves = rng.uniform(0, 15) * smooth_field(shape, size, rng.uniform(80, 200), rng)
    return (plane + waves).astype(np.float32)


def add_plasma_membrane(canvas: Canvas, cleft: bool, rng: np.random.Generator) -> PlasmaMembranes:
    """Paint a plasma membrane, with cleft and partner or without.

    The inside of our cell is where the distance is below -7 nm.
    """
    distance = sheet_distance(canvas, rng)
    strength = rng.uniform(0.9, 1.2)
    outside = distance > 0
    canvas.density[outside] *= 0.5
    canvas.density += strength * bilayer(distance)
    if cleft:
        width = rng.uniform(15, 25)
        canvas.density += strength * bilayer(distance - width - 6)
        material = np.exp(-0.5 * ((distance - width / 2) / (width / 4)) ** 2)
        canvas.density += rng.uniform(0.1, 0.5) * material
        thickening = np.exp(-0.5 * ((distance - width - 20) / 8) ** 2)
        canvas.density += rng.uniform(0.0, 0.6) * thickening
    else:
        canvas.density[distance > 4] *= rng.uniform(0.2, 1.0)
    return PlasmaMembranes(distance, (width - distance).astype(np.float32) if cleft else None)


def add_mitochondrion(canvas: Canvas, rng: np.random.Generator, larger: float = 1.0) -> Volume:
    """Paint a mitochondrion with cristae, perhaps cut by the edge; return its distance."""
    shape, size = canvas.density.shape, canvas.size_nm
    axes_nm = larger * rng.uniform(90, 170, 3) * (1.0, 1.0, 1.6)
    centre = canvas.extent_nm * rng.uniform(0.0, 1.0, 3)
    grid = np.stack(np.meshgrid(*[np.arange(n) * size for n in shape], indexing="ij"))
    distance = ellipsoid_distance(
        grid - centre.reshape(3, 1, 1, 1), axes_nm, random_rotation(rng)
    ) + 6 * smooth_field(shape, size, 60, rng)
    inside = distance < -14
    canvas.density[inside] = canvas.density[inside] * 0.7 + rng.uniform(0.05, 0.35)
    canvas.density += bilayer(distance) + bilayer(distance + 14)
    field = smooth_field(shape, size, rng.uniform(25, 45), rng)
    slope = np.sqrt(sum(g**2 for g in np.gradient(field, size))) + 0.01
    cristae = np.abs(field / slope) - rng.uniform(4, 9)
    canvas.density += inside * np.maximum(bilayer(-cristae), 0)
    return distance.astype(np.float32)


def add_cisterna(canvas: Canvas, rng: np.random.Generator) -> tuple[Vector, float]:
    """Paint a flat or long membrane-bound body, no vesicle; return its centre and reach in nm."""
    centre = rng.uniform(0, canvas.extent_nm)
    axes = add_vesicle(
        canvas,
        centre,
        rng.uniform(25, 55),
        rng,
        lumen=rng.uniform(-0.4, 0.3),
        membrane=rng.uniform(0.9, 1.3),
        roundness=rng.uniform(0.15, 0.4),
    )
    return centre, 0.0 if axes is None else float(axes.max())


def add_carbon(canvas: Canvas, rng: np.random.Generator) -> Volume:
    """Paint the edge of a holey carbon film, 15 to 20 nm thick; return the distance to it."""
    shape, size = canvas.density.shape, canvas.size_nm
    z, y, x = np.meshgrid(*[np.arange(n) * size for n in shape], indexing="ij", sparse=True)
    _, high_y, high_x = canvas.extent_nm
    angle, hole = rng.uniform(0, 2 * np.pi), rng.uniform(500, 1200)
    # The volume lies in the hole, and the edge of the hole crosses one of its corners.
    away = rng.uniform(0.25, 0.45) * np.hypot(high_y, high_x)
    middle = np.array([np.sin(angle), np.cos(angle)]) * (away - hole)
    from_middle = np.hypot(y - high_y / 2 - middle[0], x - high_x / 2 - middle[1])
    film = np.abs(z - rng.choice([0.1, 0.9]) * canvas.extent_nm[0]) - rng.uniform(7, 10)
    distance: Volume = np.maximum(film, hole - from_middle).astype(np.float32)
    grain = rng.normal(1.0, 0.4, shape).astype(np.float32)
    canvas.density += rng.uniform(0.5, 1.5) * expit(-distance / 1.0) * grain
    return distance


def add_tube(
    canvas: Canvas, radius_nm: float, wall: str, bend: float, rng: np.random.Generator
) -> Vector:
    """Paint a filament or tubule that crosses the canvas; return its axis (N, 3).

    `wall` is "microtubule", "filament" or "membrane".
    """
    extent = canvas.extent_nm
    direction = rng.normal(size=3) * (0.3, 1, 1)
    direction /= np.linalg.norm(direction)
    length = float(np.linalg.norm(extent)) if wall != "membrane" else rng.uniform(100, 400)
    middle = rng.uniform(0.1, 0.9, 3) * extent
    path = random_path(middle - 0.5 * length * direction, direction, length, bend, rng)
    for start, end in pairwise(path):
        centre = 0.5 * (start + end)
        found = canvas.box(centre, radius_nm + 6.0 + 13.0)
        if found is None:
            continue
        box, offset = found
        # Painted piece by piece: each voxel takes part in the piece it is nearest to.
        along = (offset * (end - start).reshape(3, 1, 1, 1)).sum(axis=0)
        mine = np.abs(along) <= 0.5 * float((end - start) @ (end - start))
        distance = polyline_distance(offset, path - centre) - radius_nm
        canvas.density[box] += np.where(mine, _wall(distance, wall), 0).astype(np.float32)
    return path


def add_mesh(canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint a mesh of thin filaments around a point, as actin stands at active zones."""
    middle, spread = rng.uniform(0, canvas.extent_nm), rng.uniform(40, 120)
    for _ in range(rng.integers(15, 60)):
        start = middle + spread * rng.normal(size=3)
        away = rng.normal(size=3)
        end = start + rng.uniform(20, 80) * away / np.linalg.norm(away)
        found = canvas.box(0.5 * (start + end), 0.5 * float(np.linalg.norm(end - start)) + 6.0)
        if found is None:
            continue
        box, offset = found
        line = np.stack([start, end]) - 0.5 * (start + end)
        distance = polyline_distance(offset, line) - rng.uniform(2.0, 3.5)
        canvas.density[box] += rng.uniform(0.4, 0.9) * _wall(distance, "filament")


def _wall(distance_nm: Volume, wall: str) -> Volume:
    """Density of a tube's wall along its distance."""
    if wall == "membrane":
        return bilayer(distance_nm)
    if wall == "microtubule":
        ring: Volume = 1.1 * np.exp(-0.5 * ((distance_nm + 2.2) / 1.5) ** 2)
        return ring
    solid: Volume = 0.9 * expit(-distance_nm / 0.7)
    return solid


def add_tethers(
    canvas: Canvas, centres_nm: Vector, radii_nm: Vector, rng: np.random.Generator
) -> None:
    """Paint short connectors between neighbouring vesicles."""
    for i in range(len(centres_nm)):
        way = centres_nm - centres_nm[i]
        gaps = np.linalg.norm(way, axis=1) - radii_nm - radii_nm[i]
        for j in np.flatnonzero((gaps < 25) & (np.arange(len(gaps)) > i)):
            if rng.random() < 0.4:
                continue
            unit = way[j] / np.linalg.norm(way[j])
            ends = np.array([radii_nm[i] - 1, radii_nm[i] + max(gaps[j], 0) + 1])
            middle = centres_nm[i] + unit * ends.mean()
            found = canvas.box(middle, 20.0)
            if found is None:
                continue
            box, offset = found
            span = (ends - ends.mean())[:, None] * unit + rng.normal(size=3) * 2
            distance = polyline_distance(offset, span) - 1.8
            canvas.density[box] += _wall(distance, "filament") * 0.8
