"""What to train: the settings of a run, as a TOML file or a checkpoint states them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from vesimod.network.spec import Normalisation
from vesimod.network.spec_values import CONNECTOR_OUTPUT, MEMBRANE_OUTPUTS, VESICLE_OUTPUT
from vesimod_imod.core.errors import VesimodError

Pairs = tuple[tuple[str, ...], ...]
#: Vesicles, in tomograms by a recipe; membranes, in cells; connectors and tethers, in boutons of
#: their own.
VESICLES, MEMBRANES, CONNECTORS = "vesicles", "membranes", "connectors"
#: What networks give, in their order.
OUTPUTS = {
    VESICLES: (VESICLE_OUTPUT, "distance"),
    MEMBRANES: MEMBRANE_OUTPUTS,
    CONNECTORS: (CONNECTOR_OUTPUT,),
}
TARGETS = tuple(OUTPUTS)


class ConfigError(VesimodError, ValueError):
    """The training configuration cannot be used."""


@dataclass(frozen=True)
class Config:
    """Everything that decides what a training run produces.

    Parameters
    ----------
    name, version : str
        Of the model.
    target : str
        What the network learns to see: one of `TARGETS`. Membranes are those of cells, and the
        inside of the cell that holds the vesicles, which takes two heads.
    voxel_size_nm : float
        At which the network works.
    channels, poolings : int
        Size of the U-Net.
    two_heads : bool
        Whether the network says of its own how likely a voxel is inside a vesicle.
    background_voxels : float
        Of the normalisation; see `vesimod.network.spec.Normalisation`.
    base : str
        A model (.onnx) or checkpoint to start from instead of from nothing; its size and
        voxel size must be those above. The loss weights are those at the end of a training.
    frozen_statistics : bool
        Batch statistics of the base stay as they are: a few tomograms would shift them.
    recipe : str
        Simulation recipe to train on.
    volumes, validation_volumes : int
        Tomograms simulated for training and for choosing the best weights; they are told
        apart by seed, so no patch of one is in the other.
    ice_volumes, clear_volumes, crisp_volumes : int
        Tomograms of the recipes `ice`, `clear` and `crisp` for training, besides.
    least_contrast, empty_share : float
        Which simulated volumes are learned from; see `vesimod_train.data.choice`. 0: all.
    noise_share : float
        Share of the crops that hold nothing but noise, made anew for each; for vesicles alone.
    pairs, validation_pairs : tuple of (str, str, ...)
        Tomograms and the models with their vesicles, or their membranes; see
        `vesimod_train.data.pairs` and `vesimod_train.data.membrane_pairs`.
    self_labelled : bool
        A network, not a person, said where the vesicles of `pairs` are.
    pair_share : float
        Share of the crops cut from `pairs` where there are simulated tomograms, too.
    jitter : float
        Share by which voxel sizes of simulated tomograms are stretched.
    steps, batch, crop, crop_depth : int
        Optimiser steps; crops a step; edge of a crop in voxels; its edge in z where that is
        another, for volumes that are thinner than wide.
    learning_rate, weight_decay, warmup : float
        AdamW with a cosine schedule after a warm-up over this share of the steps.
    bfloat16 : bool
        Convolutions in bfloat16 (float16 on a GPU that lacks it), about twice as fast; sums,
        loss and weights stay in float32. Left out on a CPU that would have to emulate it.
    ema : float
        Decay of the moving average of the weights, which is what is exported.
    check_every : int
        Steps between checkpoints with validation.
    patience : int
        Stop after so many validations without a better F1; 0 never does.
    seed : int
        Decides simulation, initial weights and batches.
    """

    name: str = "fast"
    version: str = "1"
    target: str = VESICLES
    voxel_size_nm: float = 4.4
    channels: int = 16
    poolings: int = 2
    two_heads: bool = False
    background_voxels: float = 0.0
    base: str = ""
    frozen_statistics: bool = True
    recipe: str = "train"
    volumes: int = 160
    validation_volumes: int = 6
    ice_volumes: int = 0
    clear_volumes: int = 0
    crisp_volumes: int = 0
    least_contrast: float = 0.0
    empty_share: float = 0.15
    noise_share: float = 0.0
    pairs: Pairs = ()
    validation_pairs: Pairs = ()
    self_labelled: bool = False
    pair_share: float = 0.5
    jitter: float = 0.18
    steps: int = 3000
    batch: int = 4
    crop: int = 40
    crop_depth: int = 0
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    warmup: float = 0.05
    bfloat16: bool = True
    ema: float = 0.995
    check_every: int = 250
    patience: int = 0
    seed: int = 1000

    @staticmethod
    def from_mapping(values: Mapping[str, Any], folder: Path | None = None) -> Config:
        """Read a configuration.

        Parameters
        ----------
        values : mapping
            Entries as in a TOML file.
        folder : Path, optional
            That the paths of pairs and base are relative to.

        Raises
        ------
        ConfigError
            An entry is unknown, has the wrong type or makes no sense.
        """
        defaults = {field.name: field.default for field in fields(Config)}
        unknown = sorted(set(values) - set(defaults))
        if unknown:
            raise ConfigError(f"unknown entries {', '.join(unknown)}; known: {', '.join(defaults)}")
        checked = dict(values)
        for name, value in values.items():
            wanted = type(defaults[name])
            if wanted is tuple:
                checked[name] = _pairs(name, value, folder)
            elif not isinstance(value, (wanted, int) if wanted is float else wanted):
                raise ConfigError(f"{name} = {value!r}: expected a {wanted.__name__}")
        if folder is not None and checked.get("base"):
            checked["base"] = str(folder / checked["base"])
        config = Config(**checked)
        config.check()
        return config

    @property
    def crop_shape(self) -> tuple[int, int, int]:
        """Edges (z, y, x) of a crop in voxels."""
        return self.crop_depth or self.crop, self.crop, self.crop

    @property
    def normalisation(self) -> Normalisation:
        """How grey values become the network's input."""
        return Normalisation(background_voxels=self.background_voxels)

    @property
    def training_data(self) -> str:
        """What the network learns from, for people; without the names of files."""
        parts = []
        if self.base:
            parts.append(f"fine-tuned from {Path(self.base).stem}")
        if self.pairs:
            by = "it found itself" if self.self_labelled else "people checked"
            parts.append(f"{len(self.pairs)} tomograms with {self.target} that {by}")
        if self.volumes and self.target == CONNECTORS:
            parts.append(
                f"{self.volumes} simulated boutons with connectors and tethers, seed {self.seed}"
            )
        elif self.volumes:
            parts.append(
                f"{self.volumes} simulated tomograms, recipe {self.recipe}, seed {self.seed}"
            )
        if self.ice_volumes:
            parts.append(f"{self.ice_volumes} of vesicles in bare ice")
        if self.clear_volumes:
            parts.append(f"{self.clear_volumes} whose vesicles show clearly")
        if self.crisp_volumes:
            parts.append(f"{self.crisp_volumes} that nothing smoothed")
        return ", ".join(parts)

    def check(self) -> None:
        """Refuse what makes no sense.

        Raises
        ------
        ConfigError
            Entries contradict each other.
        """
        if self.target not in TARGETS:
            raise ConfigError(f"target = {self.target!r}: known are {', '.join(TARGETS)}")
        besides = self.pairs, self.ice_volumes, self.clear_volumes, self.crisp_volumes
        if self.target == CONNECTORS and any(besides):
            raise ConfigError(
                f"target = {CONNECTORS!r}: pairs, ice_volumes, clear_volumes and crisp_volumes "
                "hold vesicles; leave them out"
            )
        if self.target == MEMBRANES and not self.two_heads:
            raise ConfigError(f"target = {MEMBRANES!r}: needs two_heads = true")
        for name in ("crop", "crop_depth"):
            if (edge := getattr(self, name)) % 2**self.poolings:
                raise ConfigError(f"{name} = {edge}: must be a multiple of {2**self.poolings}")
        if self.noise_share and self.target != VESICLES:
            raise ConfigError(f"noise_share: needs target = {VESICLES!r}, not {self.target!r}")
        if not 0 <= self.noise_share < 1:
            raise ConfigError(f"noise_share = {self.noise_share:g}: must be 0 or more and below 1")
        if not 0 < self.empty_share < 1:
            raise ConfigError(f"empty_share = {self.empty_share:g}: must lie between 0 and 1")
        if not self.volumes and not self.pairs:
            raise ConfigError("volumes = 0 and no pairs: nothing to learn from")
        if not 0 < self.pair_share < 1:
            raise ConfigError(f"pair_share = {self.pair_share}: must lie between 0 and 1")
        trained, held_out = (
            {Path(t).resolve() for t, *_ in p} for p in (self.pairs, self.validation_pairs)
        )
        if both := trained & held_out:
            raise ConfigError(
                f"{both.pop()}: is in pairs and in validation_pairs; split by tomogram"
            )


def _pairs(name: str, value: Any, folder: Path | None) -> Pairs:
    """Check a list of [tomogram, model]."""
    rows = []
    for row in value if isinstance(value, (list, tuple)) else [None]:
        if not (
            isinstance(row, (list, tuple))
            and len(row) >= 2
            and all(isinstance(p, str) for p in row)
        ):
            raise ConfigError(f'{name}: expected a list of ["tomogram.mrc", "model.mod"]')
        rows.append(tuple(str((folder or Path()) / path) for path in row))
    return tuple(rows)
