"""List the licences of wheels, as their own metadata state them."""

from __future__ import annotations

import zipfile
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

PREFIX = "License :: "
LONGEST = 60  # some packages put the whole text into the field for the name


def licence_list(wheels: list[Path]) -> str:
    """Return a text with a line for each wheel: name, version, licence, where its text is."""
    rows = sorted((_row(wheel) for wheel in wheels), key=lambda row: row[0].lower())
    lines = ["Each part keeps its own licence; the texts lie in the wheels, under the names below."]
    for name, version, licence, texts in rows:
        lines += ["", f"{name} {version}: {licence}", *(f"    {text}" for text in texts)]
    return "\n".join(lines) + "\n"


def licence_of(metadata: Message) -> str:
    """Name a package's licence; newer metadata have an expression, older ones free text."""
    stated = metadata["License-Expression"] or metadata["License"] or ""
    if stated and len(stated) <= LONGEST and "\n" not in stated:
        return str(stated)
    classifiers = metadata.get_all("Classifier", [])
    names = [line.split(" :: ")[-1] for line in classifiers if line.startswith(PREFIX)]
    return ", ".join(names) or "not named in its metadata; see its text"


def _row(wheel: Path) -> tuple[str, str, str, list[str]]:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (path,) = (n for n in names if n.count("/") == 1 and n.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(path).decode("utf-8"))
    told = ("licen", "copying", "notice", "thirdparty")
    texts = [n for n in names if any(word in Path(n).name.lower() for word in told)]
    texts = [n for n in texts if Path(n).suffix.lower() not in (".py", ".pyc")]
    return metadata["Name"], metadata["Version"], licence_of(metadata), sorted(texts)
