"""What is said of models with thousands of objects fits on a screen, and nothing is left out."""

from __future__ import annotations

import numpy as np
import pytest
from vesimod_imod.model.chunks import ModFile
from vesimod_imod.model.header import Header, build_mod
from vesimod_imod.model.objects import SCATTERED, ModelObject
from vesimod_imod.sphere_model.describe import MOST_OBJECTS, describe
from vesimod_imod.sphere_model.in_few_lines import MOST, listed, remarks_in_lines
from vesimod_imod.sphere_model.read import spheres_of

HEADER = Header("m", (120, 100, 60), 0, (1.0, 1.0, 1.0), 1.0, 0)
SCREEN = 3 * MOST_OBJECTS


def model_of(points: list[int]) -> ModFile:
    """A model with an object for each of some numbers of points; 0 is an object of nothing."""
    objects = [
        ModelObject(
            f"object {k}",
            SCATTERED,
            (0.0, 1.0, 0.0),
            0,
            0,
            np.full((n, 3), 20.0 + k % 30, np.float32),
            np.ones(n, np.int64),
            np.zeros(n, np.int64),
            np.full(n, -1.0, np.float32),
            np.full(n, np.nan, np.float32),
            ("",) * n,
        )
        for k, n in enumerate(points, 1)
    ]
    return build_mod(HEADER, objects, None)


def test_thousands_of_empty_objects_are_one_line() -> None:
    lines = describe(model_of([0, 3] + 3000 * [0]))
    assert len(lines) < 20
    assert any(line.startswith("object 2   'object 2': scattered, 3 contours") for line in lines)
    (empty,) = (line for line in lines if line.startswith("objects "))
    assert empty.startswith("objects    1, 3, 4, 5, ")
    assert empty.endswith(f", {MOST + 1} and {3001 - MOST} more: without contours")


def test_a_few_empty_objects_are_listed() -> None:
    lines = describe(model_of([0, 3, 0]))
    assert sum(line.startswith("object ") for line in lines) == 3


def test_of_thousands_with_points_the_first_are_listed() -> None:
    lines = describe(model_of(2000 * [1]))
    assert len(lines) < SCREEN
    assert f"           ... and {2000 - MOST_OBJECTS} more objects with 1900 points" in lines


def test_warnings_of_thousands_of_objects_are_few() -> None:
    reading = spheres_of(model_of([1 + k % 50 for k in range(1000)]))
    assert len(reading.spheres) == 25_500
    assert len(reading.warnings) < 3 * MOST


@pytest.mark.parametrize("count", [1, MOST, MOST + 1, 500])
def test_no_object_is_left_out(count: int) -> None:
    (*_, last) = remarks_in_lines([(k, "a", "is odd") for k in range(1, count + 1)])
    if count <= MOST:
        assert last == f"object {count} 'a': is odd"
    else:
        assert last == f"objects {listed(range(1, count + 1))}: is odd"
        assert last.endswith(f"{MOST} and {count - MOST} more: is odd")


def test_remarks_that_differ_are_cut_and_counted() -> None:
    lines = remarks_in_lines([(k, "a", f"remark {k}") for k in range(1000)])
    assert len(lines) == MOST + 1
    assert lines[-1] == f"... and {1000 - MOST} more remarks of this kind"
