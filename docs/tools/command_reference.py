"""The reference of the command lines, from the command lines themselves."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import typer

REFERENCES = ("vesimod", "vesimod-train", "vesimodpip")


def reference(program: str) -> str:
    """Return the page of a program: each of its commands with every argument and option."""
    if program == "vesimodpip":
        return _of_vesimodpip()
    if program == "vesimod":
        from vesimod.cli import app
    else:
        from vesimod_train.cli import app
    command = typer.main.get_command(app)
    lines = [f"# `{program}`", "", str(command.help), ""]
    lines += ["This page is made from the program itself; `--help` prints the same.", ""]
    lines += ["## Before the command", "", *_table(command), ""]
    lines += _commands(command, program)
    return "\n".join(lines)


def _commands(group: Any, name: str) -> list[str]:
    """Return the sections of a group's commands, and of the groups within."""
    lines = []
    for each, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            lines += _commands(command, f"{name} {each}")
        else:
            lines += _section(command, f"{name} {each}")
    return lines


def _section(command: Any, name: str) -> list[str]:
    """Return what is known of one command."""
    pieces = command.collect_usage_pieces(typer.Context(command, info_name=name))
    lines = [f"## `{name}`", "", str(command.help).strip(), ""]
    lines += ["```text", " ".join([name, *pieces]), "```", "", *_table(command)]
    if command.epilog:
        lines += ["", "```text", command.epilog.replace("\b", "").strip(), "```"]
    return [*lines, ""]


def _table(command: Any) -> list[str]:
    """Return a row for each argument and option, in the order in which they are declared."""
    context = typer.Context(command)
    records = [each.get_help_record(context) for each in command.params]
    lines = ["| argument or option | meaning |", "|---|---|"]
    for names, words in filter(None, records):
        cells = (f"`{names.strip()}`", words.replace("<", "&lt;"))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


def _of_vesimodpip() -> str:
    """Return the page of the program for com files: what its -help prints."""
    from vesimod.commands.pip_front import run_front

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        run_front(["-help"])
    title = "The same with IMOD's kind of options, [in com files](../etomo.md)."
    return f"# `vesimodpip`\n\n{title}\n\n```text\n{printed.getvalue().strip()}\n```\n"
