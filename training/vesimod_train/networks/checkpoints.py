"""The state of a training run, on disk so that it can go on to the bit after any end."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from vesimod_imod.core.files import atomic_path

from vesimod_train.config import Config, ConfigError
from vesimod_train.networks.unet import UNet

CHECKPOINT = "checkpoint.pt"
BEST = "best.pt"
_OLD_NAMES = {"average": "ema_network"}  # of a checkpoint's parts, in earlier versions


@dataclass
class Run:
    """What changes while a network is trained.

    Parameters
    ----------
    network, ema_network : UNet
        What the optimiser moves, and the moving average of its weights.
    optimiser : torch.optim.Optimizer
    scaler : torch.amp.GradScaler
        Keeps float16 gradients in range; does nothing for other types.
    step : int
        Steps done.
    best_f1 : float
        Of all validations so far; below 0 before the first.
    checks_since_best : int
        Validations since then.
    """

    network: UNet
    ema_network: UNet
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    step: int = 0
    best_f1: float = -1.0
    checks_since_best: int = 0

    def parts(self) -> dict[str, Any]:
        """Whatever has a ``state_dict``, by its name in the checkpoint."""
        return {
            "network": self.network,
            "ema_network": self.ema_network,
            "optimiser": self.optimiser,
            "scaler": self.scaler,
        }


def new_network(config: Config) -> UNet:
    """Make a network of a configuration's size, with random weights."""
    return UNet(config.channels, config.poolings, config.two_heads)


def save_checkpoint(path: Path, config: Config, run: Run) -> None:
    """Write a checkpoint, whole or not at all."""
    state: dict[str, Any] = {name: part.state_dict() for name, part in run.parts().items()}
    state |= {
        "config": asdict(config),
        "step": run.step,
        "best_f1": run.best_f1,
        "checks_since_best": run.checks_since_best,
    }
    with atomic_path(path) as temporary:
        torch.save(state, temporary)


def resume(path: Path, config: Config, run: Run) -> None:
    """Load a checkpoint into the run, if there is one.

    Raises
    ------
    ConfigError
        It belongs to a run with other settings, or is damaged.
    """
    if not path.exists():
        return
    stored, stored_config = _read(path)
    if stored_config != config:
        before, now = asdict(stored_config), asdict(config)
        changed = [name for name in now if before[name] != now[name]]
        raise ConfigError(
            f"{path}: belongs to a run with other settings ({', '.join(changed)}); "
            "choose another folder"
        )
    for name, part in run.parts().items():
        if name in stored:  # former checkpoints have no scaler
            part.load_state_dict(stored[name])
    run.step = int(stored["step"])
    run.best_f1 = float(stored.get("best_f1", -1.0))
    run.checks_since_best = int(stored.get("checks_since_best", 0))


def load_checkpoint(path: Path) -> tuple[Config, UNet, int]:
    """Read a checkpoint: configuration, EMA network in evaluation mode, step.

    Raises
    ------
    ConfigError
        The file is not a checkpoint of ours.
    """
    stored, config = _read(path)
    network = new_network(config)
    network.load_state_dict(stored["ema_network"])
    return config, network.eval(), int(stored["step"])


def _read(path: Path) -> tuple[dict[str, Any], Config]:
    """Read what `save_checkpoint` wrote, and its configuration."""
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        for old, new in _OLD_NAMES.items():
            if old in stored:
                stored[new] = stored.pop(old)
        return stored, Config.from_mapping(stored["config"])
    except FileNotFoundError:
        raise
    except Exception as error:  # torch raises many kinds for a file that is not its own
        raise ConfigError(f"{path}: not a checkpoint of vesimod-train fit") from error
