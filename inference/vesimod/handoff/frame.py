"""What positions in another program's file are relative to, and what goes wrong with such files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from vesimod_imod.core.arrays import FloatArray, Triple
from vesimod_imod.core.clean_text import one_line
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.spheres import FARTHEST, Grid, Spheres

ANGSTROM_PER_NM = 10.0


class HandoffError(InputError):
    """A file of another program cannot be read, or does not fit the tomogram."""


@dataclass(frozen=True)
class Frame:
    """The volume that positions in a file lie in.

    Parameters
    ----------
    grid : Grid
        Its shape may be (0, 0, 0) where nobody told it; formats that count from the middle of the
        volume refuse that.
    tomogram : str
        The tomogram's name in files that hold several, e.g. TS_01.
    tilt_pixel_nm : float, optional
        Pixel size of the unbinned tilt series, in which RELION counts; default: the tomogram's.
    """

    grid: Grid
    tomogram: str = "tomogram"
    tilt_pixel_nm: float | None = None

    def __post_init__(self) -> None:
        # Names of files may hold what XML forbids and what repaints a terminal.
        object.__setattr__(self, "tomogram", one_line(self.tomogram))

    @property
    def size_nm(self) -> Triple:
        """Voxel size (z, y, x)."""
        return self.grid.voxel_size_nm

    def middle(self, path: Path) -> FloatArray:
        """Position (z, y, x) in voxels from which RELION 5 counts: half of the size.

        Raises
        ------
        HandoffError
            The volume's shape is not known.
        """
        if not all(self.grid.shape):
            raise HandoffError(
                f"{path}: its positions count from the middle of the volume, whose size is not "
                "known; give `tomogram`"
            )
        return np.asarray(self.grid.shape, np.float64) / 2


Writer = Callable[[Path, Spheres, Frame], None]
Reader = Callable[[Path, Frame], Spheres]


def spheres_at(
    path: Path,
    centres: FloatArray,
    radii_nm: FloatArray | None = None,
    scores: FloatArray | None = None,
    ids: Iterable[float] | None = None,
) -> Spheres:
    """Make spheres of what a file states; radii NaN, scores 1 and ids 1..N where it states none.

    Raises
    ------
    HandoffError
        A position is no number, or beyond any volume.
    """
    centres = np.asarray(centres, np.float64).reshape(-1, 3)
    if not (np.abs(centres) < FARTHEST).all():
        raise HandoffError(f"{path}: a position is not a number of voxels below {FARTHEST:g}")
    count = len(centres)
    stated = np.array([], np.float64) if ids is None else np.array(list(ids), np.float64)
    whole = np.isfinite(stated) & (stated == np.rint(stated)) & (stated > 0) & (stated < 1 << 31)
    usable = len(stated) == count and whole.all() and len(np.unique(stated)) == count
    radii = np.full(count, np.nan) if radii_nm is None else np.asarray(radii_nm, np.float64)
    return Spheres(
        centres,
        np.where(radii > 0, radii, np.nan),
        np.ones(count) if scores is None else np.asarray(scores, np.float64),
        stated.astype(np.int64) if usable else np.arange(1, count + 1),
    )


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn what a damaged file causes into one error that names it.

    Raises
    ------
    HandoffError
    """
    try:
        yield
    except HandoffError:
        raise
    except (ValueError, KeyError, IndexError, TypeError, SyntaxError, AttributeError) as error:
        raise HandoffError(f"{path}: is not {what} ({type(error).__name__}: {error})") from error
