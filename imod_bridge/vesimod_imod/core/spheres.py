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
from typing import TYPE_CHECKING, Any, Protocol, overload

import numpy as np
import numpy.typing as npt

from vesimod_imod.core.arrays import BoolArray, FloatArray, IntArray, Triple
from vesimod_imod.core.errors import InputError, MissingPackageError

if TYPE_CHECKING:
    import pandas as pd

#: Columns that all spheres have, by the names that tables use.
COLUMNS = ("id", "z", "y", "x", "radius_nm", "score")
#: The centre once more, in nm from the centre of the first voxel: follows from z, y and x.
NM_COLUMNS = ("z_nm", "y_nm", "x_nm")
#: Voxels from the origin that no position in a volume reaches; beyond, a number is damaged.
FARTHEST = 1e7
_NAPARI_SIZE_NM = 10.0  # of a point whose radius is not known


class HasVoxelSize(Protocol):
    """A grid, or what lies on one, e.g. a tomogram."""

    @property
    def voxel_size_nm(self) -> Triple:
        """Spacing along (z, y, x) in nm."""


#: Radii in nm outside of which something is hardly a vesicle: worth a question to the person.
VESICLE_RADII_NM = (8.0, 100.0)


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

    @property
    def in_words(self) -> str:
        """Size in voxels and nm, in the order x, y, z as 3dmod and IMOD's ``header`` show it."""
        low, high = min(self.voxel_size_nm), max(self.voxel_size_nm)
        sizes = self.voxel_size_nm[::-1] if high - low >= 1e-3 else [high]
        shown = " x ".join(f"{size:.3g}" for size in sizes)
        return f"{' x '.join(map(str, reversed(self.shape)))}, {shown} nm"


@dataclass(frozen=True, eq=False, repr=False)
class Spheres:
    """N spheres on one grid.

    ``len(spheres)`` counts them, ``spheres["radius_nm"]`` is a column by its name in tables, and
    ``spheres[spheres["score"] > 0.5]`` are those that a mask picks.

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
    InputError
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
                raise InputError(f"{name} has {len(column)} entries for {n} spheres")
        if len(np.unique(columns["ids"])) != n:
            raise InputError("two spheres share an id: ids must be unique")
        for name, column in columns.items():
            object.__setattr__(self, name, column)
        object.__setattr__(self, "measures", measures)

    def __len__(self) -> int:
        return len(self.centres)

    def __repr__(self) -> str:
        known = self.radii_nm[np.isfinite(self.radii_nm)]
        parts = [str(len(self))]
        if len(known):
            spread = f" +- {known.std():.1f}" if len(known) > 1 else ""
            parts.append(f"radius {known.mean():.1f}{spread} nm")
        if unknown := len(self) - len(known):
            parts.append(f"{unknown} without a radius")
        return f"Spheres({', '.join(parts)})"

    @overload
    def __getitem__(self, key: str) -> npt.NDArray[Any]: ...
    @overload
    def __getitem__(self, key: BoolArray | IntArray | Sequence[int] | slice | int) -> Spheres: ...
    def __getitem__(self, key: Any) -> npt.NDArray[Any] | Spheres:
        """Return a column (N,) by name, or the spheres picked by a mask, rows, a slice or a row."""
        if isinstance(key, str):
            columns = self.as_columns()
            if key not in columns:
                raise InputError(f"no column {key!r}; there are {', '.join(columns)}")
            return columns[key]
        if isinstance(key, slice):
            return self.select(np.arange(len(self))[key])
        rows = np.atleast_1d(key)
        return self.select(rows if rows.size else rows.astype(np.int64))

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

    def as_columns(self, grid: HasVoxelSize | None = None) -> dict[str, npt.NDArray[Any]]:
        """All columns by name: id, z, y, x (voxels), radius_nm, score, then every measure.

        With a `grid`, z_nm, y_nm, x_nm follow x: the centre in nm from that of the first voxel.
        """
        z, y, x = self.centres.T
        columns = {"id": self.ids, "z": z, "y": y, "x": x}
        if grid is not None:
            positions_nm = (self.centres * np.asarray(grid.voxel_size_nm)).T
            columns |= dict(zip(NM_COLUMNS, positions_nm, strict=True))
        columns |= {"radius_nm": self.radii_nm, "score": self.scores}
        return columns | {n: column for n, column in self.measures.items() if n not in columns}

    @staticmethod
    def from_columns(columns: Mapping[str, Any]) -> Spheres:
        """Make spheres of columns, e.g. of a pandas DataFrame: the reverse of `as_columns`.

        Parameters
        ----------
        columns : mapping of str to (N,) arrays
            z, y, x and radius_nm are required. z_nm, y_nm and x_nm are left out, since they follow
            from z, y, x; other names become measures.

        Raises
        ------
        InputError
            A column is missing, or the lengths differ.
        """
        names = list(columns)
        if missing := [name for name in COLUMNS[1:5] if name not in names]:
            raise InputError(f"no column {', '.join(missing)}; spheres have {', '.join(COLUMNS)}")
        centres = [np.asarray(columns[name], np.float64) for name in ("z", "y", "x")]
        return Spheres(
            np.stack(centres, axis=1),
            np.asarray(columns["radius_nm"], np.float64),
            np.asarray(columns["score"] if "score" in names else [], np.float64),
            np.asarray(columns["id"] if "id" in names else [], np.int64),
            {n: np.asarray(columns[n]) for n in names if n not in (*COLUMNS, *NM_COLUMNS)},
        )

    def with_columns(self, **columns: npt.ArrayLike) -> Spheres:
        """Return the same spheres with columns replaced or added, e.g. ``radius_nm=...``."""
        return Spheres.from_columns({**self.as_columns(), **columns})

    def to_dataframe(self, grid: HasVoxelSize | None = None) -> pd.DataFrame:
        """Return the columns (see `as_columns`) as a pandas DataFrame, a row for each sphere.

        Raises
        ------
        MissingPackageError
            pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingPackageError(
                "pandas is not installed: pip install pandas; as_columns() does without"
            ) from error
        return pd.DataFrame(self.as_columns(grid))

    def to_napari(self, grid: HasVoxelSize) -> dict[str, Any]:
        """Return what napari's ``viewer.add_points(**...)`` takes to draw the spheres.

        Lengths are nm, as in an image layer whose ``scale`` is the grid's voxel size.
        """
        known = np.isfinite(self.radii_nm)
        return {
            "data": self.centres * np.asarray(grid.voxel_size_nm),
            "size": np.where(known, 2 * self.radii_nm, _NAPARI_SIZE_NM),
            "features": self.as_columns(),
            "name": "vesicles",
            "out_of_slice_display": True,
        }

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
