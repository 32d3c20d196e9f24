"""Examples of connectors and tethers: boutons in which every one of them is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from scipy import ndimage
from vesimod.io.label_volume import paint_spheres
from vesimod.network.spec import Normalisation, normalise
from vesimod_imod.core.spheres import Spheres

from vesimod_train.data.cache import digest, made_examples, save_example, simulator_hash
from vesimod_train.data.examples import Example
from vesimod_train.simulate.boutons import draw_bouton
from vesimod_train.simulate.connectors import ConnectedBouton

_Job = tuple[Path, int, float, Normalisation]


def bouton_examples(
    folder: Path,
    seeds: Iterable[int],
    voxel_size_nm: float,
    normalisation: Normalisation,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[Example]:
    """Simulate boutons, or take them from the cache in `folder`.

    Parameters
    ----------
    folder : Path
        Cache; made if absent.
    seeds : iterable of int
        One bouton each.
    voxel_size_nm, normalisation
        The network's.
    workers : int
        Processes that simulate.
    progress : callable, optional
        Called with (done, total).
    """
    folder.mkdir(parents=True, exist_ok=True)
    made_from = (simulator_hash(), voxel_size_nm, asdict(normalisation))
    jobs: list[_Job] = [
        (folder / f"bouton-{seed}-{digest(*made_from, seed)}", seed, voxel_size_nm, normalisation)
        for seed in seeds
    ]
    return made_examples(jobs, _simulate_to_cache, workers, progress)


def bouton_example(made: ConnectedBouton, normalisation: Normalisation) -> Example:
    """Take the distance from rods in place of that from vesicles; crops are cut around rods.

    Inside of vesicles and beyond the region nobody asks for connectors: the weight is 0.
    """
    vesicles = paint_spheres(made.spheres, made.grid) > 0
    numbers = np.arange(1, len(made.rods) + 1)
    middles = np.array(ndimage.center_of_mass(made.labels > 0, made.labels, numbers))
    focus = Spheres(middles.reshape(-1, 3), np.full(len(numbers), made.grid.voxel_size_nm[0]))
    weight = (made.region & ~vesicles).astype(np.float32)
    return Example(normalise(made.volume, normalisation), made.rod_nm, focus, weight)


def _simulate_to_cache(job: _Job) -> None:
    stem, seed, voxel_size_nm, normalisation = job
    save_example(stem, bouton_example(draw_bouton(voxel_size_nm, seed), normalisation))
