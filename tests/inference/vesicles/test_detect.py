import numpy as np
import pytest
from painted import image, paint, scatter, truth_map
from vesimod.measure.agreement import evaluate
from vesimod.vesicles.detect import find_spheres
from vesimod_imod.core.spheres import Spheres

SIZE = (2.2, 2.2, 2.2)


def run(shape, centres, radii, *, snr=None, tilt=None, seed=0, size=SIZE, **options):
    volume = image(
        paint(shape, size, centres, radii), size, snr=snr, tilt_range_deg=tilt, seed=seed
    )
    return find_spheres(volume, size, truth_map(shape, size, centres, radii), size, **options)


def agreement(candidates, centres, radii, size=SIZE):
    return evaluate(candidates.spheres, Spheres(centres, radii), size)


def test_many_vesicles_are_found_once_each():
    shape = (48, 80, 80)
    centres, radii = scatter(shape, SIZE, 12, seed=3)
    result = agreement(run(shape, centres, radii), centres, radii)
    assert (result.precision, result.recall) == (1, 1)
    assert result.centre_error_nm_median < 0.5
    assert abs(result.radius_bias_nm) < 0.5


def test_nothing_there():
    found = find_spheres(
        np.zeros((8, 9, 10), np.float32), SIZE, np.zeros((8, 9, 10), np.float32), SIZE
    )
    assert len(found.spheres) == len(found.dropped) == 0
    assert not found.labels.any()


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 0, 1), (1, 1, 1), (0, 1, 2)])
def test_two_touching_vesicles_are_two_in_any_direction(axis):
    shape, radius = (64, 64, 64), 20.0
    step = np.array(axis) / np.linalg.norm(axis) * (radius + 0.5) / 2.2
    centres = np.array([31.5 - step, 31.5 + step])
    result = agreement(run(shape, centres, [radius, radius]), centres, [radius, radius])
    assert (result.precision, result.recall) == (1, 1)


def test_three_in_a_row():
    centres = np.array([[24, 24, 18], [24, 24, 36.5], [24, 24, 55]])
    radii = np.array([20.0, 20.0, 20.0])
    result = agreement(run((48, 48, 74), centres, radii), centres, radii)
    assert (result.precision, result.recall) == (1, 1)


def test_other_grid_of_the_network():
    shape = (60, 60, 60)
    centres, radii = np.array([[29.3, 28.1, 31.7]]), np.array([20.0])
    volume = paint(shape, (2.0, 2.0, 2.0), centres, radii)
    coarse = truth_map((30, 30, 30), (4.0, 4.0, 4.0), (centres + 0.5) / 2 - 0.5, radii)
    found = find_spheres(volume, (2.0, 2.0, 2.0), coarse, (4.0, 4.0, 4.0))
    np.testing.assert_allclose(found.spheres.centres, centres, atol=0.3)


def test_shapes_are_checked():
    volume = np.zeros((8, 8, 8), np.float32)
    with pytest.raises(ValueError, match="3D"):
        find_spheres(volume[0], SIZE, volume, SIZE)
    with pytest.raises(ValueError, match="distance"):
        find_spheres(volume, SIZE, volume, SIZE, distance=volume[:4])
