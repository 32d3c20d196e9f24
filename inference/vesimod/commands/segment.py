"""``vesimod segment``: a tomogram to an IMOD sphere model."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from vesimod.network import Model
    from vesimod.pipeline import Segmentation
    from vesimod.sidecar import Provenance
    from vesimod.tomogram import Tomogram


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
    invert: Invert = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Find the vesicles of a tomogram and write them as an IMOD sphere model."""
    run(
        tomogram,
        output,
        table=table,
        labels=labels,
        probability=probability,
        picture=picture,
        dropped=dropped,
        region=region,
        score_classes=score_classes,
        model=model,
        voxel_size_nm=voxel_size_nm,
        threshold=threshold,
        device=device.value,
        threads=threads,
        invert=invert,
        overwrite=overwrite,
        quiet=quiet,
    )


def run(
    path: Path,
    output: Path | None = None,
    *,
    table: Path | None = None,
    labels: Path | None = None,
    probability: Path | None = None,
    picture: Path | None = None,
    dropped: Path | None = None,
    region: Path | None = None,
    score_classes: bool = False,
    model: str = "fast",
    voxel_size_nm: float | None = None,
    threshold: float | None = None,
    device: str = "auto",
    threads: int | None = None,
    invert: bool = False,
    overwrite: bool = False,
    quiet: bool = False,
) -> Segmentation:
    """Segment a file and write everything that was asked for.

    Every output is checked before the work begins, and each file appears whole or not at
    all. Parameters are those of the command.
    """
    from vesimod_imod.files import check_writable
    from vesimod_imod.sphere_model import SphereObject, by_score, write_sphere_objects

    from vesimod.commands import console
    from vesimod.network import load_model
    from vesimod.picture import draw_picture
    from vesimod.pipeline import segment as segment_tomogram
    from vesimod.sidecar import write_sidecar
    from vesimod.tables import write_spheres_csv
    from vesimod.tomogram import read_tomogram

    volume = read_tomogram(path, voxel_size_nm)
    output = output or default_output(path)
    named = (output, table, labels, probability, picture, dropped)
    outputs = [file for file in named if file is not None]
    check_distinct([path, *outputs, *([region] if region else [])])
    for file in outputs:
        check_writable(file, overwrite)
    network = load_model(model, device=device, threads=threads)  # type: ignore[arg-type]
    if not quiet:
        console.say(describe(volume, network.spec.name, network.providers))
        for note in volume.notes:
            console.say(f"note: {note}")
    with console.progress(quiet) as report:
        result = segment_tomogram(
            volume,
            network,
            threshold=threshold,
            invert=invert,
            region=None if region is None else read_region(region, volume),
            progress=report,
        )
    for note in result.notes:
        console.warn(note)
    if labels is not None:
        write_labels(labels, result, volume, overwrite)
    if probability is not None:
        write_probability(probability, result, volume, overwrite)
    if table is not None:
        write_spheres_csv(table, result.spheres, overwrite=overwrite)
    if dropped is not None:
        write_spheres_csv(dropped, result.dropped, overwrite=overwrite)
    if picture is not None:
        draw_picture(picture, volume, result.spheres, overwrite=overwrite)
    # Last: where the model exists, everything else does.
    spheres = result.spheres
    objects = by_score(spheres) if score_classes else [SphereObject("vesicles", spheres)]
    write_sphere_objects(output, objects, volume.grid, overwrite=overwrite)
    write_sidecar(output, provenance(path, network, result, volume, invert))
    if not quiet:
        console.say(summary(result))
        for file in outputs:
            console.say(f"wrote {file}")
        console.say(f"look at it:  3dmod {path} {output}")
    return result


def read_region(path: Path, tomogram: Tomogram) -> npt.NDArray[np.bool_]:
    """Mask (z, y, x) on the tomogram's grid, from closed contours or from a mask volume.

    Raises
    ------
    ValueError
        A mask volume of another shape; a model without closed contours; see `read_tomogram`.
    """
    import numpy as np
    from vesimod_imod.model_files import read_mod
    from vesimod_imod.regions import region_mask

    from vesimod.commands import console
    from vesimod.tomogram import read_tomogram

    if path.suffix.lower() == ".mod":
        mask, notes = region_mask(read_mod(path), tomogram.grid)
        for note in notes:
            console.warn(f"{path}: {note}")
        return mask
    # A mask's own header may say anything: it lies on the tomogram voxel by voxel.
    volume = read_tomogram(path, tomogram.grid.xy_voxel_size_nm)
    if volume.grid.shape != tomogram.grid.shape:
        raise ValueError(
            f"{path}: {volume.grid.shape} voxels (z, y, x), the tomogram has "
            f"{tomogram.grid.shape}; make the mask on the same volume"
        )
    return np.asarray(volume.voxels) > 0


def default_output(path: Path) -> Path:
    """``<stem>_vesicles.mod`` beside the tomogram, also for compressed files."""
    name = path.name
    for suffix in (".gz", ".bz2"):
        name = name.removesuffix(suffix)
    return path.with_name(f"{Path(name).stem}_vesicles.mod")


def check_distinct(files: list[Path]) -> None:
    """Refuse to write two things into one file, or over the tomogram.

    Raises
    ------
    ValueError
        Two of the paths are the same file.
    """
    seen: set[Path] = set()
    for file in files:
        resolved = file.resolve()
        if resolved in seen:
            raise ValueError(f"{file}: named twice; every input and output needs its own file")
        seen.add(resolved)


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


def provenance(
    path: Path, network: Model, result: Segmentation, tomogram: Tomogram, invert: bool
) -> Provenance:
    """Record how a model was made."""
    from vesimod.sidecar import Provenance, fingerprint

    return Provenance(
        network=f"{network.spec.name} {network.spec.version}",
        weights_sha256=network.sha256,
        tomogram=path.name,
        tomogram_fingerprint=fingerprint(path),
        parameters={
            "voxel_size_nm": list(tomogram.grid.voxel_size_nm),
            "threshold": result.threshold,
            "invert": invert,
        },
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


def write_labels(path: Path, result: Segmentation, tomogram: Tomogram, overwrite: bool) -> None:
    """Write the accepted spheres as a label volume on the tomogram's grid."""
    from vesimod.paint import paint_spheres
    from vesimod.tomogram import write_mrc

    write_mrc(path, paint_spheres(result.spheres, tomogram.grid), tomogram, overwrite=overwrite)


def write_probability(
    path: Path, result: Segmentation, tomogram: Tomogram, overwrite: bool
) -> None:
    """Write the network's output, resampled to the tomogram's grid."""
    from vesimod.resample import resample
    from vesimod.tomogram import write_mrc

    model_nm = (result.model_voxel_size_nm,) * 3
    grid = tomogram.grid
    volume = resample(result.probability, model_nm, grid.voxel_size_nm, grid.shape)
    write_mrc(path, volume, tomogram, overwrite=overwrite)
