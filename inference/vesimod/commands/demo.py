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

    from vesimod_imod.core.files import atomic_path

    from vesimod.commands.console import print_spheres, say
    from vesimod.commands.evaluation_table import print_evaluation
    from vesimod.commands.segmenting import run
    from vesimod.io.sphere_table import read_spheres_csv
    from vesimod.runs.outputs import Outputs, Settings

    folder.mkdir(parents=True, exist_ok=True)
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
    say(f"picture       {picture}  (central XY, XZ and YZ slices as in 3dmod's XYZ window)")
