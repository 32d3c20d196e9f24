"""``vesimod segment``: a tomogram to an IMOD sphere model."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vesimod.io.tomogram import Tomogram
    from vesimod.pipeline import Segmentation
    from vesimod.runs.segment_file import Outputs, Settings


MUCH_AGAIN = 0.3  # of the network's work; worth a word


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
Invert = Annotated[bool, typer.Option("--invert", help="Membranes are bright in this tomogram.")]


def segment(
    tomogram: Annotated[Path, typer.Argument(help="Reconstructed volume, e.g. TS_01_rec.mrc.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="MOD", help="Default: <stem>_vesicles.mod."),
    ] = None,
    table: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Also write the spheres as a table.")
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="MRC", help="Also write a label volume: each sphere's id."),
    ] = None,
    probability: Annotated[
        Path | None, typer.Option(metavar="MRC", help="Also write the network's output, 0 to 1.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Also draw the spheres on central slices.")
    ] = None,
    dropped: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Also write the candidates not accepted, with reasons."),
    ] = None,
    region: Annotated[
        Path | None,
        typer.Option(
            metavar="MOD|MRC", help="Where vesicles may be: closed contours, or a mask above 0."
        ),
    ] = None,
    score_classes: Annotated[
        bool, typer.Option("--score-classes", help="Five objects by score, in heat colours.")
    ] = False,
    model: ModelOption = "fast",
    voxel_size_nm: VoxelSize = None,
    threshold: Threshold = None,
    device: Device = DeviceChoice.auto,
    threads: Threads = None,
    memory_gb: MemoryGB = None,
    invert: Invert = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Find the vesicles of a tomogram and write them as an IMOD sphere model."""
    from vesimod.runs.segment_file import Outputs, Settings, default_output

    run(
        tomogram,
        Outputs(output or default_output(tomogram), table, labels, probability, picture, dropped),
        Settings(voxel_size_nm, threshold, invert, region, score_classes),
        model=model,
        device=device.value,
        threads=threads,
        memory_gb=memory_gb,
        overwrite=overwrite,
        quiet=quiet,
    )


def run(
    path: Path,
    outputs: Outputs,
    settings: Settings,
    *,
    model: str = "fast",
    device: str = "auto",
    threads: int | None = None,
    memory_gb: float | None = None,
    slabs: int = 1,
    overwrite: bool = False,
    quiet: bool = False,
) -> Segmentation:
    """Segment a file, write everything that was asked for, and say so.

    Every output is checked before the work begins, and each file appears whole or not at all.
    With `slabs` above 1 the network's part is read from that many files of `vesimod.runs.slabs`.
    """
    from vesimod.commands import console
    from vesimod.network.model import load_model
    from vesimod.pipeline import extra_work
    from vesimod.runs.segment_file import prepare, segment_and_write

    tomogram = prepare(path, outputs, settings, overwrite)
    network = load_model(
        model,
        device=device,  # type: ignore[arg-type]
        threads=threads,
        memory_gb=memory_gb,
    )
    if not quiet:
        console.say(describe(tomogram, network.spec.name, network.providers))
        for note in tomogram.notes:
            console.say(f"note: {note}")
        # Slabs were computed elsewhere.
        again = extra_work(tomogram, network) if slabs == 1 else 0.0
        if again > MUCH_AGAIN:
            console.say(
                f"note: tiles that fit into memory overlap, {100 * again:.0f} % of the network's "
                "work on top; a larger --memory-gb saves it"
            )
    with console.progress(quiet) as report:
        result = segment_and_write(
            tomogram,
            outputs,
            settings,
            network,
            slabs=slabs,
            overwrite=overwrite,
            progress=report,
        )
    for note in result.notes:
        console.warn(note)
    if not quiet:
        console.say(summary(result))
        for file in outputs.files():
            console.say(f"wrote {file}")
        console.say(f"look at it:  3dmod {path} {outputs.model}")
    return result


def describe(tomogram: Tomogram, model: str, providers: tuple[str, ...]) -> str:
    """Say what will be worked on, and on what."""
    z, y, x = tomogram.grid.shape
    size = tomogram.grid.voxel_size_nm
    shown = (
        f"{size[2]:.3g}"
        if max(size) - min(size) < 1e-3
        else " x ".join(f"{s:.3g}" for s in reversed(size))
    )
    device = "GPU (CUDA)" if "CUDAExecutionProvider" in providers else "CPU"
    return (
        f"{tomogram.path.name}: {x} x {y} x {z} voxels of {shown} nm; model {model} on the {device}"
    )


def summary(result: Segmentation) -> str:
    """One line about the vesicles."""
    import numpy as np

    spheres = result.spheres
    if not len(spheres):
        return "found no vesicle"
    mean, spread = float(np.mean(spheres.radii_nm)), float(np.std(spheres.radii_nm))
    dropped = f"; {len(result.dropped)} candidates dropped" if len(result.dropped) else ""
    noun = "vesicle" if len(spheres) == 1 else "vesicles"
    return f"found {len(spheres)} {noun}, radius {mean:.1f} +- {spread:.1f} nm{dropped}"
