"""Segmenting one tomogram for somebody who watches: what is said before, during and after."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vesimod.io.provenance import Provenance
    from vesimod.io.tomogram import Tomogram
    from vesimod.network.model import Model
    from vesimod.pipeline import Segmentation
    from vesimod.runs.outputs import Outputs, Settings

NEXT_STEP = (
    "next: look at the tomogram in 3dmod. Vesicles of other sizes: `radius_nm`; white membranes: "
    "`invert`; a voxel size that is wrong: `voxel_size_nm`. `dropped` lists the candidates with "
    "their reasons"
)
MUCH_AGAIN = 0.3  # of the network's work; worth a word


@dataclass(frozen=True)
class NetworkChoice:
    """Which network works, and on what: the arguments of `vesimod.network.model.load_model`."""

    model: str = "fast"
    device: str = "auto"
    threads: int | None = None
    memory_gb: float | None = None

    def load(self) -> Model:
        """Load it."""
        from vesimod.network.model import load_model

        return load_model(
            self.model,
            device=self.device,  # type: ignore[arg-type]
            threads=self.threads,
            memory_gb=self.memory_gb,
        )


def run(
    path: Path,
    outputs: Outputs,
    settings: Settings,
    choice: NetworkChoice | None = None,
    *,
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
    from vesimod.io.provenance import read_provenance
    from vesimod.runs.segment_file import prepare, segment_and_write

    choice = choice or NetworkChoice()
    own = [Path(choice.model)] if choice.model.endswith(".onnx") else []
    with only_writer(outputs.files()):
        tomogram = prepare(path, outputs, settings, overwrite, also_read=own)
        if not quiet:
            console.say(f"{tomogram.path.name}: {tomogram.grid.in_words} voxels")
        network = start_network(choice)
        if not quiet:
            console.say(describe(network.spec.name, network.providers))
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
        console.say(summary(result, settings, read_provenance(outputs.model)[0]))
        for file in outputs.files():
            console.say(f"wrote {file}")
        if len(result.spheres):
            console.suggest_3dmod(path, outputs.model)
        else:
            console.say(NEXT_STEP)
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


def describe(model: str, providers: tuple[str, ...]) -> str:
    """Say what works on it, and where."""
    device = "GPU (CUDA)" if "CUDAExecutionProvider" in providers else "CPU"
    return f"model {model} on the {device}"


def start_network(choice: NetworkChoice) -> Model:
    """Load a network, and warn of what is doubtful about how it runs."""
    from vesimod.commands import console

    network = choice.load()
    for note in network.notes:
        console.warn(note)
    return network


def summary(result: Segmentation, settings: Settings, record: Provenance | None) -> str:
    """Put in one line what was found, or what was looked for where nothing was.

    Parameters
    ----------
    result : Segmentation
    settings : Settings
        How it was found.
    record : Provenance, optional
        Of the run: its time, the volume that it searched.
    """
    import numpy as np

    spheres = result.spheres
    done: dict[str, Any] = {} if record is None else record.results
    took = f", in {done['seconds']:.0f} s" if "seconds" in done else ""
    if not len(spheres):
        return _nothing(result, settings, done) + took
    mean, spread = float(np.mean(spheres.radii_nm)), float(np.std(spheres.radii_nm))
    noun = "vesicle" if len(spheres) == 1 else "vesicles"
    found = f"found {len(spheres)} {noun}, radius {mean:.1f} +- {spread:.1f} nm"
    if searched := done.get("searched_um3"):
        found += f", {len(spheres) / searched:.0f} in a cubic micrometre"
    dropped = f"; {len(result.dropped)} candidates dropped" if len(result.dropped) else ""
    hint = " (`dropped` lists them with the reasons)" if dropped else ""
    return found + took + dropped + hint


def _nothing(result: Segmentation, settings: Settings, done: dict[str, Any]) -> str:
    """Say what was looked for, and why candidates fell."""
    low, high = settings.radius_nm
    colour = "bright" if settings.invert else "dark"
    size = done.get("voxel_size_nm")
    voxels = f", voxels of {size[2]:.3g} nm" if size else ""
    how = "automatic" if settings.threshold is None else "as set"
    text = (
        f"found no vesicle of {low:g} to {high:g} nm radius with a {colour} membrane{voxels}, "
        f"threshold {result.threshold:.2f} ({how})"
    )
    reasons = done.get("dropped") or {}
    if reasons:
        listed = ", ".join(f"{number} {reason}" for reason, number in reasons.items())
        number = sum(reasons.values())
        noun = "candidate was" if number == 1 else "candidates were"
        return f"{text}; {number} {noun} dropped: {listed}"
    return f"{text}; there was no candidate"
