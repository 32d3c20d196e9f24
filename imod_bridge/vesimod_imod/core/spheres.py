"""Grids and spheres: the two types that every part of vesimod exchanges.

THE CONVENTION, stated here and nowhere else
--------------------------------------------
* Arrays and coordinates are (z, y, x).
* Positions are in voxels of the volume at hand, and voxel centres lie at whole
  numbers: the centre of the first voxel is (0, 0, 0) and the volume reaches from
  -0.5 to n - 0.5 along each axis.
* Physical lengths are nanometres and their names end in ``_nm``.

Only :mod:`vesimod_imod.model.coordinates` knows IMOD's x, y, z order and half-voxel
offsets; only :mod:`vesimod.io.tomogram` and its header module know Angstrom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray, Triple


@dataclass(frozen=True)
class Grid:
    """The voxel lattice of a volume.

    Parameters
    ----------
    shape : (int, int, int)
        Voxels along (z, y, x).
    voxel_size_nm : (float, float, float)
        Spacing along (z, y, x) in nm.
    origin_nm : (float, float, float)
        Position (z, y, x) of the first voxel in the coordinates of the volume it was
        cut from: a subvolume that starts 20 nm in has +20, whatever sign its file uses.
    tilt_angles_deg : (float, float, float)
        Rotation about (z, y, x) that the file's header states, e.g. -90 about x after
        ``trimvol -rx``. Carried along so that 3dmod places a model as it places the image.
    header_voxel_size_nm : (float, float, float), optional
        What the file's header states along (z, y, x), where the user had to overrule it.
        3dmod goes by the header, so a model made for the file must state the same.
    """

    shape: tuple[int, int, int]
    voxel_size_nm: Triple
    origin_nm: Triple = (0.0, 0.0, 0.0)
    tilt_angles_deg: Triple = (0.0, 0.0, 0.0)
    header_voxel_size_nm: Triple | None = None

    @property
    def xy_voxel_size_nm(self) -> float:
        """Mean of the x and y spacing in nm: IMOD's unit of radius."""
        return 0.5 * (self.voxel_size_nm[1] + self.voxel_size_nm[2])


@dataclass(frozen=True, eq=False)
class Spheres:
    """N spheres on one grid.

    Parameters
    ----------
    centres : (N, 3) float64
        Centres (z, y, x) in voxels.
    radii_nm : (N,) float64
        Radii in nm; NaN where none is known (a click that nobody has sized yet).
    scores : (N,) float64
        Confidence in 0..1; 1 for a sphere that a person set. Default 1.
    ids : (N,) int64
        Stable positive numbers, unique within the set. Default 1..N.
    measures : mapping of str to (N,) arrays
        Further columns, e.g. ``membrane_density``; carried along by `select`.

    Raises
    ------
    ValueError
        The lengths differ, or an id occurs twice.
    """

    centres: FloatArray
    radii_nm: FloatArray
    scores: FloatArray = field(default_factory=lambda: np.empty(0))
    ids: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    measures: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        centres = np.asarray(self.centres, np.float64).reshape(-1, 3)
        n = len(centres)
        scores = np.asarray(self.scores, np.float64)
        ids = np.asarray(self.ids, np.int64)
        columns = {
            "centres": centres,
            "radii_nm": np.asarray(self.radii_nm, np.float64),
            "scores": scores if scores.size or not n else np.ones(n),
            "ids": ids if ids.size or not n else np.arange(1, n + 1),
        }
        measures = {name: np.asarray(column) for name, column in self.measures.items()}
        for name, column in (columns | measures).items():
            if len(column) != n:
                raise ValueError(f"{name} has {len(column)} entries for {n} spheres")
        if len(np.unique(columns["ids"])) != n:
            raise ValueError("two spheres share an id: ids must be unique")
        for name, column in columns.items():
            object.__setattr__(self, name, column)
        object.__setattr__(self, "measures", measures)

    def __len__(self) -> int:
        return len(self.centres)

    def select(self, which: BoolArray | IntArray) -> Spheres:
        """Spheres picked by a boolean mask or by row numbers, in that order."""
        return Spheres(
            self.centres[which],
            self.radii_nm[which],
            self.scores[which],
            self.ids[which],
            {name: column[which] for name, column in self.measures.items()},
        )

    def with_measures(self, **columns: npt.NDArray[Any]) -> Spheres:
        """Return the same spheres with columns added or replaced."""
        return replace(self, measures={**self.measures, **columns})

    @staticmethod
    def empty() -> Spheres:
        """No spheres."""
        return Spheres(np.empty((0, 3)), np.empty(0))

    @staticmethod
    def concatenate(parts: Sequence[Spheres]) -> Spheres:
        """Join sets whose ids are already distinct; keep the measures that all have."""
        parts = [part for part in parts if len(part)]
        if not parts:
            return Spheres.empty()
        shared = [name for name in parts[0].measures if all(name in p.measures for p in parts)]
        return Spheres(
            np.concatenate([p.centres for p in parts]),
            np.concatenate([p.radii_nm for p in parts]),
            np.concatenate([p.scores for p in parts]),
            np.concatenate([p.ids for p in parts]),
            {name: np.concatenate([p.measures[name] for p in parts]) for name in shared},
        )
