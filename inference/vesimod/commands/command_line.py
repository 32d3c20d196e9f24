"""The command that a line names, and options that stand in it where a value is due."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vesimod_imod.core.errors import InputError

_HELP = ("-h", "--help")


def named_command(root: Any, program: str, words: Sequence[str]) -> tuple[Any, str]:
    """Find the command that a line names, and its name in full, e.g. ``vesimod model info``.

    Parameters
    ----------
    root : command as typer makes it
    program : str
        Name of `root`.
    words : sequence of str
        What was typed after the program's name.
    """
    command, name = root, program
    for word in words:
        if word.startswith("-"):
            continue
        inner = getattr(command, "commands", {}).get(word)
        if inner is None:
            break
        command, name = inner, f"{name} {word}"
    return command, name


def check_values(command: Any, words: Sequence[str]) -> None:
    """Refuse an option where another one's value is due: `-o --overwrite` names no file.

    Left to itself, typer takes any word for the value, and a file ``--overwrite`` is written.

    Raises
    ------
    InputError
        Names both options.
    """
    options = [each for each in command.params if each.param_type_name == "option"]
    names = {name for each in options for name in (*each.opts, *each.secondary_opts)} | set(_HELP)
    values = {name: each.nargs for each in options if not each.is_flag for name in each.opts}
    for place, word in enumerate(words):
        if word == "--":  # from here on, all words are arguments
            return
        for value in words[place + 1 : place + 1 + values.get(word, 0)]:
            if value in names:
                raise InputError(f"{word} needs a value, but the option {value} follows it")
