import numpy as np
import pytest
from vesimod.evaluate import evaluate, precision_recall
from vesimod_imod.spheres import Spheres

VOXEL = (2.0, 2.0, 2.0)


def spheres(centres, radii, scores=()):
    return Spheres(np.array(centres, float).reshape(-1, 3), np.array(radii), np.array(scores))


def test_perfect_agreement_whatever_the_order():
    truth = spheres([[10, 10, 10], [10, 40, 40]], [20.0, 15.0])
    result = evaluate(truth.select(np.array([1, 0])), truth, VOXEL)
    assert (result.precision, result.recall, result.f1) == (1, 1, 1)
    assert result.centre_error_nm_mean == result.radius_bias_nm == result.diameter_error == 0


def test_errors_are_in_nm_and_signed():
    truth = spheres([[10, 10, 10]], [20.0])
    found = spheres([[10, 13, 14]], [22.0])
    result = evaluate(found, truth, VOXEL)
    assert result.centre_error_nm_median == pytest.approx(10.0)
    assert result.radius_bias_nm == pytest.approx(2.0)
    assert result.diameter_error == pytest.approx(1 - 20 / 22)


def test_anisotropic_voxels_count_by_their_size():
    truth, found = spheres([[10, 10, 10]], [20.0]), spheres([[12, 10, 10]], [20.0])
    assert evaluate(found, truth, (4.0, 1.0, 1.0)).centre_error_nm_mean == pytest.approx(8.0)


def test_one_true_vesicle_counts_once():
    truth = spheres([[10, 10, 10]], [20.0])
    found = spheres([[10, 10, 10], [10, 10, 12]], [20.0, 20.0])
    result = evaluate(found, truth, VOXEL)
    assert (result.true_positives, result.false_positives, result.false_negatives) == (1, 1, 0)
    assert result.centre_error_nm_mean == 0  # the nearer one is the match


def test_assignment_is_optimal_not_greedy():
    truth = spheres([[0, 0, 0], [0, 0, 9]], [20.0, 20.0])
    found = spheres([[0, 0, 4], [0, 0, -5]], [20.0, 20.0])
    assert evaluate(found, truth, VOXEL).true_positives == 2


def test_both_centres_must_lie_inside():
    truth, found = spheres([[10, 10, 10]], [30.0]), spheres([[10, 10, 15]], [8.0])
    assert evaluate(found, truth, VOXEL).true_positives == 0


def test_nothing_found_or_nothing_true():
    some = spheres([[10, 10, 10]], [20.0])
    nothing_found = evaluate(Spheres.empty(), some, VOXEL)
    assert (nothing_found.recall, nothing_found.f1) == (0, 0)
    assert np.isnan(nothing_found.precision)
    assert evaluate(some, Spheres.empty(), VOXEL).false_positives == 1
    both = evaluate(Spheres.empty(), Spheres.empty(), VOXEL)
    assert both.as_dict()["f1"] is None


def test_precision_recall_by_score():
    curve = precision_recall(np.array([0.9, 0.5, 0.7, 0.5]), np.array([1, 0, 1, 1], bool), 4)
    np.testing.assert_allclose(curve[:, 0], [0.9, 0.7, 0.5])
    np.testing.assert_allclose(curve[:, 1], [1, 1, 0.75])
    np.testing.assert_allclose(curve[:, 2], [0.25, 0.5, 0.75])
