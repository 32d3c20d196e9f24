"""What is believed: more of anything is never less, whatever else was found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from painted import image, scatter, truth_map
from vesimod.vesicles.detect import find_spheres
from vesimod.vesicles.scoring import MIN_SCORE, WEIGHTS, features, score
from vesimod_imod.core.spheres import Spheres

SIZE = (2.2, 2.2, 2.2)
# membrane_z, centre_shift_nm, core_probability, radius.
VESICLE = (10.0, 1.0, 1.0, 20.0)
DOUBTFUL = (4.5, 2.0, 0.8, 16.0)
JUNK = (2.5, 4.0, 0.6, 13.0)


def candidates(*rows):
    *columns, radius = np.array(rows).T
    names = ("membrane_z", "centre_shift_nm", "core_probability")
    measures = dict(zip(names, columns, strict=True))
    return Spheres(np.zeros((len(rows), 3)), radius, measures=measures)


@given(
    st.integers(0, 3),
    st.tuples(*map(st.floats, (-2, 0, 0), (20, 12, 1))),
    st.floats(5, 60),
)
def test_more_of_a_feature_never_lowers_the_score(which, values, radius):
    better = [*values, radius]
    better[which] += -0.5 if which == 1 else 0.5
    # A longer radius makes the same shift a smaller share of it: better, too.
    one, other = (score(features(candidates(row)))[0] for row in ((*values, radius), better))
    assert 0 <= one <= other <= 1


def test_weights_are_no_penalties():
    assert (WEIGHTS >= 0).all()


def test_the_company_does_not_count():
    among_vesicles = score(features(candidates(DOUBTFUL, *[VESICLE] * 60)))
    among_junk = score(features(candidates(DOUBTFUL, *[JUNK] * 60)))
    assert among_vesicles[0] == among_junk[0]
    assert (among_vesicles[1:] > 0.9).all()
    assert (among_junk[1:] < MIN_SCORE).all()


@given(st.lists(st.tuples(*map(st.floats, (-2, 0, 0, 5), (20, 12, 1, 60))), min_size=1, max_size=9))
def test_scores_are_finite_and_between_0_and_1(rows):
    scores = score(features(candidates(*rows)))
    assert ((scores >= 0) & (scores <= 1)).all()


def test_order_of_candidates_does_not_count():
    rows = [VESICLE, DOUBTFUL, JUNK, DOUBTFUL, VESICLE, JUNK, JUNK]
    forward, backward = (score(features(candidates(*r))) for r in (rows, rows[::-1]))
    np.testing.assert_allclose(forward, backward[::-1])


@pytest.mark.parametrize("sure", [1.0, 0.7])
def test_a_network_that_sees_vesicles_in_noise_is_not_believed(sure):
    shape = (64, 96, 96)
    centres, radii = scatter(shape, SIZE, 25, radius_nm=(12.0, 24.0), seed=3)
    texture = np.random.default_rng(1).normal(size=shape)
    noise = image(texture, SIZE, snr=0.1, tilt_range_deg=(-60, 60))
    found = find_spheres(noise, SIZE, sure * truth_map(shape, SIZE, centres, radii), SIZE)
    assert len(found.spheres) == 0
    assert len(found.dropped) == len(radii)
