"""Find the data sets of Etomo and the final tomogram of each.

Etomo writes one ``.edf`` file per data set. The tomogram's name depends on Etomo's age
and on how far the data set has come: ``name.rec`` or ``name_rec.mrc`` after trimming,
``sum`` (two axes) or ``name_full`` (one axis) before it.

Source: the section "Running inside Etomo" of IMOD's documentation, and for the titles in
the MRC header what *clip flipyz* and *clip rotx*, which trimvol runs, write there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vesimod_imod.core.errors import VesimodError
from vesimod_imod.core.files import check_regular

_TITLES = slice(224, 1024)  # of the MRC header: ten titles of 80 characters


class DataSetError(VesimodError, ValueError):
    """There is no data set, or no tomogram in it; the message says what was looked for."""


@dataclass(frozen=True)
class DataSet:
    """One data set of Etomo.

    Parameters
    ----------
    name : str
        Its root name, e.g. ``TS_01``.
    folder : Path
        Where its files lie.
    settings : mapping of str to str
        All entries of the ``.edf`` file.
    """

    name: str
    folder: Path
    settings: Mapping[str, str]

    @property
    def dual_axis(self) -> bool:
        """Whether two tilt axes were combined."""
        return self.settings.get("Setup.AxisType") == "Dual Axis"


@dataclass(frozen=True)
class FinalTomogram:
    """The tomogram to work on, and in words what is doubtful about it."""

    path: Path
    warnings: tuple[str, ...] = ()


def find_data_sets(target: Path) -> list[DataSet]:
    """Find the data sets that a user means.

    Parameters
    ----------
    target : Path
        An ``.edf`` file; a data set's name, with its folder in front if it is not the
        current one; or a folder: its data sets, and those of the folders in it.

    Raises
    ------
    DataSetError
        There is none.
    OSError
        An ``.edf`` file cannot be read.
    """
    target = Path(target)
    if target.suffix == ".edf":
        files = [target]
    elif target.is_dir():
        files = sorted(target.glob("*.edf")) or sorted(target.glob("*/*.edf"))
    else:
        files = [target.with_name(target.name + ".edf")]
    if not files or not files[0].exists():
        raise DataSetError(
            f"{target}: no Etomo data set there (looked for {files[0] if files else '*.edf'}); "
            "give an .edf file, a data set's name, or the folder that holds it"
        )
    return [read_edf(file) for file in files]


def read_edf(path: Path) -> DataSet:
    """Read an ``.edf`` file: a Java properties file in Latin-1, or in what an editor made of it."""
    check_regular(path)
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    text = re.sub(r"\\\r?\n[ \t]*", "", text)
    settings = {}
    for line in text.splitlines():
        match = re.match(r"\s*((?:\\.|[^\s=:\\#!])(?:\\.|[^\s=:\\])*)\s*[=:]?\s*(.*)", line)
        if match:
            settings[_unescape(match[1])] = _unescape(match[2]).strip()
    return DataSet(settings.get("Setup.DatasetName") or path.stem, path.parent, settings)


def final_tomogram(data_set: DataSet) -> FinalTomogram:
    """Find the final tomogram of a data set.

    Raises
    ------
    DataSetError
        No tomogram exists under any of the names that Etomo gives it.
    """
    name = data_set.name
    trimmed = [f"{name}_rec.mrc", f"{name}.rec"]
    untrimmed = (
        ["sum_rec.mrc", "sum.rec"]
        if data_set.dual_axis
        else [f"{name}_full_rec.mrc", f"{name}_full.rec"]
    )
    existing = [f for f in trimmed + untrimmed if (data_set.folder / f).is_file()]
    if not existing:
        raise DataSetError(
            f"{data_set.folder}: data set {name} has no tomogram yet; looked for "
            f"{', '.join(trimmed + untrimmed)}. Finish it in Etomo (Post-processing: Trim vol)"
        )
    chosen = existing[0]
    path = data_set.folder / chosen
    warnings = []
    if chosen in trimmed and len(existing) > 1 and existing[1] in trimmed:
        warnings.append(f"{existing[1]} exists too and is not used")
    if chosen in untrimmed:
        warnings.append(
            "this volume is not trimmed: its slices usually lie along Y, so that models will "
            "not fit the final tomogram. Run Trim vol in Etomo first"
        )
    else:
        warnings += _orientation_warnings(path, data_set)
    return FinalTomogram(path, tuple(warnings))


def _orientation_warnings(path: Path, data_set: DataSet) -> list[str]:
    """Say what is wrong with how the trimmed volume was turned, if anything is."""
    with path.open("rb") as stream:
        titles = stream.read(_TITLES.stop)[_TITLES].decode("latin-1").lower()
    if titles.rfind("clip: flipyz") > titles.rfind("clip: rotx"):
        return [
            "Y and Z were swapped (trimvol -yz), so that left and right are mirrored. Vesicles "
            "are found all the same, but choose 'Rotate around X axis' in Etomo's Trim vol panel "
            "where handedness matters"
        ]
    if data_set.settings.get("ReconstructionState.TrimvolFlipped") == "false":
        return [
            "Etomo trimmed this volume without turning it: its slices lie along Y. Choose "
            "'Rotate around X axis' in Etomo's Trim vol panel and trim again"
        ]
    return []


def _unescape(text: str) -> str:
    r"""Undo the escapes of Java properties: ``\:``, ``\t``, ``\u00e9`` ..."""
    named = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
    return re.sub(
        r"\\(?:u([0-9a-fA-F]{4})|(.))",
        lambda match: chr(int(match[1], 16)) if match[1] else named.get(match[2], match[2]),
        text,
    )
