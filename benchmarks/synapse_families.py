"""Families of simulated synapses, and what is true of the membranes in them."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from vesimod.membranes.trace import Membrane
from vesimod_train.simulate import RECIPES, Recipe, SimulatedTomogram, simulate
from vesimod_train.simulate.membrane_truth import MIDDLE_NM

BORDER_NM, BESIDE_WEDGE_DEG = 15.0, 5.0
SMALL = replace(RECIPES["synapse"], shape=(96, 200, 200), vesicles=(50, 50))
FAMILIES = {
    "SNR 0.3": replace(SMALL, snr=(0.3, 0.3)),
    "SNR 0.1": replace(SMALL, snr=(0.1, 0.1)),
    "SNR 0.03": replace(SMALL, snr=(0.03, 0.03)),
    "much clutter": replace(
        SMALL, snr=(0.1, 0.1), others=(2.0, 2.0), meshes=1.0, cytosol_sd=(0.3, 0.5)
    ),
    # left out of the network's training: tilts of less than 50 degrees
    "wedge of 45": replace(SMALL, snr=(0.1, 0.1), tilt_deg=(45.0, 45.0)),
    "dense cytosol": replace(SMALL, snr=(0.1, 0.1), meshes=1.0, cytosol_sd=(0.6, 0.7)),
    # left out of training and tuning: other grains, defocus, blur, membranes and noise
    "other": replace(
        SMALL,
        snr=(0.1, 0.1),
        vesicles=(90, 90),
        others=(1.5, 1.5),
        cytosol_sd=(0.3, 0.4),
        defocus_um=(0.0, 0.0),
        noise_power=(0.0, 0.0),
        tilt_deg=(50.0, 52.0),
        blur_nm=(0.5, 1.2),
    ),
}
Floats = npt.NDArray[np.float64]


def errors(
    membrane: Membrane, made: SimulatedTomogram
) -> tuple[Floats, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Distance in nm of each place from the true surface; whether it can be, and was, seen."""
    assert made.membranes is not None
    own, size_nm = made.membranes.own, made.grid.voxel_size_nm[0]
    points, seen = [], []
    for traced in membrane.sheets:
        for section, path in zip(traced.sheet.sections, traced.sheet.paths_nm, strict=True):
            points.append(np.column_stack([np.full(len(path), float(section)), path / size_nm]))
        seen.append(traced.seen.ravel())
    places = np.concatenate(points)
    edge = np.minimum(places[:, 1:], np.array(own.shape[1:]) - 1 - places[:, 1:]).min(axis=1)
    inner = edge * size_nm > BORDER_NM
    places = places[inner]
    normal = slopes_at(own, places.T, made)
    steep = np.linalg.norm(normal, axis=1)
    away = np.abs(ndimage.map_coordinates(own, places.T, order=1) + MIDDLE_NM) / steep
    return away, within_tilts(normal, made), np.concatenate(seen)[inner]


def slopes_at(distance: Any, voxels: npt.NDArray[Any], made: SimulatedTomogram) -> Floats:
    """Slopes (N, 3) of a distance (z, y, x) at voxels (3, N): normals of its surfaces."""
    slopes = np.gradient(distance, made.grid.voxel_size_nm[0])
    return np.stack([ndimage.map_coordinates(part, voxels, order=1) for part in slopes], axis=1)


def within_tilts(normal: Floats, made: SimulatedTomogram) -> npt.NDArray[np.bool_]:
    """Whether surfaces with these normals (N, 3) are seen, rather than in the blind cap."""
    scope = made.microscope
    turn = np.radians(scope.axis_deg)
    across = normal[:, 2] * np.cos(turn) + normal[:, 1] * np.sin(turn)
    tilt = np.degrees(np.arctan2(normal[:, 0] * np.sign(across), np.abs(across)))
    low, high = scope.tilt_low_deg + BESIDE_WEDGE_DEG, scope.tilt_high_deg - BESIDE_WEDGE_DEG
    seen: npt.NDArray[np.bool_] = (tilt > low) & (tilt < high)
    return seen


def made_by(title: str, seed: int, keep: Path | None) -> SimulatedTomogram:
    """Simulate a synapse of a family, or take it from where it was kept."""
    family = FAMILIES[title]
    file = None if keep is None else keep / f"{title}-{seed}.pickle".replace(" ", "_")
    if file is not None and file.exists():
        kept: tuple[Recipe, SimulatedTomogram] = pickle.loads(file.read_bytes())
        if kept[0] == family:
            return kept[1]
    made = simulate(family, seed)
    if file is not None:
        file.write_bytes(pickle.dumps((family, made)))
    return made
