"""Signs that a file holds a tilt series, which is the input of a reconstruction, not its result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vesimod.io.mrc_header import labels, standard_version

_ENDINGS = (".st", ".ali", ".preali", ".mrcs", ".rawst")
_STEM_ENDINGS = ("_ali", "_preali", "_st")
_COMPRESSED = (".gz", ".bz2")
_MICROSCOPE_LABELS = ("serialem:", "tilt axis angle")
# Programs that reconstruct carry the labels of the tilt series over and add one of theirs.
_RECONSTRUCTION_LABELS = ("tilt:", "reconstruct", "tomogram", "sirt", "wbp", "trimvol", "volume")
_LEAST_SECTIONS = 5
_LEAST_RANGE_DEG = 20.0
_STEP_RANGE_DEG = (0.25, 10.0)
_FEI_BYTES = 128  # a section in FEI's old extended header, which begins with the tilt angle
_FEI_ALPHA = 100  # where the later one has it


def tilt_series_signs(path: Path, header: Any, extended: bytes) -> list[str]:
    """Say what speaks for a tilt series; nothing where nothing does.

    Parameters
    ----------
    path : Path
    header : numpy record
        From `vesimod.io.mrc_header.read_header`.
    extended : bytes
        The extended header, or its beginning.
    """
    name = path.name.lower()
    for ending in _COMPRESSED:
        name = name.removesuffix(ending)
    signs = []
    if name.endswith(_ENDINGS):
        signs.append(f"its name ends in {Path(name).suffix}")
    elif Path(name).stem.endswith(_STEM_ENDINGS):
        signs.append(f"its name ends in _{Path(name).stem.rsplit('_', 1)[1]}")
    texts = [label.lower() for label in labels(header)]
    microscope = any(word in text for text in texts for word in _MICROSCOPE_LABELS)
    if microscope and not any(word in text for text in texts for word in _RECONSTRUCTION_LABELS):
        signs.append("its labels are a microscope's (tilt axis angle), none a reconstruction's")
    if standard_version(header) and int(header["ispg"]) == 0 and int(header["mz"]) == 1:
        signs.append("its header is that of an image stack")
    angles = _tilt_angles(header, extended)
    if angles is not None:
        signs.append(f"it has tilt angles from {angles.min():.0f} to {angles.max():.0f} degrees")
    return signs


def _tilt_angles(header: Any, extended: bytes) -> npt.NDArray[np.float64] | None:
    """Tilt angle of each section in degrees, if the extended header has something like that."""
    sections, announced = int(header["nz"]), int(header["nsymbt"])
    if sections < _LEAST_SECTIONS or not 0 < announced <= len(extended):
        return None
    order = header.dtype["mode"].byteorder
    for kind, scale, offset, step in _layouts(header, extended, announced // sections):
        dtype = np.dtype(kind).newbyteorder(order)
        if step < offset + dtype.itemsize or sections * step > announced:
            continue
        rows = np.frombuffer(extended, np.uint8, sections * step).reshape(sections, step)
        field = np.ascontiguousarray(rows[:, offset : offset + dtype.itemsize])
        with np.errstate(invalid="ignore"):  # anything may lie there
            angles = field.view(dtype)[:, 0].astype(np.float64) * scale
        if _are_tilts(angles):
            return angles
    return None


def _layouts(header: Any, extended: bytes, share: int) -> list[tuple[str, float, int, int]]:
    """Where tilt angles may be: type, unit in degrees, offset, and bytes for each section.

    SerialEM's words of 16 bits; Agard's integers and reals; FEI's 128 bytes of reals, and the
    later form that begins with its own length.
    """
    order = header.dtype["mode"].byteorder
    raw = header.tobytes()
    ints, reals = (int(n) for n in np.frombuffer(raw, np.dtype("i2").newbyteorder(order), 2, 128))
    fei_step = int(np.frombuffer(extended[:4].ljust(4, b"\0"), "<i4")[0])
    return [
        ("i2", 0.01, 0, ints if 0 < ints <= share else share),
        ("f4", 1.0, 4 * max(ints, 0), 4 * (max(ints, 0) + max(reals, 0))),
        ("f4", 1.0, 0, _FEI_BYTES),
        ("f8", 1.0, _FEI_ALPHA, fei_step if _FEI_ALPHA < fei_step <= share else share),
    ]


def _are_tilts(angles: npt.NDArray[np.float64]) -> bool:
    """Whether numbers are evenly spread over a range, in any order, as tilt angles are."""
    if not np.all(np.abs(angles) <= 90):  # NaN included
        return False
    ranked = np.unique(np.round(angles, 1))
    steps = np.diff(ranked)
    return bool(
        len(ranked) > 0.8 * len(angles)
        and np.ptp(ranked) >= _LEAST_RANGE_DEG
        and _STEP_RANGE_DEG[0] <= np.median(steps) <= _STEP_RANGE_DEG[1]
    )
