"""How much to believe in a candidate: one number that ranks, and decides.

A logistic regression on what 1,745 candidates in seven simulated tomograms turned out to be.
Evidence counts relative to the tomogram's typical vesicle: that serves clear and noisy
tomograms alike, where any fixed limit would fail one of them.
"""

from __future__ import annotations

import numpy as np
from vesimod_imod.spheres import FloatArray

MIN_EVIDENCE = 3.5  # standard errors by which a membrane must be darker than around it
MIN_SCORE = 0.4
FEW = 5  # vesicles that do not show what is typical
TYPICAL_EVIDENCE = 8.0  # assumed then; at an SNR of 0.1
SURE_EVIDENCE = 12.0  # whoever has this is a vesicle, however clear the others are
CONSTANT, PER_EVIDENCE, PER_LOG_P, PER_NM = -4.0, 8.8, 0.25, -0.26
# Beyond these, more evidence or less probability tells nothing new.
MOST_EVIDENCE, LEAST_LOG_P = 1.2, -6.0


def typical_evidence(evidence: FloatArray) -> float:
    """Evidence of a typical vesicle among candidates (N,), false ones included."""
    sure = evidence[evidence >= MIN_EVIDENCE]
    return min(float(np.median(sure)), SURE_EVIDENCE) if len(sure) >= FEW else TYPICAL_EVIDENCE


def score(evidence: FloatArray, p_value: FloatArray, moved_nm: FloatArray) -> FloatArray:
    """Probability (N,) that each candidate is a vesicle.

    Parameters
    ----------
    evidence : (N,) float
        `Fits.evidence`.
    p_value : (N,) float
        From `outliers.p_values`; NaN counts as inconspicuous.
    moved_nm : (N,) float
        From the mask's centre to the membrane's: where they disagree, one is wrong.
    """
    relative = np.minimum(evidence / typical_evidence(evidence), MOST_EVIDENCE)
    floor = 10.0**LEAST_LOG_P
    log_p = np.log10(np.clip(np.nan_to_num(p_value, nan=1.0), floor, 1.0))
    logit = CONSTANT + PER_EVIDENCE * relative + PER_LOG_P * log_p + PER_NM * moved_nm
    result: FloatArray = 1 / (1 + np.exp(-logit))
    return result
