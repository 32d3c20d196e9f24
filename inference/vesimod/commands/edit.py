"""``vesimod edit``: click vesicles in 3dmod and get precise spheres."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vesimod.commands.options import EditedModel, Invert, TomogramArgument, VoxelSize

if TYPE_CHECKING:
    from vesimod_imod.live.viewer import Viewer
    from vesimod_imod.live.watched_model import WatchedModel


def edit(
    tomogram: TomogramArgument,
    model: EditedModel,
    voxel_size_nm: VoxelSize = None,
    invert: Invert = False,
) -> None:
    """Open a model in 3dmod; each time you save it there, clicks become precise spheres."""
    from vesimod_imod.live.viewer import Viewer, find_3dmod

    from vesimod.commands.console import quoted, say
    from vesimod.commands.refining import session_on

    program = find_3dmod()
    if program is None:
        raise FileNotFoundError(
            "3dmod is neither on the PATH nor in $IMOD_DIR/bin. Install IMOD; or open the "
            f"tomogram and the model in a 3dmod elsewhere and run: vesimod "
            f"watch {quoted(tomogram)} {quoted(model)}"
        )
    Viewer.check_name(model)
    with session_on(tomogram, model, voxel_size_nm, invert) as (session, file):
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
            say(
                "closing 3dmod; if it asks whether to save, answer it (Ctrl-C again: leave at once)"
            )
            viewer.close()
            session.run(lambda: not viewer.running)
        viewer.wait()


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
