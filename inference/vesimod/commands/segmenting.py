"""Segmenting one tomogram for somebody who watches: what is said before, during and after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vesimod.io.tomogram import Tomogram
    from vesimod.network.model import Model
    from vesimod.pipeline import Segmentation
    from vesimod.runs.outputs import Outputs, Settings

MUCH_AGAIN = 0.3  # of the network's work; worth a word


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
    from vesimod_imod.core.locks import only_writer

    from vesimod.commands import console
    from vesimod.runs.segment_file import prepare, segment_and_write

    own = [Path(model)] if model.endswith(".onnx") else []
    with only_writer(outputs.files()):
        tomogram = prepare(path, outputs, settings, overwrite, also_read=own)
        network = start_network(model, device, threads, memory_gb)
        if not quiet:
            console.say(describe(tomogram, network.spec.name, network.providers))
        console.say_doubts(tomogram, quiet)
        if not quiet and slabs == 1:  # slabs were computed elsewhere
            _say_extra_work(tomogram, network)
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
        console.say(summary(result, settings.radius_nm))
        for file in outputs.files():
            console.say(f"wrote {file}")
        console.suggest_3dmod(path, outputs.model)
    return result


def _say_extra_work(tomogram: Tomogram, network: Model) -> None:
    """Say if more memory would save much of the network's work."""
    from vesimod.commands.console import say
    from vesimod.pipeline import extra_work

    again = extra_work(tomogram, network)
    if again > MUCH_AGAIN:
        say(
            f"note: tiles that fit into memory overlap, {100 * again:.0f} % of the network's "
            "work on top; a larger --memory-gb saves it"
        )


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


def start_network(model: str, device: str, threads: int | None, memory_gb: float | None) -> Model:
    """Load a model by its name or file, and warn of what is doubtful about how it runs."""
    from vesimod.commands import console
    from vesimod.network.model import load_model

    network = load_model(
        model,
        device=device,  # type: ignore[arg-type]
        threads=threads,
        memory_gb=memory_gb,
    )
    for note in network.notes:
        console.warn(note)
    return network


def summary(result: Segmentation, sought_nm: tuple[float, float]) -> str:
    """One line about the vesicles; `sought_nm` are the radii that were looked for."""
    import numpy as np

    spheres = result.spheres
    if not len(spheres):
        low, high = sought_nm
        return f"found no vesicle of {low:g} to {high:g} nm radius"
    mean, spread = float(np.mean(spheres.radii_nm)), float(np.std(spheres.radii_nm))
    dropped = f"; {len(result.dropped)} candidates dropped" if len(result.dropped) else ""
    noun = "vesicle" if len(spheres) == 1 else "vesicles"
    return f"found {len(spheres)} {noun}, radius {mean:.1f} +- {spread:.1f} nm{dropped}"
