"""Examples on disk: made once, memory-mapped ever after, never mistaken for others.

An example's file name ends in a hash of all that it was made from. A changed recipe, simulator,
tomogram or model has another name, and is made anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from vesimod.network.spec import Normalisation
from vesimod_imod.core.files import atomic_path, sha256_of
from vesimod_imod.core.spheres import Spheres

from vesimod_train import simulate as simulator
from vesimod_train.config import VESICLES, Config, Pairs
from vesimod_train.data.examples import Example, even_weight, vesicle_example
from vesimod_train.data.membrane_pairs import read_membrane_pair
from vesimod_train.data.membranes import membrane_example
from vesimod_train.data.pairs import read_pair
from vesimod_train.simulate import RECIPES, simulate

FORMAT = 2  # counts up when examples of the same name would hold something else
Report = Callable[[str], None]
_Job = tuple[Path, str, int, float, Normalisation, float, str]
_AnyJob = TypeVar("_AnyJob", bound=tuple[Any, ...])


def simulated_examples(
    folder: Path,
    recipe: str,
    seeds: Iterable[int],
    voxel_size_nm: float,
    normalisation: Normalisation,
    *,
    jitter: float = 0.0,
    target: str = VESICLES,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[Example]:
    """Simulate examples, or take them from the cache in `folder`.

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
    target : {"vesicles", "membranes"}
        What the network learns to tell.
    workers : int
        Processes that simulate.
    progress : callable, optional
        Called with (done, total).
    """
    folder.mkdir(parents=True, exist_ok=True)
    made_from = [asdict(RECIPES[recipe]), simulator_hash(), voxel_size_nm, asdict(normalisation)]
    if target != VESICLES:  # whose examples have names without it
        made_from.append(target)
    jobs: list[_Job] = [
        (
            folder / f"{recipe}-{seed}-{digest(*made_from, jitter, seed)}",
            *(recipe, seed, voxel_size_nm, normalisation, jitter, target),
        )
        for seed in seeds
    ]
    return made_examples(jobs, _simulate_to_cache, workers, progress)


def made_examples(
    jobs: Sequence[_AnyJob],
    make: Callable[[_AnyJob], None],
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> list[Example]:
    """Load examples, after those that are missing have been made.

    Parameters
    ----------
    jobs : sequence of tuples
        Each begins with the example's stem in the cache.
    make : callable
        Writes the example of a job there; of a module, so that other processes find it.
    workers : int
        Processes that do.
    progress : callable, optional
        Called with (done, total).
    """
    missing = [job for job in jobs if not is_cached(job[0])]
    with ExitStack() as stack:
        # One worker is this process: nothing to start, and any recipe can be used.
        run = map if workers == 1 else stack.enter_context(ProcessPoolExecutor(workers)).map
        for done, _ in enumerate(run(make, missing), 1 + len(jobs) - len(missing)):
            if progress:
                progress(done, len(jobs))
    return [load_example(job[0]) for job in jobs]


def pair_examples(
    folder: Path,
    pairs: Pairs,
    config: Config,
    report: Report,
) -> list[Example]:
    """Read pairs of a tomogram and a model, or take them from the cache in `folder`.

    Parameters
    ----------
    folder : Path
        Cache; made if absent.
    pairs : tuple of (str, str, ...)
        Paths of tomograms and models.
    config : Config
        Of the network.
    report : callable
        Called with lines about what had to be assumed, also where the cache is used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    voxel_size_nm, normalisation = config.voxel_size_nm, config.normalisation
    stems = []
    for tomogram, *models in pairs:
        contents = [sha256_of(Path(path)) for path in (tomogram, *models)]
        more = [] if config.target == VESICLES else [config.target]
        made_from = digest(*contents, voxel_size_nm, asdict(normalisation), *more)
        stem = folder / f"{Path(tomogram).stem}-{made_from}"
        notes = stem.with_name(f"{stem.name}.txt")
        if not is_cached(stem):
            files = [Path(path) for path in models]
            of_network = voxel_size_nm, normalisation
            if config.target == VESICLES:
                example, found = read_pair(Path(tomogram), files[0], *of_network)
            else:
                example, found = read_membrane_pair(Path(tomogram), files, *of_network)
            notes.write_text("\n".join(found), encoding="utf-8", newline="\n")
            save_example(stem, example)
        for note in notes.read_text(encoding="utf-8").splitlines():
            report(f"{', '.join(models)}: {note}")
        stems.append(stem)
    return [load_example(stem) for stem in stems]


def digest(*made_from: object) -> str:
    """Short hash of what an example is made from."""
    text = json.dumps([FORMAT, made_from])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@cache
def simulator_hash() -> str:
    """Hash of the simulator's source: another version simulates something else."""
    found = hashlib.sha256()
    for path in sorted(Path(simulator.__path__[0]).glob("*.py")):
        found.update(path.read_text(encoding="utf-8").encode())
    return found.hexdigest()


def is_cached(stem: Path) -> bool:
    """Whether an example is there, whole: the spheres are written last."""
    return stem.with_name(f"{stem.name}.npz").exists()


def save_example(stem: Path, example: Example) -> None:
    """Write an example as ``<stem>.npy`` (float16 volumes) and ``<stem>.npz`` (spheres)."""
    *volumes, weight = example.channels
    if any(weight.strides):  # else it is 1 everywhere
        volumes.append(weight)
    with atomic_path(stem.with_name(f"{stem.name}.npy")) as path, path.open("wb") as out:
        np.save(out, np.stack([v.astype(np.float16) for v in volumes]))
    with atomic_path(stem.with_name(f"{stem.name}.npz")) as path, path.open("wb") as out:
        np.savez(
            out,
            centres=example.spheres.centres,
            radii_nm=example.spheres.radii_nm,
            rejected_centres=example.rejected.centres,
            rejected_radii_nm=example.rejected.radii_nm,
            has_membrane=example.membrane_nm is not None,
        )


def load_example(stem: Path) -> Example:
    """Open an example that `save_example` wrote; its volumes are memory-mapped."""
    volumes = np.load(stem.with_name(f"{stem.name}.npy"), mmap_mode="r")
    with np.load(stem.with_name(f"{stem.name}.npz")) as stored:
        learned = 3 if stored.get("has_membrane") else 2
        return Example(
            volumes[0],
            volumes[1],
            Spheres(stored["centres"], stored["radii_nm"]),
            volumes[learned] if len(volumes) > learned else even_weight(volumes.shape[1:]),
            Spheres(stored["rejected_centres"], stored["rejected_radii_nm"]),
            volumes[2] if learned == 3 else None,
        )


def _simulate_to_cache(job: _Job) -> None:
    """Simulate one example and write it to the cache."""
    stem, recipe, seed, voxel_size_nm, normalisation, jitter, target = job
    stretch = float(np.random.default_rng([seed, 1]).uniform(1 - jitter, 1 + jitter))
    made = simulate(RECIPES[recipe], seed)
    of = vesicle_example if target == VESICLES else membrane_example
    save_example(stem, of(made, voxel_size_nm, normalisation, stretch))
