"""``vesimod model``: look into IMOD models, and copy them chunk by chunk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vesimod.commands.options import Overwrite

if TYPE_CHECKING:
    from vesimod_imod.model.chunks import ModFile

app = typer.Typer(
    help="Look into IMOD models, copy them, rescue damaged ones.", no_args_is_help=True
)


@app.command()
def info(file: Annotated[Path, typer.Argument(help="A .mod file.")]) -> None:
    """Tell in words what a model holds, and what vesimod reads from it."""
    from vesimod_imod.sphere_model.describe import describe

    from vesimod.commands.console import say
    from vesimod.io.provenance import read_provenance

    for text in describe(_read(file)):
        say(text)
    provenance, notes = read_provenance(file)
    if provenance is not None:
        say(f"made by    {provenance.software} on {provenance.date} from {provenance.tomogram}")
        say(f"           network {provenance.network}, weights {provenance.weights_sha256[:12]}")
        for name, value in provenance.parameters.items():
            say(f"           {name} {value}")
    for note in notes:
        say(f"record     {note}")


@app.command()
def copy(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A .mod file.")],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Where to write the copy.")],
    recover: Annotated[
        bool, typer.Option("--recover", help="Take what is whole out of a damaged file.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Copy a model byte by byte, but only if all of it can be read."""
    from vesimod_imod.core.file_roles import check_files
    from vesimod_imod.model.files import recover_mod, write_mod

    from vesimod.commands.console import say, warn

    check_files([source], [output], overwrite=overwrite)
    model, notes = recover_mod(source) if recover else (_read(source), [])
    for note in notes:
        warn(note)
    write_mod(output, model, overwrite=overwrite)
    say(f"wrote {output}: {len(model.chunks)} chunks")


def _read(path: Path) -> ModFile:
    """Read a model; of a damaged one, say how to rescue it."""
    from vesimod_imod.model.chunks import HEADER_SIZE, ModFormatError
    from vesimod_imod.model.files import read_mod

    try:
        return read_mod(path)
    except ModFormatError as error:
        if error.offset < HEADER_SIZE:
            raise
        raise ValueError(f"{error}; vesimod model copy --recover saves what is whole") from error
