"""How much to believe in a candidate: one number that ranks, and decides.

A logistic regression on what candidates in simulated tomograms, with vesicles and without,
turned out to be. `benchmarks/fit_score.py` fits the numbers anew. Every feature is absolute: in a
tomogram without vesicles nothing is typical. More of a feature never lowers the score, and where
more of it tells nothing new it is cut off.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit
from scipy.special import logit as log_odds
from vesimod_imod.core.arrays import BoolArray, FloatArray
from vesimod_imod.core.spheres import Spheres

MIN_SCORE = 0.5
# Fitted by benchmarks/fit_score.py.
CONSTANT = -12.77
WEIGHTS = np.array([0.75, 8.13, 0.47, 0.86])  # of the columns of `features`
PREVALENCE = 0.72  # of vesicles among the candidates that this was fitted to
ASSUMED = 20  # candidates with that prevalence, added to those of each tomogram
STEPS = 50  # of the expectation maximisation
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
    columns: FloatArray,
    possible: BoolArray | None = None,
    constant: float = CONSTANT,
    weights: FloatArray = WEIGHTS,
    prevalence: float = PREVALENCE,
) -> FloatArray:
    """Probability that each candidate of one tomogram is a vesicle.

    The regression's answer holds where as many candidates are vesicles as among those that it
    was fitted to. How many are in this tomogram is estimated from the answers themselves, by
    expectation maximisation (Saerens, Latinne and Decaestecker, Neural Computation 14, 2002):
    one doubtful candidate among many is not believed, one among vesicles is.

    Parameters
    ----------
    columns : (N, 4) float
        `features` of all candidates of the tomogram.
    possible : (N,) bool, optional
        Which of them tell how many vesicles there are: not those that are dropped for other
        reasons. Default: all.
    constant, weights, prevalence
        Of the regression; `prevalence` of the candidates that it was fitted to were vesicles.

    Returns
    -------
    (N,) float64
    """
    without_prevalence = constant + columns @ weights - log_odds(prevalence)
    here = prevalence
    for _ in range(STEPS):
        result = expit(without_prevalence + log_odds(here))
        asked = result if possible is None else result[possible]
        here = float(asked.sum() + ASSUMED * prevalence) / (len(asked) + ASSUMED)
    return np.asarray(result, np.float64)
