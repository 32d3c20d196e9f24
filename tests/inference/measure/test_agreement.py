from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vesimod.io.label_volume import paint_spheres
from vesimod.measure.agreement import evaluate, precision_recall, shared_volumes
from vesimod_imod.core.spheres import Grid, Spheres

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


def test_dice_and_iou_agree_with_painted_spheres():
    truth = spheres([[30, 30, 30], [30, 30, 70]], [40.0, 30.0])
    found = spheres([[30, 33, 32], [30, 30, 70], [30, 80, 80]], [36.0, 33.0, 20.0])
    result = evaluate(found, truth, VOXEL)
    grid = Grid((60, 110, 110), VOXEL)
    a, b = (paint_spheres(s, grid) for s in (found, truth))
    dice = 2 * ((a > 0) & (b > 0)).sum() / ((a > 0).sum() + (b > 0).sum())
    assert result.mask_dice == pytest.approx(dice, abs=0.01)
    shared = sum(((a == i) & (b == i)).sum() for i in (1, 2))
    assert result.label_dice == pytest.approx(
        2 * shared / ((a > 0).sum() + (b > 0).sum()), abs=0.01
    )
    assert result.iou_precision == pytest.approx(2 / 3)
    assert result.iou_recall == 1


def test_iou_is_stricter_than_centres():
    truth, found = spheres([[10, 10, 10]], [20.0]), spheres([[10, 10, 13]], [13.0])
    result = evaluate(found, truth, VOXEL)
    assert (result.f1, result.iou_f1) == (1, 0)


@pytest.mark.slow
@given(
    st.lists(st.tuples(*[st.floats(0, 50)] * 3, st.floats(5, 30)), min_size=1, max_size=6),
    st.lists(st.tuples(*[st.floats(0, 50)] * 3, st.floats(5, 30)), min_size=1, max_size=6),
)
def test_exchanging_found_and_truth_exchanges_precision_and_recall(a, b):
    a, b = (spheres([row[:3] for row in rows], [row[3] for row in rows]) for rows in (a, b))
    one, other = evaluate(a, b, VOXEL), evaluate(b, a, VOXEL)
    assert (one.precision, one.recall) == (other.recall, other.precision)
    assert (one.iou_precision, one.iou_recall) == (other.iou_recall, other.iou_precision)
    assert one.mask_dice == pytest.approx(other.mask_dice)
    assert 0 <= one.label_dice <= one.mask_dice + 1e-12


def test_a_sphere_inside_another_shares_all_of_itself():
    _, _, shared, iou = shared_volumes(
        spheres([[5, 5, 5]], [20.0]), spheres([[5, 5, 5.5], [5, 5, 40]], [10.0, 3.0]), VOXEL
    )
    np.testing.assert_allclose(shared, [4 / 3 * np.pi * 1000])
    np.testing.assert_allclose(iou, [1 / 8])


def test_score_that_ranks_has_an_average_precision_of_one():
    truth = spheres([[10, 10, 10]], [20.0])
    centres, radii = [[10, 10, 10], [10, 10, 90]], [20.0, 20.0]
    assert evaluate(spheres(centres, radii, [0.9, 0.1]), truth, VOXEL).average_precision == 1
    assert evaluate(spheres(centres, radii, [0.1, 0.9]), truth, VOXEL).average_precision == 0.5
