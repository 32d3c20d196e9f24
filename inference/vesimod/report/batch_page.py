"""One page about many tomograms: a line each, and which of them stand out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vesimod_imod.core.files import check_regular

from vesimod.report.html import render
from vesimod.report.stand_outs import stand_outs

MARK = b'content="vesimod batch"'  # in the first lines of such a page
BRIGHT = "bright membranes"  # in the note that says so


@dataclass(frozen=True)
class Line:
    """One tomogram; None is what is not known.

    Parameters
    ----------
    name, state : str
        Of its results; ``done``, ``kept`` or ``failed``.
    thumbnail : str
        Address of a picture that lies in the page, or empty.
    link : str
        Relative address of its report, or empty.
    vesicles, radius_nm, radius_sd_nm, density_per_um3, dropped_share, threshold, seconds
        Numbers, as in the summary.
    notes : tuple of str
        What may be wrong.
    """

    name: str
    state: str
    thumbnail: str = ""
    link: str = ""
    vesicles: int | None = None
    radius_nm: float | None = None
    radius_sd_nm: float | None = None
    density_per_um3: float | None = None
    dropped_share: float | None = None
    threshold: float | None = None
    seconds: float | None = None
    notes: tuple[str, ...] = ()


def reasons(lines: Sequence[Line]) -> list[list[str]]:
    """Why each tomogram is marked; empty where it is like the others."""
    said = stand_outs(
        {
            "the number of vesicles": [line.vesicles for line in lines],
            "the mean radius (nm)": [line.radius_nm for line in lines],
            "the density (in a cubic micrometre)": [line.density_per_um3 for line in lines],
            "the share of candidates dropped": [line.dropped_share for line in lines],
            "the threshold": [line.threshold for line in lines],
        },
        {"the share of candidates dropped": 0.08, "the threshold": 0.08},
    )
    for line, own in zip(lines, said, strict=True):
        if line.state == "failed":
            own.insert(0, "failed")
        elif line.vesicles == 0:
            own.insert(0, "no vesicle was found")
        if any(BRIGHT in note for note in line.notes):
            own.insert(0, "membranes look bright")
    return said


def check_batch_page(path: Path) -> None:
    """Refuse to replace a file that is not such a page.

    Raises
    ------
    FileExistsError
        There is a file of this name that is something else.
    """
    if not path.exists():
        return
    check_regular(path)
    with path.open("rb") as stream:
        if MARK not in stream.read(2000):
            raise FileExistsError(f"{path}: is not a report of vesimod's; move it away")


def write_batch_page(path: Path, lines: Sequence[Line]) -> None:
    """Write the page, whole or not at all; an old one is replaced."""
    render(
        path,
        "batch.html",
        lines=list(zip(lines, reasons(lines), strict=True)),
        total=sum(line.vesicles or 0 for line in lines),
    )
