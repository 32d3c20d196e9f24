"""What decides how vesicles are looked for in one tomogram, wherever it is done."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vesimod_imod.core.arrays import BoolArray
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.short_repr import ShortRepr

from vesimod.limits import RADIUS_NM

# Radii that the network finds at its own voxel size, and at twice its size half as large.
AT_ITS_OWN_SIZE_NM = (15.0, 40.0)
LARGEST_SCALE = 64  # radii of 2.5 micrometres: beyond any tomogram


@dataclass(frozen=True, eq=False, repr=False)
class SearchSettings(ShortRepr):
    """How vesicles are looked for, and where.

    Parameters
    ----------
    threshold : float, optional
        Probability from which a voxel counts as vesicle; default: found automatically.
    invert : bool
        The tomogram has bright membranes: negate it.
    region : (z, y, x) bool, optional
        Where vesicles may be, on the tomogram's grid; others are dropped. Nothing depends on
        what is said of places more than 100 nm away.
    radius_nm : (float, float)
        Least and largest radius that is looked for.
    listed_nm : float
        What is smaller is not even listed among what was dropped: a finer scale finds it.

    Raises
    ------
    InputError
        `threshold` is not between 0 and 1, or the radii are not a range.
    """

    threshold: float | None = None
    invert: bool = False
    region: BoolArray | None = None
    radius_nm: tuple[float, float] = RADIUS_NM
    listed_nm: float = 0.0

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise InputError(f"`threshold={self.threshold:g}`: must lie between 0 and 1")
        low, high = self.radius_nm
        if not 0 < low < high:
            raise InputError(f"`radius_nm=({low:g}, {high:g})`: the first must be below the second")

    @property
    def scales(self) -> tuple[int, ...]:
        """At how many times the network's voxel size vesicles are looked for, finest first."""
        low, high = self.radius_nm
        largest = AT_ITS_OWN_SIZE_NM[1]
        scales, scale = [], 1
        while scale <= LARGEST_SCALE:
            finer_reaches = 0.5 * scale * largest if scale > 1 else 0.0
            if low < scale * largest and high > finer_reaches:
                scales.append(scale)
            scale *= 2
        return tuple(scales) or (LARGEST_SCALE,)

    def at(self, scale: int) -> SearchSettings:
        """Return the settings for one of the scales, lengths as they appear there."""
        low, high = self.radius_nm
        if scale == self.scales[0]:
            return replace(self, radius_nm=(low / scale, high / scale))
        low = max(low, scale * AT_ITS_OWN_SIZE_NM[0])  # a finer scale finds them better
        return replace(self, radius_nm=(low / scale, high / scale), listed_nm=low / scale)


EVERYWHERE = SearchSettings()
