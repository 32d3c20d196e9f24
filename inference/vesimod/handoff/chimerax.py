"""ChimeraX marker files (.cmm): spheres in Angstrom, where ChimeraX shows the tomogram."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import numpy as np
from vesimod_imod.core.files import atomic_path, check_regular
from vesimod_imod.core.spheres import Spheres

from vesimod.handoff.frame import ANGSTROM_PER_NM, Frame, HandoffError, reading, spheres_at

_UNKNOWN_NM = 10.0  # shown for a radius that is not known, which the note says
_UNKNOWN = "radius not known"
_COLOUR = 'r="0" g="1" b="0"'


def write_cmm(path: Path, spheres: Spheres, frame: Frame) -> None:
    """Write markers at x, y, z in Angstrom from the origin of the tomogram's header.

    ChimeraX places a map at its header's origin, and so are the markers.
    """
    zyx = ANGSTROM_PER_NM * (
        spheres.centres * np.asarray(frame.size_nm) + np.asarray(frame.grid.origin_nm)
    )
    lines = [f"<marker_set name={quoteattr(frame.tomogram)}>"]
    rows = zip(spheres.ids, zyx, spheres.radii_nm, spheres.scores, strict=True)
    for number, (z, y, x), radius, score in rows:
        known = bool(np.isfinite(radius))
        shown = ANGSTROM_PER_NM * (radius if known else _UNKNOWN_NM)
        note = f"score {score:.3f}" if known else _UNKNOWN
        lines.append(
            f'<marker id="{number}" x="{x:.3f}" y="{y:.3f}" z="{z:.3f}" {_COLOUR} '
            f'radius="{shown:.3f}" note="{note}"/>'
        )
    with atomic_path(path) as temporary:
        temporary.write_text(
            "\n".join([*lines, "</marker_set>", ""]), encoding="utf-8", newline="\n"
        )


def read_cmm(path: Path, frame: Frame) -> Spheres:
    """Read the markers of all sets in a file.

    Raises
    ------
    HandoffError
        It is no XML with markers.
    """
    check_regular(path)
    with reading(path, "a ChimeraX marker file"):
        markers = list(ElementTree.fromstring(path.read_text(encoding="utf-8")).iter("marker"))
        if not markers:
            raise HandoffError(f"{path}: holds no marker")
        zyx = np.array([[float(marker.attrib[axis]) for axis in "zyx"] for marker in markers])
        radii = [
            float("nan") if m.get("note") == _UNKNOWN else float(m.get("radius", "nan"))
            for m in markers
        ]
        ids = [float(marker.get("id", "nan")) for marker in markers]
    centres = (zyx / ANGSTROM_PER_NM - np.asarray(frame.grid.origin_nm)) / np.asarray(frame.size_nm)
    return spheres_at(path, centres, np.array(radii) / ANGSTROM_PER_NM, None, ids)
