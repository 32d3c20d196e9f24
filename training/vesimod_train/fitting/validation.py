"""How good a network is on whole volumes that it does not learn from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from vesimod.io.label_volume import spheres_of_labels
from vesimod.measure.agreement import evaluate
from vesimod.network.prediction import predict
from vesimod.network.tiling import plan_tiles
from vesimod.vesicles.instances import split_instances
from vesimod_imod.core.arrays import BoolArray
from vesimod_imod.core.spheres import Spheres

from vesimod_train.config import MEMBRANES, VESICLES, Config
from vesimod_train.data.examples import Example, in_any
from vesimod_train.fitting.losses import (
    INSIDE_WEIGHT_LAST,
    MEMBRANE_SIGMA_NM,
    dice,
    distance_loss,
    loss_of,
)
from vesimod_train.networks.unet import UNet

TILE_VOXELS = 3e6  # at once: 1 GB on the CPU


@dataclass(frozen=True)
class Scores:
    """Of one or more volumes; NaN where there is nothing to score.

    Parameters
    ----------
    f1 : float
        Of the vesicles: a found centre within a true radius counts, once. Of networks that tell
        membranes: of the voxels of these. Of connectors: the Dice coefficient.
    dice : float
        Of the voxels inside: of vesicles, connectors, or of the cell.
    loss : float
        With the loss weights that training ends with.
    """

    f1: float
    dice: float
    loss: float


def validate(network: UNet, examples: Sequence[Example], config: Config, device: str) -> Scores:
    """Score a network; it is left in evaluation mode.

    Parameters
    ----------
    network : UNet
    examples : sequence of Example
        At the network's voxel size. What lies where an example's weight is 0 is neither right
        nor wrong.
    config : Config
        Of the network.
    device : str
        That the network is on.
    """
    network.eval()
    if config.target == MEMBRANES:
        return _membrane_scores(network, examples, config, device)
    voxel_size_nm, count = config.voxel_size_nm, config.target == VESICLES
    hits = errors = overlap = both = 0.0
    losses = []
    for example in examples:
        maps = predict_maps(network, np.asarray(example.volume, np.float32), device)
        if count:
            result = evaluate(*_counted(*maps, example, voxel_size_nm), (voxel_size_nm,) * 3)
            hits += 2 * result.true_positives
            errors += result.false_positives + result.false_negatives
        tensors = [
            torch.from_numpy(np.ascontiguousarray(v, np.float32))
            for v in (maps[0], example.distance_nm, example.weight)
        ]
        two, total = dice(*tensors)
        overlap, both = overlap + two, both + total
        predicted, target, weight = tensors
        losses.append(float(distance_loss(predicted, target, INSIDE_WEIGHT_LAST, weight)))
    overall = overlap / both if both else float("nan")
    f1 = hits / (hits + errors) if hits + errors else float("nan")
    return Scores(
        f1 if count else overall,
        overall,
        float(np.mean(losses)) if losses else float("nan"),
    )


def _membrane_scores(
    network: UNet, examples: Sequence[Example], config: Config, device: str
) -> Scores:
    """Score maps of membranes and of the inside of the cell, voxel by voxel."""
    sums = np.zeros((2, 2))  # membrane, inside; twice the overlap, sum of both
    losses = []
    for example in examples:
        maps = predict_maps(network, np.asarray(example.volume, np.float32), device)
        distance, log_odds, *targets, weight = (
            torch.from_numpy(np.ascontiguousarray(v, np.float32))
            for v in (*maps, *example.channels[1:])
        )
        half_nm = MEMBRANE_SIGMA_NM * math.sqrt(2 * math.log(2))
        sums[0] += dice(log_odds, half_nm - targets[1], weight * torch.isfinite(targets[1]))
        sums[1] += dice(distance, targets[0], weight)
        losses.append(float(loss_of(config, 0, (distance, log_odds), targets, weight)))
    with np.errstate(invalid="ignore"):
        membrane, inside = sums[:, 0] / sums[:, 1]
    return Scores(
        float(membrane), float(inside), float(np.mean(losses)) if losses else float("nan")
    )


def _counted(
    distance: npt.NDArray[np.float32],
    log_odds: npt.NDArray[np.float32],
    example: Example,
    voxel_size_nm: float,
) -> tuple[Spheres, Spheres]:
    """Found and true spheres, without those that are neither right nor wrong.

    These are vesicles that the edge cuts and finds in them, and whatever nobody reviewed.
    """
    size_nm = (voxel_size_nm,) * 3
    labels = split_instances(log_odds >= 0, size_nm, distance)
    found, truth = spheres_of_labels(labels, size_nm), example.spheres
    limit = np.array(distance.shape) - 0.5
    inside = np.all((truth.centres > -0.5) & (truth.centres < limit), axis=1)
    found = found.select(~in_any(found, truth.select(~inside), voxel_size_nm))
    truth = truth.select(inside)
    return found.select(_reviewed(found, example)), truth.select(_reviewed(truth, example))


def _reviewed(spheres: Spheres, example: Example) -> BoolArray:
    """Which centres lie where the example's weight is above 0."""
    last = np.array(example.weight.shape) - 1
    at = np.clip(np.rint(spheres.centres).astype(int), 0, last)
    reviewed: BoolArray = np.asarray(example.weight[tuple(at.T)]) > 0
    return reviewed


@torch.no_grad()
def predict_maps(
    network: UNet, volume: npt.NDArray[np.float32], device: str
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Signed distance and log odds over a whole volume, with the tiling that inference uses."""

    def run(tile: Any, _first: bool, _last: bool) -> list[Any]:
        inputs = torch.from_numpy(tile[None, None]).to(device)
        return [output.cpu().numpy()[0, 0] for output in network(inputs)]

    shape = (volume.shape[0], volume.shape[1], volume.shape[2])
    distance, log_odds = np.empty(shape, np.float32), np.empty(shape, np.float32)
    tiles = plan_tiles(shape, TILE_VOXELS, network.receptive_radius, network.divisor)
    predict(volume, run, [distance, log_odds], tiles)
    return distance, log_odds
