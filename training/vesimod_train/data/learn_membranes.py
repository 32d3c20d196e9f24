"""An outline that a person corrected, turned into a training pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from vesimod.io.tomogram import Tomogram
from vesimod.membranes.edits import GRAIN
from vesimod_imod.contour_model.read import Drawing, drawings_of
from vesimod_imod.contour_model.write import write_drawings
from vesimod_imod.core.arrays import FloatArray
from vesimod_imod.core.object_names import OUTLINE, is_region
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.objects import objects_of

from vesimod_train.data.learn import copied_grid, copied_tomogram

ENDING = "_outline"  # of the pair's model, which a model of vesicles may lie beside


@dataclass(frozen=True, eq=False, repr=False)
class MembraneLesson(ShortRepr):
    """What a person left of outline and active zone.

    Parameters
    ----------
    drawings : tuple of Drawing
        All contours as they are now.
    counts : mapping of str to int
        Contours by what became of them: kept, changed, added, removed.
    """

    drawings: tuple[Drawing, ...]
    counts: dict[str, int]


def is_outline(model: ModFile) -> bool:
    """Whether a model holds the outline of a cell, rather than vesicles."""
    return any(item.name == OUTLINE and item.kind == "closed" for item in objects_of(model))


def learn_membranes(
    tomogram: Tomogram, predicted: ModFile, corrected: ModFile
) -> tuple[MembraneLesson, list[str]]:
    """Find out what a person made of an outline, and what is doubtful about the models."""
    before, _ = drawings_of(predicted, tomogram.grid)
    drawings, doubts = drawings_of(corrected, tomogram.grid)
    drawings = [drawing for drawing in drawings if not is_region(drawing.name)]
    old, new = _sections(before), _sections(drawings)
    counts = Counter(
        "kept" if contour in old.get(place, []) else "changed" if place in old else "added"
        for place, contours in new.items()
        for contour in contours
    )
    counts["removed"] = len(old.keys() - new.keys())
    told = {name: counts[name] for name in ("kept", "changed", "added", "removed")}
    return MembraneLesson(tuple(drawings), told), doubts


def write_membrane_pair(
    folder: Path,
    tomogram: Tomogram,
    lesson: MembraneLesson,
    reviewed: ModFile,
    *,
    invert: bool = False,
    also_read: Sequence[Path | None] = (),
    overwrite: bool = False,
) -> Path:
    """Write NAME.mrc and NAME_outline.mod, from which an example is made; return the latter.

    Parameters are those of `vesimod_train.data.learn.write_pair`.
    """
    regions = [d for d in drawings_of(reviewed, tomogram.grid)[0] if is_region(d.name) and d.closed]
    grid = copied_grid(tomogram)
    copied = copied_tomogram(
        folder, tomogram, ENDING, invert=invert, also_read=also_read, overwrite=overwrite
    )
    with copied as model_path:
        write_drawings(model_path, [*lesson.drawings, *regions], grid, overwrite=overwrite)
    return model_path


def _sections(drawings: Sequence[Drawing]) -> dict[tuple[str, int], list[bytes]]:
    """Contours as they are stored, by object and section."""
    found: dict[tuple[str, int], list[bytes]] = {}
    for drawing in drawings:
        for contour in drawing.contours:
            place = drawing.name, round(float(contour[:, 0].mean()))
            found.setdefault(place, []).append(_stored(contour))
    return found


def _stored(contour: FloatArray) -> bytes:
    return np.rint(contour / GRAIN).astype(np.int64).tobytes()
