"""How much to believe in a candidate: one number that ranks, and decides.

A logistic regression on what candidates in simulated tomograms, with vesicles and without,
turned out to be. `benchmarks/fit_score.py` fits the numbers anew. Every feature is absolute: in a
tomogram without vesicles nothing is typical, and what else was found does not make a candidate
better. More of a feature never lowers the score, and where more of it tells nothing new it is cut
off.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit
from scipy.special import logit as log_odds
from vesimod_imod.core.arrays import FloatArray
from vesimod_imod.core.spheres import Spheres

MIN_SCORE = 0.5
# Fitted by benchmarks/fit_score.py to candidates of `fast`.
CONSTANT = -12.43
WEIGHTS = np.array([0.58, 3.66, 0.92, 0.78])  # of the columns of `features`
MEMBRANE_Z_RANGE = (0.5, 12.0)
SUREST = 3.0  # log odds beyond which a network's answer says no more: some are sure of all they see
USUAL_NM = 16.0  # radius below which ribosomes and noise are likelier than vesicles


def features(spheres: Spheres) -> FloatArray:
    """Collect what speaks for each candidate.

    Parameters
    ----------
    spheres : Spheres
        N candidates with the measures membrane_z, centre_shift_nm and core_probability.

    Returns
    -------
    (N, 4) float64
        Logarithm of the membrane z; how far mask and membrane agree on the centre, as a fraction of
        the radius; log odds that the network gives the sphere's middle; radius in nm, as far as it
        is below `USUAL_NM`. Not how bright the lumen is: dense vesicles are vesicles, too.
    """
    measures, radii = spheres.measures, np.maximum(spheres.radii_nm, 1.0)
    core = np.clip(measures["core_probability"], *expit([-SUREST, SUREST]))
    return np.stack(
        [
            np.log(np.clip(measures["membrane_z"], *MEMBRANE_Z_RANGE)),
            -measures["centre_shift_nm"] / radii,
            log_odds(core),
            np.minimum(radii, USUAL_NM),
        ],
        axis=1,
    )


def score(
    columns: FloatArray, constant: float = CONSTANT, weights: FloatArray = WEIGHTS
) -> FloatArray:
    """Probability that each candidate is a vesicle.

    Parameters
    ----------
    columns : (N, 4) float
        `features` of the candidates.
    constant, weights
        Of the regression.

    Returns
    -------
    (N,) float64
    """
    return np.asarray(expit(constant + columns @ weights), np.float64)
