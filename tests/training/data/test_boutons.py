"""Examples of connectors and tethers, and a network that learns from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import vesimod
from vesimod.network.spec import Normalisation
from vesimod_train.config import Config, ConfigError
from vesimod_train.data import boutons
from vesimod_train.data.boutons import bouton_example, bouton_examples
from vesimod_train.fitting.fit import fit
from vesimod_train.networks.checkpoints import load_checkpoint
from vesimod_train.simulate.connectors import FARTHEST_NM, simulate_connected
from vesimod_train.simulate.tilts import Microscope

TINY = {"target": "connectors", "voxel_size_nm": 2.2, "volumes": 2, "validation_volumes": 1}


def small_bouton(size_nm: float, seed: int):
    return simulate_connected((32, 64, 64), size_nm, 12, Microscope(snr=1.0), seed)


def test_an_example_shows_rods_and_asks_nothing_of_vesicles() -> None:
    made = small_bouton(2.2, 1)
    example = bouton_example(made, Normalisation())
    vesicles = vesimod.paint_labels(made.spheres, made.grid) > 0
    assert not example.weight[vesicles | ~made.region].any()
    assert (example.weight[made.region & ~vesicles] == 1).all()
    assert example.distance_nm.min() == FARTHEST_NM
    assert (example.distance_nm[made.labels > 0] > -2.2).all()
    assert len(example.focus) == len(made.rods) > 2
    assert example.volume[made.labels > 0].mean() < example.volume[example.weight > 0].mean()


def test_boutons_are_simulated_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boutons, "draw_bouton", small_bouton)
    told: list[tuple[int, int]] = []
    first = bouton_examples(
        tmp_path, [3, 4], 2.2, Normalisation(), progress=lambda *done: told.append(done)
    )
    assert told == [(1, 2), (2, 2)]
    monkeypatch.setattr(boutons, "draw_bouton", None)  # would fail if it were called
    again = bouton_examples(tmp_path, [3, 4], 2.2, Normalisation())
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.volume, other.volume)
        assert np.array_equal(one.weight, other.weight)


@pytest.mark.slow
def test_a_network_is_fitted_to_connectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boutons, "draw_bouton", small_bouton)
    settings = {"channels": 4, "poolings": 1, "steps": 2, "batch": 1, "crop": 16, "check_every": 2}
    config = Config.from_mapping({**TINY, **settings, "two_heads": True, "bfloat16": False})
    checkpoint = fit(config, tmp_path, threads=1, report=lambda _line: None)
    stored, _, step = load_checkpoint(checkpoint)
    assert (stored, step) == (config, 2)
    assert "2 simulated boutons with connectors and tethers" in config.training_data


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"target": "actin"}, "known are vesicles, membranes, connectors"),
        ({**TINY, "ice_volumes": 3}, "leave them out"),
        ({**TINY, "pairs": [["a.mrc", "a.mod"]]}, "leave them out"),
    ],
)
def test_targets_that_cannot_be_learned(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Config.from_mapping(values)
