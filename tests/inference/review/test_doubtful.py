"""The most doubtful spheres come first: errors that were planted, by position and by radius."""

from __future__ import annotations

import numpy as np
import painted
import pytest
from vesimod.radial.inspection import inspect
from vesimod.radial.rays import RaySampler
from vesimod.review.doubtful import doubt_order, find_doubts
from vesimod_imod.core.spheres import Grid, Spheres

NM = 3.0
GRID = Grid((90, 230, 230), (NM, NM, NM))


def planted(seed: int, snr: float):
    """200 vesicles, five of which have a wrong radius and five a wrong centre."""
    rng = np.random.default_rng(seed)
    centres, radii = painted.scatter(GRID.shape, NM, 200, gap_nm=6, seed=seed)
    assert len(radii) == 200
    density = painted.paint(GRID.shape, NM, centres, radii)
    volume = painted.image(density, NM, snr=snr, tilt_range_deg=(-60, 60), seed=seed)
    wrong = rng.choice(200, 10, replace=False)
    # As far off as fits are, but for the wrong ones.
    centres, radii = centres + rng.normal(0, 0.2, (200, 3)), radii + rng.normal(0, 0.5, 200)
    radii[wrong[:5]] += rng.choice([-1, 1], 5) * rng.uniform(4, 9, 5)
    away = rng.normal(size=(5, 3))
    away *= rng.uniform(6, 12, (5, 1)) / np.linalg.norm(away, axis=1, keepdims=True)
    centres[wrong[5:]] += away / NM
    return volume, Spheres(centres, radii), wrong


@pytest.mark.slow
@pytest.mark.parametrize("snr", [0.3, 0.05, 0.02])
def test_planted_errors_are_among_the_first_cards(snr: float) -> None:
    for seed in range(2):
        volume, spheres, wrong = planted(seed, snr)
        inspection = inspect(RaySampler(volume, GRID.voxel_size_nm), spheres)
        doubts = find_doubts(spheres, inspection, GRID)
        first = doubt_order(doubts)[:15]
        assert np.isin(wrong, first).sum() >= 9
        assert all(doubts[row].words for row in first[:9])


def test_what_is_known_otherwise_is_said_too() -> None:
    """Scores, overlaps, outliers, the border and clicks without a radius."""
    centres = np.array([[15, y, x] for y in (12, 30, 48) for x in (12, 30, 48)], float)
    radii = np.full(9, 20.0)
    grid = Grid((30, 60, 60), (NM, NM, NM))
    volume = painted.image(painted.paint(grid.shape, NM, centres, radii), NM, snr=0.5)
    centres[8] = [15, 48, 55]  # and now the border cuts it
    radii[0], centres[3] = np.nan, [15, 30, 20]  # no radius; into its neighbour at x 30
    scores = np.array([1, 1, 0.55, 1, 1, 1, 1, 1, 1.0])
    p = np.array([1, 1, 1, 1, 1, 1, 0.001, np.nan, 1])
    spheres = Spheres(centres, radii, scores).with_measures(p_value=p)
    doubts = find_doubts(spheres, inspect(RaySampler(volume, grid.voxel_size_nm), spheres), grid)
    said = ["; ".join(doubt.words) for doubt in doubts]
    assert "no radius" in said[0]
    assert "score 0.55" in said[2]
    assert "into vesicle 5" in said[3]
    assert "into vesicle 4" in said[4]
    assert "p = 0.001" in said[6]
    assert "cut by the border" in said[8]
    assert said[1] == said[5] == said[7] == ""


def test_no_spheres_have_no_doubts() -> None:
    volume = np.random.default_rng(0).standard_normal((20, 20, 20))
    nothing = Spheres.empty()
    inspection = inspect(RaySampler(volume, (2.0, 2.0, 2.0)), nothing)
    assert find_doubts(nothing, inspection, Grid((20, 20, 20), (2.0, 2.0, 2.0))) == []
