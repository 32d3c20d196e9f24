"""``vesimod watch``: the same as ``vesimod edit`` beside a 3dmod that runs already."""

from __future__ import annotations

from vesimod.commands.options import EditedModel, Invert, TomogramArgument, VoxelSize


def watch(
    tomogram: TomogramArgument,
    model: EditedModel,
    voxel_size_nm: VoxelSize = None,
    invert: Invert = False,
) -> None:
    """Watch a model; each time a 3dmod saves it, clicks become precise spheres in the file."""
    from vesimod.commands.console import UNBINNED, say
    from vesimod.commands.refining import session_on

    with session_on(tomogram, model, voxel_size_nm, invert) as (session, _):
        session.start()
        say(f"Watching {model}: save it in 3dmod (s), then load it again (File > Reload Model).")
        say(f"note: {UNBINNED}")
        say(f"Every state is kept in {session.history.folder}. End with Ctrl-C.")
        try:
            session.run(lambda: False)
        except KeyboardInterrupt:
            session.say_where_saves_went()
            say("ended")
