"""Membranes that were traced, in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vesimod.membranes.trace_model import TracedObject
    from vesimod.runs.membrane_file import TracedFile


def tell_traced(
    traced: TracedFile,
    tomogram: Path,
    output: Path,
    labels: Path | None,
    quiet: bool,
    note: str | None = None,
) -> None:
    """Say what is doubtful, what was found along each object, a note, and what was written."""
    from vesimod.commands import console

    for warning in traced.warnings:
        console.warn(warning)
    for found in traced.objects:
        tell_membrane(found, quiet)
    if quiet:
        return
    if note is not None:
        console.say(f"note: {note}")
    for path in (output, labels):
        if path is not None:
            console.say(f"wrote {path}")
    console.suggest_3dmod(tomogram, output)


def tell_membrane(found: TracedObject, quiet: bool = False) -> None:
    """Say what was found along one object, and where nothing was seen."""
    from vesimod.commands import console
    from vesimod.membranes.unseen import unseen_in_words

    name, membrane = repr(found.drawing.name), found.membrane
    if not membrane.seen_fraction:
        console.warn(
            f"object {name}: no membrane was seen within reach of the guide, which is followed; "
            "are membranes bright (`invert`), or is the voxel size wrong?"
        )
    if quiet:
        return
    thick = f", {membrane.thickness_nm:.1f} nm thick" if membrane.thickness_nm > 0 else ""
    side = "; its inside is what the contours enclose" if membrane.closed else ""
    console.say(
        f"object {name}: {len(found.drawing.contours)} contours on {len(found.sections)} sections"
        f"{thick}{side}"
    )
    console.say(f"  {unseen_in_words(membrane)}")
    if found.kept or found.deleted:
        console.say(
            f"  kept as a person left it: {found.kept} contours, {found.deleted} cleared sections"
        )
