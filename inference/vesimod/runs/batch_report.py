"""The page about a batch, made of what lies in its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from vesimod_imod.core.clean_text import one_line
from vesimod_imod.sphere_model.read import read_sphere_model

from vesimod.errors import EXPECTED
from vesimod.figures.gallery import as_webp
from vesimod.figures.slices import thumbnail
from vesimod.io.provenance import read_provenance
from vesimod.io.tomogram import read_tomogram
from vesimod.report.batch_page import Line, write_batch_page
from vesimod.report.subject import without_folders
from vesimod.runs.batch import ENDINGS
from vesimod.runs.summary import Row

QUALITY = 60


def write_batch_report(path: Path, rows: Sequence[Row]) -> None:
    """Write the page about these tomograms; an old one is replaced.

    Parameters
    ----------
    path : Path
        In the folder where the results are.
    rows : sequence of Row
        From `vesimod.runs.batch.run_jobs`.
    """
    write_batch_page(path, [_line(row) for row in rows])


def _line(row: Row) -> Line:
    """Collect what the page says of one tomogram."""
    report = row.model.with_name(row.name + ENDINGS["report"])
    notes = tuple(without_folders(note, row.tomogram, row.model) for note in row.notes)
    if row.state == "failed":
        return Line(one_line(row.name), row.state, notes=notes)
    record, _ = read_provenance(row.model)
    results: dict[str, Any] = {} if record is None else record.results
    set_to: dict[str, Any] = {} if record is None else record.parameters
    return Line(
        one_line(row.name),
        row.state,
        thumbnail=_thumbnail(row, set_to.get("voxel_size_nm")),
        link=quote(report.name) if report.exists() else "",
        vesicles=row.vesicles,
        radius_nm=row.radius_mean_nm,
        radius_sd_nm=row.radius_sd_nm,
        density_per_um3=row.density_per_um3,
        dropped_share=_dropped_share(row, results.get("dropped")),
        threshold=results.get("threshold"),
        seconds=row.seconds,
        notes=notes,
    )


def _dropped_share(row: Row, dropped: object) -> float | None:
    """Share of the candidates that were not accepted; None where the record does not say."""
    if not isinstance(dropped, dict) or row.vesicles is None:
        return None
    numbers = [number for number in dropped.values() if isinstance(number, int)]
    candidates = sum(numbers) + row.vesicles
    return sum(numbers) / candidates if candidates else None


def _thumbnail(row: Row, voxel_size_nm: float | None) -> str:
    """Draw the middle slab; empty where the tomogram cannot be read any more."""
    if row.tomogram is None:
        return ""
    try:
        tomogram = read_tomogram(row.tomogram, voxel_size_nm)
        spheres = read_sphere_model(row.model, tomogram.grid).vesicles().spheres
        return as_webp(np.asarray(thumbnail(tomogram, spheres)), QUALITY)
    except EXPECTED:
        return ""
