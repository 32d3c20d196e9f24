"""The head of a report: what was searched for where, what was found, and what may be wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from vesimod_imod.core.spheres import Spheres

from vesimod.report.subject import Subject

NM3_PER_UM3 = 1e9


def head_of(subject: Subject) -> list[tuple[str, str]]:
    """Names and values of the head's table."""
    grid, spheres = subject.tomogram.grid, subject.spheres
    record = subject.provenance
    results: dict[str, Any] = {} if record is None else record.results
    set_to: dict[str, Any] = {} if record is None else record.parameters
    extent_um = np.asarray(grid.shape) * np.asarray(grid.voxel_size_nm) / 1000
    size = " x ".join(f"{length:.3g}" for length in extent_um[::-1])
    rows = [
        ("tomogram", subject.file(subject.tomogram.path)),
        ("voxels (x, y, z)", grid.in_words),
        ("size (x, y, z)", f"{size} um"),
        ("sphere model", subject.file(subject.model)),
        (
            "made by",
            "not known" if record is None else f"{record.software}, model {record.network}",
        ),
    ]
    if sought := set_to.get("radius_nm"):
        rows.append(("radii sought", f"{sought[0]:g} to {sought[1]:g} nm"))
    if threshold := results.get("threshold"):
        how = "automatic" if set_to.get("threshold") is None else "set"
        rows.append(("threshold", f"{threshold:.2f} ({how})"))
    searched = results.get("searched_um3") or float(np.prod(extent_um))
    density = f"{len(spheres) / searched:.0f} in a cubic micrometre of the {searched:.3g} searched"
    rows += [
        ("vesicles", str(len(spheres))),
        ("density", density),
        ("radius", radius_words(spheres)),
    ]
    rows += [("header", subject.words(note)) for note in subject.tomogram.notes]
    if seconds := results.get("seconds"):
        rows.append(("found in", f"{seconds:.0f} s"))
    if record is not None:
        rows.append(("date", record.date))
    return rows


def radius_words(spheres: Spheres) -> str:
    """Mean, standard deviation and median of the radii that are known."""
    known = spheres.radii_nm[np.isfinite(spheres.radii_nm)]
    if not len(known):
        return "none known"
    middle = float(np.median(known))
    return f"mean {known.mean():.1f}, SD {known.std():.1f}, median {middle:.1f} nm (outer edge)"


def warnings_of(subject: Subject) -> list[str]:
    """Everything that may be wrong, each once, in words and with what to do."""
    recorded = [] if subject.provenance is None else subject.provenance.results.get("notes", [])
    notes = [*subject.tomogram.warnings, *recorded, *subject.notes, *subject.reading.warnings]
    return list(dict.fromkeys(subject.words(note) for note in notes))
