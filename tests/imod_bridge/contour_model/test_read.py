"""Contours of a model, in voxels, and what is said of those that are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from vesimod_imod.contour_model.read import Drawing, drawings_of
from vesimod_imod.core.spheres import Grid
from vesimod_imod.model.coordinates import image_reference, to_model
from vesimod_imod.model.header import Header, build_mod
from vesimod_imod.model.objects import OPEN, SCATTERED, ModelObject

GRID = Grid((20, 30, 40), (2.0, 2.0, 2.0))


def object_of(contours, name, flags, labels=None):
    counts = np.array([len(c) for c in contours], np.int64)
    n = int(counts.sum())
    return ModelObject(
        name, flags, (1.0, 0.5, 0.0), 0, 0,
        to_model(np.concatenate(contours)).astype(np.float32), counts,
        np.arange(len(counts)), np.full(n, -1, np.float32), np.full(n, np.nan, np.float32),
        labels or ("",) * len(counts),
    )  # fmt: skip


def test_contours_come_with_their_names_labels_and_kinds():
    one, other = np.array([[3.0, 4, 5], [3, 6, 7]]), np.array([[9.0, 4, 5], [9, 6, 7], [9, 1, 2]])
    objects = [
        object_of([one, other], "az", OPEN, ("a", "")),
        object_of([other], "outline", 0),
    ]
    header = Header("m", (40, 30, 20), 0xF000, pixel_size=2.0, units=-9)
    found, warnings = drawings_of(build_mod(header, objects, image_reference(GRID)), GRID)
    assert warnings == []
    assert [(d.name, d.closed) for d in found] == [("az", False), ("outline", True)]
    assert found[0].labels == ("a", "")
    assert found[0].surfaces.tolist() == [0, 1]
    assert found[0].colour == (1.0, 0.5, 0.0)
    np.testing.assert_allclose(found[0].contours[1], other)


def test_what_draws_no_line_is_left_out_and_said():
    good = np.array([[3.0, 4, 5], [3, 6, 7]])
    objects = [
        object_of([good, good[:1], good * np.nan, np.repeat(good[:1], 3, axis=0)], "az", OPEN),
        object_of([good], "clicks", OPEN | SCATTERED),
    ]
    header = Header("m", (40, 30, 20), 0xF000, pixel_size=2.0, units=-9)
    found, warnings = drawings_of(build_mod(header, objects, image_reference(GRID)), GRID)
    assert [(d.name, len(d.contours)) for d in found] == [("az", 1)]
    assert warnings == [
        "object 1 'az': 1 contours have points without a valid position: left out",
        "object 1 'az': 2 contours of a single point draw no line: left out",
        "object 2 'clicks': its points are scattered and draw no line: left out",
    ]


def test_a_drawing_without_numbers_and_labels_has_usual_ones():
    drawing = Drawing("az", False, (np.zeros((2, 3)), np.ones((2, 3))))
    assert drawing.labels == ("", "")
    assert drawing.surfaces.tolist() == [0, 0]


def test_open_contours_in_a_closed_object_are_said() -> None:
    ring = np.array([[3.0, 4, 5], [3, 6, 7], [3, 1, 2]])
    header = Header("m", (40, 30, 20), 0xF000, pixel_size=2.0, units=-9)
    model = build_mod(header, [object_of([ring, ring], "outline", 0)], image_reference(GRID))
    first = next(k for k, (tag, _) in enumerate(model.chunks) if tag == b"CONT")
    data = model.chunks[first][1]
    chunks = list(model.chunks)
    chunks[first] = (b"CONT", data[:4] + (8).to_bytes(4, "big") + data[8:])
    found, (warning,) = drawings_of(replace(model, chunks=chunks), GRID)
    assert found[0].closed
    assert "1 of its contours are marked as open" in warning
