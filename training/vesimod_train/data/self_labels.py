"""What a network finds in a tomogram that nobody labelled, sorted by what it may teach.

A network that learns from all that it finds learns its own errors. The tomogram knows better: the
fit of a membrane (`membrane_z`) is evidence that no network gives. What is clearer than any fit at
places where nothing was found teaches, what is doubtful teaches nothing, the rest is background.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from vesimod import Segmentation
from vesimod.io.label_volume import spheres_of_labels
from vesimod.io.tomogram import Tomogram
from vesimod.network.resample import model_to_volume
from vesimod.radial.profile import HALF_MEMBRANE_NM
from vesimod.radial.rays import RaySampler
from vesimod.vesicles.instances import split_instances
from vesimod.vesicles.noise import PLACES, empty_places, z_by_chance
from vesimod_imod.core.object_names import UNCERTAIN, VESICLES
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Spheres
from vesimod_imod.sphere_model.write import GREEN, ORANGE, SphereObject, write_sphere_objects

from vesimod_train.data.examples import in_any

#: From which probability on a place is no sure background.
SLIGHTEST = 0.05
#: Of the radius: mask and membrane of a vesicle beyond doubt agree on the centre to this.
MOST_OFF = 0.3
RIM_NM = 8.0  # around what is doubtful: its edge is doubtful, too


@dataclass(frozen=True, eq=False, repr=False)
class SelfLabels(ShortRepr):
    """What a tomogram teaches without a person.

    Parameters
    ----------
    sure : Spheres
        Vesicles whose membrane is beyond doubt, centres in voxels of the tomogram.
    doubtful : Spheres
        Whatever else may be one: nothing is learned there.
    """

    sure: Spheres
    doubtful: Spheres


def self_labels(tomogram: Tomogram, found: Segmentation) -> SelfLabels:
    """Sort what was found in a tomogram by what it may teach.

    Parameters
    ----------
    tomogram : Tomogram
        Membranes dark.
    found : Segmentation
        Of this tomogram.
    """
    size_nm, map_nm = tomogram.grid.voxel_size_nm, (found.model_voxel_size_nm,) * 3
    density = RaySampler(tomogram.voxels, size_nm)
    spheres = found.spheres
    clear = np.zeros(len(spheres), bool)
    places = empty_places(density, RaySampler(found.probability, map_nm))
    if len(spheres) and len(places) >= PLACES // 2:  # else nothing is known of what chance gives
        membrane_nm = float(np.median(spheres.radii_nm)) - HALF_MEMBRANE_NM
        by_chance = z_by_chance(density, places, membrane_nm)
        off = spheres.measures["centre_shift_nm"] / spheres.radii_nm
        clear = (spheres.measures["membrane_z"] > by_chance.max()) & (off < MOST_OFF)
    sure = _bare(spheres.select(clear))
    labels = split_instances(found.probability >= SLIGHTEST, map_nm, None)
    slight = spheres_of_labels(labels, map_nm)
    slight = replace(slight, centres=model_to_volume(slight.centres, size_nm, map_nm))
    slight = slight.select(~in_any(slight, sure, size_nm))
    parts = [_bare(s) for s in (spheres.select(~clear), found.dropped, slight)]
    doubtful = Spheres(
        np.concatenate([part.centres for part in parts]),
        np.concatenate([part.radii_nm for part in parts]) + RIM_NM,
    )
    return SelfLabels(sure, doubtful)


def write_self_labels(path: Path, tomogram: Tomogram, labels: SelfLabels) -> None:
    """Write them as a model that `vesimod_train.data.pairs.read_pair` learns from."""
    first = len(labels.sure) + 1
    doubtful = replace(labels.doubtful, ids=np.arange(len(labels.doubtful)) + first)
    objects = [
        SphereObject(VESICLES, labels.sure, GREEN),
        SphereObject(UNCERTAIN, doubtful, ORANGE),
    ]
    write_sphere_objects(path, objects, tomogram.grid, overwrite=True)


def _bare(spheres: Spheres) -> Spheres:
    """Centres and radii, numbered anew."""
    return Spheres(spheres.centres, spheres.radii_nm)
