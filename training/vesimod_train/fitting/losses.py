"""What training minimises, and how that and the learning rate change on the way."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch.nn import functional

from vesimod_train.config import MEMBRANES, Config
from vesimod_train.networks.unet import SOFTNESS_NM

# Vesicles fill a few per cent of the volume. With an absolute error the network settles where
# inside and outside weigh the same: a weight w takes what is a vesicle with a chance of
# 1 / (1 + w). High at first, so that there is something to learn from; near even at the end.
INSIDE_WEIGHT_FIRST, INSIDE_WEIGHT_LAST = 5.0, 1.5
# Where a head of its own says how likely a vesicle is, the distance is that to a vesicle that
# may be there, with a chance of a quarter.
INSIDE_WEIGHT_TWO_HEADS = 3.0
INSIDE_LOSS = 5.0  # weight that makes the two losses of networks with two heads about equal
# A voxel is half membrane at 4.7 nm from its middle.
MEMBRANE_SIGMA_NM = 4.0
MEMBRANE_LOSS = 2.0  # membranes fill little of the volume, and decide what can be drawn
BETA_NM = 1.0  # the loss is quadratic below this error and linear above


def distance_loss(
    predicted: torch.Tensor,
    target: torch.Tensor,
    inside: float,
    weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """Smooth L1 on the distance in nm, voxels inside vesicles counting `inside` times.

    Outside, and deep inside, the target is clipped: there a prediction beyond the limit is right.

    Parameters
    ----------
    predicted, target : tensors of one shape
        Signed distances in nm.
    inside : float
        Weight of voxels inside vesicles.
    weight : tensor of that shape, optional
        How much each voxel counts besides: 0 where nobody knows what is there.
    """
    low, high = float(target.min()), float(target.max())
    error = functional.smooth_l1_loss(
        predicted.clamp(low - 2, high + 2), target, reduction="none", beta=BETA_NM
    )
    counted = 1.0 + (inside - 1.0) * (target > -2.0).to(error.dtype)
    if weight is not None:
        counted = counted * weight
    return (error * counted).sum() / counted.sum().clamp_min(1.0)


def loss_of(
    config: Config,
    step: int,
    predicted: Sequence[torch.Tensor],
    targets: Sequence[torch.Tensor],
    weight: torch.Tensor,
) -> torch.Tensor:
    """Compute what a run minimises at a step.

    Parameters
    ----------
    config, step
        Of the run.
    predicted : (tensor, tensor)
        Both answers of the network.
    targets : sequence of tensors
        The channels of `vesimod_train.data.examples.Example` between volume and weight.
    weight : tensor
        How much each voxel counts.
    """
    distance, log_odds = predicted
    if config.target == MEMBRANES:
        outline_nm, membrane_nm = targets
        return membrane_loss(distance, log_odds, outline_nm, membrane_nm, weight)
    loss = distance_loss(distance, targets[0], inside_weight(step, config), weight)
    if config.two_heads:
        loss = loss + INSIDE_LOSS * inside_loss(log_odds, targets[0], weight)
    return loss


def membrane_loss(
    outline: torch.Tensor,
    log_odds: torch.Tensor,
    outline_nm: torch.Tensor,
    membrane_nm: torch.Tensor,
    weight: torch.Tensor,
) -> torch.Tensor:
    """Binary cross-entropy of lying inside of the cell, and of lying on a plasma membrane.

    Both targets are soft: from how much of a membrane is in a voxel follows where it lies, to a
    fraction of the voxel.

    Parameters
    ----------
    outline, log_odds : tensors of one shape
        The network's signed distance to the outline in nm, and log odds of a membrane.
    outline_nm, membrane_nm, weight : tensors of that shape
        True signed distance to the outline, positive inside; distance to the middle of the
        nearest membrane, NaN where nobody knows; how much each voxel counts.
    """
    cross_entropy = functional.binary_cross_entropy_with_logits
    inside = torch.sigmoid(outline_nm / SOFTNESS_NM)
    error = cross_entropy(outline / SOFTNESS_NM, inside, reduction="none")
    known = torch.isfinite(membrane_nm)
    near = torch.exp(-0.5 * (membrane_nm.nan_to_num() / MEMBRANE_SIGMA_NM) ** 2)
    error = error + MEMBRANE_LOSS * known * cross_entropy(log_odds, near, reduction="none")
    return (error * weight).sum() / weight.sum().clamp_min(1.0)


def inside_loss(log_odds: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of being inside a vesicle.

    Parameters
    ----------
    log_odds, target, weight : tensors of one shape
        The network's answer; signed distance in nm; how much each voxel counts.
    """
    inside = (target > 0).to(log_odds.dtype)
    error = functional.binary_cross_entropy_with_logits(log_odds, inside, reduction="none")
    return (error * weight).sum() / weight.sum().clamp_min(1.0)


def dice(
    predicted: torch.Tensor, target: torch.Tensor, weight: torch.Tensor
) -> tuple[float, float]:
    """Dice coefficient of what is inside, as (twice the overlap, sum of both), to be added up."""
    counted = weight > 0
    found, true = (predicted > 0) & counted, (target > 0) & counted
    return 2 * float((found & true).sum()), float(found.sum() + true.sum())


def inside_weight(step: int, config: Config) -> float:
    """Weight of voxels inside vesicles: full for a third of the steps, then falling until 80 %."""
    last = INSIDE_WEIGHT_TWO_HEADS if config.two_heads else INSIDE_WEIGHT_LAST
    if config.base:
        return last
    way = min(max((step / config.steps - 1 / 3) / (0.8 - 1 / 3), 0.0), 1.0)
    return INSIDE_WEIGHT_FIRST + way * (last - INSIDE_WEIGHT_FIRST)


def learning_rate(step: int, config: Config) -> float:
    """Linear warm-up, then half a cosine down to a hundredth."""
    warmup = max(1, int(config.warmup * config.steps))
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    way = (step - warmup) / max(1, config.steps - warmup)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * way)))
