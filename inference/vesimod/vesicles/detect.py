"""From a probability map and its tomogram to spheres with reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray, FloatArray, Labels, Triple, Volume
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Spheres

from vesimod.io.label_volume import spheres_of_labels
from vesimod.network.resample import model_to_volume
from vesimod.radial.profile import needed_membrane_z
from vesimod.radial.rays import RaySampler
from vesimod.settings import EVERYWHERE, SearchSettings
from vesimod.vesicles.features import NO_MEMBRANE_Z, measure
from vesimod.vesicles.instances import split_instances
from vesimod.vesicles.noise import NEEDED, is_noise
from vesimod.vesicles.overlaps import resolve_overlaps
from vesimod.vesicles.scoring import MIN_SCORE, features, score
from vesimod.vesicles.threshold import Curve, choose_threshold, threshold_curve

TOO_SMALL, NOISE = "too small", "noise looks the same"
NOISE_NOTE = (
    "what was found is no clearer than what the same search finds where nothing is: it is taken "
    "for noise"
)
# Of the median membrane z. In simulated tomograms true vesicles had more than 0.55 of it in 95 of
# 100 cases, whatever the noise; of the false ones 95 in 100 had less than 0.5 where noise was low.
FAINT_SHARE = 0.48
# Of the surface within the volume: a sphere centred a tenth of its radius outside has 0.45. What
# is centred further out is not a vesicle of this volume; so far, the fit may be wrong.
LEAST_VISIBLE = 0.45
MIN_MASK_NM, MASK_SHARE = 8.0, 0.65  # radius of a mask that is looked at: masks may be too small
# Masks whose centre lies further from the region are not looked at: no fit moves as far, and how
# much of the network's map there is depends on the tiling.
REGION_REACH_NM = 45.0


@dataclass(frozen=True, eq=False, repr=False)
class Detections(ShortRepr):
    """Everything that was taken for a vesicle, kept or not.

    Parameters
    ----------
    spheres : Spheres
        Accepted; centres in voxels of the tomogram, radius at the membrane's outer edge.
    dropped : Spheres
        Rejected; the measure ``reason`` says why. Ids are distinct from those of `spheres`.
    labels : (z, y, x) int32
        Instances on the probability's grid: 0 outside, else the id of the sphere.
    threshold : float
        Probability from which a voxel counted as vesicle.
    notes : tuple of str
        What had to be decided, in words for the user.
    threshold_curve : tuple of (float, float)
        What a threshold is chosen by, unless it is given.
    """

    spheres: Spheres
    dropped: Spheres
    labels: Labels
    threshold: float
    notes: tuple[str, ...] = ()
    threshold_curve: Curve = ()


def find_spheres(
    volume: npt.NDArray[Any],
    voxel_size_nm: Triple,
    probability: Volume,
    probability_voxel_size_nm: Triple,
    settings: SearchSettings = EVERYWHERE,
    *,
    distance: Volume | None = None,
    needed: float = NEEDED,
    progress: Callable[[int, int], None] | None = None,
) -> Detections:
    """Find vesicles as spheres.

    Parameters
    ----------
    volume : (z, y, x) array of any real type
        The tomogram; read in boxes, so it may be memory-mapped.
    voxel_size_nm, probability_voxel_size_nm : (float, float, float)
        Of `volume` and of `probability`.
    probability : (z, y, x) float32
        Vesicle probability 0..1 on the network's grid, edges aligned with `volume`.
    settings : SearchSettings
        Its region lies on the tomogram's grid.
    distance : (z, y, x) float32, optional
        Signed distance to the vesicle surface in nm, positive inside, on the same grid.
    needed : float
        Odds that tell vesicles from noise; see `vesimod.vesicles.noise.is_noise`.
    progress : callable, optional
        Called with (vesicles done, vesicles in all).

    Returns
    -------
    Detections
        Accepted and dropped spheres, centres in voxels of `volume`.

    Raises
    ------
    InputError
        The arrays are not 3D, or their shapes do not belong together.
    """
    region = settings.region
    _check_shapes(volume, probability, distance, region)
    density = RaySampler(volume, voxel_size_nm, settings.invert)
    curve = threshold_curve(density, probability, probability_voxel_size_nm, region)
    threshold = choose_threshold(curve) if settings.threshold is None else settings.threshold
    labels = split_instances(probability >= threshold, probability_voxel_size_nm, distance)
    masks = _masks(labels, voxel_size_nm, probability_voxel_size_nm, settings)
    if len(masks) == 0:
        return Detections(Spheres.empty(), Spheres.empty(), labels, threshold, (), curve)
    network = RaySampler(probability, probability_voxel_size_nm)
    spheres, notes = measure(density, network, masks, settings.listed_nm, progress)
    spheres = replace(spheres, scores=score(features(spheres)))
    reasons, overlap_nm = _unlikely(spheres, impossible(spheres, settings), voxel_size_nm)
    kept = reasons == ""
    if is_noise(density, network, spheres.select(kept), len(spheres), region, needed):
        reasons[kept], kept = NOISE, np.zeros(len(spheres), bool)
        notes = (*notes, NOISE_NOTE)
    dropped = spheres.with_measures(reason=reasons).select(~kept)
    accepted = spheres.with_measures(overlap_nm=overlap_nm).select(kept)
    return Detections(accepted, dropped, labels, threshold, notes, curve)


def _check_shapes(
    volume: npt.NDArray[Any],
    probability: Volume,
    distance: Volume | None,
    region: BoolArray | None,
) -> None:
    """Raise ValueError where arrays are not 3D, or do not belong together."""
    if volume.ndim != 3 or probability.ndim != 3:
        raise InputError(f"volume {volume.shape} and probability {probability.shape} must be 3D")
    if distance is not None and distance.shape != probability.shape:
        raise InputError(f"distance {distance.shape} is not like probability {probability.shape}")
    if region is not None and region.shape != volume.shape:
        raise InputError(f"region {region.shape} is not like the volume {volume.shape}")


def _masks(
    labels: Labels,
    voxel_size_nm: Triple,
    probability_voxel_size_nm: Triple,
    settings: SearchSettings,
) -> Spheres:
    """Turn labels into spheres in voxels of the tomogram; leave out specks and what is far."""
    masks = spheres_of_labels(labels, probability_voxel_size_nm)
    centres = model_to_volume(masks.centres, voxel_size_nm, probability_voxel_size_nm)
    least_nm = max(MIN_MASK_NM, MASK_SHARE * settings.radius_nm[0])
    masks = replace(masks, centres=centres).select(masks.radii_nm >= least_nm)
    region = settings.region
    return masks if region is None else masks.select(_near(masks.centres, region, voxel_size_nm))


def impossible(spheres: Spheres, settings: SearchSettings = EVERYWHERE) -> npt.NDArray[np.str_]:
    """Say why spheres are dropped whatever their score.

    Parameters
    ----------
    spheres : Spheres
        N candidates with the measures visible_fraction and membrane_z, centres in voxels of
        the region.
    settings : SearchSettings
        Where vesicles may be, and how large.

    Returns
    -------
    (N,) str
        Empty where a candidate may be kept.
    """
    rules = [
        (spheres.radii_nm < settings.radius_nm[0], TOO_SMALL),
        (spheres.radii_nm > settings.radius_nm[1], "too large"),
        (spheres.measures["visible_fraction"] < LEAST_VISIBLE, "mostly outside the volume"),
        (spheres.measures["membrane_z"] < NO_MEMBRANE_Z, "no membrane"),
    ]
    if settings.region is not None:
        rules.append((~_inside(spheres.centres, settings.region), "outside the region"))
    reasons = np.full(len(spheres), "", dtype="U32")
    for which, why in rules:
        reasons[which & (reasons == "")] = why
    return reasons


def _unlikely(
    spheres: Spheres, reasons: npt.NDArray[np.str_], voxel_size_nm: Triple
) -> tuple[npt.NDArray[np.str_], FloatArray]:
    """Complete the reasons (N,) by what scores and neighbours say; overlaps (N,) of the kept."""
    reasons = np.where((reasons == "") & (spheres.scores < MIN_SCORE), "not convincing", reasons)
    # What the border cuts shows less of itself: compared is what all of it would show.
    membrane_z = spheres.measures["membrane_z"] / np.sqrt(
        np.maximum(spheres.measures["visible_fraction"], LEAST_VISIBLE)
    )
    needed = needed_membrane_z(membrane_z[reasons == ""], NO_MEMBRANE_Z, FAINT_SHARE)
    reasons = np.where((reasons == "") & (membrane_z < needed), "fainter than the others", reasons)
    rows = np.flatnonzero(reasons == "")
    kept, depth_nm = resolve_overlaps(spheres.select(rows), spheres.scores[rows], voxel_size_nm)
    reasons[rows[~kept]] = "overlaps a better one"
    overlap_nm = np.zeros(len(spheres))
    overlap_nm[rows] = depth_nm
    return reasons, overlap_nm


def _near(centres: FloatArray, region: BoolArray, voxel_size_nm: Triple) -> BoolArray:
    """Whether anything of the region lies near each centre (N, 3)."""
    reach = REGION_REACH_NM / np.asarray(voxel_size_nm)
    low = np.maximum(np.ceil(centres - reach), 0).astype(np.int64)
    high = np.maximum(np.floor(centres + reach) + 1, 0).astype(np.int64)
    boxes = [
        tuple(slice(*span) for span in zip(*ends, strict=True))
        for ends in zip(low, high, strict=True)
    ]
    return np.array([region[box].any() for box in boxes], bool)


def _inside(centres: FloatArray, region: BoolArray) -> BoolArray:
    """Whether each centre (N, 3) lies in the region."""
    nearest = np.rint(centres).astype(np.int64)
    nearest = np.clip(nearest, 0, np.asarray(region.shape) - 1)
    inside: BoolArray = np.asarray(region[tuple(nearest.T)], bool)
    return inside
