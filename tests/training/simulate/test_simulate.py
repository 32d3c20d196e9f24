"""Simulated tomograms: the truth is true, the microscope obeys its physics."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from vesimod.cli import run_app
from vesimod.io.sphere_table import read_spheres_csv
from vesimod.io.tomogram import read_tomogram
from vesimod.radial.rays import RaySampler
from vesimod.radial.surface_fit import fit_membranes
from vesimod.radial.templates import generic_template
from vesimod_imod.sphere_model.read import read_sphere_model
from vesimod_train.cli import app
from vesimod_train.simulate import RECIPES, simulate
from vesimod_train.simulate.content import add_carbon, add_cisterna
from vesimod_train.simulate.microscope import contrast_transfer, image, recovered, wavelength_nm
from vesimod_train.simulate.shapes import (
    Canvas,
    bilayer,
    ellipsoid_distance,
    polyline_distance,
    random_rotation,
)
from vesimod_train.simulate.tilts import Microscope, shifted
from vesimod_train.simulate.tomogram import SimulatedTomogram

pytestmark = pytest.mark.slow

SMALL = replace(RECIPES["validation"], shape=(40, 72, 64), vesicles=(6, 6), others=(0.3, 0.3))
# Enough signal to see each vesicle, and no contrast transfer to turn it.
CLEAR = replace(
    SMALL, snr=(50.0, 50.0), defocus_um=(0.0, 0.0), others=(0.0, 0.0), cytosol_sd=(0.02, 0.02)
)


@pytest.mark.parametrize("smaller", [{"half_size": 1.0}, {"quarter_size": 1.0}])
def test_seen_smaller_vesicles_keep_their_size_and_membranes_get_thinner(
    smaller: dict[str, float],
) -> None:
    whole = simulate(CLEAR, 5)
    small = simulate(replace(CLEAR, **smaller), 5)
    assert small.grid == whole.grid
    low, high = CLEAR.radius_nm
    assert 0.7 * low < np.median(small.spheres.radii_nm) < 1.3 * high
    assert _membrane_share(small) < 0.8 * _membrane_share(whole)


def _membrane_share(made: SimulatedTomogram) -> float:
    """Share of the voxels near vesicles' surfaces that are as dark as half a membrane."""
    dark = []
    voxels = np.indices(made.volume.shape).reshape(3, -1).T
    for centre, radius_nm in zip(made.spheres.centres, made.spheres.radii_nm, strict=True):
        away = np.linalg.norm(voxels - centre, axis=1) * made.grid.voxel_size_nm[0] - radius_nm
        shell = made.volume.reshape(-1)[np.abs(away + 4) < 8]
        dark.append(np.mean(shell < 0.5 * np.percentile(shell, 2)))
    return float(np.mean(dark))


def test_same_seed_same_tomogram() -> None:
    first, again, other = simulate(SMALL, 3), simulate(SMALL, 3), simulate(SMALL, 4)
    assert np.array_equal(first.volume, again.volume)
    assert np.array_equal(first.spheres.centres, again.spheres.centres)
    assert not np.array_equal(first.volume, other.volume)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_cooks(name: str) -> None:
    made = simulate(replace(RECIPES[name], shape=(32, 48, 40)), 0)
    assert made.volume.shape == made.grid.shape == (32, 48, 40)
    assert np.isfinite(made.volume).all()
    assert np.all(made.spheres.radii_nm >= 10)


def test_membranes_are_dark_where_the_truth_says() -> None:
    made = simulate(CLEAR, 1)
    assert len(made.spheres) >= 3
    index = np.indices(made.grid.shape).reshape(3, -1).T
    for centre, radius in zip(made.spheres.centres, made.spheres.radii_nm, strict=True):
        distance = np.linalg.norm(index - centre, axis=1) * 2.2 - radius
        near_equator = np.abs(index[:, 0] - centre[0]) * 2.2 < 0.4 * radius
        values = made.volume.ravel()
        membrane = values[near_equator & (np.abs(distance + 3) < 2)].mean()
        lumen = values[near_equator & (distance < -9)].mean()
        outside = values[near_equator & (distance > 4) & (distance < 9)].mean()
        assert membrane < lumen
        assert membrane < outside


def test_true_vesicles_do_not_overlap_and_lie_inside() -> None:
    made = simulate(replace(SMALL, vesicles=(30, 30), gap_nm=(1.0, 1.0)), 5)
    centres = made.spheres.centres
    assert np.all((centres > -0.5) & (centres < np.array(made.grid.shape) - 0.5))
    distance = np.linalg.norm(centres[:, None] - centres[None], axis=2) * 2.2
    touching = made.spheres.radii_nm[:, None] + made.spheres.radii_nm[None]
    np.fill_diagonal(distance, np.inf)
    assert np.all(distance >= touching - 0.5)


def test_missing_wedge_is_empty() -> None:
    density = np.random.default_rng(0).normal(size=(32, 32, 32)).astype(np.float32)
    scope = Microscope(tilt_low_deg=-50, tilt_high_deg=60, snr=1.0)
    volume = image(density, 2.0, scope, np.random.default_rng(1))
    power = np.abs(np.fft.fftn(volume)) ** 2
    k = np.fft.fftfreq(32)
    kz, _, kx = np.meshgrid(k, k, k, indexing="ij")
    tilt = np.degrees(np.arctan2(kz * np.where(kx < 0, -1, 1), np.abs(kx)))
    # The Nyquist planes stand for both signs of their frequency.
    inner = (np.abs(kz) < 0.5) & (np.abs(kx) < 0.5) & ((kz != 0) | (kx != 0))
    missing = inner & ((tilt < -51) | (tilt > 61))
    seen = inner & (tilt > -49) & (tilt < 59)
    assert power[missing].mean() < 1e-6 * power[seen].mean()


def test_fourier_slices_equal_projecting_and_back_projecting() -> None:
    """The shortcut against the real thing: rotate, project, ramp-filter, smear back, add up."""
    n, angles = 48, np.arange(-60.0, 61.0, 2.0)
    z, y, x = np.indices((n, n, n)) - (n - 1) / 2
    ball = np.sqrt((z - 3) ** 2 + (y + 2) ** 2 + (x - 4) ** 2)
    density = np.exp(-0.5 * ((ball - 7) / 1.6) ** 2).astype(np.float32)
    ramp = np.abs(np.fft.rfftfreq(n))[None, :]
    summed = np.zeros_like(density)
    for angle in angles:
        turned = ndimage.rotate(density, angle, (2, 0), reshape=False, order=1)
        projection = np.fft.irfft(np.fft.rfft(turned.sum(axis=0)) * ramp, n)
        smeared = np.broadcast_to(projection, (n, n, n))
        summed += ndimage.rotate(smeared, -angle, (2, 0), reshape=False, order=1)
    scope = Microscope(
        -60.0, 60.0, defocus_um=0.0, dose_nm=0.0, blur_nm=0.0, snr=1e9, noise_power=0.0
    )
    shortcut = image(density, 1.0, scope, np.random.default_rng(0))
    inside = (np.abs(z) < 14) & (np.abs(y) < 14) & (np.abs(x) < 14)
    correlation = np.corrcoef(-summed[inside], shortcut[inside])[0, 1]
    assert correlation > 0.95


def test_separate_tilts_leave_gaps_at_high_frequencies_alone() -> None:
    density = np.random.default_rng(0).normal(size=(64, 8, 64)).astype(np.float32)
    scope = Microscope(
        step_deg=6.0, defocus_um=0.0, dose_nm=0.0, blur_nm=0.0, snr=1e9, noise_power=0.0
    )
    power = np.abs(np.fft.fftn(image(density, 1.0, scope, np.random.default_rng(1)))) ** 2
    power /= np.abs(np.fft.fftn(density)) ** 2
    k = np.fft.fftfreq(64)
    kz, kx = np.meshgrid(k, k, indexing="ij")
    tilt = np.degrees(np.arctan2(kz * np.where(kx < 0, -1, 1), np.abs(kx)))
    off = np.abs(tilt - 6 * np.round(tilt / 6))
    within, radial = np.abs(tilt) < 57, np.hypot(kz, kx)

    def between_over_on(shell: np.ndarray) -> float:
        mean = power.mean(axis=1)
        return float(
            mean[within & shell & (off > 2)].mean() / mean[within & shell & (off < 0.5)].mean()
        )

    assert between_over_on((radial > 0.05) & (radial < 0.1)) > 0.8
    assert between_over_on((radial > 0.35) & (radial < 0.45)) < 0.3


def test_an_image_shift_along_the_tilt_axis_moves_the_volume() -> None:
    rng = np.random.default_rng(0)
    density = ndimage.gaussian_filter(rng.normal(size=(24, 24, 24)), 1.5).astype(np.float32)
    kz, ky, kx = (
        np.fft.fftfreq(24).reshape(shape) for shape in [(-1, 1, 1), (1, -1, 1), (1, 1, -1)]
    )
    scope = Microscope(alignment_nm=1.0)
    shifts = np.broadcast_to(np.float32([0.0, 3.0]), (24, 24, 24, 2))
    phases = shifted(ky, kx, np.sqrt(kz**2 + kx**2), shifts, scope)
    moved = np.fft.ifftn(np.fft.fftn(density) * phases).real
    assert np.allclose(moved, np.roll(density, 3, axis=1), atol=0.02)


def test_misalignment_moves_no_vesicle() -> None:
    """What would move the whole cell is taken out: the truth lies where the membranes are."""
    recipe = replace(RECIPES["demo"], snr=(50.0, 50.0), alignment_nm=(1.5, 1.5), others=(0.0, 0.0))
    for seed in (1, 2):
        made = simulate(recipe, seed)
        density = RaySampler(made.volume, made.grid.voxel_size_nm)
        fits = fit_membranes(
            density, made.spheres.centres, made.spheres.radii_nm - 4, generic_template()
        )
        off_nm = (fits.centres - made.spheres.centres) * made.grid.voxel_size_nm
        assert np.abs(np.median(off_nm, axis=0)).max() < 0.25


def test_sirt_recovers_low_frequencies_first() -> None:
    share = recovered(np.array([0.0, 1e-3, 0.01, 0.1]), 20.0)
    assert share[0] == share[1] == 1.0
    assert (np.diff(share[1:]) < 0).all()
    assert (recovered(np.array([0.01, 0.1]), 100.0) > share[2:]).all()


def test_misalignment_blurs() -> None:
    density = np.random.default_rng(0).normal(size=(32, 32, 32)).astype(np.float32)
    sharp = Microscope(defocus_um=0.0, snr=1e9)
    contrast = [
        np.corrcoef(
            image(density, 2.0, replace(sharp, alignment_nm=s), np.random.default_rng(1)).ravel(),
            density.ravel(),
        )[0, 1]
        for s in (0.0, 0.8, 2.0)
    ]
    assert contrast[0] < contrast[1] < contrast[2] < 0  # dense is dark


def test_what_is_no_vesicle_keeps_its_distance() -> None:
    rng = np.random.default_rng(3)
    canvas = Canvas(np.zeros((40, 60, 60), np.float32), 3.0)
    distance = add_carbon(canvas, rng)
    assert canvas.density[distance < -3].mean() > 0.3
    assert np.abs(canvas.density[distance > 12]).max() < 1e-3
    canvas = Canvas(np.zeros((40, 60, 60), np.float32), 3.0)
    centre, reach = add_cisterna(canvas, rng)
    painted = np.argwhere(np.abs(canvas.density) > 0.2) * 3.0
    assert len(painted)
    assert np.linalg.norm(painted - centre, axis=1).max() < reach + 8


def test_edge_preserving_filter_leaves_edges() -> None:
    density = np.zeros((24, 24, 24), np.float32)
    density[:, :, 12:] = 1.0
    plain = Microscope(-90, 90, defocus_um=0.0, dose_nm=0, blur_nm=0, snr=4.0, noise_power=0)
    noisy, smooth = (
        image(density, 2.0, replace(plain, smoothing=s), np.random.default_rng(1)) for s in (0, 1)
    )
    inside = np.s_[:, :, 3:9]
    assert smooth[inside].std() < 0.5 * noisy[inside].std()
    step = smooth[:, :, 3:9].mean() - smooth[:, :, 15:21].mean()
    assert step == pytest.approx(noisy[:, :, 3:9].mean() - noisy[:, :, 15:21].mean(), rel=0.25)


def test_signal_to_noise_is_what_was_asked() -> None:
    density = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(48, 48, 48)), 1.5)
    quiet = Microscope(snr=1e9)
    signal = image(density.astype(np.float32), 2.0, quiet, np.random.default_rng(1))
    noisy = image(
        density.astype(np.float32), 2.0, replace(quiet, snr=0.1), np.random.default_rng(1)
    )
    assert signal.var() / (noisy - signal).var() == pytest.approx(0.1, rel=0.02)


def test_noise_has_the_colour_of_back_projection() -> None:
    scope = Microscope(snr=1e-6, dose_nm=0.0, blur_nm=0.0)
    volume = image(
        np.random.default_rng(0).normal(size=(64, 8, 64)).astype(np.float32),
        1.0,
        scope,
        np.random.default_rng(1),
    )
    power = (np.abs(np.fft.fftn(volume)) ** 2).mean(axis=1)
    k = np.fft.fftfreq(64)
    kz, kx = np.meshgrid(k, k, indexing="ij")
    radial = np.hypot(kz, kx)
    flat = np.abs(kz) < 0.5 * np.abs(kx)  # well inside the tilt range
    low = power[flat & (radial > 0.08) & (radial < 0.12)].mean()
    high = power[flat & (radial > 0.36) & (radial < 0.44)].mean()
    assert high / low == pytest.approx(4, rel=0.25)


def test_electron_wavelength_and_contrast_transfer() -> None:
    assert wavelength_nm(300) == pytest.approx(0.00197, abs=1e-5)
    assert wavelength_nm(200) == pytest.approx(0.00251, abs=1e-5)
    scope = Microscope(defocus_um=5.0, amplitude_contrast=0.1)
    assert contrast_transfer(np.zeros(1), scope)[0] == pytest.approx(0.1)
    first_zero = np.sqrt(1 / (wavelength_nm(300) * 5000))
    near = np.linspace(0.9, 1.0, 400) * first_zero
    assert np.any(np.diff(np.sign(contrast_transfer(near, scope))) != 0)


def test_distances() -> None:
    rng = np.random.default_rng(0)
    offset = rng.normal(size=(3, 500)) * 30
    sphere = ellipsoid_distance(offset, np.full(3, 20.0), random_rotation(rng))
    np.testing.assert_allclose(sphere, np.linalg.norm(offset, axis=0) - 20, atol=1e-3)
    line = polyline_distance(offset, np.array([[0, 0, -100.0], [0, 0, 0], [0, 0, 100.0]]))
    expected = np.hypot(offset[0], offset[1])
    np.testing.assert_allclose(line, expected, atol=1e-3)
    profile = bilayer(np.linspace(-12, 6, 181))
    peaks = np.linspace(-12, 6, 181)[1:-1][np.diff(np.sign(np.diff(profile))) < 0]
    np.testing.assert_allclose(peaks, [-5, -1], atol=0.3)


def test_canvas_box_stays_inside() -> None:
    canvas = Canvas(np.zeros((10, 12, 14), np.float32), 2.0)
    assert canvas.box(np.array([-50.0, 0, 0]), 10.0) is None
    found = canvas.box(np.array([0.0, 12.0, 27.0]), 6.0)
    assert found is not None
    box, offset = found
    assert canvas.density[box].shape == offset.shape[1:] == (4, 7, 4)
    np.testing.assert_allclose(offset[:, 0, 3, 0], [0, 0, -7])


def test_command_writes_tomogram_model_and_table(tmp_path: Path) -> None:
    arguments = ["simulate", str(tmp_path), "--recipe", "demo", "--vesicles", "8", "--snr", "0.5"]
    assert run_app(app, "vesimod-train", arguments) == 0
    tomogram = read_tomogram(tmp_path / "demo-0.mrc")
    assert tomogram.voxels.dtype == np.int8
    table = read_spheres_csv(tmp_path / "demo-0.csv")
    model = read_sphere_model(tmp_path / "demo-0.mod", tomogram.grid).spheres
    np.testing.assert_allclose(model.centres, table.centres, atol=1e-3)
    np.testing.assert_allclose(model.radii_nm, table.radii_nm, atol=1e-3)
    assert run_app(app, "vesimod-train", arguments) == 2  # nothing is overwritten


def test_cut_vesicles_reach_in_from_outside() -> None:
    made = simulate(replace(SMALL, vesicles=(30, 30), gap_nm=(1.0, 1.0)), 5)
    assert len(made.cut) > 5
    limit = np.array(made.grid.shape) - 0.5
    nearest = np.clip(made.cut.centres, -0.5, limit)
    outside_nm = np.linalg.norm(made.cut.centres - nearest, axis=1) * 2.2
    assert np.all(outside_nm > 0)
    assert np.all(outside_nm < made.cut.radii_nm)


def test_gold_does_not_set_the_noise() -> None:
    rng = np.random.default_rng(0)
    density = rng.normal(size=(24, 24, 24)).astype(np.float32)
    gold = np.zeros_like(density)
    gold[12, 12, 12] = 500.0
    beads = []
    for snr in (0.1, 10.0):
        scope = Microscope(snr=snr)
        with_gold = image(density, 2.0, scope, np.random.default_rng(1), gold)
        beads.append(with_gold - image(density, 2.0, scope, np.random.default_rng(1)))
    assert beads[0][12, 12, 12] < -5
    np.testing.assert_allclose(beads[0], beads[1], atol=1e-3)
