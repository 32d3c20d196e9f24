"""Training examples: tomograms with their spheres, at the network's voxel size.

Whether simulated or corrected by a person, an example is made from a volume and a set of
spheres alone. Examples are cached as one ``.npz`` each and read whole; a crop is a view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from vesimod.contract import Normalisation, normalise
from vesimod.paint import distance_box
from vesimod.resample import resample, resampled_shape, volume_to_model
from vesimod_imod.files import atomic_path
from vesimod_imod.spheres import Grid, Spheres

from vesimod_train.simulate import RECIPES, simulate

Volume = npt.NDArray[np.float32]
# The signed distance is learned between these: beyond, it would only say how large the
# vesicle is, which the post-processing measures.
OUTSIDE_NM = -10.0
INSIDE_NM = 16.0


@dataclass(frozen=True, eq=False)
class Example:
    """One volume to learn from.

    Parameters
    ----------
    volume : (z, y, x) float32
        Normalised, at the network's voxel size.
    distance_nm : (z, y, x) float32
        Signed distance to the nearest vesicle's outer surface, positive inside, clipped.
    spheres : Spheres
        Every vesicle that reaches into the volume, centres in its voxels; the centres of
        those that the edge cuts may lie outside.
    """

    volume: Volume
    distance_nm: Volume
    spheres: Spheres


def make_example(
    volume: npt.NDArray[np.generic],
    grid: Grid,
    spheres: Spheres,
    voxel_size_nm: float,
    normalisation: Normalisation,
    stretch: float = 1.0,
) -> Example:
    """Resample, normalise and paint.

    Parameters
    ----------
    volume : (z, y, x) array
        Membranes dark.
    grid : Grid
        Of `volume`.
    spheres : Spheres
        Vesicles, radius of the outer edge; centres in voxels of `volume`.
    voxel_size_nm : float
        The network's.
    normalisation : Normalisation
        The network's.
    stretch : float
        Pretends that the true voxel size is this many times the one that the header states:
        headers are wrong by 10 % and more, and vesicles differ.
    """
    size_nm = tuple(stretch * s for s in grid.voxel_size_nm)
    source_nm = (size_nm[0], size_nm[1], size_nm[2])
    target_nm = (voxel_size_nm,) * 3
    small = normalise(resample(volume, source_nm, target_nm), normalisation)
    moved = Spheres(
        volume_to_model(spheres.centres, source_nm, target_nm),
        spheres.radii_nm * stretch,
        spheres.scores,
        spheres.ids,
    )
    shape = resampled_shape(grid.shape, source_nm, target_nm)
    return Example(small, signed_distance(moved, Grid(shape, target_nm)), moved)


def signed_distance(spheres: Spheres, grid: Grid) -> Volume:
    """Signed distance in nm to the nearest sphere's surface, clipped; (z, y, x) float32."""
    distance = np.full(grid.shape, OUTSIDE_NM, np.float32)
    for centre, radius in zip(spheres.centres, spheres.radii_nm, strict=True):
        box, from_centre = distance_box(centre, radius - OUTSIDE_NM, grid)
        np.maximum(distance[box], radius - from_centre, out=distance[box])
    return np.minimum(distance, np.float32(INSIDE_NM))


def simulated_examples(
    folder: Path,
    recipe: str,
    seeds: Iterable[int],
    voxel_size_nm: float,
    normalisation: Normalisation,
    *,
    jitter: float = 0.0,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[Example]:
    """Simulate examples, or read them from the cache in `folder`.

    Parameters
    ----------
    folder : Path
        Cache; made if absent.
    recipe : str
        A name in `vesimod_train.simulate.RECIPES`.
    seeds : iterable of int
        One tomogram each.
    voxel_size_nm, normalisation
        The network's.
    jitter : float
        Voxel sizes are stretched by up to this share either way.
    workers : int
        Processes that simulate.
    progress : callable, optional
        Called with (done, total).
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [
        (folder / f"{recipe}-{seed}.npz", recipe, seed, voxel_size_nm, normalisation, jitter)
        for seed in seeds
    ]
    missing = [job for job in jobs if not job[0].exists()]
    done = len(jobs) - len(missing)
    with ExitStack() as stack:
        # One worker is this process: nothing to start, and any recipe can be used.
        run = map if workers == 1 else stack.enter_context(ProcessPoolExecutor(workers)).map
        for _ in run(_simulate_to_cache, missing):
            done += 1
            if progress:
                progress(done, len(jobs))
    return [load_example(job[0]) for job in jobs]


def save_example(path: Path, example: Example) -> None:
    """Write an example; volumes as float16."""
    with atomic_path(path) as temporary, temporary.open("wb") as out:
        np.savez(
            out,
            volume=example.volume.astype(np.float16),
            distance_nm=example.distance_nm.astype(np.float16),
            centres=example.spheres.centres,
            radii_nm=example.spheres.radii_nm,
        )


def load_example(path: Path) -> Example:
    """Read an example that `save_example` wrote."""
    with np.load(path) as stored:
        return Example(
            stored["volume"].astype(np.float32),
            stored["distance_nm"].astype(np.float32),
            Spheres(stored["centres"], stored["radii_nm"]),
        )


def _simulate_to_cache(job: tuple[Path, str, int, float, Normalisation, float]) -> None:
    """Simulate one example and write it to the cache."""
    path, recipe, seed, voxel_size_nm, normalisation, jitter = job
    stretch = float(np.random.default_rng([seed, 1]).uniform(1 - jitter, 1 + jitter))
    made = simulate(RECIPES[recipe], seed)
    # Half a vesicle at the edge is a vesicle: unlabelled, it would teach the opposite.
    everyone = Spheres.concatenate([made.spheres, made.cut])
    example = make_example(made.volume, made.grid, everyone, voxel_size_nm, normalisation, stretch)
    save_example(path, example)
