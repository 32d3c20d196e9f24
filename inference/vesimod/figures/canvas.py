"""Figures of matplotlib, which is an extra."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vesimod_imod.core.errors import MissingPackageError
from vesimod_imod.core.files import atomic_path

from vesimod.errors import not_installed

NO_FIGURE = f"no figure is drawn: {not_installed('matplotlib')}"


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure of a size in inches, drawn without a window.

    Raises
    ------
    MissingPackageError
        matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPackageError(NO_FIGURE) from error
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Any, path: Path) -> None:
    """Write a figure as PNG, whole or not at all."""
    with atomic_path(Path(path)) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
