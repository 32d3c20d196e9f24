"""``vesimod demo``: the whole way on a tomogram that ships with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    folder: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for the results; made if absent.")
    ] = Path("vesimod-demo"),
) -> None:
    """Segment a small simulated tomogram and show what a result looks like."""
    import shutil
    from importlib import resources

    from vesimod_imod.core.files import atomic_path, make_folder

    from vesimod.commands.console import print_spheres, say
    from vesimod.commands.evaluation_table import print_evaluation
    from vesimod.commands.segmenting import run
    from vesimod.io.sphere_table import read_spheres_csv
    from vesimod.runs.outputs import Outputs, Settings

    make_folder(folder)
    source = Path(str(resources.files("vesimod"))) / "demo"
    tomogram = folder / "demo_rec.mrc"
    with atomic_path(tomogram) as temporary:
        shutil.copyfile(source / "demo.mrc", temporary)
    model, table, picture = (
        folder / name for name in ("demo_rec_vesicles.mod", "demo_rec.csv", "demo_rec.png")
    )
    result = run(tomogram, Outputs(model, table, picture=picture), Settings(), overwrite=True)
    print_spheres(result.spheres)
    truth = read_spheres_csv(source / "demo_truth.csv")
    say("")
    say("The demo tomogram is simulated, so the truth is known:")
    print_evaluation(result.spheres, truth, tomogram)
    say("")
    say(f"sphere model  {model}")
    say(f"table         {table}")
    say(f"picture       {picture}  (slabs through the depth, coloured by score)")
    say("")
    say("A second one holds a synapse, with outline and active zone drawn roughly in a guide:")
    _trace_synapse(source, folder)


def _trace_synapse(source: Path, folder: Path) -> None:
    """Trace the membranes of the synapse along their guide."""
    import shutil

    from vesimod_imod.core.files import atomic_path

    from vesimod.commands.console import say
    from vesimod.commands.membrane_words import tell_membrane
    from vesimod.io.tomogram import read_tomogram
    from vesimod.runs.membrane_file import trace_file

    tomogram, guide, output = (
        folder / f"synapse_{name}" for name in ("rec.mrc", "guide.mod", "membranes.mod")
    )
    for original, copy in (("synapse.mrc", tomogram), ("synapse_guide.mod", guide)):
        with atomic_path(copy) as temporary:
            shutil.copyfile(source / original, temporary)
    for found in trace_file(read_tomogram(tomogram), guide, output, overwrite=True).objects:
        tell_membrane(found)
    say(f"membranes     {output}  (with the tomogram {tomogram.name} and the guide {guide.name})")
