"""RELION's STAR files of particles, of RELION 4 and 5.

RELION 4: ``rlnCoordinateX/Y/Z`` in pixels of the unbinned tilt series, 0 at the centre of the first
voxel. RELION 5: ``rlnCenteredCoordinateX/Y/ZAngst``, in Angstrom from the middle of the tomogram,
which is its size over 2 (RELION's documentation, "Conventions").

STAR is read here and not by the package starfile, which brings 100 MB for a table of text.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
from vesimod_imod.core.arrays import FloatArray
from vesimod_imod.core.files import atomic_path, check_regular
from vesimod_imod.core.spheres import Spheres

from vesimod.handoff.frame import ANGSTROM_PER_NM, Frame, HandoffError, reading, spheres_at

_CENTRED = tuple(f"rlnCenteredCoordinate{axis}Angst" for axis in "ZYX")
_PIXELS = tuple(f"rlnCoordinate{axis}" for axis in "ZYX")
_SHIFTS = tuple(f"rlnOrigin{axis}Angst" for axis in "ZYX")
_TURNS = tuple(f"rlnTomoSubtomogram{angle}" for angle in ("Rot", "Tilt", "Psi"))
_TILT_PIXEL = "rlnTomoTiltSeriesPixelSize"
_SCORE, _RADIUS, _ID = "rlnAutopickFigureOfMerit", "vesimodRadiusNm", "vesimodId"

Block = dict[str, list[str]]


def write_relion5(path: Path, spheres: Spheres, frame: Frame) -> None:
    """Write particles for RELION 5: Angstrom from the middle of the tomogram.

    Radii and ids stand in columns of our own, which RELION carries along.
    """
    from_middle = (spheres.centres - frame.middle(path)) * np.asarray(frame.size_nm)
    _write(path, spheres, frame, _CENTRED, ANGSTROM_PER_NM * from_middle)


def write_relion4(path: Path, spheres: Spheres, frame: Frame) -> None:
    """Write particles for RELION 4: pixels of the unbinned tilt series from the first voxel."""
    _write(
        path,
        spheres,
        frame,
        _PIXELS,
        spheres.centres * np.asarray(frame.size_nm) / _pixel_nm(frame),
    )


def _pixel_nm(frame: Frame) -> float:
    return frame.tilt_pixel_nm or frame.grid.xy_voxel_size_nm


def _write(
    path: Path, spheres: Spheres, frame: Frame, names: tuple[str, ...], zyx: FloatArray
) -> None:
    optics: Block = {
        "rlnOpticsGroup": ["1"],
        "rlnOpticsGroupName": ["opticsGroup1"],
        _TILT_PIXEL: [f"{ANGSTROM_PER_NM * _pixel_nm(frame):.6f}"],
    }
    count = len(spheres)
    particles: Block = {
        "rlnTomoName": [_word(frame.tomogram)] * count,
        **{names[k]: [f"{value:.4f}" for value in zyx[:, k]] for k in (2, 1, 0)},
        **{name: ["0.000000"] * count for name in ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")},
        "rlnOpticsGroup": ["1"] * count,
        _SCORE: [f"{score:.6f}" for score in spheres.scores],
        _RADIUS: [f"{radius:.4f}" for radius in spheres.radii_nm],
        _ID: [str(number) for number in spheres.ids],
    }
    with atomic_path(path) as temporary:
        text = _block("optics", optics) + _block("particles", particles)
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _block(name: str, columns: Block) -> str:
    header = "".join(f"_{label} #{k}\n" for k, label in enumerate(columns, 1))
    rows = "".join("\t".join(row) + "\n" for row in zip(*columns.values(), strict=True))
    return f"\n# version 30001\n\ndata_{name}\n\nloop_\n{header}{rows}\n"


def _word(name: str) -> str:
    """Return a name as one word of STAR."""
    return f'"{name}"' if not name or any(letter.isspace() for letter in name) else name


def read_star(path: Path, frame: Frame) -> Spheres:
    """Read particles of RELION 4 or 5 or of Warp; of several tomograms, those of the frame's.

    Raises
    ------
    HandoffError
        It has no positions, or holds several tomograms and none of the frame's name; or its
        positions are shifted in turned subtomograms, of which the file alone tells too little.
    """
    with reading(path, "a STAR file of particles"):
        blocks = read_blocks(path)
        particles = next(
            (b for b in blocks.values() if set(_CENTRED) <= set(b) or set(_PIXELS) <= set(b)), None
        )
        if particles is None:
            raise HandoffError(
                f"{path}: has no block with {_PIXELS[2]} or {_CENTRED[2]} and those of y and z"
            )
        rows = _rows_of(path, particles, frame.tomogram)
        centred = set(_CENTRED) <= set(particles)
        zyx = _numbers(particles, _CENTRED if centred else _PIXELS, rows)
        pixel_nm = _stated_pixel_nm(blocks, particles, frame)
        zyx_nm = zyx / ANGSTROM_PER_NM if centred else zyx * pixel_nm
        zyx_nm -= _shifts_nm(path, particles, rows)
        centres = zyx_nm / np.asarray(frame.size_nm)
        if centred:
            centres += frame.middle(path)
        columns = [
            _numbers(particles, (name,), rows)[:, 0] if name in particles else None
            for name in (_RADIUS, _SCORE, _ID)
        ]
    return spheres_at(path, centres, *columns)


def _rows_of(path: Path, particles: Block, tomogram: str) -> list[int]:
    """Rows of one tomogram."""
    count = len(next(iter(particles.values())))
    names = particles.get("rlnTomoName", particles.get("rlnMicrographName", [""] * count))
    there = sorted(set(names))
    if len(there) < 2:
        return list(range(count))
    if tomogram not in there:
        raise HandoffError(
            f"{path}: holds particles of {', '.join(there[:8])}; say with `name` which are meant"
        )
    return [row for row, name in enumerate(names) if name == tomogram]


def _stated_pixel_nm(blocks: dict[str, Block], particles: Block, frame: Frame) -> float:
    """Pixel size that RELION 4's positions count in."""
    optics = blocks.get("optics", {})
    stated = (optics.get(_TILT_PIXEL) or particles.get(_TILT_PIXEL) or [""])[0]
    if frame.tilt_pixel_nm is not None or not stated:
        return _pixel_nm(frame)
    return float(stated) / ANGSTROM_PER_NM


def _shifts_nm(path: Path, particles: Block, rows: list[int]) -> FloatArray:
    """Shifts (N, 3) of refined particles, which RELION subtracts."""
    if not set(_SHIFTS) <= set(particles):
        return np.zeros((len(rows), 3))
    shifts = _numbers(particles, _SHIFTS, rows) / ANGSTROM_PER_NM
    turned = set(_TURNS) <= set(particles) and _numbers(particles, _TURNS, rows).any()
    if turned and shifts.any():
        raise HandoffError(
            f"{path}: its subtomograms are turned and its particles shifted in them; let RELION "
            "extract them anew, which clears the shifts"
        )
    return shifts


def _numbers(block: Block, names: tuple[str, ...], rows: list[int]) -> FloatArray:
    """Columns of a block as numbers (N, columns)."""
    return np.array([[float(block[name][row]) for name in names] for row in rows]).reshape(
        -1, len(names)
    )


def read_blocks(path: Path) -> dict[str, Block]:
    """Read the blocks of a STAR file, by name: each column's cells as text."""
    check_regular(path)
    blocks: dict[str, Block] = {}
    block: Block = {}
    looping = False
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        words = shlex.split(line, comments=True) if '"' in line or "'" in line else line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith("data_"):
            block, looping = {}, False
            blocks[words[0].removeprefix("data_")] = block
        elif words[0] == "loop_":
            looping = True
        elif words[0].startswith("_") and (looping or len(words) > 1):
            block[words[0][1:]] = [] if looping else words[1:2]
        else:
            for column, word in zip(block.values(), words, strict=True):
                column.append(word)
    return blocks
