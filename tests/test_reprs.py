"""No repr of ours dumps an array, whatever a notebook shows."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re

import numpy as np
import pytest
from vesimod_imod.core.short_repr import ShortRepr, short

BULKY = re.compile(r"Array|Volume|Labels|bytes|Chunk|Tensor|list\[(?!str)")


def bulky_dataclasses(package: str) -> list[type]:
    """Dataclasses that hold arrays, bytes or long lists."""
    found = []
    top = importlib.import_module(package)
    for module in pkgutil.walk_packages(top.__path__, f"{package}."):
        if module.name.endswith("__main__"):
            continue
        classes = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        own = [item for _, item in classes if item.__module__ == module.name]
        for item in filter(dataclasses.is_dataclass, own):
            if any(BULKY.search(str(field.type)) for field in dataclasses.fields(item)):
                found.append(item)
    return found


@pytest.mark.parametrize("package", ["vesimod_imod", "vesimod", "vesimod_train"])
def test_no_dataclass_dumps_an_array(package: str) -> None:
    if package == "vesimod_train":
        pytest.importorskip("torch", reason="needs the extra train")
    classes = bulky_dataclasses(package)
    assert classes
    for item in classes:
        if not issubclass(item, ShortRepr):
            assert not hasattr(item.__repr__, "__wrapped__"), f"{item} has dataclass's own repr"
            continue
        full = object.__new__(item)
        for field in dataclasses.fields(item):
            value = np.zeros((30, 40)) if BULKY.search(str(field.type)) else 1
            object.__setattr__(full, field.name, value)
        shown = repr(full)
        assert shown.startswith(f"{item.__name__}({dataclasses.fields(item)[0].name}=")
        assert "<30 x 40 float64>" in shown
        assert "\n" not in shown
        assert len(shown) < 500


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.zeros((3, 4, 5), np.float32), "<3 x 4 x 5 float32>"),
        (np.array([1.5, 2.0]), "[1.5, 2.0]"),
        (np.zeros(0), "[]"),
        (b"IMOD", "b'IMOD'"),
        (bytes(232), "<232 bytes>"),
        ([b"x"] * 1000, "<1000 entries>"),
        ((1, "a", np.zeros(9)), "(1, 'a', <9 float64>)"),
        ((1,), "(1,)"),
        ({"probability": np.zeros((2, 2, 2))}, "{'probability': <2 x 2 x 2 float64>}"),
        (None, "None"),
    ],
)
def test_short(value, shown) -> None:
    assert short(value) == shown
