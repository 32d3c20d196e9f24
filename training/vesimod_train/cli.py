"""The command line of training: ``vesimod-train``."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from vesimod.cli import run_app
from vesimod.commands.options import Invert, VoxelSize
from vesimod.commands.process import run_process

if TYPE_CHECKING:
    from vesimod.io.tomogram import Tomogram

    from vesimod_train.fitting.finetune import Gain

PROGRAM = "vesimod-train"

app = typer.Typer(
    name=PROGRAM,
    help="Simulate tomograms, train networks on them, export them for vesimod.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes that simulate.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads.")]
Mirrors = Annotated[
    bool, typer.Option("--mirrors", help="Take each network in mirrors along y and x, too.")
]


class RecipeName(str, Enum):
    """Recipes to simulate by; see vesimod_train.simulate.RECIPES."""

    validation = "validation"
    crowded = "crowded"
    empty = "empty"
    other = "other"
    synapse = "synapse"
    synapse_demo = "synapse_demo"
    cells = "cells"
    demo = "demo"
    train = "train"
    wide = "wide"
    ice = "ice"


def main() -> None:
    """Run the ``vesimod-train`` command."""
    run_process(PROGRAM, lambda: run_app(app, PROGRAM))


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[  # noqa: ARG001 - listed in --help; run_app takes it out of the line
        bool, typer.Option("--debug", help="Show tracebacks; may stand anywhere in the line.")
    ] = False,
) -> None:
    """Options that stand before the command."""
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"{PROGRAM} {version_of('vesimod')}")
        raise typer.Exit


@app.command("simulate")
def simulate_command(
    folder: Annotated[Path, typer.Argument(help="Where the files go; made if absent.")],
    recipe: Annotated[RecipeName, typer.Option(help="What to simulate.")] = RecipeName.validation,
    count: Annotated[int, typer.Option(min=1, help="Tomograms.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the first; the others count up.")] = 0,
    snr: Annotated[float | None, typer.Option(help="Signal over noise, overriding.")] = None,
    vesicles: Annotated[int | None, typer.Option(min=0, help="Number, overriding.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Make tomograms with truth: NAME.mrc, NAME.mod and NAME.csv each.

    Cells with a border also get NAME_outline.mod and, where they face another, NAME_az.mod.
    """
    from dataclasses import replace

    from vesimod.commands.console import say
    from vesimod_imod.core.file_roles import check_files
    from vesimod_imod.core.files import make_folder
    from vesimod_imod.core.locks import writing

    from vesimod_train.simulate import RECIPES, simulate, write_simulated

    chosen = RECIPES[recipe.value]
    if snr is not None:
        if snr <= 0:
            raise ValueError(f"--snr {snr:g}: must be above 0")
        chosen = replace(chosen, snr=(snr, snr))
    if vesicles is not None:
        chosen = replace(chosen, vesicles=(vesicles, vesicles))
    make_folder(folder)
    numbers = range(seed, seed + count)
    paths = [folder / f"{recipe.value}-{number}.mrc" for number in numbers]
    written = [path.with_suffix(ending) for path in paths for ending in (".mrc", ".mod", ".csv")]
    check_files([], written, overwrite=overwrite)
    with writing(paths[0], paths):
        for path, number in zip(paths, numbers, strict=True):
            made = simulate(chosen, number)
            write_simulated(folder, path.stem, made, overwrite)
            say(f"wrote {path} with {len(made.spheres)} vesicles, SNR {made.microscope.snr:.3g}")


@app.command("fit")
def fit_command(
    config: Annotated[Path, typer.Argument(help="What to train: a TOML file.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of the run; a stopped run goes on.")
    ],
    workers: Workers = 1,
    threads: Threads = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    seed: Annotated[
        int | None, typer.Option(help="Instead of the configuration's: another run of its kind.")
    ] = None,
) -> None:
    """Train a network, or go on with a run that was stopped."""
    from dataclasses import replace

    from vesimod.commands.console import progress, say
    from vesimod_imod.core.files import make_folder
    from vesimod_imod.core.locks import only_writer

    from vesimod_train.config import Config
    from vesimod_train.fitting.fit import fit
    from vesimod_train.networks.checkpoints import CHECKPOINT

    settings = Config.from_mapping(read_toml(config), config.parent)
    if seed is not None:
        settings = replace(settings, seed=seed)
    make_folder(output)
    with only_writer([output / CHECKPOINT]), progress() as show:
        checkpoint = fit(
            settings,
            output,
            workers=workers,
            threads=threads,
            device=device,
            report=say,
            progress=show,
        )
    say(f"wrote {checkpoint}")


@app.command("learn-from")
def learn_from_command(
    tomogram: Annotated[Path, typer.Argument(help="The tomogram (MRC).")],
    predicted: Annotated[
        Path, typer.Argument(help="The model as vesimod wrote it (.mod or .csv).")
    ],
    corrected: Annotated[Path, typer.Argument(help="The model after somebody corrected it.")],
    folder: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for the pair: NAME.mrc and NAME.mod.")
    ],
    region: Annotated[
        Path | None,
        typer.Option(
            metavar="MOD",
            help="Model with closed contours, in an object named reviewed, around what was "
            "checked; default: those of the corrected model.",
        ),
    ] = None,
    voxel_size_nm: VoxelSize = None,
    invert: Invert = False,
    overwrite: Overwrite = False,
) -> None:
    """Turn one round of corrections, of vesicles or of an outline, into a training pair."""
    from vesimod.commands.console import open_tomogram, read, say
    from vesimod_imod.model.files import read_mod

    from vesimod_train.data.learn import learn_from, write_pair
    from vesimod_train.data.learn_membranes import is_outline

    volume = open_tomogram(tomogram, voxel_size_nm)
    model = read_mod(corrected)
    if is_outline(model):
        files = predicted, corrected, region
        _learn_outline(folder, volume, files, invert=invert, overwrite=overwrite)
        return
    lesson = learn_from(volume, read(predicted, volume.grid), model, invert=invert)
    reviewed = model if region is None else read_mod(region)
    path = write_pair(
        folder,
        volume,
        lesson,
        reviewed,
        invert=invert,
        also_read=[predicted, corrected, region],
        overwrite=overwrite,
    )
    say(", ".join(f"{count} {verdict}" for verdict, count in lesson.counts.items()))
    say(
        f"{len(lesson.vesicles)} vesicles, {len(lesson.rejected)} lookalikes that are not, "
        f"{len(lesson.uncertain)} uncertain"
    )
    say(f"wrote {path.with_suffix('.mrc')}")
    say(f"wrote {path}")


def _learn_outline(
    folder: Path,
    tomogram: Tomogram,
    files: tuple[Path, Path, Path | None],
    *,
    invert: bool,
    overwrite: bool,
) -> None:
    """Do the same for an outline: `files` are predicted, corrected, region."""
    from vesimod.commands.console import say, warn
    from vesimod_imod.model.files import read_mod

    from vesimod_train.data.learn_membranes import learn_membranes, write_membrane_pair

    predicted, corrected, region = files
    model = read_mod(corrected)
    lesson, doubts = learn_membranes(tomogram, read_mod(predicted), model)
    for doubt in doubts:
        warn(f"{corrected}: {doubt}")
    path = write_membrane_pair(
        folder,
        tomogram,
        lesson,
        model if region is None else read_mod(region),
        invert=invert,
        also_read=files,
        overwrite=overwrite,
    )
    told = ", ".join(f"{count} {fate}" for fate, count in lesson.counts.items())
    say(f"contours: {told}")
    say(f"wrote {path}")


@app.command("finetune")
def finetune_command(
    pairs: Annotated[
        list[Path], typer.Argument(help="Models (.mod) beside their tomograms, or folders of such.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of the run; a stopped run goes on.")
    ],
    base: Annotated[
        str, typer.Option("--from", metavar="MODEL", help="Shipped model, .onnx or checkpoint.")
    ] = "fast",
    hold_out: Annotated[
        list[Path] | None,
        typer.Option(help="Pairs to test on before and after; may be given several times."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the new model.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = 300,
    replay: Annotated[
        int, typer.Option(min=0, help="Simulated tomograms that keep what the model knew.")
    ] = 16,
    workers: Workers = 1,
    threads: Threads = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    bfloat16: Annotated[
        bool, typer.Option("--bfloat16", help="Faster on CPUs that have it (AMX, AVX512-BF16).")
    ] = False,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    overwrite: Overwrite = False,
) -> None:
    """Make a model better on your data, with tomograms that you corrected."""
    from vesimod.commands.console import progress, say
    from vesimod.network.shipped import find_model

    from vesimod_train.config import VESICLES
    from vesimod_train.data.find_pairs import find_pairs
    from vesimod_train.fitting.finetune import finetune, finetune_config
    from vesimod_train.networks.pretrained import read_network, target_of

    start = Path(base) if base.endswith(".pt") else find_model(base)
    target = target_of(read_network(start)[1])
    config = finetune_config(
        start,
        find_pairs(pairs, target),
        find_pairs(hold_out or [], target),
        steps=steps,
        replay=replay,
        name=name,
        bfloat16=bfloat16 or device != "cpu",
        seed=seed,
    )
    model = output / f"{config.name}.onnx"
    with progress() as show:
        gain = finetune(
            config,
            output,
            model,
            workers=workers,
            threads=threads,
            device=device,
            report=say,
            progress=show,
            overwrite=overwrite,
        )
    score = "F1" if target == VESICLES else "Dice of membranes"
    if config.validation_pairs:
        say(
            "held-out tomograms, which nothing was learned from: "
            f"{score} {gain.before.f1:.3f} with {base}, {gain.after.f1:.3f} with the new model"
        )
    else:
        say(f"{score} on your own data is not known: hold a corrected tomogram out with --hold-out")
    if config.validation_volumes:
        say(_forgotten(gain, base, score))
    use = "segment" if target == VESICLES else "outline"
    say(f"wrote {model}; use it with vesimod {use} --model {model}")


def _forgotten(gain: Gain, base: str, score: str = "F1") -> str:
    """Say what the model still knows: F1 is the harmonic mean of precision and recall."""
    before, after = gain.simulated_before.f1, gain.simulated_after.f1
    return (
        "simulated tomograms, which tell whether it forgot what it knew: "
        f"{score} {before:.3f} with {base}, {after:.3f} with the new model"
    )


@app.command("adapt")
def adapt_command(
    tomograms: Annotated[
        list[Path], typer.Argument(help="Tomograms (MRC) that nobody labelled; membranes dark.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for all that it makes.")],
    base: Annotated[
        str, typer.Option("--from", metavar="MODEL", help="Shipped model or .onnx.")
    ] = ("fast"),
    name: Annotated[
        str | None, typer.Option(help="Of the new model; default: MODEL-adapted.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="At most so many.")] = 2,
    steps: Annotated[int, typer.Option(min=1, help="Training steps of a round.")] = 200,
    replay: Annotated[
        int, typer.Option(min=1, help="Simulated tomograms that keep what the model knew.")
    ] = 16,
    workers: Workers = 1,
    threads: Threads = None,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    overwrite: Overwrite = False,
) -> None:
    """Make a model better on your tomograms without labels: it learns from its surest finds."""
    from vesimod.commands.console import progress, say
    from vesimod.network.shipped import find_model

    from vesimod_train.fitting.adapt import adapt, adapt_config

    config = adapt_config(find_model(base), steps=steps, replay=replay, name=name, seed=seed)
    model = output / f"{config.name}.onnx"
    with progress() as show:
        done = adapt(
            config,
            tomograms,
            output,
            model,
            rounds=rounds,
            overwrite=overwrite,
            threads=threads,
            workers=workers,
            report=say,
            progress=show,
        )
    say(f"vesicles found: {done.found[0]} before, {done.found[-1]} after")
    say(_forgotten(done.gain, base))
    say(
        "whether the new finds are right only you can see: look at them in 3dmod, or hold a "
        "corrected tomogram against both with vesimod evaluate"
    )
    say(f"wrote {model}; use it with vesimod segment --model {model}")


@app.command("export")
def export_command(
    checkpoint: Annotated[Path, typer.Argument(help="checkpoint.pt of a run.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .onnx file.")],
    bioimageio: Annotated[
        bool, typer.Option("--bioimageio", help="Also write its description for bioimage.io.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Write a trained network as ONNX, if onnxruntime computes what torch computes."""
    from vesimod.commands.console import say

    from vesimod_train.export.bioimageio import export_described
    from vesimod_train.export.onnx import export

    beside: list[Path] = []
    if bioimageio:
        difference, beside = export_described(checkpoint, output, overwrite=overwrite)
    else:
        difference = export(checkpoint, output, overwrite=overwrite)
    say(f"wrote {output}; torch and onnxruntime differ by at most {difference:.1e}")
    if beside:
        say(f"wrote {', '.join(path.name for path in beside)}")


@app.command("average", hidden=True)  # as earlier versions called it
@app.command("ensemble")
def ensemble_command(
    models: Annotated[
        list[Path],
        typer.Argument(help="Exported models (.onnx) or checkpoints: several, or one in mirrors."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .onnx file.")],
    name: Annotated[str, typer.Option(help="Of the new model.")] = "ensemble",
    version: Annotated[str, typer.Option(help="Of the new model.")] = "1",
    mirrors: Mirrors = False,
    overwrite: Overwrite = False,
) -> None:
    """Make one model that gives the mean of several: right more often, and slower."""
    from vesimod.commands.console import say

    from vesimod_train.export.ensemble import write_ensemble

    difference = write_ensemble(models, output, name, version, mirrors=mirrors, overwrite=overwrite)
    say(f"wrote {output}; torch and onnxruntime differ by at most {difference:.1e}")


@app.command("quantise")
def quantise_command(
    models: Annotated[
        list[Path],
        typer.Argument(
            help="An exported network (.onnx) or a checkpoint; several: their ensemble."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .onnx file.")],
    version: Annotated[str, typer.Option(help="Of the new model.")] = "1",
    mirrors: Mirrors = False,
    overwrite: Overwrite = False,
) -> None:
    """Make an 8-bit version of a model: several times as fast in OpenVINO."""
    from vesimod.commands.console import say

    from vesimod_train.export.quantise import quantise

    off_nm = quantise(models, output, version, mirrors=mirrors, overwrite=overwrite)
    say(f"wrote {output}; near vesicles' surfaces its distance is {off_nm:.2f} nm off on average")


@app.command("import-cryovesnet")
def import_cryovesnet_command(
    weights: Annotated[Path, typer.Argument(help="Keras model of CryoVesNet (.h5).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .onnx file.")],
    voxel_size_nm: Annotated[
        float, typer.Option(metavar="F", help="Voxel size that the network was trained at.")
    ] = 2.2,
    smooth_voxels: Annotated[
        float, typer.Option(metavar="F", help="Sigma of the Gaussian before it; 0 for none.")
    ] = 1.0,
    overwrite: Overwrite = False,
) -> None:
    """Turn the published network, or one that you retrained, into a model for vesimod."""
    from vesimod.commands.console import say

    from vesimod_train.export.cryovesnet import import_cryovesnet

    how = {"voxel_size_nm": voxel_size_nm, "smooth_voxels": smooth_voxels}
    spec = import_cryovesnet(weights, output, **how, overwrite=overwrite)
    say(f"wrote {output}: {spec.voxel_size_nm:g} nm voxels, {spec.halo} voxels of context a side")


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    ValueError
        It is not TOML.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a TOML file ({error})") from error
