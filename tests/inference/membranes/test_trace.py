"""A rough guide comes onto the membrane; what a person changed stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dark_sheet import SIZE_NM, away_nm, height, sheet_guide, sheet_volume
from vesimod.membranes.edits import BY_HAND, edits_of, rounded
from vesimod.membranes.guide import sheets_of, smooth_along
from vesimod.membranes.search import least_cost, smooth_sheet
from vesimod.membranes.trace import trace
from vesimod.membranes.trace_model import trace_model
from vesimod.membranes.unseen import ranges_in_words, unseen_in_words
from vesimod_imod.contour_model.read import Drawing
from vesimod_imod.core.spheres import Grid

NM = (SIZE_NM,) * 3
VOLUME = sheet_volume()
GRID = Grid(VOLUME.shape, NM)


def test_a_rough_guide_comes_onto_the_membrane():
    (found,) = trace_model(VOLUME, GRID, [sheet_guide()])
    off = np.abs(away_nm(found.drawing.contours))
    assert np.median(off) < 0.3
    assert np.percentile(off, 95) < 0.8
    assert found.sections == tuple(range(2, 23))
    assert len(found.drawing.contours) == 21
    assert found.membrane.seen_fraction > 0.95
    # A Gaussian of 3 nm SD is 7.1 nm wide at half of its depth.
    assert found.membrane.thickness_nm == pytest.approx(7.1, abs=0.8)


def test_sections_that_were_drawn_on_are_as_good_as_those_between():
    """A guide that goes off to the other side on each drawn section is bent there."""
    parts = [
        sheet_guide(way * 8.0, (section,))
        for way, section in zip((1, -1, 1), (2, 12, 22), strict=True)
    ]
    guide = replace(parts[0], contours=tuple(part.contours[0] for part in parts))
    (found,) = trace_model(sheet_volume(noise=0.05), GRID, [guide])
    off = [np.median(np.abs(away_nm([contour]))) for contour in found.drawing.contours]
    assert off[10] < 0.5  # nm; 1.5 where the bend stays
    assert max(off) < 1.0


def test_bright_membranes_are_found_when_asked_for():
    found = trace(-VOLUME, NM, sheet_guide(), invert=True)
    assert found.seen_fraction > 0.95
    assert found.notes == ()
    (note,) = trace(-VOLUME, NM, sheet_guide()).notes
    assert "are membranes bright (`invert`)" in note
    (note,) = trace(VOLUME, NM, sheet_guide(), invert=True).notes
    assert "is `invert` wrong" in note


def test_where_nothing_is_to_be_seen_the_guide_is_followed():
    noise = np.random.default_rng(1).normal(size=VOLUME.shape).astype(np.float32)
    guide = sheet_guide(0.0)
    (found,) = trace_model(noise, GRID, [guide])
    assert found.membrane.seen_fraction < 0.15
    assert np.median(np.abs(away_nm(found.drawing.contours))) < 2.0
    assert "seen on" in unseen_in_words(found.membrane)
    assert {label.split(",")[1] for label in found.drawing.labels}
    assert np.concatenate(found.drawing.values).mean() < 0.15


def test_sections_stacked_along_y_give_the_same():
    guide = sheet_guide()
    turned = replace(guide, contours=tuple(c[:, [1, 0, 2]] for c in guide.contours))
    straight = trace_model(VOLUME, GRID, [guide])[0].drawing.contours
    volume = VOLUME.transpose(1, 0, 2)
    flipped = trace_model(volume, Grid(volume.shape, NM), [turned])[0].drawing.contours
    for one, other in zip(straight, flipped, strict=True):
        np.testing.assert_allclose(one, other[:, [1, 0, 2]], atol=1e-9)


def test_one_section_is_traced_alone():
    (found,) = trace_model(VOLUME, GRID, [sheet_guide(5.0, sections=(10,))])
    assert found.sections == (10,)
    assert np.median(np.abs(away_nm(found.drawing.contours))) < 1.5


def test_a_closed_guide_finds_a_round_cell_and_stays_closed():
    z, y, x = np.indices((20, 90, 90)).astype(float)
    radius = np.hypot(y - 45, x - 45) * SIZE_NM
    rng = np.random.default_rng(2)
    volume = 0.4 * rng.normal(size=z.shape) - np.exp(-0.5 * ((radius - 60) / 3) ** 2)
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    rough = 30 + 3 * np.sin(3 * turn)
    contours = [
        np.column_stack(
            [np.full(14, float(s)), 45 + rough * np.sin(turn), 45 + rough * np.cos(turn)]
        )
        for s in (2, 17)
    ]
    (found,) = trace_model(
        volume.astype(np.float32), Grid(z.shape, NM), [Drawing("outline", True, tuple(contours))]
    )
    points = np.concatenate(found.drawing.contours)
    off = np.abs(np.hypot(points[:, 1] - 45, points[:, 2] - 45) * SIZE_NM - 60)
    assert found.drawing.closed
    assert np.median(off) < 0.7
    assert np.percentile(off, 95) < 2.0


def test_a_guide_along_the_border_stays_there():
    ring = np.array([[0.0, -0.5], [0, 89.5], [30, 89.5], [30, -0.5]])
    contours = [np.column_stack([np.full(4, float(s)), ring]) for s in (2, 12, 22)]
    (found,) = trace_model(VOLUME, GRID, [Drawing("outline", True, tuple(contours))])
    points = np.concatenate(found.drawing.contours)
    values = np.concatenate(found.drawing.values)
    border = points[:, 1] < 1.5
    assert border.any()
    assert values[border].max() == 0
    inner = (points[:, 2] > 15) & (points[:, 2] < 75) & (points[:, 1] > 15)
    off = np.abs(points[inner, 1] - height(points[inner, 0], points[inner, 2])) * SIZE_NM
    assert np.median(off) < 1.0


def test_edits_are_found_and_kept():
    (first,) = trace_model(VOLUME, GRID, [sheet_guide()])
    assert edits_of(first.drawing, 0, first.sections).contours == ()
    contours = list(first.drawing.contours)
    moved = contours[8].copy()
    moved[10:20, 1] += 1.0
    contours[8] = moved
    del contours[15:17]
    labels = [label for k, label in enumerate(first.drawing.labels) if k not in (15, 16)]
    edited = replace(first.drawing, contours=tuple(contours), labels=tuple(labels),
                     surfaces=first.drawing.surfaces[:-2], values=())  # fmt: skip
    written = {("active zone", 0): first.sections}
    once = trace_model(VOLUME, GRID, [sheet_guide()], earlier=[edited], written=written)[0]
    assert (once.kept, once.deleted) == (1, 2)
    assert once.sections == first.sections
    place = once.drawing.labels.index(BY_HAND)
    np.testing.assert_array_equal(once.drawing.contours[place], moved)
    assert {round(c[0, 0]) for c in once.drawing.contours} == set(range(2, 23)) - {17, 18}
    again = trace_model(VOLUME, GRID, [sheet_guide()], earlier=[once.drawing], written=written)[0]
    assert (again.kept, again.deleted) == (1, 2)
    for one, other in zip(once.drawing.contours, again.drawing.contours, strict=True):
        np.testing.assert_array_equal(one, other)


def test_written_points_come_back_the_same_from_single_precision():
    points = rounded(np.random.default_rng(0).uniform(0, 4000, (50, 3)))
    np.testing.assert_array_equal(points, points.astype(np.float32).astype(float))


def test_contours_are_followed_and_new_ones_begin_sheets():
    line = np.column_stack([np.zeros(20), np.zeros(20), np.linspace(0, 40, 20)])
    contours = [line + np.array([s, y, 0]) for s, y in ((0, 0), (5, 2), (5, 60), (10, 60))]
    sheets = sheets_of(contours, np.full(4, -1), False, np.ones(3) * 2.0)
    assert sorted(s.sections.tolist() for s in sheets) == [list(range(6)), list(range(5, 11))]
    middle = next(s for s in sheets if s.sections[0] == 0).paths_nm[3]
    assert middle[:, 0].mean() == pytest.approx(2 * 0.6 * 2, abs=0.1)


def test_rounding_corners_leaves_ends_and_straight_lines():
    path = np.column_stack([np.linspace(0, 10, 30), np.linspace(5, 0, 30)])
    np.testing.assert_allclose(smooth_along(path, 3.0, False), path, atol=1e-9)
    bent = path.copy()
    bent[15:, 0] += np.arange(15)
    soft = smooth_along(bent, 3.0, False)
    np.testing.assert_allclose(soft[[0, -1]], bent[[0, -1]], atol=1e-9)
    assert np.abs(soft - bent).max() < 1.5


def test_least_cost_prefers_one_smooth_surface_to_stray_minima():
    rng = np.random.default_rng(0)
    cost = rng.normal(0, 0.5, (12, 40, 21)).astype(np.float32)
    true = np.rint(10 + 4 * np.sin(np.arange(40) / 8)).astype(int)
    cost[:, np.arange(40), true] -= 1.5
    best = least_cost(cost, 2.0, 1.0, 2.0, False).argmin(axis=2)
    assert (np.abs(best - true) <= 1).mean() > 0.97
    assert (np.abs(cost.argmin(axis=2) - true) <= 1).mean() < 0.97


def test_smooth_sheet_keeps_planes_and_fills_gaps():
    plane = np.add.outer(0.3 * np.arange(20.0), 0.1 * np.arange(30.0))
    weights = np.ones(plane.shape)
    weights[8:12, 10:20] = 0
    holed = np.where(weights > 0, plane, 50.0)
    smooth = smooth_sheet(holed, weights, 4.0, np.array([2.0, 3.0]), False)
    assert np.abs(smooth - plane)[weights > 0].max() < 0.2
    assert np.abs(smooth - plane)[8:12, 10:20].max() < 0.5


def test_sections_are_named_as_3dmod_counts_them():
    assert ranges_in_words(np.array([0, 1, 2, 7, 9, 10])) == "1 to 3, 8, 10 to 11"
