"""IMOD's way of giving a program its options (PIP), for ``vesimodpip``.

Etomo and com files speak PIP: ``-InputFile x`` or ``--InputFile x``, any
abbreviation that is unique, and ``-StandardInput``, after which lines of the form
``InputFile x`` follow until ``EndInput`` or the end of the input. The options
themselves are declared in an autodoc file (``vesimodpip.adoc``), the form that IMOD's
own programs use; it is the only place where they are listed.

Source of the rules: IMOD's man page *pip*.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TextIO, TypeVar

from vesimod_imod.core.clean_text import one_line
from vesimod_imod.core.errors import VesimodError

_Value = TypeVar("_Value")
_TRUE = {"1", "T", "TRUE", "ON", "t", "true", "on"}
_FALSE = {"0", "F", "FALSE", "OFF", "f", "false", "off"}
_TYPE_WORDS = {
    "FN": "File",
    "CH": "String",
    "F": "Float",
    "FP": "2 floats",
    "I": "Int",
    "PF": "File",
    "B": "",
}


class PipError(VesimodError, ValueError):
    """An option that cannot be understood; the message says which and why."""


@dataclass(frozen=True)
class Option:
    """One option of a program.

    Parameters
    ----------
    long, short : str
        Its two names; both may be abbreviated.
    type : str
        ``FN`` file name, ``CH`` text, ``F`` number, ``I`` whole number, ``B`` a switch,
        ``PF`` a file with further options.
    usage : str
        One line of help.
    multiple : bool
        Entries accumulate; otherwise the last one counts.
    """

    long: str
    short: str
    type: str
    usage: str
    multiple: bool = False


@dataclass(frozen=True)
class Entries:
    """What the user entered: values by long name, and the arguments without a name."""

    values: Mapping[str, list[str]]
    arguments: Sequence[str] = field(default_factory=list)

    def text(self, name: str, argument: int | None = None) -> str | None:
        """Return the value of `name`, else the argument at place `argument`, else None."""
        if name in self.values:
            return self.values[name][-1]
        if argument is not None and argument < len(self.arguments):
            return self.arguments[argument]
        return None

    def number(self, name: str) -> float | None:
        """Return the value of `name` as a float; `PipError` if it is none."""
        return _convert(float, "a number", name, self.text(name))

    def pair(self, name: str) -> tuple[float, float] | None:
        """Return the value of `name` as two floats; `PipError` if it is not."""
        return _convert(_two_floats, "two numbers", name, self.text(name))

    def whole_number(self, name: str) -> int | None:
        """Return the value of `name` as an int; `PipError` if it is none."""
        return _convert(int, "a whole number", name, self.text(name))

    def switch(self, name: str) -> bool:
        """Whether the switch `name` is on; `PipError` if its value is neither yes nor no."""
        text = self.text(name)
        if text is None or text in _FALSE:
            return False
        if text in _TRUE:
            return True
        raise PipError(f"Illegal entry for boolean option {name}: {text}")


def load_adoc(name: str = "vesimodpip") -> str:
    """Return the text of the autodoc file that ships with this package."""
    return (resources.files("vesimod_imod.etomo") / f"{name}.adoc").read_text(encoding="utf-8")


def parse_adoc(text: str) -> list[Option]:
    """Read the options that an autodoc file declares, in its order."""
    options = []
    for section in re.split(r"^\[Field", text, flags=re.MULTILINE)[1:]:
        field = section.partition("\n[")[0]
        keys = dict(re.findall(r"^(short|long|type|usage) *= *(.*?) *$", field, re.MULTILINE))
        multiple = keys["type"].endswith("M")
        kind = keys["type"].removesuffix("M")
        options.append(Option(keys["long"], keys["short"], kind, keys["usage"], multiple))
    return options


def parse_entries(argv: Sequence[str], options: Sequence[Option], stdin: TextIO) -> Entries:
    """Read a command line, and the standard input where it asks for that.

    Raises
    ------
    PipError
        An unknown or ambiguous option, or one without its value.
    OSError
        A parameter file cannot be read.
    """
    values: dict[str, list[str]] = {}
    arguments: list[str] = []
    words = iter(argv)
    for word in words:
        if not word.startswith("-") or re.fullmatch(r"-[\d.,]+", word):
            arguments.append(word)
            continue
        name = word.removeprefix("-").removeprefix("-")
        if name and "StandardInput".startswith(name):
            _read_lines(stdin, options, values)
            continue
        option = _look_up(name, options)
        value = "1" if option.type == "B" else next(words, None)
        if value is None:
            raise PipError(f"A value was expected but not found for option {word}")
        if option.type == "PF":
            with Path(value).open(encoding="utf-8") as stream:
                _read_lines(stream, options, values)
        else:
            _add(values, option, value)
    return Entries(values, arguments)


def help_text(program: str, options: Sequence[Option], arguments: str) -> str:
    """Return the usage that ``-help`` prints."""
    lines = [f"Usage: {program} [Options] {arguments}", "Options can be abbreviated", "Options:"]
    for option in options:
        words = _TYPE_WORDS[option.type]
        lines.append(f" -{option.short}  OR  -{option.long}   {words}".rstrip())
        usage = option.usage + (" (Successive entries accumulate)" if option.multiple else "")
        lines += textwrap.wrap(usage, 74, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines)


def entries_text(program: str, entries: Entries) -> str:
    """Return the list of entries that IMOD's programs print at the head of a log."""
    lines = [f"*** Entries to program {program} ***"]
    lines += [
        f"  {name} = {one_line(value)}" for name, each in entries.values.items() for value in each
    ]
    if entries.arguments:
        lines.append("  Non-option arguments:   " + "   ".join(map(one_line, entries.arguments)))
    return "\n".join([*lines, "*** End of entries ***"])


def _look_up(name: str, options: Sequence[Option]) -> Option:
    """Find the one option that `name` is or abbreviates."""
    exact = [o for o in options if name in (o.long, o.short)]
    found = exact or [o for o in options if o.long.startswith(name) or o.short.startswith(name)]
    if not name or not found:
        raise PipError(f"Illegal option: {name or '-'}")
    if len(found) > 1:
        several = ", ".join(f"{o.short} - {o.long}" for o in found)
        raise PipError(f'An option specified by "{name}" is ambiguous between {several}')
    return found[0]


def _read_lines(
    lines: Iterable[str], options: Sequence[Option], values: dict[str, list[str]]
) -> None:
    """Read ``LongName value`` lines; # starts a comment at a line's start or after a blank."""
    for line in lines:
        text = re.sub(r"(^|\s)#.*", "", line).strip()
        if not text:
            continue
        name, _, value = (part.strip() for part in _partition(text))
        if name == "EndInput":
            return
        option = _look_up(name, options)
        if option.type == "PF":
            raise PipError("Trying to open a parameter file while reading one")
        if not value and option.type != "B":
            raise PipError(f"Missing a value on the input line: {text}")
        _add(values, option, value or "1")


def _partition(text: str) -> tuple[str, str, str]:
    """Split a line at its first blanks, with at most one equals sign among them."""
    match = re.match(r"([^\s=]+)(\s*=\s*|\s+)?(.*)", text)
    if match is None:
        raise PipError(f"Illegal input line: {text}")
    return match[1], match[2] or "", match[3]


def _add(values: dict[str, list[str]], option: Option, value: str) -> None:
    if option.multiple:
        values.setdefault(option.long, []).append(value)
    else:
        values[option.long] = [value]


def _two_floats(text: str) -> tuple[float, float]:
    """Read two numbers with a comma or blanks between, as PIP does."""
    first, second = map(float, text.replace(",", " ").split())
    return first, second


def _convert(
    kind: Callable[[str], _Value], words: str, name: str, text: str | None
) -> _Value | None:
    if text is None:
        return None
    try:
        return kind(text)
    except ValueError:
        raise PipError(f"{name} needs {words}, found {text}") from None
