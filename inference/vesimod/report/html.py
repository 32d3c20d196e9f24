"""Write a report as one HTML file that opens anywhere and fetches nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from vesimod_imod.core.clean_text import one_line
from vesimod_imod.core.errors import MissingPackageError
from vesimod_imod.core.files import atomic_path, check_writable

from vesimod.errors import not_installed
from vesimod.figures.colours import DOUBTFUL, MIDDLING, SCORE_STOPS, SURE
from vesimod.figures.distributions import plots_of, profile_band, rounded
from vesimod.radial.inspection import inspect
from vesimod.radial.profile import profile_axis
from vesimod.radial.rays import RaySampler
from vesimod.report.cards import cards_of, dropped_cards
from vesimod.report.comparison import comparison_of, comparison_plots
from vesimod.report.head import head_of, warnings_of
from vesimod.report.slab_stack import slab_stack
from vesimod.report.subject import Subject
from vesimod.review.correction_table import Correction

Progress = Callable[[str, int, int], None]
PAGES = Path(__file__).parent / "page"


def write_report(
    path: Path, subject: Subject, *, overwrite: bool = False, progress: Progress | None = None
) -> None:
    """Write the report of one tomogram.

    Parameters
    ----------
    path : Path
        HTML to write, whole or not at all.
    subject : Subject
        What it is about.
    overwrite : bool
        Replace an existing file.
    progress : callable, optional
        As in `vesimod.segment`; its step is ``report``.

    Raises
    ------
    FileExistsError
        `path` exists and `overwrite` is false.
    MissingPackageError
        The packages of the extra ``report`` are not installed.
    """
    path = Path(path)
    check_writable(path, overwrite)
    check_packages()
    content = content_of(subject, progress)
    render(
        path,
        "report.html",
        title=f"{one_line(subject.tomogram.path.name)}: vesicles",
        head=head_of(subject),
        warnings=warnings_of(subject),
        content=content,
        plotly=_plotly(),
    )


def content_of(subject: Subject, progress: Progress | None = None) -> dict[str, Any]:
    """Collect what the page shows and computes with, as plain JSON values."""

    def step(share: float) -> Callable[[int, int], None]:
        return lambda done, total: (
            progress and progress("report", round(100 * (share + 0.5 * done / total)), 100)
        )

    tomogram, spheres = subject.tomogram, subject.spheres
    grid = tomogram.grid
    density = RaySampler(tomogram.grey, grid.voxel_size_nm, subject.invert)
    inspection = inspect(density, spheres, step(0.0))
    results = {} if subject.provenance is None else subject.provenance.results
    plots = plots_of(
        spheres,
        inspection,
        grid,
        subject.dropped,
        results.get("threshold_curve", ()),
        results.get("threshold"),
    )
    mean, spread = profile_band(inspection)
    size = np.asarray(grid.voxel_size_nm)
    return {
        "name": one_line(tomogram.path.name),
        "stem": one_line(subject.model.stem),
        "slabs": slab_stack(tomogram),
        "vesicles": cards_of(subject, inspection, step(0.5)),
        "dropped": [] if subject.dropped is None else dropped_cards(tomogram, subject.dropped),
        "axis": rounded(profile_axis()),
        "mean": rounded(mean),
        "spread": rounded(spread),
        "plots": [asdict(plot) for plot in (*plots, *comparison_plots(subject))],
        "comparison": comparison_of(subject),
        "drawings": [
            {
                "name": one_line(drawing.name),
                "closed": drawing.closed,
                "contours": [[rounded(point) for point in c * size] for c in drawing.contours],
            }
            for drawing in subject.drawings
        ],
        "columns": [column.name for column in fields(Correction)],
        "stops": SCORE_STOPS,
        "colours": [DOUBTFUL, MIDDLING, SURE],
    }


def check_packages() -> None:
    """Refuse to begin a report that cannot be written.

    Raises
    ------
    MissingPackageError
        Names the extra that brings what is missing.
    """
    for package in ("jinja2", "plotly"):
        if find_spec(package) is None:
            raise MissingPackageError(f"no report: {not_installed(package)}")


def render(path: Path, template: str, **values: Any) -> None:
    """Fill a page and write it whole or not at all; every value is escaped."""
    import jinja2

    pages = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = pages.get_template(template).render(**values)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _plotly() -> str:
    """Return the plotting library's JavaScript, which its package brings along."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())
