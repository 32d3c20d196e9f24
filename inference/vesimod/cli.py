"""The command line: assembles the commands and turns errors into one line each."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from vesimod.commands import (
    batch,
    connect,
    convert,
    corrections,
    demo,
    edit,
    etomo,
    evaluate,
    info,
    measure,
    membrane,
    merge,
    model,
    outline,
    report,
    segment,
    snap,
    synapse,
    watch,
)
from vesimod.commands.command_line import check_values, named_command
from vesimod.commands.console import keep_products_on_one_thread, say_lines, tell
from vesimod.commands.process import EXIT_BAD_INPUT, EXIT_INTERRUPTED, INTERRUPTED, run_process
from vesimod.errors import EXPECTED, in_words

PROGRAM = "vesimod"
EXIT_BUG = 1

app = typer.Typer(
    name=PROGRAM,
    help="Find vesicles in cryo-electron tomograms and write them as IMOD sphere models.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("segment", epilog=segment.EXAMPLES)(segment.segment)
app.command("batch")(batch.batch)
app.command("report")(report.report)
app.command("demo")(demo.demo)
app.command("info")(info.info)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(model.app, name="model")
app.command("corrections")(corrections.corrections)
app.command("merge")(merge.merge)
app.command("snap")(snap.snap)
app.command("connect")(connect.connect)
app.command("membrane")(membrane.membrane)
app.command("outline")(outline.outline)
app.command("edit")(edit.edit)
app.command("watch")(watch.watch)
app.command("etomo")(etomo.etomo)
app.command("measure")(measure.measure)
app.command("synapse")(synapse.synapse)
app.command("convert")(convert.convert)


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


def main() -> None:
    """Run the ``vesimod`` command."""
    keep_products_on_one_thread()
    run_process(PROGRAM, lambda: run_app(app, PROGRAM))


def run_app(application: typer.Typer, program: str, arguments: list[str] | None = None) -> int:
    """Run a typer application; print expected errors as one line.

    Parameters
    ----------
    application : typer.Typer
        What to run.
    program : str
        Name in error lines: ``ERROR: program - message``, the form IMOD's log readers know.
    arguments : list of str, optional
        Default: the process's.

    Returns
    -------
    int
        Exit code: 0; 2 for bad input; 130 after Ctrl-C; 1 for a bug of ours.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    # --debug is wanted most after a command has failed: allow it anywhere in the line.
    arguments = [a for a in arguments if a != "--debug"]
    command = typer.main.get_command(application)
    inner, name = named_command(command, program, arguments)
    try:
        check_values(inner, arguments)
        code = int(command.main(args=arguments, prog_name=program, standalone_mode=False) or 0)
    except (KeyboardInterrupt, typer.Abort):
        code = EXIT_INTERRUPTED
    except Exception as error:
        if debug:
            raise
        return _report(program, error, name)
    if code == EXIT_INTERRUPTED:  # which typer also returns by itself after Ctrl-C
        return _fail(program, INTERRUPTED, code)
    return code


def _report(program: str, error: Exception, command: str) -> int:
    """Print an exception as one line and choose the exit code; `command` is what was run."""
    usage = getattr(error, "format_message", None)  # click's own complaints about the line
    if type(error).__name__ == "NoArgsIsHelpError":  # the text of --help, and no error
        say_lines(str(usage and usage()))
        return 0
    if usage is not None:
        return _fail(program, f"{usage()} (see {command} --help)", EXIT_BAD_INPUT)
    expected = isinstance(error, EXPECTED)
    return _fail(program, in_words(error), EXIT_BAD_INPUT if expected else EXIT_BUG)


def _fail(program: str, message: str, code: int) -> int:
    """Print the error line."""
    tell(f"ERROR: {program} - {' '.join(message.split())}")
    return code
