"""Boutons that differ as tomograms do: what a network of connectors learns from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vesimod_train.simulate.connectors import ConnectedBouton, Look, simulate_connected
from vesimod_train.simulate.recipe import VALIDATION
from vesimod_train.simulate.tomogram import draw_microscope

SHAPE = (56, 104, 104)
_CROWDING = (12.0, 36.0)  # vesicles in a volume of that shape at 2.2 nm
_IMAGING = replace(
    VALIDATION,
    snr=(0.02, 2.0),
    noise_power=(0.5, 1.5),
    blur_nm=(0.4, 1.5),
    defocus_um=(2.0, 7.0),
    any_axis=True,
    afterwards=0.3,
    diffused=0.3,
)


def draw_bouton(size_nm: float, seed: int) -> ConnectedBouton:
    """Simulate a bouton whose crowding, rods, cytosol and imaging the seed draws."""
    rng = np.random.default_rng([seed, 2])
    count = int(rng.uniform(*_CROWDING) * (size_nm / 2.2) ** 3)
    thin = rng.uniform(1.2, 2.5)
    look = Look(
        rod_nm=(thin, thin + rng.uniform(0.3, 1.2)),
        rod_density=rng.uniform(0.5, 1.2),
        askew_nm=rng.uniform(4.0, 14.0),
        cytosol_sd=rng.uniform(0.05, 0.35),
        grain_nm=rng.uniform(3.0, 10.0),
    )
    least = rng.uniform(14.0, 20.0)
    return simulate_connected(
        SHAPE,
        size_nm,
        max(count, 3),
        draw_microscope(_IMAGING, rng),
        seed,
        (least, least + rng.uniform(2.0, 10.0)),
        look,
    )
