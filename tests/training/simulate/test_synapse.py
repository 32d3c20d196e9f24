"""Simulated plasma membranes: the truth lies where they were painted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage
from vesimod.membranes.surface import distance_nm, read_surface, surface_of
from vesimod_imod.contour_model.read import read_drawings
from vesimod_train.simulate import RECIPES, simulate, write_simulated
from vesimod_train.simulate.content import add_plasma_membrane
from vesimod_train.simulate.membrane_truth import (
    CLEFT,
    CLEFT_NM,
    CYTOPLASM,
    MEMBRANE,
    MIDDLE_NM,
    THICKNESS_NM,
    membrane_truth,
    region_labels,
)
from vesimod_train.simulate.shapes import Canvas

CLEAR = replace(
    RECIPES["synapse"],
    shape=(32, 96, 96),
    vesicles=(8, 8),
    others=(0.0, 0.0),
    snr=(50.0, 50.0),
    defocus_um=(0.0, 0.0),
    whole=1.0,
)
MADE = simulate(CLEAR, 1)
SIZE_NM = MADE.grid.voxel_size_nm[0]


def test_the_outline_runs_along_the_darkest_line() -> None:
    assert MADE.membranes is not None
    truth = membrane_truth(MADE.membranes, SIZE_NM)
    points = np.concatenate(truth.outline.contours)
    inner = np.all((points > 4) & (points < np.array(MADE.volume.shape) - 5), axis=1)
    away = ndimage.map_coordinates(MADE.membranes.own, points[inner].T, order=1) + MIDDLE_NM
    assert np.abs(away).max() < 0.1
    profile = [
        MADE.volume[np.abs(MADE.membranes.own - offset) < 0.6].mean()
        for offset in np.arange(-12, 8, 1.0)
    ]
    assert abs(-12 + np.argmin(profile) + MIDDLE_NM) <= 1.5


def test_vesicles_lie_inside_and_regions_do_not_overlap_wrongly() -> None:
    assert MADE.membranes is not None
    labels = region_labels(MADE.membranes)
    centres = np.rint(MADE.spheres.centres).astype(int)
    assert (labels[tuple(centres.T)] == CYTOPLASM).all()
    assert set(np.unique(labels)) <= {0, MEMBRANE, CYTOPLASM, CLEFT}
    assert (MADE.membranes.own[labels == CYTOPLASM] < -THICKNESS_NM).all()
    assert (MADE.membranes.own[labels == CLEFT] > 0).all()


def test_the_active_zone_faces_the_other_membrane_over_a_cleft() -> None:
    assert MADE.membranes is not None
    truth = membrane_truth(MADE.membranes, SIZE_NM)
    assert truth.active_zone.contours
    points = np.concatenate(truth.active_zone.contours)
    assert MADE.membranes.facing is not None
    over = ndimage.map_coordinates(MADE.membranes.facing, points.T, order=1) - MIDDLE_NM
    assert over.min() > CLEFT_NM[0] - 0.5
    assert over.max() < CLEFT_NM[1] + 0.5
    outline = surface_of(truth.outline, MADE.grid.voxel_size_nm)
    assert distance_nm(outline, points, MADE.grid.voxel_size_nm).max() < 0.5


def test_files_hold_the_truth(tmp_path: Path) -> None:
    write_simulated(tmp_path, "s", MADE, overwrite=False)
    assert MADE.membranes is not None
    truth = membrane_truth(MADE.membranes, SIZE_NM)
    for name, drawing in (("outline", truth.outline), ("az", truth.active_zone)):
        (read,), warnings = read_drawings(tmp_path / f"s_{name}.mod", MADE.grid)
        assert warnings == []
        assert (read.name, read.closed) == (drawing.name, drawing.closed)
        np.testing.assert_allclose(
            np.concatenate(read.contours), np.concatenate(drawing.contours), atol=1e-4
        )
    assert read_surface(tmp_path / "s_outline.mod", MADE.grid).closed


def test_a_plain_membrane_tells_where_its_partner_lies() -> None:
    canvas = Canvas(np.zeros((30, 60, 60), np.float32), 3.0)
    found = add_plasma_membrane(canvas, True, np.random.default_rng(2))
    assert found.facing is not None
    heads = canvas.density[(np.abs(found.facing + 1) < 0.7)]
    assert heads.mean() > 0.6
    assert add_plasma_membrane(canvas, False, np.random.default_rng(2)).facing is None
