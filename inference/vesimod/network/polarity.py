"""Whether membranes are dark or bright in a tomogram, as far as its grey values tell."""

from __future__ import annotations

import numpy as np
from scipy import ndimage, stats

from vesimod.io.tomogram import Tomogram
from vesimod.network.background import is_data
from vesimod.network.resample import resample
from vesimod.network.spec import Normalisation, normalise

# Tomograms of cells had a skewness of -0.2 to -1.5 after smoothing by one voxel of 4.4 nm, a
# purified organelle in clear ice 0.1 to 0.7.
BRIGHT_SKEW = 0.3
SKEW_SMOOTHING, SKEW_BACKGROUND_NM = 1.0, 100.0
SKEW_VOXELS = 32e6  # of the tomogram's middle that are looked at
SKEW_CLIP = 5.0  # a few gold beads must not decide


def bright_structures(tomogram: Tomogram, nm: float) -> bool:
    """Whether what stands out of a tomogram's middle is bright rather than dark.

    Membranes, gold and dense proteins stand out of the ice on one side of its grey value, so
    the sign of the skewness, once noise is smoothed away, tells the polarity.
    """
    size_nm = tomogram.grid.voxel_size_nm
    thickness = max(int(SKEW_VOXELS / np.prod(tomogram.grid.shape[1:])), 1)
    middle = max(tomogram.grid.shape[0] - thickness, 0) // 2
    slab = tomogram.voxels[middle : middle + thickness]
    small = resample(slab, size_nm, (nm,) * 3)
    shape = (small.shape[0], small.shape[1], small.shape[2])
    # A side that is darker would count as something that stands out.
    how = Normalisation(clip=None, background_voxels=SKEW_BACKGROUND_NM / nm)
    valid = is_data(slab, tomogram.fill_values, size_nm, (nm,) * 3, shape)
    grey = normalise(small, how, valid=valid)
    smooth = np.clip(ndimage.gaussian_filter(grey, SKEW_SMOOTHING), -SKEW_CLIP, SKEW_CLIP)
    return bool(valid.any() and stats.skew(smooth[valid]) > BRIGHT_SKEW)
