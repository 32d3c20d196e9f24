"""``vesimod edit``: click vesicles in 3dmod and get precise spheres."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesimod.commands.segment import Invert, VoxelSize

if TYPE_CHECKING:
    from vesimod_imod.live.refining import Find
    from vesimod_imod.live.session import Session
    from vesimod_imod.live.viewer import Viewer
    from vesimod_imod.live.watched_model import WatchedModel

    from vesimod.io.tomogram import Tomogram

TomogramArgument = Annotated[Path, typer.Argument(help="The tomogram, e.g. TS_01_rec.mrc.")]
ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL.mod", help="The model to work on; made if it is absent.")
]


def edit(
    tomogram: TomogramArgument,
    model: ModelArgument,
    voxel_size_nm: VoxelSize = None,
    invert: Invert = False,
) -> None:
    """Open a model in 3dmod; each time you save it there, clicks become precise spheres."""
    from vesimod_imod.live.viewer import Viewer, find_3dmod

    from vesimod.commands.console import say

    program = find_3dmod()
    if program is None:
        raise FileNotFoundError(
            "3dmod is neither on the PATH nor in $IMOD_DIR/bin. Install IMOD; or open the "
            f"tomogram and the model in a 3dmod elsewhere and run: vesimod watch {tomogram} {model}"
        )
    Viewer.check_name(model)
    file, find, volume = open_files(tomogram, model, voxel_size_nm, invert)
    session = new_session(file, find, volume)
    session.start()
    viewer = Viewer([str(program)], tomogram, model)
    session.viewer = viewer
    try:
        make_ready(viewer, file)
        say("Click a vesicle near its centre with the middle mouse button; save with s.")
        say("Each save turns clicks, and spheres that you moved, into precise spheres.")
        say(f"Every state is kept in {session.history.folder}. Close 3dmod to end.")
        session.run(lambda: not viewer.running)
    except KeyboardInterrupt:
        say("closing 3dmod; if it asks whether to save, answer it (Ctrl-C again: leave at once)")
        viewer.close()
        session.run(lambda: not viewer.running)
    viewer.wait()


def open_files(
    tomogram: Path, model: Path, voxel_size_nm: float | None, invert: bool
) -> tuple[WatchedModel, Find, Tomogram]:
    """Open the tomogram and the model; make the model ready for clicks.

    A model that is absent is made. An object for spheres that starts a new contour with each
    click is added where there is none; the model as it was is kept with ``~``.
    """
    import numpy as np
    from vesimod_imod.core.arrays import FloatArray
    from vesimod_imod.core.spheres import Spheres
    from vesimod_imod.live.point_edits import with_sphere_object
    from vesimod_imod.live.refining import Found
    from vesimod_imod.live.watched_model import WatchedModel
    from vesimod_imod.model.chunks import join_chunks
    from vesimod_imod.model.files import read_mod, write_mod
    from vesimod_imod.sphere_model.write import write_sphere_model

    from vesimod.commands.console import say
    from vesimod.io.tomogram import read_tomogram
    from vesimod.vesicles.snap import snap

    volume = read_tomogram(tomogram, voxel_size_nm)
    for note in volume.notes:
        say(f"note: {note}")
    if not model.exists():
        write_sphere_model(model, Spheres.empty(), volume.grid)
    ready = with_sphere_object(read_mod(model))
    if join_chunks(ready) != model.read_bytes():
        write_mod(model, ready, overwrite=True)

    def find(clicks: FloatArray, taken: Spheres) -> Found:
        size = volume.grid.voxel_size_nm
        snapped = snap(volume.voxels, size, clicks, taken=taken, invert=invert)
        spheres = snapped.spheres
        radii_nm = np.where(snapped.found, spheres.radii_nm, np.nan)
        return Found(spheres.centres, radii_nm, snapped.reasons.tolist())

    return WatchedModel(model), find, volume


def new_session(file: WatchedModel, find: Find, volume: Tomogram) -> Session:
    """Put a session together that tells the person what happens."""
    from vesimod_imod.live.refining import refine
    from vesimod_imod.live.session import Session

    from vesimod.commands.console import say

    return Session(file, lambda model, known: refine(model, known, volume.grid, find), say)


def make_ready(viewer: Viewer, file: WatchedModel) -> None:
    """Tell 3dmod how clicks are to be taken.

    Raises
    ------
    RuntimeError
        3dmod has ended, or does not listen.
    """
    from vesimod_imod.live.point_edits import sphere_object

    if viewer.click_into(sphere_object(file.model) or 0):
        return
    words = " ".join(viewer.last_words) or "it said nothing"
    if viewer.running:
        viewer.close()
        raise RuntimeError(f"3dmod does not take commands on its standard input (-L): {words}")
    raise RuntimeError(f"3dmod ended at once, exit code {viewer.wait()}: {words}")
