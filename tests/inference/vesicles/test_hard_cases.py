"""Hard cases, each by name, on simulated density with missing wedge and noise."""

from __future__ import annotations

import numpy as np
import pytest
from painted import blurred_noise, image, paint, scatter, truth_map
from vesimod.measure.agreement import evaluate
from vesimod.vesicles.detect import find_spheres
from vesimod_imod.core.spheres import Spheres

pytestmark = pytest.mark.slow

SIZE = (2.2, 2.2, 2.2)
TILT = (-60, 60)


def imperfect(probability, seed=0):
    """A network's map: its surface is off by 1 nm on average, and by 2 nm here and there."""
    logit = np.log((probability + 1e-6) / (1 + 1e-6 - probability)) + 0.5
    logit += blurred_noise(probability.shape, 4.0, seed)
    return (1 / (1 + np.exp(-logit))).astype(np.float32)


def run(shape, centres, radii, *, snr=0.1, extra=None, blobs=None, **options):
    """Candidates on a noisy volume; `extra` is density to add, `blobs` false probability."""
    density = paint(shape, SIZE, centres, radii)
    if extra is not None:
        density = np.minimum(density, extra)
    volume = image(density, SIZE, snr=snr, tilt_range_deg=TILT)
    probability = truth_map(shape, SIZE, centres, radii)
    if blobs is not None:
        probability = np.maximum(probability, truth_map(shape, SIZE, *blobs))
    return find_spheres(volume, SIZE, imperfect(probability), SIZE, **options)


def check(candidates, centres, radii, *, centre_nm=1.0, radius_nm=1.0):
    centres, radii = np.atleast_2d(centres), np.atleast_1d(radii).astype(float)
    result = evaluate(candidates.spheres, Spheres(centres, radii), SIZE)
    assert (result.false_positives, result.false_negatives) == (0, 0)
    assert result.centre_error_nm_mean < centre_nm
    assert result.radius_error_nm_mean < radius_nm


def row_of(count, radius_nm, gap_nm, direction):
    """Centres of equal vesicles in a row through (40, 40, 40)."""
    step = np.asarray(direction) / np.linalg.norm(direction) * (2 * radius_nm + gap_nm) / 2.2
    return 40 + (np.arange(count) - (count - 1) / 2)[:, None] * step


@pytest.mark.parametrize("direction", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)])
def test_two_touching(direction):
    centres = row_of(2, 20.0, 0.5, direction)
    check(run((80, 80, 80), centres, [20.0, 20.0]), centres, [20.0, 20.0])


def test_three_in_a_row():
    centres = row_of(3, 18.0, 0.5, (0, 0, 1))
    check(run((56, 80, 80), centres - [12, 0, 0], [18.0] * 3), centres - [12, 0, 0], [18.0] * 3)


def test_a_pair_near_the_edge():
    centres = np.array([[11.0, 20.0, 20.0], [11.0, 20.0, 38.6]])
    check(run((40, 48, 60), centres, [20.0, 20.0]), centres, [20.0, 20.0])


def test_a_dense_crowd():
    centres, radii = scatter((64, 96, 96), SIZE, 40, gap_nm=0.5, radius_nm=(16, 24), seed=2)
    check(run((64, 96, 96), centres, radii), centres, radii)


def test_one_of_twice_the_radius():
    centres, radii = scatter((64, 110, 110), SIZE, 12, radius_nm=(18, 22), seed=4)
    big = np.array([32.0, 55.0, 55.0])
    apart = np.linalg.norm((centres - big) * 2.2, axis=1) > radii + 45
    centres, radii = np.vstack([centres[apart], big]), np.append(radii[apart], 40.0)
    check(run((64, 110, 110), centres, radii), centres, radii)


def test_cut_by_the_border_is_kept_and_flagged():
    centres = np.array([[25.0, 25.0, 4.0], [25.0, 25.0, 40.0]])
    found = run((50, 50, 60), centres, [20.0, 20.0])
    check(found, centres, [20.0, 20.0], radius_nm=1.5)
    order = np.argsort(found.spheres.centres[:, 2])
    assert found.spheres.measures["border"][order].tolist() == [True, False]


def test_centred_just_outside_is_kept_and_flagged():
    centres = np.array([[25.0, 25.0, -0.7], [25.0, 25.0, 40.0]])
    found = run((50, 50, 60), centres, [20.0, 20.0], snr=0.3)
    check(found, centres, [20.0, 20.0], centre_nm=2.0, radius_nm=2.0)
    assert sorted(found.spheres.measures["border"]) == [False, True]


def test_centred_further_outside_is_dropped():
    centres = np.array([[25.0, 25.0, -3.0], [25.0, 25.0, 40.0]])
    found = run((50, 50, 60), centres, [20.0, 20.0], snr=0.3)
    check(found, centres[1:], [20.0])


def test_overlap_is_a_column():
    centres = row_of(2, 20.0, -3.0, (0, 0, 1))
    measures = run((80, 80, 80), centres, [20.0, 20.0]).spheres.measures
    np.testing.assert_allclose(measures["overlap_nm"], 3.0, atol=1.5)


def gold_bead(shape, centre):
    squares = sum(
        ((g - c) * 2.2) ** 2
        for g, c in zip(np.ogrid[tuple(map(slice, shape))], centre, strict=True)
    )
    return np.where(squares < 5.0**2, -12.0, 0.0).astype(np.float32)


def test_a_gold_bead_is_no_vesicle_and_hides_none():
    shape = (56, 100, 100)
    centres, radii = scatter(shape, SIZE, 10, seed=6)
    bead = np.array([28.0, 50.0, 50.0])
    apart = np.linalg.norm((centres - bead) * 2.2, axis=1) > radii + 25
    centres, radii = centres[apart], radii[apart]
    found = run(shape, centres, radii, snr=0.3, extra=gold_bead(shape, bead), blobs=(bead, 13.0))
    check(found, centres, radii)
    assert (found.dropped.measures["reason"] != "").all()


def tube(shape, radius_nm, wall_nm):
    """A hollow tube along x through the middle of the volume."""
    z, y = np.ogrid[: shape[0], : shape[1]]
    off = np.hypot((z - shape[0] / 2) * 2.2, (y - shape[1] / 2) * 2.2)
    wall = (off < radius_nm) & (off > radius_nm - wall_nm)
    return np.repeat(np.where(wall, -1.0, 0.0)[:, :, None], shape[2], axis=2).astype(np.float32)


def test_a_microtubule_is_no_vesicle():
    shape = (60, 110, 110)
    centres, radii = scatter(shape, SIZE, 14, seed=7)
    apart = np.hypot(centres[:, 0] - 30, centres[:, 1] - 55) * 2.2 > radii + 20
    centres, radii = centres[apart], radii[apart]
    blobs = (np.array([[30.0, 55.0, 30.0], [30.0, 55.0, 80.0]]), np.array([14.0, 14.0]))
    check(run(shape, centres, radii, extra=tube(shape, 12.5, 5.0), blobs=blobs), centres, radii)


def test_a_mitochondrion_is_no_vesicle():
    shape = (60, 130, 130)
    centres, radii = scatter(shape, SIZE, 20, seed=8)
    middle, axis_nm = np.array([30.0, 65.0, 15.0]), 90.0
    outside = np.linalg.norm((centres - middle) * 2.2, axis=1) > radii + axis_nm + 10
    centres, radii = centres[outside], radii[outside]
    membranes = np.minimum(
        paint(shape, SIZE, middle, axis_nm), paint(shape, SIZE, middle, axis_nm - 14.0)
    )
    # The network takes two pieces of its inside for vesicles.
    blobs = (np.array([[30.0, 60.0, 20.0], [25.0, 80.0, 15.0]]), np.array([18.0, 18.0]))
    check(run(shape, centres, radii, extra=membranes, blobs=blobs), centres, radii)


def test_a_real_pool(shared):
    """Centres and radii of 111 synaptic vesicles that people marked, imaged anew."""
    table = np.loadtxt(shared / "pools" / "az-test_sv-pool.txt")
    nm = table[:, [6, 5, 4]] * 0.287
    radii = table[:, 7]
    centres = (nm - (nm - radii[:, None]).min(axis=0)) / 2.2 + 4
    shape = tuple(int(n) + 5 for n in (centres + radii[:, None] / 2.2).max(axis=0))
    density = paint(shape, SIZE, centres, radii)
    volume = image(density, SIZE, snr=0.1, tilt_range_deg=TILT)
    probability = imperfect(truth_map(shape, SIZE, centres, radii))
    found = find_spheres(volume, SIZE, probability, SIZE)
    result = evaluate(found.spheres, Spheres(centres, radii), SIZE)
    assert result.f1 > 0.95
    assert result.centre_error_nm_median < 0.5
    assert abs(result.radius_bias_nm) < 0.4


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_vesicles(count):
    centres, radii = scatter((48, 64, 64), SIZE, 2, seed=9)
    centres, radii = centres[:count], radii[:count]
    found = run((48, 64, 64), centres, radii)
    assert len(found.spheres) == count
    assert np.isnan(found.spheres.measures.get("p_value", np.empty(0))).all()
    if count:
        check(found, centres, radii)
        assert any("too few" in note for note in found.notes)


def test_a_constant_feature():
    """Equal vesicles at equal places of the lattice: a feature without spread."""
    grid = np.stack(np.meshgrid([20], [20, 45, 70], [20, 45, 70], indexing="ij"), -1).reshape(-1, 3)
    volume = paint((40, 90, 90), SIZE, grid, np.full(9, 20.0))
    found = find_spheres(volume, SIZE, truth_map((40, 90, 90), SIZE, grid, np.full(9, 20.0)), SIZE)
    assert len(found.spheres) == 9


def test_a_network_that_is_never_sure():
    centres, radii = scatter((48, 64, 64), SIZE, 4, seed=10)
    volume = image(paint((48, 64, 64), SIZE, centres, radii), SIZE, snr=0.1)
    unsure = 0.45 * truth_map((48, 64, 64), SIZE, centres, radii)
    check(find_spheres(volume, SIZE, unsure, SIZE), centres, radii)


@pytest.mark.parametrize("kind", ["i1", "u1", "<i2", ">i2", "<f2", ">f4"])
def test_every_type_of_voxel(kind):
    """No type is truncated: floats within [-1, 1] keep their contrast."""
    centres, radii = scatter((48, 64, 64), SIZE, 4, seed=10)
    volume = image(paint((48, 64, 64), SIZE, centres, radii), SIZE, snr=0.3)
    volume = volume / np.abs(volume).max()
    if np.dtype(kind).kind != "f":
        volume = volume * 120 + (127 if kind == "u1" else 0)
    volume = volume.astype(kind)
    found = find_spheres(volume, SIZE, truth_map((48, 64, 64), SIZE, centres, radii), SIZE)
    check(found, centres, radii)
