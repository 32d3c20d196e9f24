"""Membranes that were drawn or traced are no vesicles, however round."""

from __future__ import annotations

import numpy as np
import pytest
from vesimod_imod.live.scatter_clicks import clicks_in_contours
from vesimod_imod.model.header import Header, build_mod
from vesimod_imod.model.objects import ModelObject
from vesimod_imod.sphere_model.describe import describe
from vesimod_imod.sphere_model.read import spheres_of

HEADER = Header("m", (120, 100, 60), 0, (1.0, 1.0, 1.0), 1.0, 0)
ANGLE = np.linspace(0, 2 * np.pi, 24, endpoint=False)


def rings(name: str, label: str) -> ModelObject:
    """A ball of 20 pixels radius, outlined on nine sections."""
    heights = np.arange(-16.0, 17.0, 4.0)
    radii = np.sqrt(400 - heights**2)
    points = [
        np.column_stack([60 + r * np.cos(ANGLE), 50 + r * np.sin(ANGLE), np.full(24, 30 + h)])
        for r, h in zip(radii, heights, strict=True)
    ]
    n = len(points) * 24
    return ModelObject(
        name, 0, (0.0, 1.0, 0.0), 0, 0, np.concatenate(points).astype(np.float32),
        np.full(len(points), 24), np.zeros(len(points), np.int64), np.full(n, -1, np.float32),
        np.full(n, np.nan, np.float32), (label,) * len(points),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("outline", ""),
        ("Active zone", ""),
        ("anything", "membrane 0a1b2c3d, seen on 93 %"),
        ("anything", "membrane, by hand"),
    ],
)
def test_a_round_membrane_is_no_vesicle(name: str, label: str) -> None:
    model = build_mod(HEADER, [rings(name, label)], None)
    reading = spheres_of(model)
    assert len(reading.spheres) == 0
    assert "lie along a membrane" in " ".join(reading.warnings)
    lines = describe(model)
    assert "spheres    0" in lines
    assert any("lie along a membrane" in line for line in lines)
    assert clicks_in_contours(model) == {}


def test_a_vesicle_that_was_outlined_is_one() -> None:
    reading = spheres_of(build_mod(HEADER, [rings("cell 3", "")], None))
    assert reading.radius_source.tolist() == ["outline"]
