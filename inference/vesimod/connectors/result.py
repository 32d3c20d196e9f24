"""What was found: connectors and tethers, what was refused, vesicles and how they are linked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import IntArray, Triple
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.connectors.clusters import ClusterShape
from vesimod.connectors.features import Features
from vesimod.connectors.layers import Layers

TETHER, CONNECTOR = "tether", "connector"
#: What every count comes with.
NOT_ABSOLUTE = (
    "counts of connectors and tethers compare groups that were treated alike; they are not "
    "absolute: noise, the missing wedge and the thresholds make and break them"
)


@dataclass(frozen=True, eq=False, repr=False)
class Connector(ShortRepr):
    """A tether or a connector.

    Parameters
    ----------
    number : int
        Its label, from 1.
    kind : str
        `TETHER` or `CONNECTOR`.
    vesicles : tuple of int
        Ids of the one or two vesicles that it touches.
    threshold : float
        The first at which it is there.
    features : Features
        Its course runs from the active zone to the vesicle, or from the vesicle of the lower id.
    voxels : (N,) int64
        Flat indices in the volume.
    """

    number: int
    kind: str
    vesicles: tuple[int, ...]
    threshold: float
    features: Features
    voxels: IntArray


@dataclass(frozen=True)
class Refused:
    """A candidate that was not accepted.

    Parameters
    ----------
    kind : str
        `TETHER` where it touches the active zone, else `CONNECTOR`.
    vesicles : tuple of int
        Ids of the vesicles that it touches.
    threshold : float
    voxels : int
    place : (float, float, float)
        z, y, x.
    reason : str
    """

    kind: str
    vesicles: tuple[int, ...]
    threshold: float
    voxels: int
    place: Triple
    reason: str


@dataclass(frozen=True)
class LinkedVesicle:
    """How one vesicle is linked.

    Parameters
    ----------
    number : int
        Its id.
    connectors, tethers : int
    linked : tuple of int
        Ids of the vesicles that connectors join it to.
    cluster, distance_cluster : int
        Of the vesicles that connectors join, and of those that lie near each other.
    az_nm : float
        Least distance of its voxels from the active zone's; NaN without one.
    layer : int
        In which its centre lies; 0 without an active zone.
    """

    number: int
    connectors: int
    tethers: int
    linked: tuple[int, ...]
    cluster: int
    distance_cluster: int
    az_nm: float
    layer: int


@dataclass(frozen=True, eq=False, repr=False)
class Connections(ShortRepr):
    """All that `vesimod.connect` finds.

    Parameters
    ----------
    shape : (int, int, int)
        Of the volume.
    voxel_size_nm : (float, float, float)
    thresholds : tuple of float
        From the densest to the lightest.
    mean, sd : float
        Grey value of the region, boundaries excluded.
    connectors : tuple of Connector
        Tethers and connectors.
    refused : tuple of Refused
    vesicles : tuple of LinkedVesicle
    clusters : ClusterShape
        All clusters of vesicles together.
    layers : Layers or None
        None without an active zone.
    notes : tuple of str
        What may make the result wrong.
    """

    shape: tuple[int, int, int]
    voxel_size_nm: Triple
    thresholds: tuple[float, ...]
    mean: float
    sd: float
    connectors: tuple[Connector, ...]
    refused: tuple[Refused, ...]
    vesicles: tuple[LinkedVesicle, ...]
    clusters: ClusterShape
    layers: Layers | None = None
    notes: tuple[str, ...] = ()

    def noting(self, doubts: Iterable[str]) -> Connections:
        """Return the same with more that may make it wrong."""
        return replace(self, notes=(*self.notes, *doubts))

    def of_kind(self, kind: str) -> list[Connector]:
        """Those that are tethers, or connectors."""
        return [each for each in self.connectors if each.kind == kind]

    def labels(self) -> npt.NDArray[np.uint16]:
        """Volume (z, y, x) of the number of the connector or tether at each voxel; else 0."""
        labels = np.zeros(int(np.prod(self.shape)), np.uint16)
        for each in self.connectors:
            labels[each.voxels] = each.number
        return labels.reshape(self.shape)
