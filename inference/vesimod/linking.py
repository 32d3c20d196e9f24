"""Connectors of a tomogram, in its grey values or in what a network sees in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from vesimod_imod.core.arrays import BoolArray, Float32Array

from vesimod.connectors.find import ConnectSettings, find_connectors
from vesimod.connectors.hierarchy import Progress
from vesimod.connectors.result import Connections
from vesimod.connectors.synapse import Synapse
from vesimod.io.tomogram import Tomogram
from vesimod.network.model import Model
from vesimod.network.resample import resample
from vesimod.network.spec_values import CONNECTOR_OUTPUT
from vesimod.pipeline import network_maps
from vesimod.settings import SearchSettings

_LEAST = 1e-6  # probability: what is below counts as this


def connections_of(
    tomogram: Tomogram,
    synapse: Synapse,
    settings: ConnectSettings,
    network: Model | None = None,
    progress: Progress | None = None,
) -> Connections:
    """Find connectors as `find_connectors` does; a network's map takes the grey value's place.

    Parameters
    ----------
    tomogram : Tomogram
    synapse : Synapse
        Of the tomogram.
    settings : ConnectSettings
    network : Model, optional
        One that tells connectors.
    progress : callable, optional
        Called with (step, done, total).
    """
    if network is not None:
        invert, region = settings.dense_is_high, synapse.region
        likely = likely_connectors(
            tomogram, network, invert=invert, region=region, progress=progress
        )
        synapse = replace(synapse, likely=likely)
    return find_connectors(synapse, settings, progress)


def likely_connectors(
    tomogram: Tomogram,
    model: Model,
    *,
    invert: bool = False,
    region: BoolArray | None = None,
    progress: Progress | None = None,
) -> Float32Array:
    """Ask a network how likely a connector is, and put that on the tomogram's grid.

    Parameters
    ----------
    tomogram : Tomogram
    model : Model
        One that tells connectors.
    invert : bool
        Membranes are bright.
    region : (z, y, x) bool, optional
        Nothing is asked far from it.
    progress : callable, optional
        Called with (step, done, total).

    Returns
    -------
    (z, y, x) float32
        Logarithm of the odds.

    Raises
    ------
    ModelError, TomogramError
        See `vesimod.pipeline.network_maps`.
    """
    settings = SearchSettings(invert=invert, region=region)
    maps = network_maps(
        tomogram, model, settings, scale=1, outputs=(CONNECTOR_OUTPUT,), progress=progress
    )
    chance = np.clip(maps[CONNECTOR_OUTPUT], _LEAST, 1 - _LEAST)
    np.log(chance / (1 - chance), out=chance)
    grid = tomogram.grid
    return resample(chance, (model.spec.voxel_size_nm,) * 3, grid.voxel_size_nm, grid.shape)
