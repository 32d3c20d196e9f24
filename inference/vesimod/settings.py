"""What decides how vesicles are looked for in one tomogram, wherever it is done."""

from __future__ import annotations

from dataclasses import dataclass

from vesimod_imod.core.arrays import BoolArray
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.short_repr import ShortRepr


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

    Raises
    ------
    InputError
        `threshold` is not between 0 and 1.
    """

    threshold: float | None = None
    invert: bool = False
    region: BoolArray | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise InputError(f"`threshold={self.threshold:g}`: must lie between 0 and 1")


EVERYWHERE = SearchSettings()
