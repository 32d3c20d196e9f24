"""What a model says about itself: one JSON in the ONNX file's ``metadata_props``.

An ``.onnx`` alone is a complete model: its voxel size, normalisation, tile, outputs and
threshold travel in the property named by `METADATA_KEY`. Training writes it, inference
reads it, and both normalise volumes with the functions below.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from vesimod_imod.core.errors import VesimodError

from vesimod.network.background import Valid, subtract_local_mean
from vesimod.network.spec_values import (
    KNOWN_OUTPUTS,
    are_meanings,
    are_outputs,
    in_few_letters,
    is_number,
    is_text,
    is_tile,
    is_whole,
)

Volume = npt.NDArray[np.float32]
METADATA_KEY = "vesimod"
# Names by which a graph takes a tile strip by strip (`vesimod.network.strips`).
PAST, NEXT, END = "past_", "next_", "end_of_tile"
FORMAT = 1
FEW_VOXELS = 4_000_000  # below, all of them are looked at
MAD_TO_SD = 1.4826  # median absolute deviation to standard deviation of a normal distribution


class ModelError(VesimodError, ValueError):
    """The file is not a model that vesimod can run."""


@dataclass(frozen=True)
class Normalisation:
    """How grey values become the network's input, at the network's voxel size.

    Parameters
    ----------
    smooth_voxels : float
        Sigma of a Gaussian applied first; 0 for none.
    centre : {"median", "mean"}
        What is subtracted.
    spread : {"mad", "std"}
        What is divided by: 1.4826 times the median absolute deviation, or the standard
        deviation. Median and MAD keep gold beads from squeezing the contrast of the rest.
    clip : float or None
        Values beyond +- this many spreads are cut off; None for no limit.
    background_voxels : float
        Sigma of the Gaussian whose local mean is subtracted; 0 for none. Values are cut off
        before, so that gold leaves no halo, and scaled once more after it.
    """

    smooth_voxels: float = 0.0
    centre: Literal["median", "mean"] = "median"
    spread: Literal["mad", "std"] = "mad"
    clip: float | None = 6.0
    background_voxels: float = 0.0

    def __post_init__(self) -> None:
        if self.centre not in ("median", "mean") or self.spread not in ("mad", "std"):
            raise ModelError(
                f"unknown normalisation {self.centre!r}/{self.spread!r}; "
                "a newer vesimod may be needed"
            )
        limits = {"smooth_voxels": 100.0, "background_voxels": 1000.0}
        fine = {name: is_number(getattr(self, name), 0, most) for name, most in limits.items()}
        fine["clip"] = self.clip is None or is_number(self.clip, 1e-3, 1e6)
        _refuse_impossible(self, fine)


@dataclass(frozen=True)
class ModelSpec:
    """What whoever runs a trained network has to know of it.

    The graph takes ``volume`` (N, 1, Z, Y, X) float32 and returns the arrays named in
    `outputs`, each (N, 1, Z, Y, X) float32. It may have inputs that need not be given and further
    outputs: `vesimod.network.strips`.

    Parameters
    ----------
    name, version : str
        Of the model, not of the software.
    voxel_size_nm : float
        Isotropic voxel size that the network was trained at.
    normalisation : Normalisation
        Applied to the resampled volume.
    tile : (int, int, int)
        For information: a tile (z, y, x) in voxels, halo included, that suits the network. Tiles
        are planned by the memory there is (`vesimod.network.tiling`).
    halo : int
        Voxels at each side of a tile whose result is not used: the receptive field's reach,
        rounded up to a multiple of `divisor`.
    divisor : int
        Tile edges must be multiples of this.
    outputs : tuple of str
        In the graph's order. ``probability`` (vesicle, 0..1), perhaps with ``distance`` (signed, to
        the vesicle's outer surface in nm, positive inside, clipped); or ``membrane`` and
        ``cytoplasm``; or ``connector``; what they mean: `vesimod.network.spec_values`.
    threshold : float
        For information: probability from which a voxel was taken for vesicle in training. One is
        chosen for each tomogram (`vesimod.vesicles.threshold`), unless the user sets it.
    contrast : {"dark-membranes"}
        Polarity of the training data.
    training_data, licence : str
        For people.
    bytes_per_voxel : int
        Memory that a tile takes while it is computed; for U-Nets of vesimod-train it follows from
        their width (`vesimod_train.export.onnx`). The default is more than the published network's
        330.
    meanings : dict of str to str
        What outputs mean, for people; files of earlier versions have none.
    format : int
        Version of this specification.
    """

    name: str
    version: str
    voxel_size_nm: float
    normalisation: Normalisation
    tile: tuple[int, int, int]
    halo: int
    divisor: int
    outputs: tuple[str, ...]
    threshold: float = 0.5
    contrast: Literal["dark-membranes"] = "dark-membranes"
    training_data: str = ""
    licence: str = ""
    bytes_per_voxel: int = 520
    meanings: dict[str, str] = field(default_factory=dict, hash=False)
    format: int = FORMAT

    def __post_init__(self) -> None:
        texts = ("name", "version", "training_data", "licence")
        _refuse_impossible(
            self,
            {
                **{name: is_text(getattr(self, name)) for name in texts},
                "voxel size": is_number(self.voxel_size_nm, 0.1, 50),
                "tile": is_tile(self.tile),
                "halo": is_whole(self.halo, 0, 1 << 12),
                "divisor": is_whole(self.divisor, 1, 1 << 10),
                "outputs": are_outputs(self.outputs),
                "meanings": are_meanings(self.meanings),
                "threshold": is_number(self.threshold, 0, 1),
                "bytes_per_voxel": is_number(self.bytes_per_voxel, 1, 1_000_000),
            },
        )
        if not any(self.tells(*outputs) for outputs in KNOWN_OUTPUTS):
            lacking = "lack 'probability', 'membrane' and 'cytoplasm', or 'connector'; re-export it"
            raise ModelError(f"outputs {list(self.outputs)} {lacking}")
        if self.contrast != "dark-membranes":
            raise ModelError(f"unknown contrast {self.contrast!r}; expected 'dark-membranes'")
        edges = (*self.tile, self.halo)
        if min(self.tile) <= 2 * self.halo or any(edge % self.divisor for edge in edges):
            raise ModelError(
                f"tile {self.tile} and halo {self.halo} must be multiples of {self.divisor}, the "
                "tile larger than two halos; re-export the model"
            )

    def tells(self, *outputs: str) -> bool:
        """Whether the network gives all of these outputs."""
        return set(outputs) <= set(self.outputs)

    def to_json(self) -> str:
        """Write the spec as JSON."""
        return json.dumps(asdict(self), indent=1)

    @staticmethod
    def from_json(text: str) -> ModelSpec:
        """Read a spec.

        Raises
        ------
        ModelError
            Not JSON, an entry is missing or impossible, or the format is unknown. Entries
            that this version does not know are ignored.
        """
        try:
            raw: dict[str, Any] = dict(json.loads(text))
            if raw.get("format") != FORMAT or isinstance(raw["format"], bool):
                raise ModelError(
                    f"the model's metadata have format {in_few_letters(raw.get('format'))}, this "
                    f"vesimod knows {FORMAT}; update vesimod or re-export the model"
                )
            known = {f.name for f in fields(ModelSpec)}
            values = {name: value for name, value in raw.items() if name in known}
            values["normalisation"] = Normalisation(**values["normalisation"])
            for name in ("outputs", "tile"):  # text would fall apart into letters
                values[name] = tuple(values[name]) if isinstance(values[name], list) else None
            return ModelSpec(**values)
        except ModelError:
            raise
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ModelError(
                f"unreadable model metadata ({str(error)[:200]}); re-export the model"
            ) from error


def _refuse_impossible(item: ModelSpec | Normalisation, fine: dict[str, bool]) -> None:
    """Raise `ModelError` for the first entry that is of a wrong type or out of its range."""
    for name, is_fine in fine.items():
        if not is_fine:
            value = getattr(item, "voxel_size_nm" if name == "voxel size" else name)
            raise ModelError(
                f"unreadable model metadata: impossible {name} {in_few_letters(value)}; "
                "re-export the model"
            )


def grey_statistics(sample: Iterable[float] | Volume, how: Normalisation) -> tuple[float, float]:
    """Centre and spread of grey values.

    Parameters
    ----------
    sample : array of any shape
        Grey values of the smoothed volume, or an even subset of them.
    how : Normalisation
        Which centre and spread.

    Returns
    -------
    (float, float)
        Centre and spread; the spread is 0 for a constant volume.
    """
    values = np.asarray(sample, np.float64).ravel()
    if len(values) == 0:
        return 0.0, 0.0
    centre = float(np.median(values) if how.centre == "median" else values.mean())
    if how.spread == "mad":
        spread = MAD_TO_SD * float(np.median(np.abs(values - centre)))
        # More than half of the voxels may be one value (padding, masked volumes).
        spread = spread or float(values.std())
    else:
        spread = float(values.std())
    return centre, spread


def normalise(
    volume: Volume, how: Normalisation, out: Volume | None = None, valid: Valid | None = None
) -> Volume:
    """Grey values to network input.

    Parameters
    ----------
    volume : (z, y, x) float32
        At the model's voxel size, membranes dark.
    how : Normalisation
        The model's normalisation.
    out : (z, y, x) float32, optional
        Where the result goes; may be `volume` itself.
    valid : (z, y, x) bool, optional
        What is data. The rest counts nowhere, and becomes 0.

    Returns
    -------
    (z, y, x) float32
        (smoothed volume - centre) / spread, less the local background, clipped; zeros for a
        constant volume.
    """
    result = np.empty(volume.shape, np.float32) if out is None else out
    if how.smooth_voxels > 0:
        volume = ndimage.gaussian_filter(volume, how.smooth_voxels, mode="nearest")
    _scale(volume, how, result, valid)
    if how.background_voxels > 0:
        subtract_local_mean(result, how.background_voxels, valid)
        _scale(result, how, result, valid)
    if valid is not None:
        np.multiply(result, valid, out=result)
    return result


def _scale(volume: Volume, how: Normalisation, out: Volume, valid: Valid | None) -> None:
    """Subtract the centre, divide by the spread, clip; zeros for a constant volume."""
    # A few million voxels give the median of a large volume to far below the noise.
    step = 1 if volume.size <= FEW_VOXELS else max(2, int(np.ceil(np.cbrt(volume.size / 8e6))))
    sample = volume[::step, ::step, ::step]
    centre, spread = grey_statistics(
        sample if valid is None else sample[valid[::step, ::step, ::step]], how
    )
    if spread == 0:
        out[:] = 0
        return
    np.subtract(volume, np.float32(centre), out=out)
    out /= np.float32(spread)
    if how.clip is not None:
        np.clip(out, -how.clip, how.clip, out=out)
