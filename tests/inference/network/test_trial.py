"""Networks that do not return what they promise are refused before a tomogram waits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from vesimod.network import trial
from vesimod.network.spec import ModelError, ModelSpec, Normalisation
from vesimod.network.trial import checked_outputs, try_network

SPEC = ModelSpec("a", "1", 4.4, Normalisation(), (64, 64, 64), 16, 8, ("probability",))
ORT = SimpleNamespace(RunOptions=lambda: SimpleNamespace(terminate=False))


def test_good_arrays_pass_as_they_are() -> None:
    array = np.random.default_rng(0).random((1, 1, 8, 9, 10))
    (output,) = checked_outputs([array], (8, None, 10))
    np.testing.assert_allclose(output, array[0, 0], rtol=1e-6)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((1, 3, 8, 8, 8)), "shape .1, 3, 8, 8, 8."),
        (np.zeros((1, 1, 8, 8, 4)), "shape"),
        (np.zeros((8, 8, 8)), "shape"),
        (np.zeros((1, 1, 8, 8, 8), bool), "no numbers"),
        (np.full((1, 1, 8, 8, 8), np.nan), "NaN or infinity"),
        (np.full((1, 1, 8, 8, 8), -np.inf), "NaN or infinity"),
    ],
)
def test_wrong_arrays_are_refused(array: np.ndarray, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        checked_outputs([array], (8, 8, 8))
    with pytest.raises(ModelError, match=message):
        try_network(lambda _: [array], ORT, SPEC, on_gpu=False)


def test_a_network_that_fails_is_no_bug() -> None:
    def fail(_: Any) -> list[Any]:
        raise RuntimeError("bad\nallocation")

    with pytest.raises(ModelError, match=r"fails .bad allocation. for a tile of 8 x 8 x 8"):
        try_network(fail, ORT, SPEC, on_gpu=False)


def test_a_network_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "LONGEST_TRIAL_S", 0.01)

    def loop(options: Any) -> list[Any]:
        while not options.terminate:
            pass
        raise RuntimeError("terminated")

    with pytest.raises(ModelError, match="does not end"):
        try_network(loop, ORT, SPEC, on_gpu=False)
