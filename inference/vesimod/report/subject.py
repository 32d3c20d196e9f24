"""What a report is about: a tomogram, its spheres, and what else is known of them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from vesimod_imod.contour_model.read import Drawing
from vesimod_imod.core.clean_text import one_line
from vesimod_imod.core.errors import as_flags
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Spheres
from vesimod_imod.sphere_model.read import SphereReading

from vesimod.io.provenance import Provenance
from vesimod.io.tomogram import Tomogram

# Folders in front of a name, in what a message says of a file: /a/b/c.mrc, C:\a\c.mrc.
_FOLDERS = re.compile(r"(?<![\w.])(?:[A-Za-z]:)?[\\/](?:[^\s\\/:'\"]+[\\/])*(?=[^\s\\/])")


@dataclass(frozen=True, eq=False, repr=False)
class Subject(ShortRepr):
    """What a report is about.

    Parameters
    ----------
    tomogram : Tomogram
    model : Path
        The sphere model.
    reading : SphereReading
        What it holds, on the tomogram's grid.
    provenance : Provenance, optional
        How it was made.
    notes : tuple of str
        What may be wrong, in words.
    invert : bool
        Membranes are bright.
    features : Spheres, optional
        Vesicles with the measures of vesimod's tables, by id.
    dropped : Spheres, optional
        Candidates that were not accepted, with the measure ``reason``.
    truth : Spheres, optional
        True or corrected vesicles to compare with.
    drawings : tuple of Drawing
        Outlines, active zone, connectors: contours to show in 3D.
    with_paths : bool
        Show files with their folders.
    """

    tomogram: Tomogram
    model: Path
    reading: SphereReading
    provenance: Provenance | None = None
    notes: tuple[str, ...] = ()
    invert: bool = False
    features: Spheres | None = None
    dropped: Spheres | None = None
    truth: Spheres | None = None
    drawings: tuple[Drawing, ...] = ()
    with_paths: bool = False

    @property
    def spheres(self) -> Spheres:
        """The vesicles of the model, with the measures that are known of them."""
        spheres, known = self.reading.spheres, self.features
        if known is None:
            return spheres
        rows = {number: row for row, number in enumerate(known.ids.tolist())}
        if any(number not in rows for number in spheres.ids.tolist()):
            return spheres  # other ids: of another model
        return spheres.with_measures(
            **known.select([rows[n] for n in spheres.ids.tolist()]).measures  # type: ignore[arg-type]
        )

    def file(self, path: Path) -> str:
        """Name a file as the report does."""
        return one_line(str(path.absolute()) if self.with_paths else path.name)

    def words(self, text: str) -> str:
        """Put a message as the report does: flags for keywords, no folders of this machine."""
        if self.with_paths:
            return one_line(as_flags(text))
        return without_folders(text, self.tomogram.path, self.model)


def without_folders(text: str, *files: Path | None) -> str:
    """Put a message on one line, with flags for keywords and without folders of this machine.

    Folders of `files` are known, whatever their names; others are recognised by their form.
    """
    text = one_line(as_flags(text))
    for path in (file for file in files if file is not None):
        for folder in {str(path.parent), str(path.absolute().parent)} - {".", os.sep}:
            text = text.replace(folder + os.sep, "")
    return _FOLDERS.sub("", text)
