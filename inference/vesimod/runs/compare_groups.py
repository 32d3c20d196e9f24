"""Groups of measured synapses, from their tables to tables, effects and a figure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from vesimod_imod.core.errors import InputError
from vesimod_imod.core.locks import writing

from vesimod.io.csv_table import TableError, read_table, write_table
from vesimod.measure.groups import Effect, effects
from vesimod.runs.measure_file import SUMMARY_ENDING, TABLE_ENDING, cell


@dataclass(frozen=True)
class GroupFiles:
    """Files of many synapses, in one folder.

    Parameters
    ----------
    folder : Path
    has_picture : bool
        Whether a figure is drawn.
    """

    folder: Path
    has_picture: bool = True

    @property
    def vesicles(self) -> Path:
        """A row a vesicle."""
        return self.folder / "vesicles.csv"

    @property
    def synapses(self) -> Path:
        """A row a synapse."""
        return self.folder / "synapses.csv"

    @property
    def effects(self) -> Path:
        """A row a number and group."""
        return self.folder / "effects.csv"

    @property
    def picture(self) -> Path | None:
        """All numbers by group."""
        return self.folder / "groups.png" if self.has_picture else None

    def files(self) -> list[Path]:
        """All of them."""
        tables = [self.vesicles, self.synapses, self.effects]
        return tables if self.picture is None else [*tables, self.picture]


def compare_groups(
    folder: Path, groups: Path, files: GroupFiles, control: str | None = None
) -> tuple[list[Effect], list[str]]:
    """Gather measured synapses into tidy tables and compare their groups.

    Parameters
    ----------
    folder : Path
        With ``NAME_measured.csv`` and ``NAME_measured_summary.csv`` of each synapse, in it or in
        folders in it, as ``vesimod synapse`` leaves them.
    groups : Path
        A table with columns synapse (NAME) and group.
    files : GroupFiles
        Written; existing ones are replaced.
    control : str, optional
        Default: the group that stands first in `groups`.

    Returns
    -------
    effects : list of Effect
    doubts : list of str

    Raises
    ------
    TableError, InputError, FileNotFoundError
        A synapse of the table was not measured; see also `vesimod.measure.groups.effects`.
    """
    from vesimod.figures.measures import draw_groups

    group_of = _read_groups(groups)
    tables = _tables(folder)
    names = [name for name in group_of if name in tables]
    if missing := [name for name in group_of if name not in names]:
        raise FileNotFoundError(
            f"{folder / missing[0]}{TABLE_ENDING}: no such file; {groups.name} names "
            f"{missing[0]!r}: run vesimod measure on it with its table in that folder"
        )
    doubts = [f"{name}: is in no group: left out" for name in sorted(set(tables) - set(names))]
    member = [group_of[name] for name in names]
    summaries = [_summary(tables[name]) for name in names]
    columns = list(dict.fromkeys(key for row in summaries for key in row))
    values = {key: np.array([row.get(key, float("nan")) for row in summaries]) for key in columns}
    found = effects(values, member, control)
    for group in dict.fromkeys(member):
        if (count := member.count(group)) < 5:
            doubts.append(f"group {group!r} has {count} synapses: its intervals are too narrow")
    vesicle_columns, rows = _vesicles(tables, group_of, names)
    synapse_rows = (
        [name, group_of[name], *(cell(values[key][k]) for key in columns)]
        for k, name in enumerate(names)
    )
    with writing(files.vesicles, files.files()):
        if files.picture is not None:
            draw_groups(files.picture, values, member, found)
        write_table(files.effects, [f.name for f in fields(Effect)], _effect_rows(found))
        write_table(files.synapses, ["synapse", "group", *columns], synapse_rows)
        write_table(files.vesicles, ["synapse", "group", *vesicle_columns], rows)
    return found, doubts


def _tables(folder: Path) -> dict[str, Path]:
    """Tables of vesicles by the synapse's name."""
    found: dict[str, Path] = {}
    for path in sorted([*folder.glob(f"*{TABLE_ENDING}"), *folder.glob(f"*/*{TABLE_ENDING}")]):
        name = path.name.removesuffix(TABLE_ENDING)
        if name in found:
            raise InputError(f"{path}: {found[name]} is of the same name; rename one of them")
        found[name] = path
    return found


def _read_groups(path: Path) -> dict[str, str]:
    """Group of each synapse, in the order of the table."""
    table = read_table(path)
    table.require(("synapse", "group"), "it says of which group each synapse is")
    found: dict[str, str] = {}
    for row, line in zip(table.rows, table.lines, strict=True):
        name, group = row["synapse"].strip(), row["group"].strip()
        if not name or not group or name in found or Path(name).name != name:
            raise TableError(f"{path}: line {line}: each synapse stands there once, with its group")
        found[name] = group
    if not found:
        raise InputError(f"{path}: names no synapse")
    return found


def _summary(vesicles: Path) -> dict[str, float]:
    """Numbers of the synapse whose vesicles are in a table."""
    path = vesicles.with_name(vesicles.name.removesuffix(".csv") + SUMMARY_ENDING)
    table = read_table(path)
    if len(table.rows) != 1:
        raise TableError(f"{path}: {len(table.rows)} rows, not one; measure it again")
    try:
        row = {key: cell for key, cell in table.rows[0].items() if key != "synapse"}
        return {key: float(cell) if cell else float("nan") for key, cell in row.items()}
    except ValueError as error:
        raise TableError(f"{path}: {error}; measure the synapse again") from error


def _vesicles(
    paths: dict[str, Path], group_of: dict[str, str], names: list[str]
) -> tuple[list[str], Iterable[list[str]]]:
    """Columns that any synapse's vesicles have, and the vesicles of all."""
    tables = [read_table(paths[name]) for name in names]
    columns = list(dict.fromkeys(key for table in tables for key in table.header))
    rows = (
        [name, group_of[name], *(row.get(key, "") for key in columns)]
        for name, table in zip(names, tables, strict=True)
        for row in table.rows
    )
    return columns, rows


def _effect_rows(found: list[Effect]) -> Iterable[list[str]]:
    for effect in found:
        values = effect.as_dict().values()
        yield [value if isinstance(value, str) else cell(value) for value in values]
