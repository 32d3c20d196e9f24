"""Options and arguments that several commands take."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class DeviceChoice(str, Enum):
    """Where the network runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing outputs.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors and warnings only.")]
VoxelSize = Annotated[
    float | None,
    typer.Option(metavar="F", help="Voxel size in nm, overriding the MRC header."),
]
ModelOption = Annotated[
    str, typer.Option("--model", metavar="NAME|FILE.onnx", help="A shipped model or your own.")
]
Device = Annotated[DeviceChoice, typer.Option(help="cuda insists on the GPU; auto tries it.")]
Threads = Annotated[
    int | None, typer.Option(min=1, help="CPU threads; default leaves one core free.")
]
MemoryGB = Annotated[
    float | None,
    typer.Option(
        "--memory-gb", metavar="F", min=0.5, help="Memory to use; default a quarter of the free."
    ),
]
Threshold = Annotated[
    float | None, typer.Option(metavar="F", help="Probability threshold; default automatic.")
]
RadiusRange = Annotated[
    tuple[float, float],
    typer.Option(
        "--radius-nm",
        metavar="MIN MAX",
        help="Radii that are looked for, in nm; large vesicles are sought at larger voxels.",
    ),
]
Invert = Annotated[bool, typer.Option("--invert", help="Membranes are bright in this tomogram.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Slabs = Annotated[
    int,
    typer.Option(metavar="N", min=1, max=999, help="Chunks that share each tomogram, cut along Z."),
]
TomogramArgument = Annotated[Path, typer.Argument(help="The tomogram, e.g. TS_01_rec.mrc.")]
EditedModel = Annotated[
    Path, typer.Argument(metavar="MODEL.mod", help="The model to work on; made if it is absent.")
]
GridTomogram = Annotated[
    Path | None,
    typer.Option("--tomogram", help="The tomogram; needed where the models state no voxel size."),
]
