"""Networks that do not return what they promise are refused before a tomogram waits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from vesimod.network import strips, trial
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


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("probability", 1.2, "probability reaches from 0 to 1.2 where 0 to 1 must be"),
        ("probability", -3.0, "probability reaches from -3 to 0"),
        ("distance", 2e5, "distance reaches from 0 to 2e.05 where a distance in nm must be"),
    ],
)
def test_numbers_that_their_name_does_not_allow(name: str, value: float, message: str) -> None:
    array = np.zeros((1, 1, 8, 8, 8), np.float32)
    array[0, 0, 3, 4, 5] = value
    with pytest.raises(ModelError, match=message):
        checked_outputs([np.zeros_like(array), array], (8, 8, 8), ["other", name])
    assert len(checked_outputs([array], (8, 8, 8), ["a name that is not known"])) == 1


def test_what_8_bits_round_beyond_1_passes() -> None:
    array = np.full((1, 1, 8, 8, 8), 1.004, np.float32)
    assert len(checked_outputs([array], (8, 8, 8), ["probability"])) == 1


def test_a_network_that_fails_is_no_bug() -> None:
    def fail(_: Any) -> list[Any]:
        raise RuntimeError("bad\nallocation")

    with pytest.raises(ModelError, match=r"fails .bad allocation. for a tile of 8 x 8 x 8"):
        try_network(fail, ORT, SPEC, on_gpu=False)


def test_a_network_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "LONGEST_TRIAL_S", 0.0)

    def loop(options: Any) -> list[Any]:
        while not options.terminate:
            pass
        raise RuntimeError("terminated")

    with pytest.raises(ModelError, match="does not end"):
        try_network(loop, ORT, SPEC, on_gpu=False)


class Session:
    """A network that loops on tiles above its trial's size; it cannot take strips."""

    def get_overridable_initializers(self) -> list[Any]:
        return []

    def run(self, _names: Any, feed: dict[str, np.ndarray], options: Any) -> list[np.ndarray]:
        volume = feed["volume"]
        while volume.size > SPEC.divisor**3:
            if options.terminate:
                raise RuntimeError("terminated")
        return [volume]


def test_a_network_that_loops_on_larger_tiles_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = strips.Runner(ORT, Session(), SPEC, "cpu")
    monkeypatch.setattr(trial, "LONGEST_TRIAL_S", 0.0)
    monkeypatch.setattr(trial, "SLOWEST_VOXEL_S", 1e-5)
    with pytest.raises(ModelError, match=r"does not end: .* for a tile of 8 x 8 x 16 voxels"):
        runner(np.zeros((8, 8, 16), np.float32))
