"""Recipes for simulated tomograms: what varies, and between what limits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

Range = tuple[float, float]


@dataclass(frozen=True)
class Recipe:
    """What varies from one simulated tomogram to the next; pairs are ranges drawn from.

    Parameters
    ----------
    shape : (int, int, int)
        Voxels (z, y, x).
    voxel_size_nm : float
        Isotropic.
    vesicles : (float, float)
        Vesicles in the volume, as far as there is room; below 0 counts as none.
    radius_nm : (float, float)
        Median of the radii (outer edge of the membrane); they spread by 8 to 14 %.
    odd_radius, odd_radius_nm : float, (float, float)
        Share of vesicles with a radius anywhere in a range of its own.
    gap_nm : (float, float)
        Mean gap between neighbours in a pool.
    roundness : (float, float)
        Shortest over longest axis of a vesicle.
    dense_cored : float
        Share of vesicles with a dense core.
    lumen : (float, float)
        Density of the vesicles' inside relative to the cytosol's mean, a membrane leaflet
        being 1: in real tomograms it is the brightest part.
    second_grain : (float, float)
        Share of a second kind of grains in the cytosol's texture.
    texture : (float, float)
        Share of the cytosol's texture that is inside of vesicles, too.
    membrane : (float, float)
        Thickness of the vesicles' membrane relative to a bare bilayer's.
    others : (float, float)
        Scales the number of membranes, organelles, filaments, particles; 0 for none.
    cytosol_sd, grain_nm : (float, float)
        SD of the cytosol's density, a membrane leaflet being 1, and of its grains.
    meshes : float
        Chance of a mesh of filaments.
    ribosomes, granules : (float, float), float
        In a volume of (215 nm)^3, times `others`; granules are lumpy balls as large as vesicles.
    snr, defocus_um, tilt_deg, noise_power, blur_nm, step_deg, alignment_nm : (float, float)
        See `Microscope`; the SNR is drawn evenly in its logarithm. With a membrane of 1.2 to
        1.5 and a blur of 2 nm the vesicles' radial profiles are those of real tomograms:
        about 9 nm wide at half maximum, lumen over halo 1.3 to 1.5.
    any_axis : bool
        Tilt axis anywhere in the xy plane rather than along y.
    afterwards, diffused : float
        Chance of a low-pass filter, of a reconstruction by SIRT, of a deconvolution, and half of
        it of an edge-preserving filter on the finished volume; of nonlinear anisotropic diffusion,
        the filter that most people use.
    whole, shaded : float
        Chance of a volume without a missing wedge, as networks that fill it deliver; of grey values
        and contrast that change from one side to the other.
    nothing : float
        Chance of a volume of nothing but noise, filtered as the others are.
    half_size, quarter_size : float
        Chance of a cell seen at half, or a quarter of its size, but for its vesicles; see
        `vesimod_train.simulate.tomogram.seen_smaller`.
    synapse : float
        Chance of a bouton that faces another cell across a cleft, not of a plain membrane.
    gathered : float
        Chance, where there is an active zone, of vesicles that lie at it and are linked as those of
        real synapses: see `vesimod_train.simulate.pool`, `links`. Their number is then drawn
        evenly in its logarithm.
    several_cells : float
        Chance, where there is a synapse, of up to four cells of any form that the volume's border
        cuts anyhow, with an active zone or without.
    """

    shape: tuple[int, int, int] = (128, 256, 256)
    voxel_size_nm: float = 2.2
    vesicles: Range = (140, 140)
    radius_nm: Range = (20.0, 25.0)
    odd_radius: float = 0.0
    odd_radius_nm: Range = (14.0, 60.0)
    gap_nm: Range = (8.0, 8.0)
    roundness: Range = (0.9, 1.0)
    dense_cored: float = 0.03
    lumen: Range = (-0.45, -0.25)
    second_grain: Range = (0.0, 0.0)
    texture: Range = (0.4, 0.4)
    membrane: Range = (1.2, 1.5)
    others: Range = (1.0, 1.0)
    cytosol_sd: Range = (0.1, 0.25)
    grain_nm: Range = (1.5, 3.0)
    meshes: float = 0.0
    ribosomes: Range = (8.0, 8.0)
    granules: float = 0.5
    snr: Range = (0.1, 0.1)
    defocus_um: Range = (3.0, 8.0)
    tilt_deg: Range = (55.0, 62.0)
    noise_power: Range = (1.0, 1.0)
    blur_nm: Range = (1.6, 2.2)
    step_deg: Range = (1.5, 3.0)
    alignment_nm: Range = (0.2, 0.8)
    any_axis: bool = False
    afterwards: float = 0.0
    diffused: float = 0.0
    whole: float = 0.0
    shaded: float = 0.0
    nothing: float = 0.0
    half_size: float = 0.0
    quarter_size: float = 0.0
    synapse: float = 0.0
    gathered: float = 0.0
    several_cells: float = 0.0


def happens(chance: float, rng: np.random.Generator) -> bool:
    """Throw dice, but for what never happens: so recipes without it stay what they were."""
    return chance > 0 and bool(rng.random() < chance)


def draw(limits: Range, rng: np.random.Generator) -> float:
    """Draw evenly; where the limits are one number, that, without throwing dice."""
    low, high = limits
    return low if low == high else float(rng.uniform(low, high))


VALIDATION = Recipe()
TRAIN = Recipe(
    shape=(72, 168, 168),
    vesicles=(-20, 90),
    radius_nm=(14.0, 34.0),
    odd_radius=0.12,
    gap_nm=(0.5, 12.0),
    roundness=(0.8, 1.0),
    dense_cored=0.1,
    lumen=(-0.8, 0.45),
    membrane=(0.6, 1.9),
    others=(0.3, 3.0),
    cytosol_sd=(0.03, 0.5),
    grain_nm=(1.2, 5.0),
    granules=1.5,
    snr=(0.01, 1.0),
    defocus_um=(0.0, 12.0),
    tilt_deg=(42.0, 68.0),
    noise_power=(-0.5, 1.0),
    blur_nm=(0.4, 3.0),
    step_deg=(1.0, 3.0),
    alignment_nm=(0.0, 1.5),
    any_axis=True,
    afterwards=0.35,
    whole=0.06,
)
# Numbers and radii of 35 real synapses: 142 +- 90 vesicles, of 23.2 +- 1.3 nm to the outer edge,
# which lies 0.7 nm beyond the middle of the outermost voxel, to which Pyto measures.
SYNAPSE = replace(
    VALIDATION,
    vesicles=(40, 300),
    radius_nm=(21.3, 25.9),
    synapse=1.0,
    gathered=1.0,
    snr=(0.03, 0.3),
    any_axis=True,
)
# The cytosol as dense as a membrane, more noise, filters that people use, shaded volumes and such
# of nothing but noise, and vesicles of every size.
WIDE = replace(
    TRAIN,
    vesicles=(-25, 110),
    radius_nm=(13.0, 38.0),
    odd_radius=0.2,
    odd_radius_nm=(10.0, 60.0),
    gap_nm=(0.0, 14.0),
    roundness=(0.75, 1.0),
    cytosol_sd=(0.05, 0.9),
    grain_nm=(1.0, 5.0),
    second_grain=(0.0, 0.8),
    texture=(0.1, 1.0),
    lumen=(-0.8, 0.4),
    meshes=0.3,
    ribosomes=(2.0, 20.0),
    snr=(0.006, 0.5),
    noise_power=(-0.5, 1.5),
    afterwards=0.3,
    diffused=0.45,
    whole=0.08,
    shaded=0.25,
    nothing=0.06,
    half_size=0.2,
)
RECIPES = {
    # Held-out tests: the size and crowding that people publish.
    "validation": VALIDATION,
    "crowded": replace(VALIDATION, vesicles=(260, 260), gap_nm=(3.0, 3.0)),
    "empty": replace(VALIDATION, vesicles=(0, 0), others=(1.5, 1.5)),
    # Another way of making and imaging vesicles, never trained on.
    "other": replace(
        VALIDATION,
        vesicles=(60, 200),
        radius_nm=(17.0, 30.0),
        roundness=(0.8, 0.95),
        cytosol_sd=(0.3, 0.4),
        defocus_um=(0.0, 0.0),
        noise_power=(0.0, 0.0),
        tilt_deg=(48.0, 52.0),
        blur_nm=(0.5, 1.2),
        membrane=(1.5, 1.8),
        lumen=(-0.6, -0.4),
    ),
    # What the network for membranes learns from. Tilts of less than 50 degrees are left out, to
    # test what it makes of them.
    "cells": replace(
        WIDE,
        shape=(52, 152, 152),
        voxel_size_nm=3.3,
        vesicles=(6, 80),
        others=(0.3, 2.5),
        cytosol_sd=(0.05, 0.8),
        tilt_deg=(50.0, 68.0),
        snr=(0.02, 1.0),
        membrane=(0.8, 1.7),
        nothing=0.02,
        half_size=0.0,
        synapse=1.0,
        several_cells=0.75,
    ),
    # A bouton and the cell that it faces: plasma membranes, cleft, active zone.
    "synapse": SYNAPSE,
    "synapse_demo": replace(
        SYNAPSE,
        shape=(64, 144, 144),
        vesicles=(40, 40),
        others=(0.3, 0.3),
        snr=(0.4, 0.4),
        tilt_deg=(58.0, 60.0),
    ),
    "demo": replace(VALIDATION, shape=(96, 160, 160), vesicles=(45, 45), others=(0.6, 0.6)),
    # What the shipped models learned from first, what then, and what besides: vesicles that show as
    # clearly as in real tomograms, in finer grain.
    "train": TRAIN,
    "wide": WIDE,
    "clear": replace(
        WIDE,
        vesicles=(-5, 110),
        radius_nm=(13.0, 42.0),
        lumen=(-1.8, 0.4),
        cytosol_sd=(0.05, 0.6),
        grain_nm=(0.5, 2.0),
        snr=(0.05, 3.0),
        noise_power=(0.5, 2.5),
        defocus_um=(2.0, 12.0),
        blur_nm=(0.2, 1.8),
        afterwards=0.15,
        diffused=0.15,
        nothing=0.0,
        quarter_size=0.1,
    ),
    # Contrast transfer as the microscope leaves it, with no filter, as in real slices: between
    # vesicles, what lies 8 nm apart anticorrelates.
    "crisp": replace(
        VALIDATION,
        shape=TRAIN.shape,
        vesicles=(-5, 90),
        radius_nm=(13.0, 42.0),
        odd_radius=0.2,
        odd_radius_nm=(10.0, 60.0),
        gap_nm=(0.0, 14.0),
        roundness=(0.75, 1.0),
        dense_cored=0.1,
        lumen=(-1.5, 0.1),
        membrane=(0.6, 1.9),
        cytosol_sd=(0.03, 0.5),
        grain_nm=(1.0, 3.0),
        snr=(0.03, 1.0),
        defocus_um=(4.0, 18.0),
        blur_nm=(0.4, 2.2),
    ),
    # Extracellular vesicles and liposomes: bare ice, nothing around, vesicles of every size.
    "ice": replace(
        TRAIN,
        vesicles=(-2, 40),
        radius_nm=(14.0, 42.0),
        odd_radius=0.5,
        odd_radius_nm=(10.0, 62.0),
        gap_nm=(2.0, 40.0),
        roundness=(0.75, 1.0),
        lumen=(-0.2, 0.5),
        others=(0.0, 0.3),
        cytosol_sd=(0.0, 0.06),
        granules=3.0,
        afterwards=0.3,
        diffused=0.35,
        shaded=0.25,
        half_size=0.35,
        quarter_size=0.3,
    ),
}
