"""The network: a compact 3D U-Net that tells vesicles and the distance to their surface.

Networks that tell membranes are the same: the distance is that to the cell's outline, the log odds
are those of a plasma membrane.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

# Probability is a sigmoid of the distance over this: 0.5 on the outer surface, 0.92 at 5 nm
# inside. Thresholds from 0.8 up are then surfaces further in, as the paper's search expects.
SOFTNESS_NM = 2.0
SCALE_NM = 10.0  # the head's unit, so that its weights stay near 1


def block(inputs: int, outputs: int) -> nn.Sequential:
    """Two convolutions of 3 x 3 x 3, each with batch normalisation and ReLU."""
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [
            nn.Conv3d(channels, outputs, 3, padding=1, bias=False),
            nn.BatchNorm3d(outputs),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """3D U-Net (Cicek et al. 2016) with transposed convolutions.

    Parameters
    ----------
    channels : int
        At full resolution; doubled at each level.
    poolings : int
        Levels below full resolution.
    two_heads : bool
        Whether a head of its own says how likely a voxel is inside a vesicle. Without it, as in
        networks of former versions, that follows from the distance alone: a distance is either
        believed or not, so where the network is unsure it says nothing.
    """

    def __init__(self, channels: int = 16, poolings: int = 2, two_heads: bool = False) -> None:
        super().__init__()
        widths = [channels * 2**level for level in range(poolings + 1)]
        self.down = nn.ModuleList(
            block(a, b) for a, b in zip([1, *widths[:-1]], widths, strict=True)
        )
        self.up = nn.ModuleList(nn.ConvTranspose3d(b, a, 2, stride=2) for a, b in pairwise(widths))
        self.merge = nn.ModuleList(block(2 * a, a) for a in widths[:-1])
        self.head = nn.Conv3d(channels, 1, 1)
        self.inside = nn.Conv3d(channels, 1, 1) if two_heads else None
        self.pool = nn.MaxPool3d(2)
        self.divisor: int = 2**poolings

    def forward(self, volume: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Distance and log odds from a normalised volume (N, 1, Z, Y, X).

        Returns
        -------
        distance : (N, 1, Z, Y, X)
            Signed distance to the vesicle's outer surface in nm, positive inside.
        log_odds : (N, 1, Z, Y, X)
            Of being inside a vesicle.
        """
        features = []
        for level, down in enumerate(self.down):
            volume = down(volume if level == 0 else self.pool(volume))
            features.append(volume)
        for level in reversed(range(len(self.up))):
            above = self.up[level](volume)
            volume = self.merge[level](torch.cat([features[level], above], dim=1))
        distance: torch.Tensor = SCALE_NM * self.head(volume)
        if self.inside is None:
            return distance, distance / SOFTNESS_NM
        return distance, self.inside(volume)

    @property
    def receptive_radius(self) -> int:
        """Voxels to each side that a result depends on, rounded up to the divisor."""
        levels = len(self.up)
        # Two convolutions a level on the way down and, but for the deepest, up; each pooling
        # adds what its window adds.
        steps = 2 * 2**levels + sum(4 * 2**level for level in range(levels))
        radius: int = steps + self.divisor - 1
        return -(-radius // self.divisor) * self.divisor


class _Exported(nn.Module):
    """A network with what makes of its two answers those that are shipped."""

    def __init__(self, network: UNet) -> None:
        super().__init__()
        self.network = network


class ExportedUNet(_Exported):
    """The network as it is shipped: probability and distance."""

    def forward(self, volume: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (probability, distance in nm), each (N, 1, Z, Y, X)."""
        distance, log_odds = self.network(volume)
        return torch.sigmoid(log_odds), distance


class ExportedConnectors(_Exported):
    """The network that tells connectors as it is shipped: their probability."""

    def forward(self, volume: torch.Tensor) -> tuple[torch.Tensor]:
        """Return the chance of lying in a connector or a tether, (N, 1, Z, Y, X)."""
        return (torch.sigmoid(self.network(volume)[1]),)


class ExportedMembranes(_Exported):
    """The network that tells membranes as it is shipped: membrane and cytoplasm."""

    def forward(self, volume: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the chances of a membrane and of the cell's inside, each (N, 1, Z, Y, X)."""
        distance, log_odds = self.network(volume)
        return torch.sigmoid(log_odds), torch.sigmoid(distance / SOFTNESS_NM)
