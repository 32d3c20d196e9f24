"""Training examples: tomograms with their spheres, at the network's voxel size.

Whether simulated or corrected by a person, an example is made from a volume and sets of
spheres alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from vesimod.io.label_volume import distance_box
from vesimod.network.resample import resample, resampled_shape, volume_to_model
from vesimod.network.spec import Normalisation, normalise
from vesimod_imod.core.arrays import BoolArray, FloatArray, Triple
from vesimod_imod.core.short_repr import ShortRepr
from vesimod_imod.core.spheres import Grid, Spheres

from vesimod_train.simulate import SimulatedTomogram

Volume = npt.NDArray[np.floating]
# The signed distance is learned between these: beyond, it would only say how large the
# vesicle is, which the post-processing measures.
OUTSIDE_NM = -10.0
INSIDE_NM = 16.0


@dataclass(frozen=True, eq=False, repr=False)
class Example(ShortRepr):
    """One volume to learn from; its arrays may be memory-mapped.

    Parameters
    ----------
    volume : (z, y, x) float16 or float32
        Normalised, at the network's voxel size.
    distance_nm : (z, y, x) float16 or float32
        Signed distance to the nearest vesicle's outer surface, positive inside, clipped.
    spheres : Spheres
        Every vesicle that reaches into the volume, centres in its voxels; the centres of
        those that the edge cuts may lie outside.
    weight : (z, y, x) float16 or float32
        How much each voxel counts: 0 where nobody knows what is there.
    rejected : Spheres
        What looks like vesicles and is none, as a person said.
    membrane_nm : (z, y, x) float16 or float32, optional
        For networks that tell membranes: distance to the middle of the nearest plasma membrane,
        clipped, NaN where nobody knows. `distance_nm` is then that to the outline of the cell
        with the vesicles.
    """

    volume: Volume
    distance_nm: Volume
    spheres: Spheres
    weight: Volume
    rejected: Spheres = field(default_factory=Spheres.empty)
    membrane_nm: Volume | None = None

    @property
    def channels(self) -> list[Volume]:
        """Volume, what a network is to say of it, and the weight, as batches hold them."""
        membrane = [] if self.membrane_nm is None else [self.membrane_nm]
        return [self.volume, self.distance_nm, *membrane, self.weight]

    @property
    def focus(self) -> FloatArray:
        """Centres (N, 3) that crops are cut around: those of vesicles and of lookalikes."""
        return np.concatenate([self.spheres.centres, self.rejected.centres])


def make_example(
    volume: npt.NDArray[np.generic],
    grid: Grid,
    spheres: Spheres,
    voxel_size_nm: float,
    normalisation: Normalisation,
    stretch: float = 1.0,
) -> Example:
    """Resample, normalise and paint.

    Parameters
    ----------
    volume : (z, y, x) array
        Membranes dark.
    grid : Grid
        Of `volume`.
    spheres : Spheres
        Vesicles, radius of the outer edge; centres in voxels of `volume`.
    voxel_size_nm : float
        The network's.
    normalisation : Normalisation
        The network's.
    stretch : float
        Pretends that the true voxel size is this many times the one that the header states:
        headers are wrong by 10 % and more, and vesicles differ.
    """
    size_nm = tuple(stretch * s for s in grid.voxel_size_nm)
    source_nm = (size_nm[0], size_nm[1], size_nm[2])
    target_nm = (voxel_size_nm,) * 3
    small = normalise(resample(volume, source_nm, target_nm), normalisation)
    moved = Spheres(
        volume_to_model(spheres.centres, source_nm, target_nm),
        spheres.radii_nm * stretch,
        spheres.scores,
        spheres.ids,
    )
    shape = resampled_shape(grid.shape, source_nm, target_nm)
    distance_nm = signed_distance(moved, Grid(shape, target_nm))
    return Example(small, distance_nm, moved, even_weight(shape))


def vesicle_example(
    made: SimulatedTomogram,
    voxel_size_nm: float,
    normalisation: Normalisation,
    stretch: float = 1.0,
) -> Example:
    """Make an example of a simulated tomogram; parameters as in `make_example`.

    Half a vesicle at the edge is a vesicle: unlabelled, it would teach the opposite.
    """
    everyone = Spheres.concatenate([made.spheres, made.cut])
    return make_example(made.volume, made.grid, everyone, voxel_size_nm, normalisation, stretch)


def signed_distance(spheres: Spheres, grid: Grid) -> npt.NDArray[np.float32]:
    """Signed distance in nm to the nearest sphere's surface, clipped; (z, y, x) float32."""
    distance = np.full(grid.shape, OUTSIDE_NM, np.float32)
    for centre, radius in zip(spheres.centres, spheres.radii_nm, strict=True):
        box, from_centre = distance_box(centre, radius - OUTSIDE_NM, grid)
        np.maximum(distance[box], radius - from_centre, out=distance[box])
    return np.minimum(distance, np.float32(INSIDE_NM))


def even_weight(shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Weight 1 everywhere: a view of one number, which takes no memory."""
    return np.broadcast_to(np.float32(1), shape)


def in_any(points: Spheres, spheres: Spheres, voxel_size_nm: float | Triple) -> BoolArray:
    """Which centres (N,) of `points` lie in one of the spheres, on one lattice."""
    way = np.linalg.norm((points.centres[:, None] - spheres.centres) * voxel_size_nm, axis=2)
    inside: BoolArray = (way < spheres.radii_nm).any(axis=1)
    return inside
