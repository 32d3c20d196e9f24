"""Refining a model while somebody works on it: what ``edit`` and ``watch`` share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vesimod_imod.live.refining import Find
    from vesimod_imod.live.session import Session
    from vesimod_imod.live.watched_model import WatchedModel

    from vesimod.io.tomogram import Tomogram


@contextmanager
def session_on(
    tomogram: Path, model: Path, voxel_size_nm: float | None, invert: bool
) -> Iterator[tuple[Session, WatchedModel]]:
    """Open the tomogram and the model for a session, the only one on that model.

    Where the last one was cut short, that is said.
    """
    from vesimod_imod.core.file_roles import check_files
    from vesimod_imod.core.files import check_regular, check_writable
    from vesimod_imod.core.locks import lock_path, only_writer
    from vesimod_imod.live.watched_model import History

    from vesimod.commands.console import open_tomogram, warn

    check_files([tomogram], [model], overwrite=True)
    volume = open_tomogram(tomogram, voxel_size_nm)
    history = History(model).folder
    # Any run in the model's folder clears locks of the dead there: what tells of a session that
    # was cut short lies in the history.
    trace = history / "session"
    cut_short = lock_path(trace).exists()
    check_writable(model, overwrite=True)
    if model.exists():
        check_regular(model)
    history.mkdir(exist_ok=True)
    with only_writer([model, trace]):
        if cut_short:
            warn(
                f"the last session on {model.name} was cut short; what was saved in it is in "
                f"{model.name} or in {history}"
            )
        file, find = open_files(volume, model, invert)
        yield new_session(file, find, volume), file


def open_files(volume: Tomogram, model: Path, invert: bool) -> tuple[WatchedModel, Find]:
    """Open the model and make it ready for clicks.

    A model that is absent is made. An object for spheres that starts a new contour with each
    click is added where there is none, and clicks in closed or open contours are made scattered
    points; the model as it was goes to the history first.
    """
    import numpy as np
    from vesimod_imod.core.arrays import FloatArray
    from vesimod_imod.core.spheres import Spheres
    from vesimod_imod.live.point_edits import with_sphere_object
    from vesimod_imod.live.refining import Found
    from vesimod_imod.live.scatter_clicks import with_scattered_clicks
    from vesimod_imod.live.watched_model import History, WatchedModel
    from vesimod_imod.model.chunks import join_chunks
    from vesimod_imod.model.files import read_mod, write_mod
    from vesimod_imod.sphere_model.write import write_sphere_model

    from vesimod.commands.console import say
    from vesimod.vesicles.snap import snap

    if not model.exists():
        write_sphere_model(model, Spheres.empty(), volume.grid)
    content = model.read_bytes()
    scattered, remarks = with_scattered_clicks(read_mod(model))
    for remark in remarks:
        say(remark)
    ready = with_sphere_object(scattered)
    if join_chunks(ready) != content:
        History(model).keep(content, "start")
        write_mod(model, ready, overwrite=True)

    def find(clicks: FloatArray, taken: Spheres) -> Found:
        size = volume.grid.voxel_size_nm
        snapped = snap(volume.grey, size, clicks, taken=taken, invert=invert)
        spheres = snapped.spheres
        radii_nm = np.where(snapped.found, spheres.radii_nm, np.nan)
        return Found(spheres.centres, radii_nm, snapped.reasons.tolist())

    return WatchedModel(model), find


def new_session(file: WatchedModel, find: Find, volume: Tomogram) -> Session:
    """Put a session together that tells the person what happens."""
    from vesimod_imod.live.refining import refine
    from vesimod_imod.live.session import Session

    from vesimod.commands.console import say

    return Session(file, lambda model, known: refine(model, known, volume.grid, find), say)
