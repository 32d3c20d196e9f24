"""Clicks in contours are clicks, and outlines stay outlines."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vesimod_imod.core.spheres import Grid
from vesimod_imod.model.header import Header, ImageReference, build_mod
from vesimod_imod.model.objects import ModelObject
from vesimod_imod.sphere_model import clicks, outlines
from vesimod_imod.sphere_model.outlines import fit_outlines
from vesimod_imod.sphere_model.read import read_sphere_model, spheres_of

GRID = Grid((96, 160, 160), (2.0, 2.0, 2.0))
IMAGE = ImageReference((20.0,) * 3, (0.0,) * 3, (0.0,) * 3, (0.0,) * 3)


def read(contours, *, default=0, grid=GRID):
    """Spheres of a closed object, each contour a list of points x, y, z."""
    counts = np.array([len(c) for c in contours], np.int64)
    n = int(counts.sum())
    item = ModelObject(
        "", 0, (1.0, 0.0, 0.0), default, 0, np.concatenate(contours).astype(np.float32), counts,
        np.zeros(len(counts), np.int64), np.full(n, -1, np.float32), np.full(n, np.nan, np.float32),
        ("",) * len(counts),
    )  # fmt: skip
    header = Header("m", (160, 160, 96), 0xF000, pixel_size=2.0, units=-9)
    return spheres_of(build_mod(header, [item], IMAGE), grid)


def clicked(rng, sections, fewest, most):
    """Clicks on vesicles of a dense pool, in any order, some in each section."""
    contours = []
    for z in rng.choice(96, sections, replace=False):
        count = int(rng.integers(fewest, most + 1))
        places = rng.uniform(10, 150, (200, 2))
        apart = [places[0]]
        for place in places[1:]:
            if len(apart) < count and np.linalg.norm(place - np.array(apart), axis=1).min() > 20:
                apart.append(place)
        contours.append(np.column_stack([apart, np.full(len(apart), float(z))]))
    return contours


def drawn(rng, vesicles, points):
    """Outlines of vesicles, section by section, with an unsteady hand."""
    contours = []
    for k in range(vesicles):
        centre = rng.uniform(-5, 5, 3) + np.array([30 + 40 * k, 60, 40])
        radius = rng.uniform(8, 14)
        for height in range(-int(0.8 * radius), int(0.8 * radius) + 1, 3):
            ring = np.sqrt(radius**2 - height**2)
            angle = np.linspace(0, 2 * np.pi, points, endpoint=False) + rng.uniform(0, 6)
            rim = ring * (1 + rng.normal(0, 0.03, points))
            x, y = centre[0] + rim * np.cos(angle), centre[1] + rim * np.sin(angle)
            contours.append(np.column_stack([x, y, np.full(points, round(centre[2]) + height)]))
    return contours


@pytest.mark.parametrize(("fewest", "most"), [(2, 6), (2, 12), (3, 3), (3, 4)])
def test_clicks_in_closed_contours_are_clicks(fewest: int, most: int) -> None:
    taken = []
    for seed in range(40):
        contours = clicked(np.random.default_rng(seed), 8, fewest, most)
        points = np.concatenate(contours)
        reading = read(contours)
        taken.append(len(reading.spheres) == len(points))
        if taken[-1]:
            at = (points - (0.5, 0.5, 0))[:, ::-1]
            np.testing.assert_allclose(reading.spheres.centres, at, atol=1e-4)
            assert set(reading.radius_source) == {"none"}
            assert f"{len(points)} points in 8 closed contours that outline" in reading.warnings[0]
        else:  # some may outline something round by chance, but never without a word
            assert "if they are clicks" in reading.warnings[0] + reading.warnings[1]
    assert np.mean(taken) > 0.95


@given(st.integers(0, 2**31), st.integers(5, 40))
def test_clicks_in_one_contour_are_clicks(seed: int, count: int) -> None:
    points = np.random.default_rng(seed).uniform(5, 90, (count, 3)).round(1)
    assert len(read([points]).spheres) == count


@pytest.mark.parametrize("points", [6, 12, 60])
def test_outlines_stay_outlines(points: int) -> None:
    for seed in range(20):
        reading = read(drawn(np.random.default_rng(seed), 3, points))
        assert set(reading.radius_source) == {"outline"}
        assert not any("single points" in warning for warning in reading.warnings)


def test_a_large_outline_is_nobodys_click() -> None:
    """Around a cell, a mitochondrion, or what was reviewed."""
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    rim = 50 + 15 * np.cos(3 * angle)
    contours = [
        np.column_stack([80 + rim * np.cos(angle), 80 + rim * np.sin(angle), np.full(60, z)])
        for z in (20.0, 40.0, 60.0)
    ]
    reading = read(contours)
    assert len(reading.spheres) == 0
    assert "180 points in 3 closed contours outline nothing round" in reading.warnings[0]
    assert "make the object scattered" in reading.warnings[0]
    corners = [np.array([[10, 10, 30], [150, 10, 30], [150, 150, 30], [10, 150, 30.0]])]
    assert not any("single points" in warning for warning in read(corners).warnings)


@pytest.mark.parametrize(
    ("name", "count", "source"),
    [
        ("field-cases/clicked_closed.mod", 36, "none"),
        ("saved-by-imod/p2m_open_sphere.mod", 34, "default"),
        ("mod/two_contour_example.mod", 25, "none"),  # clicks in spirals
        ("mod/meshed_contour_example.mod", 0, "none"),  # tubes, which have a radius too
    ],
)
def test_files_of_the_field(shared: Path, name: str, count: int, source: str) -> None:
    reading = read_sphere_model(shared / name, Grid((96, 160, 160), (2.2, 2.2, 2.2)))
    assert len(reading.spheres) == count
    assert set(reading.radius_source) <= {source}


def test_of_clicks_in_thousands_of_contours_none_is_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Contours that lie in no plane are clicks whatever a fit says; it takes its time."""
    monkeypatch.setattr(clicks, "fit_outlines", lambda *_: pytest.fail("fitted"))
    rng = np.random.default_rng(0)
    contours = list(rng.uniform(5, 90, (2000, 5, 3)))
    assert len(read(contours).spheres) == 10_000


def test_thousands_of_outlines_take_memory_by_their_number_not_its_square() -> None:
    rings = drawn(np.random.default_rng(0), 1, 6)
    apart = [
        np.concatenate(rings) + np.array([30.0 * i, 30.0 * j, 0])
        for i in range(20)
        for j in range(20)
    ]
    points = np.concatenate(apart)
    number = np.repeat(np.arange(len(points) // 6), 6)
    tracemalloc.start()
    fits = fit_outlines(points[:, ::-1].copy(), number, np.zeros(len(points) // 6, np.int64))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(fits) == 400
    assert all(len(fit.contours) == len(rings) for fit in fits)
    assert peak < 4 * len(number) / 6 * len(rings) * 400  # bytes; all pairs would take 8 each


@given(st.integers(0, 2**31 - 1))
def test_contours_that_overlap_in_near_sections_are_of_one_outline(seed: int) -> None:
    """Each of the groups is what one reaches from any of its contours."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 40, (int(rng.integers(1, 30)), 1, 3)) * (0, 1, 1)
    corners[:, :, 0] = rng.integers(0, 12, (len(corners), 1))
    rings = [corner + rng.uniform(-6, 6, (6, 3)) * (0, 1, 1) for corner in corners]
    ends = np.array([(ring.min(axis=0), ring.max(axis=0)) for ring in rings])
    middles, reach = ends.mean(axis=1), np.ptp(ends, axis=1)[:, 1:].mean(axis=1) / 2
    heights = np.unique(middles[:, 0])
    gap = 3 * np.diff(heights).min() if len(heights) > 1 else 1.0

    def touch(a: int, b: int) -> bool:
        aside = np.hypot(*(middles[a] - middles[b])[1:])
        near = abs(middles[a, 0] - middles[b, 0]) <= gap
        return bool(near and aside < min(reach[a], reach[b]))

    expected = np.full(len(rings), -1)
    for start in range(len(rings)):
        todo = [start] if expected[start] < 0 else []
        while todo:
            this = todo.pop()
            expected[this] = start
            others = (k for k in range(len(rings)) if expected[k] < 0 and touch(this, k))
            todo += others
    assert outlines._group_by_overlap(rings).tolist() == expected.tolist()
