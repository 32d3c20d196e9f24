"""The command line of training: ``vesimod-train``."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from vesimod.cli import run_app

PROGRAM = "vesimod-train"

app = typer.Typer(
    name=PROGRAM,
    help="Simulate tomograms, train networks on them, export them for vesimod.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")]


class RecipeName(str, Enum):
    """Recipes to simulate by; see vesimod_train.simulate.RECIPES."""

    validation = "validation"
    crowded = "crowded"
    empty = "empty"
    other = "other"
    demo = "demo"
    train = "train"


def main() -> None:
    """Run the ``vesimod-train`` command."""
    sys.exit(run_app(app, PROGRAM))


@app.callback()
def options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks; may stand anywhere in the line.")
    ] = False,
) -> None:
    """Options that stand before the command."""


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
    """Make tomograms with truth: NAME.mrc, NAME.mod and NAME.csv each."""
    from dataclasses import replace

    from vesimod.commands.console import say

    from vesimod_train.simulate import RECIPES, simulate, write_simulated

    chosen = RECIPES[recipe.value]
    if snr is not None:
        if snr <= 0:
            raise ValueError(f"--snr {snr:g}: must be above 0")
        chosen = replace(chosen, snr=(snr, snr))
    if vesicles is not None:
        chosen = replace(chosen, vesicles=(vesicles, vesicles))
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(seed, seed + count):
        made = simulate(chosen, number)
        path = write_simulated(folder, f"{recipe.value}-{number}", made, overwrite)
        say(f"wrote {path} with {len(made.spheres)} vesicles, SNR {made.microscope.snr:.3g}")


@app.command("fit")
def fit_command(
    config: Annotated[Path, typer.Argument(help="What to train: a TOML file.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of the run; a stopped run goes on.")
    ],
    workers: Annotated[int, typer.Option(min=1, help="Processes that simulate.")] = 1,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Train a network, or go on with a run that was stopped."""
    from vesimod.commands.console import progress, say

    from vesimod_train.config import Config
    from vesimod_train.fit import fit

    settings = Config.from_mapping(read_toml(config), config.parent)
    with progress() as show:
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


@app.command("export")
def export_command(
    checkpoint: Annotated[Path, typer.Argument(help="checkpoint.pt of a run.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .onnx file.")],
    overwrite: Overwrite = False,
) -> None:
    """Write a trained network as ONNX, if onnxruntime computes what torch computes."""
    from vesimod.commands.console import say

    from vesimod_train.export import export

    difference = export(checkpoint, output, overwrite=overwrite)
    say(f"wrote {output}; torch and onnxruntime differ by at most {difference:.1e}")


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
