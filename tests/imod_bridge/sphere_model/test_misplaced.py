"""Points that lie elsewhere: which factor or shift would put them into the volume."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from vesimod_imod.core.spheres import Grid, Spheres
from vesimod_imod.sphere_model.misplaced import misplaced
from vesimod_imod.sphere_model.read import read_sphere_model
from vesimod_imod.sphere_model.write import write_sphere_model

GRID = Grid((96, 160, 160), (2.2, 2.2, 2.2))
SHAPE = np.array(GRID.shape)
INSIDE = np.random.default_rng(0).random((40, 3)) * (SHAPE - 1)
NO_RADII = np.full(40, np.nan)


@pytest.mark.parametrize(
    ("positions", "explanation"),
    [
        (22 * INSIDE, "seem to be in Angstrom: divide by 22"),
        (2.2 * INSIDE, "seem to be in nm: divide by 2.2"),
        (4 * INSIDE, "seem to be in unbinned pixels: divide by 4"),
        (INSIDE - SHAPE / 2, "count from the volume's middle: add x 80, y 80, z 48"),
        (22 * (INSIDE - SHAPE / 2), "divide by 22, then add x 80, y 80, z 48"),
        (INSIDE + 1e5, "is it a model of another image?"),
    ],
)
def test_what_would_put_them_there(positions, explanation: str) -> None:
    (told,) = misplaced(positions, NO_RADII, GRID)
    assert "of 40 spheres lie outside the volume; they " in told
    assert explanation in told


@pytest.mark.parametrize("factor", [22.0, 2.2])
def test_a_vesicle_that_the_border_cuts_hides_no_explanation(factor: float) -> None:
    few = np.vstack([INSIDE[:8], [[97.5, 80.0, 80.0]]])
    (told,) = misplaced(factor * few, np.full(9, np.nan), GRID)
    assert f"divide by {factor:g}" in told
    (told,) = misplaced(few - SHAPE / 2, np.full(9, np.nan), GRID)
    assert "count from the volume's middle" in told
    assert "divide" not in told


def test_a_few_slips_are_counted_only() -> None:
    positions = INSIDE.copy()
    positions[:3] -= 500
    assert misplaced(positions, NO_RADII, GRID) == ["3 of 40 spheres lie outside the volume"]
    assert misplaced(INSIDE, NO_RADII, GRID) == []
    assert misplaced(INSIDE, NO_RADII, replace(GRID, shape=(0, 0, 0))) == []


def test_points_beyond_the_model_s_own_image_are_told_without_a_tomogram(tmp_path: Path) -> None:
    write_sphere_model(tmp_path / "a.mod", Spheres(22 * INSIDE, NO_RADII), GRID)
    assert any("divide by 22" in text for text in read_sphere_model(tmp_path / "a.mod").warnings)


@pytest.mark.parametrize(
    ("made_on", "told"),
    [
        (Grid((50, 90, 90), (1.0, 1.0, 1.0)), "converted by a factor of 0.455"),
        (Grid((200, 300, 300), (2.2, 2.2, 2.2)), "which is a shift where a border was trimmed"),
        (Grid((192, 320, 320), (1.1, 1.1, 1.1)), ""),  # unbinned
        (Grid((47, 80, 80), (4.4, 4.4, 4.4)), ""),  # binned
        (Grid((300, 300, 300), (2.2, 2.2, 2.2), (-44.0, -22.0, -66.0)), ""),  # says where
        (Grid((50, 90, 90), (2.2, 2.2, 2.2), (44.0, 22.0, 66.0)), ""),  # trimmed
        (GRID, ""),
    ],
)
def test_models_of_another_image(tmp_path: Path, made_on: Grid, told: str) -> None:
    write_sphere_model(tmp_path / "a.mod", Spheres([[40, 40, 40]], [20.0]), made_on)
    warnings = [w for w in read_sphere_model(tmp_path / "a.mod", GRID).warnings if "made on" in w]
    assert len(warnings) == bool(told), warnings
    assert not told or told in warnings[0]
