"""How well a network outlines cells, maps membranes and proposes active zones."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import KDTree
from synapse_families import BORDER_NM, errors, made_by, slopes_at, within_tilts
from vesimod import Model, load_model, segment
from vesimod.io.array_volume import tomogram_of_array
from vesimod.io.region import fill_body
from vesimod.membranes.proposal import MembraneMaps
from vesimod.membranes.surface import NoSurfaceError
from vesimod.outlining import membrane_maps, outline_cell
from vesimod_imod.contour_model.read import Drawing
from vesimod_train.simulate import SimulatedTomogram
from vesimod_train.simulate.membrane_truth import MIDDLE_NM, membrane_truth

#: How near is right; from which chance on a crest counts; what two active zones share.
MAP_NM, CREST, ZONE_NM = 4.0, 0.35, 10.0
Floats = npt.NDArray[np.float64]


def network(name: str, seeds: range, families: list[str], keep: Path | None) -> None:
    """Print how well a network outlines cells, maps membranes and proposes active zones."""
    model = load_model(name, device="cpu")
    print("| family | outline: Dice | least | membranes: recall | precision | active zone: Dice "
          "| of it found | with the cap: recall | precision | active zone: Dice | of it found "
          "| outline off, nm | CPU-s |")  # fmt: skip
    print("|---|" + 12 * "---:|")
    for title in families:
        rows = [network_row(model, made_by(title, seed, keep)) for seed in seeds]
        mean = np.nanmean(rows, axis=0).tolist()
        cells = [mean[0], min(row[0] for row in rows), *mean[1:]]
        print(f"| {title} | {' | '.join(f'{value:.2f}' for value in cells)} |", flush=True)
    beside_fast(model, made_by(families[0], seeds[0], keep))


def beside_fast(model: Model, made: SimulatedTomogram) -> None:
    """Print what the maps cost, and what finding vesicles in the same volume does."""
    tomogram = tomogram_of_array(made.volume, made.grid.voxel_size_nm[0])
    fast = load_model("fast", device="cpu")
    start = time.process_time()
    membrane_maps(tomogram, model)
    middle = time.process_time()
    segment(tomogram, fast)
    maps, vesicles = middle - start, time.process_time() - middle
    print(
        f"\nmaps {maps:.2f} CPU-s, `fast` with all its steps {vesicles:.2f}: {maps / vesicles:.2f}"
    )


def network_row(model: Model, made: SimulatedTomogram) -> list[float]:
    """Measure one synapse; the columns of `network`."""
    assert made.membranes is not None
    size_nm, own = made.grid.voxel_size_nm, made.membranes.own
    tomogram = tomogram_of_array(made.volume, size_nm[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        maps = membrane_maps(tomogram, model)
        start = time.process_time()
        try:
            found = outline_cell(tomogram, model)
        except NoSurfaceError:
            return [0.0] * 9 + [np.nan, np.nan]
    seconds = time.process_time() - start
    inside = fill_body(list(found.objects[0].drawing.contours), own.shape)
    true = own < -MIDDLE_NM
    outline = 2 * (inside & true).sum() / (inside.sum() + true.sum())
    zones = [found.objects[1].drawing] if len(found.objects) > 1 else []
    seen, with_cap = zone_scores(zones, made)
    recall, precision, *both_with_cap = map_scores(maps, made)
    away = float(np.median(errors(found.objects[0].membrane, made)[0]))
    return [outline, recall, precision, *seen, *both_with_cap, *with_cap, away, seconds]


def zone_scores(
    zones: list[Drawing], made: SimulatedTomogram
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Dice of an active zone and the share of the true one found: of what is seen, and of all."""
    assert made.membranes is not None
    own, size_nm = made.membranes.own, made.grid.voxel_size_nm
    truth = membrane_truth(made.membranes, size_nm[0]).active_zone
    zone, true = (near_contours(each, own.shape, size_nm) for each in (zones, [truth]))
    either = np.argwhere(zone | true)
    found, wanted = zone[tuple(either.T)], true[tuple(either.T)]
    seen = visible(own, either, made)
    return overlap(found[seen], wanted[seen]), overlap(found, wanted)


def overlap(found: npt.NDArray[np.bool_], wanted: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Dice of two masks, and the share of the second that is in the first; NaN if that is empty."""
    if not wanted.any():
        return np.nan, np.nan
    common = (found & wanted).sum()
    return float(2 * common / (found.sum() + wanted.sum())), float(common / wanted.sum())


def near_contours(
    drawings: list[Drawing], shape: tuple[int, ...], size_nm: tuple[float, ...]
) -> npt.NDArray[np.bool_]:
    """Voxels within 10 nm of contours: two that lie 3 nm apart are one."""
    empty = np.ones(shape, bool)
    for drawing in drawings:
        for contour in drawing.contours:
            at = np.clip(np.rint(contour).astype(int), 0, np.array(shape) - 1)
            empty[tuple(at.T)] = False
    if empty.all():
        return ~empty
    near: npt.NDArray[np.bool_] = ndimage.distance_transform_edt(empty, sampling=size_nm) < ZONE_NM
    return near


def map_scores(maps: MembraneMaps, made: SimulatedTomogram) -> list[float]:
    """Recall and precision at 4 nm of the crest of the map, without the blind cap and with it."""
    assert made.membranes is not None
    finer = maps.size_nm / 3
    crest = crest_of(maps.membrane)
    membranes = [made.membranes.own, made.membranes.facing]
    found, all_true, all_seen, all_near = [], [], [], []
    size = np.array(made.grid.voxel_size_nm)
    for distance in membranes:
        if distance is None:
            continue
        middle = np.argwhere(np.abs(distance + MIDDLE_NM) < 0.5 * size[0])
        middle = middle[np.random.default_rng(0).random(len(middle)) < 0.2]
        true_nm = (middle + 0.5) * size
        all_true.append(true_nm)
        all_seen.append(visible(distance, middle, made))
        found.append(distance)
    crest_nm = np.asarray((crest + 0.5) * finer, np.float64)
    true_nm, seen = np.concatenate(all_true), np.concatenate(all_seen)
    inner = edge_nm(true_nm, made) > BORDER_NM
    gap = KDTree(crest_nm).query(true_nm)[0] if len(crest_nm) else np.full(len(true_nm), np.inf)
    hit = gap <= np.hypot(MAP_NM, 0.5 * finer * np.sqrt(2))
    kept = crest_nm[edge_nm(crest_nm, made) > BORDER_NM]
    voxels = (kept / size - 0.5).T
    for distance in found:
        all_near.append(np.abs(ndimage.map_coordinates(distance, voxels, order=1) + MIDDLE_NM))
    near = np.minimum.reduce(all_near)
    at = np.clip(np.rint(voxels.T), 0, np.array(made.volume.shape) - 1).astype(int)
    nearest = np.argmin(all_near, axis=0)
    lit = np.zeros(len(kept), bool)
    for number, distance in enumerate(found):
        mine = nearest == number
        lit[mine] = visible(distance, at[mine], made)
    right = near <= MAP_NM
    return [
        float(hit[inner & seen].mean()),
        float(right[lit].mean()),
        float(hit[inner].mean()),
        float(right.mean()),
    ]


def visible(
    distance: Any, voxels: npt.NDArray[np.integer[Any]], made: SimulatedTomogram
) -> npt.NDArray[np.bool_]:
    """Whether the tilt range shows a membrane at voxels (N, 3)."""
    return within_tilts(slopes_at(distance, voxels.T, made), made)


def edge_nm(points_nm: Floats, made: SimulatedTomogram) -> Floats:
    """Distance of points (N, 3), in nm from the corner, from the border in y and x."""
    extent = np.array(made.volume.shape) * made.grid.voxel_size_nm
    nearest: Floats = np.minimum(points_nm, extent - points_nm)[:, 1:].min(axis=1)
    return nearest


def crest_of(chance: npt.NDArray[np.float32]) -> npt.NDArray[np.integer[Any]]:
    """Voxels (N, 3), a third as large as the map's, on the crest of what is above `CREST`.

    A place is on it that is highest across the crest, which is where the map bends most.
    """
    fine = ndimage.gaussian_filter(
        ndimage.zoom(chance, 3, order=3, grid_mode=True, mode="nearest"), 1
    )
    slopes = np.gradient(fine)
    bends = [[np.gradient(slope, axis=axis) for axis in range(3)] for slope in slopes]
    voxels = np.argwhere(fine > CREST)
    at = tuple(voxels.T)
    hessian = np.stack([np.stack([bend[at] for bend in line], -1) for line in bends], -2)
    values, directions = np.linalg.eigh(hessian)
    across = directions[:, :, 0]  # of the most negative bend
    slope = np.stack([slope[at] for slope in slopes], -1)
    step = -(slope * across).sum(1) / np.minimum(values[:, 0], -1e-6)
    crest: npt.NDArray[np.integer[Any]] = voxels[(np.abs(step) <= 0.5) & (values[:, 0] < 0)]
    return crest
