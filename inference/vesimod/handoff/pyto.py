"""Pyto's input, a folder of a tomogram, a label volume and parameters; and its table of vesicles.

In the labels 1 is the region in which connectors may run, 2 the active zone, and vesicles begin at
10, which is why a vesicle's label is its id + 9. Pyto reads bytes (mode 0) as unsigned and half
floats (mode 12) not at all, so that tomograms of those modes are written in wider ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from vesimod_imod.core.arrays import BoolArray, IntArray
from vesimod_imod.core.files import check_regular
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Spheres

from vesimod.handoff.folders import atomic_folder
from vesimod.handoff.frame import Frame, HandoffError, reading, spheres_at
from vesimod.io.tomogram import Tomogram, write_mrc

TOMOGRAM, LABELS, PARAMETERS = "tomo.mrc", "labels.mrc", "tomo_info.py"
#: What such a folder holds.
CONTENT = (TOMOGRAM, LABELS, PARAMETERS)
REGION, ACTIVE_ZONE, FIRST_VESICLE = 1, 2, 10
OFFSET = FIRST_VESICLE - 1  # from a vesicle's id to its label
_WIDER = {"i1": np.int16, "u1": np.int16, "f2": np.float32, "i4": np.float32, "u4": np.float32}
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
# Numbers in a line of Pyto's table: an id, four of each of three densities, the volumes of vesicle
# and membrane, two distances, x y z, and mean, SD, minimum and maximum of the radius.
_LINE = 24
_XYZ, _RADIUS = slice(17, 20), 20
_FIRST_LINE = '"""Parameters for Pyto, written by vesimod: a vesicle\'s label is its id + 9."""'
_MEASURES = {"density": 1, "membrane_density": 5, "lumen_density": 9}


@dataclass(frozen=True, eq=False, repr=False)
class PytoInput(ShortRepr):
    """What Pyto is given.

    Parameters
    ----------
    tomogram : Tomogram
    vesicles : (z, y, x) integer array
        Ids of the vesicles; 0 elsewhere.
    region : (z, y, x) bool
        Where connectors may run, e.g. the inside of the cell's outline.
    active_zone : (z, y, x) bool, optional
    """

    tomogram: Tomogram
    vesicles: npt.NDArray[Any]
    region: BoolArray
    active_zone: BoolArray | None = None

    def labels(self) -> npt.NDArray[np.uint16]:
        """Return Pyto's label volume; vesicles lie over the active zone, that over the region.

        Raises
        ------
        HandoffError
            There is no vesicle, or an id does not fit into 16 bits.
        """
        largest = int(self.vesicles.max(initial=0))
        if not largest:
            raise HandoffError(
                f"{self.tomogram.path}: no voxel of it is vesicle: nothing to hand over"
            )
        if largest > np.iinfo(np.uint16).max - OFFSET:
            raise HandoffError(f"id {largest} is too large for labels of 16 bits")
        labels = self.region.astype(np.uint16) * np.uint16(REGION)
        if self.active_zone is not None:
            labels[self.active_zone] = ACTIVE_ZONE
        inside = self.vesicles > 0
        labels[inside] = self.vesicles[inside] + OFFSET
        return labels


def write_pyto(path: Path, given: PytoInput, *, overwrite: bool = False) -> None:
    """Write a folder that Pyto works on.

    Raises
    ------
    HandoffError
        See `PytoInput.labels`.
    OSError
        See `vesimod.handoff.folders.atomic_folder`.
    """
    labels = given.labels()
    voxels = given.tomogram.voxels
    wider = _WIDER.get(voxels.dtype.str[1:])
    with atomic_folder(path, overwrite, CONTENT) as folder:
        image = np.asarray(voxels, wider or voxels.dtype.newbyteorder("="))
        write_mrc(folder / TOMOGRAM, image, given.tomogram)
        write_mrc(folder / LABELS, labels, given.tomogram)
        text = _parameters(np.unique(labels[labels >= FIRST_VESICLE]), ACTIVE_ZONE in labels)
        pixel_nm = given.tomogram.grid.xy_voxel_size_nm
        text += f"\n# nm\npixel_size = {pixel_nm:.6g}\n"
        (folder / PARAMETERS).write_text(text, encoding="utf-8", newline="\n")


def _parameters(vesicles: IntArray | npt.NDArray[Any], has_active_zone: bool) -> str:
    """Parameters by the names under which Pyto's scripts import them."""
    zone = [ACTIVE_ZONE] if has_active_zone else []
    ids = [int(number) for number in vesicles]
    return "\n".join(
        [
            _FIRST_LINE,
            "",
            f'image_file_name = "{TOMOGRAM}"',
            f'labels_file_name = "{LABELS}"',
            "labels_data_type = None  # the MRC header states it",
            "",
            f"vesicle_ids = {ids}",
            f"boundary_ids = {[*zone, *ids]}",
            f"all_ids = {[REGION, *zone, *ids]}",
            f"segmentation_region = {REGION}",
            f"distance_id = {ACTIVE_ZONE if has_active_zone else None}",
            "",
        ]
    )


def read_pyto(path: Path, frame: Frame) -> Spheres:
    """Read the table of vesicles that Pyto wrote (``*_vesicles.dat``).

    Ids are its labels; where it lies in a folder that `write_pyto` made, they are those of the
    vesicles that went there. Densities and distances (in nm) become measures.

    Raises
    ------
    HandoffError
        It holds no line of a vesicle.
    """
    check_regular(path)
    voxel_nm = frame.grid.xy_voxel_size_nm
    with reading(path, "a table of vesicles from Pyto"):
        lines = []
        for line in path.read_text(encoding="utf-8").splitlines():
            # Pyto separates columns by their width: numbers may touch where they are long.
            words = _NUMBER.findall(line)
            if line.strip() and not line.lstrip().startswith("#") and len(words) == _LINE:
                lines.append([float(word) for word in words])
        if not lines:
            raise HandoffError(f"{path}: holds no line of a vesicle as Pyto writes them")
        table = np.array(lines)
    ids = table[:, 0] - (OFFSET if _is_ours(path.with_name(PARAMETERS)) else 0)
    spheres = spheres_at(path, table[:, _XYZ][:, ::-1], table[:, _RADIUS] * voxel_nm, None, ids)
    distances = {"mean_az_nm": table[:, 15] * voxel_nm, "min_az_nm": table[:, 16] * voxel_nm}
    densities = {name: table[:, column] for name, column in _MEASURES.items()}
    return spheres.with_measures(**densities, **distances)


def _is_ours(parameters: Path) -> bool:
    """Whether a folder's parameters say that its labels are ids plus an offset."""
    if not parameters.is_file():
        return False
    with parameters.open(encoding="utf-8", errors="replace") as stream:
        return stream.readline().rstrip() == _FIRST_LINE
